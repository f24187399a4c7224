"""What a single cell says, whatever Arrow type carries it.

Every array is turned into one of four forms (numbers, text, instants, booleans). A cell is judged by itself: 1, "1",
" 1 ", 1.0, Decimal("1") and a dictionary entry "1" all read as the number 1; a zoned timestamp and its UTC text read
as the same instant. Missing comes first: null, NaN, NaT, and whatever the domain declares to mean missing.
Nothing here raises on a value: bytes that are not UTF-8 read with U+FFFD, lists and structs read as `STRANGE`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dpsynth.encoding.texts import equals_any, instants_of, numbers_of, trim

__all__ = ["STRANGE", "Cells", "Form", "MissingPolicy", "read_cells"]

# The text of a cell that is no scalar (a list, a struct, an unknown object). NUL keeps it apart from listed values.
STRANGE = "\x00not a scalar"

_MICROSECONDS_PER_DAY = 86_400_000_000
_LAST_INSTANT = 2**62
_EXACT = 2**53


class Form(Enum):
    """How the values of a `Cells` are held."""

    NUMBER = "number"
    TEXT = "text"
    INSTANT = "instant"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """n cells in canonical form.

    Attributes:
        form: which form `values` has.
        values: NUMBER float64[m], TEXT pa.LargeStringArray[m] (trimmed, no nulls), INSTANT int64[m] (microseconds
            since 1970 in UTC), BOOLEAN bool[m].
        missing: bool[m].
        index: integers[n] into the m values, or None where cell i is value i.
        nulls: bool[n], cells without a value, where there is an index; None where there are none.
    """

    form: Form
    values: np.ndarray | pa.Array
    missing: np.ndarray
    index: np.ndarray | None = None
    nulls: np.ndarray | None = None

    def spread(self, per_value: np.ndarray, when_missing: np.generic) -> np.ndarray:
        """Give every cell what its value got (array[m], written to); missing cells get `when_missing`."""
        if self.missing.any():
            per_value[self.missing] = when_missing
        if self.index is None:
            return per_value
        if not len(per_value):
            return np.full(len(self.index), when_missing)
        spread = per_value[self.index]
        if self.nulls is not None:
            spread[self.nulls] = when_missing
        return spread


@dataclass(frozen=True, slots=True, eq=False)
class MissingPolicy:
    """Texts that mean missing, with the numbers and instants that they read as (so that -9 and "-9" agree)."""

    texts: tuple[str, ...]
    numbers: np.ndarray
    instants: np.ndarray

    @classmethod
    def of(cls, missing_values: tuple[str, ...]) -> MissingPolicy:
        """From `Domain.missing_values`."""
        texts = tuple(sorted({value.strip() for value in missing_values}))
        array = pa.array(texts, type=pa.large_string())
        numbers = numbers_of(array)
        instants, valid = instants_of(array)
        return cls(texts, np.unique(numbers[np.isfinite(numbers)]), np.unique(instants[valid]))

    def among_texts(self, texts: pa.Array) -> np.ndarray:
        """bool[m]: which trimmed texts mean missing."""
        found = pc.is_in(texts, value_set=pa.array(self.texts, type=pa.large_string()))
        missing = found.to_numpy(zero_copy_only=False)
        if len(self.numbers):
            missing = missing | equals_any(self.numbers, numbers_of(texts))
        if len(self.instants):
            instants, valid = instants_of(texts)
            missing = missing | (valid & equals_any(self.instants, instants))
        return missing

    def among_booleans(self, values: np.ndarray) -> np.ndarray:
        """bool[m]: a boolean means missing where its text "True" or "False" does."""
        return np.isin(values, [truth for truth in (False, True) if str(truth) in self.texts])


def read_cells(array: pa.Array, policy: MissingPolicy) -> Cells:
    """Canonical cells of an Arrow array of any type.

    Args:
        array: n cells; never changed.
        policy: what means missing besides null and NaN.

    Guarantee: total (no value raises), and cell i depends on entry i alone.
    """
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return read_cells(array.storage, policy)
    if pa.types.is_dictionary(kind):
        return _indexed(read_cells(array.dictionary, policy), array.indices)
    if pa.types.is_run_end_encoded(kind):
        return read_cells(pc.run_end_decode(array), policy)
    nulls = _nulls(array)
    if pa.types.is_null(kind):
        return Cells(Form.NUMBER, np.full(len(array), np.nan), np.ones(len(array), bool))
    if pa.types.is_boolean(kind):
        values = array.fill_null(False).to_numpy(zero_copy_only=False)
        return Cells(Form.BOOLEAN, values, nulls | policy.among_booleans(values))
    if pa.types.is_integer(kind):
        return _from_integers(array, nulls, policy)
    if pa.types.is_floating(kind):
        return _from_floats(array, nulls, policy)
    if pa.types.is_decimal(kind):
        return _from_texts(array.cast(pa.string()), nulls, policy)
    if pa.types.is_time(kind):
        # As isoformat() writes it: a fraction only where there is one.
        clocks = pc.replace_substring_regex(array.cast(pa.string()), r"\.0+$", "")
        return _from_texts(clocks, nulls, policy)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        instants = _instants(array)
        return Cells(Form.INSTANT, instants, nulls | equals_any(policy.instants, instants))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return _from_bytes(array.cast(pa.large_string()).cast(pa.large_binary()), nulls, policy)
    if pa.types.is_fixed_size_binary(kind):
        return _from_bytes(array.cast(pa.binary()).cast(pa.large_binary()), nulls, policy)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return _from_bytes(array.cast(pa.large_binary()), nulls, policy)
    strange = pa.array([STRANGE], pa.large_string())
    return Cells(Form.TEXT, strange, np.zeros(1, bool), np.zeros(len(array), np.int8), nulls)


def _nulls(array: pa.Array) -> np.ndarray:
    return array.is_null().to_numpy(zero_copy_only=False) if array.null_count else np.zeros(len(array), bool)


def _indexed(values: Cells, indices: pa.Array) -> Cells:
    """Cells that point into other cells."""
    nulls = _nulls(indices) if indices.null_count else None
    index = (indices.fill_null(0) if indices.null_count else indices).to_numpy(zero_copy_only=False)
    if values.index is not None:
        if values.nulls is not None:
            below = values.nulls[index]
            nulls = below if nulls is None else nulls | below
        index = values.index[index]
    return Cells(values.form, values.values, values.missing, index, nulls)


def _integers(array: pa.Array, dtype: type) -> np.ndarray:
    return array.to_numpy(zero_copy_only=False).astype(dtype, copy=False)


def _from_integers(array: pa.Array, nulls: np.ndarray, policy: MissingPolicy) -> Cells:
    values = (array.fill_null(0) if array.null_count else array).to_numpy(zero_copy_only=False)
    if values.dtype.itemsize == 8 and len(values) and (values.max() > _EXACT or values.min() < -_EXACT):
        # Beyond 2^53 only the digits tell two integers apart, and a listed value may be one of them.
        return _from_texts(array.cast(pa.string()), nulls, policy)
    numbers = values.astype(np.float64)
    return Cells(Form.NUMBER, numbers, nulls | equals_any(policy.numbers, numbers))


def _from_floats(array: pa.Array, nulls: np.ndarray, policy: MissingPolicy) -> Cells:
    numbers = array.fill_null(np.nan) if array.null_count else array
    numbers = numbers.to_numpy(zero_copy_only=False)
    if numbers.dtype != np.float64:
        numbers = _widen(numbers)
    missing = nulls | np.isnan(numbers)
    return Cells(Form.NUMBER, numbers, missing | equals_any(policy.numbers, numbers))


def _widen(narrow: np.ndarray) -> np.ndarray:
    """float64 of the shortest decimal that names each float16 or float32 (0.1f reads as 0.1, as its text does)."""
    wide = narrow.astype(np.float64)
    # Whole numbers below this are their own shortest decimal.
    exact = (wide == np.rint(wide)) & (np.abs(wide) < 2.0 ** np.finfo(narrow.dtype).nmant)
    others = np.flatnonzero(np.isfinite(wide) & ~exact)
    if len(others):
        if narrow.dtype == np.float32:
            texts = pa.array(narrow[others]).cast(pa.string())
        else:
            texts = pa.array([str(value) for value in narrow[others]])
        wide[others] = texts.cast(pa.float64()).to_numpy()
    return wide


def _instants(array: pa.Array) -> np.ndarray:
    """int64 microseconds, clipped to what fits, 0 where null."""
    kind = array.type
    if pa.types.is_date32(kind):
        raw, factor = _integers(array.cast(pa.int32()).fill_null(0), np.int64), _MICROSECONDS_PER_DAY
    else:
        raw = _integers(array.cast(pa.int64()).fill_null(0), np.int64)
        factor = 1000 if pa.types.is_date64(kind) else {"s": 1_000_000, "ms": 1000, "us": 1, "ns": 0}[kind.unit]
    if factor == 0:
        return raw // 1000
    limit = _LAST_INSTANT // factor
    return np.clip(raw, -limit, limit) * factor


def _from_bytes(array: pa.Array, nulls: np.ndarray, policy: MissingPolicy) -> Cells:
    try:
        return _from_texts(array.cast(pa.large_string()), nulls, policy)
    except pa.ArrowInvalid:
        coded = array.dictionary_encode()
    repaired = [raw.decode("utf-8", errors="replace") for raw in coded.dictionary.to_pylist()]
    texts = pa.array(repaired, pa.large_string())
    return _indexed(_from_texts(texts, np.zeros(len(texts), bool), policy), coded.indices)


def _from_texts(array: pa.Array, nulls: np.ndarray, policy: MissingPolicy) -> Cells:
    texts = array.cast(pa.large_string())
    texts = trim(texts.fill_null("") if texts.null_count else texts)
    return Cells(Form.TEXT, texts, nulls | policy.among_texts(texts))
