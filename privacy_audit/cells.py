"""Reading frames, files and public domains; one column of cells as numbers or canonical texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from privacy_audit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cells", "Declared", "canonical_texts", "read_domain", "read_frame", "to_cells"]

ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")


@final
@dataclass(frozen=True, slots=True)
class Declared:
    """What a public domain says of one column: its values, or the ends of its scale."""

    values: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One column of one table.

    Attributes:
        distinct: object[k], its distinct values as texts (None for missing) or float64[k] numbers.
        where: int64[n], which distinct value each cell has.
        numbers: float64[k] of the distinct values, NaN where missing; None where some value is no number.
        is_text: whether the source held texts.
    """

    distinct: np.ndarray
    where: np.ndarray
    numbers: np.ndarray | None
    is_text: bool

    def as_numbers(self) -> np.ndarray:
        """float64[n], NaN where a cell is missing or no number."""
        values = self.numbers if self.numbers is not None else np.array([_number(one) for one in self.distinct])
        return values.astype(np.float64)[self.where]


def read_frame(source: Any, name: str) -> pd.DataFrame:
    """A pandas frame of any eager or lazy frame, a duckdb relation, or a CSV or Parquet file (CSV cells stay texts).

    Args:
        source: the frame or path.
        name: which table it is, for messages.

    Raises:
        InputError: it cannot be read, or column names repeat.
    """
    import narwhals as nw
    import pandas as pd

    try:
        if isinstance(source, str | Path):
            path = Path(source)
            frame = pd.read_parquet(path) if path.suffix in (".parquet", ".pq") else pd.read_csv(path, dtype=str)
        elif isinstance(source, pd.DataFrame):
            frame = source
        else:
            found = nw.from_native(source)
            eager = found.collect() if isinstance(found, nw.LazyFrame) else found
            frame = eager.to_pandas()
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(
            f"The {name} table cannot be read ({type(error).__name__}).\n"
            "Pass a pandas, polars or pyarrow frame, a duckdb relation, or the path of a CSV or Parquet file."
        ) from None
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    if frame.columns.has_duplicates:
        raise InputError(f"The {name} table has two columns of one name.\nRename one of them.")
    return frame


def to_cells(column: pd.Series) -> Cells:
    """One column with its distinct values judged cell by cell: index, order and other rows never matter."""
    import pandas as pd
    from pandas.api import types

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return to_cells(column.astype(kind.categories.dtype if len(kind.categories) else object))
    if types.is_datetime64_any_dtype(kind) or types.is_timedelta64_dtype(kind):
        stamps = column.dt.tz_convert("UTC").dt.tz_localize(None) if getattr(kind, "tz", None) else column
        unit = "datetime64[ns]" if types.is_datetime64_any_dtype(kind) else "timedelta64[ns]"
        seconds = stamps.to_numpy().astype(unit).astype(np.int64) / 1e9
        return _of_numbers(np.where(column.isna().to_numpy(), np.nan, seconds))
    if types.is_numeric_dtype(kind) and not types.is_bool_dtype(kind) and not types.is_complex_dtype(kind):
        return _of_numbers(column.to_numpy(dtype=np.float64, na_value=np.nan))
    codes, values = pd.factorize(column.astype(object), use_na_sentinel=True)
    texts = np.array([*(_text(value) for value in values), None], dtype=object)
    where = np.where(codes < 0, len(values), codes)
    present = [text for text in texts if text is not None]
    read = np.array([_number(text) for text in texts])
    numbers: np.ndarray | None = read
    if np.isnan(read[[text is not None for text in texts]]).any():
        numbers = None
        if present and all(ISO_DATE.fullmatch(text) for text in present):
            stamps = pd.to_datetime(pd.Series(texts), errors="coerce", utc=True, format="ISO8601")
            numbers = np.where(stamps.isna(), np.nan, stamps.astype("datetime64[ns, UTC]").astype(np.int64) / 1e9)
    is_text = not any(isinstance(value, int | float) and not isinstance(value, bool) for value in values[:100])
    return Cells(texts, where.astype(np.int64), numbers, is_text)


def _of_numbers(values: np.ndarray) -> Cells:
    distinct, where = np.unique(values, return_inverse=True)
    return Cells(distinct, where.reshape(-1), distinct, False)


def canonical_texts(cells: Cells) -> np.ndarray:
    """object[n]: texts, trimmed, whole numbers without ".0", None where missing."""
    texts = np.empty(len(cells.distinct), dtype=object)
    texts[:] = [_text(value) for value in cells.distinct]
    return texts[cells.where]


def _text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return str(int(value)) if np.isfinite(value) and float(value).is_integer() else str(float(value))
    text = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
    return text if text and text not in ("NaN", "nan", "<NA>", "NaT", "None") else None


def _number(value: Any) -> float:
    try:
        return float(value) if value is not None else np.nan
    except (TypeError, ValueError):
        return np.nan


def read_domain(domain: Mapping[str, Any] | str | Path | None) -> dict[str, Declared]:
    """What a public domain says of each column.

    Args:
        domain: a mapping, or the path of a TOML or JSON file; see `privacy_audit.frames.align`.

    Raises:
        InputError: it cannot be read.
    """
    if domain is None:
        return {}
    if isinstance(domain, str | Path):
        domain = _load(Path(domain))
    columns: Any = domain.get("columns", domain)
    if isinstance(columns, list | tuple):
        columns = {one.get("name"): one for one in columns}
    return {str(name): _declared(str(name), words) for name, words in columns.items() if words is not None}


def _load(path: Path) -> Mapping[str, Any]:
    import tomllib

    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise InputError(
            f"The domain {path.name} cannot be read ({type(error).__name__}).\nPass TOML or JSON."
        ) from None


def _declared(name: str, words: Any) -> Declared:
    if isinstance(words, Mapping):
        values = words.get("values")
        low = words.get("minimum", words.get("low", words.get("min")))
        high = words.get("maximum", words.get("high", words.get("max")))
        if words.get("kind") == "boolean":
            values = ["False", "True"]
        if values is None:
            return Declared(None, _bound(name, low), _bound(name, high))
        return _declared(name, list(values))
    if isinstance(words, tuple) and len(words) == 2 and all(isinstance(one, int | float) for one in words):
        return Declared(None, float(words[0]), float(words[1]))
    if isinstance(words, list | tuple):
        texts = [text for text in (_text(value) for value in words) if text is not None]
        return Declared(tuple(dict.fromkeys(texts)))
    raise InputError(f"The domain of column {name!r} is not understood.\nGive a list of values or (low, high).")


def _bound(name: str, value: Any) -> float | None:
    import pandas as pd

    if value is None:
        return None
    try:
        return (
            float(value)
            if not hasattr(value, "isoformat") and not isinstance(value, str)
            else (pd.Timestamp(value).timestamp())
        )
    except (TypeError, ValueError):
        raise InputError(f"A bound of column {name!r} is no number.\nGive numbers or ISO dates.") from None
