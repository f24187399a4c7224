"""Random dirty tables, a function of a seed: what real files and frames hold, and what nobody expects."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as parquet

from dpsynth.domain.columns import AbstractColumn
from dpsynth.domain.table import Domain
from tests.laws.naive import some_columns

CANARY = "canary-5f1c"
CELLS: tuple[Any, ...] = (
    None, math.nan, pd.NA, pd.NaT, np.datetime64("NaT"), np.float32("nan"), Decimal("NaN"), Decimal("sNaN"),
    math.inf, -math.inf, np.float64("-inf"), -0.0, 0, 0.0, 1, 1.0, True, False, np.bool_(True), np.int8(1), np.uint64(2**64 - 1),
    10**30, -(10**400), 10**5000, 2**53 + 1, -(2**63), 1e308, 5e-324, np.float16(0.1), np.float32(2.5), np.longdouble("0.1"),
    Decimal("1.0"), Decimal("1E+400"), Fraction(1, 3), 1 + 2j, np.complex64(1j),
    "a", " a ", "b", "x", "y", "yes", "No", "TRUE", "true", "1", "1.0", "01", "1e0", "-9", "-9.0", "2.50", "99", "1e3", CANARY,
    "", " ", "\t", "?", "nan", "NaN", "None", "NULL", "inf", "-Infinity", "1e400", "0x1F", "1_000", "1,5", "٣", "½", "1\x00", "\x00",
    "ü", "u\u0308", "\ufeffa", "\ufffd", "\ud800", "a\ud800", "\u00a0a\u3000", "😀" * 50, "x" * 5000, "'", '"', '""', 'a"b', ",", ";a",
    "2020-01-02", "2020-01-02 10:00", "2020-02-30", "0000-00-00", "2020-13-01T00:00", "2020-01-02T00:00:00+14:00", "9999-12-31", "+2020-01-01", "+12020-01-01",
    b"a", b"\xff\xfe", b"", bytearray(b"1"), memoryview(b"x"), np.str_("a"), np.bytes_(b"b"),
    datetime(2020, 1, 2), datetime(2020, 1, 2, 5, tzinfo=timezone(timedelta(hours=-11))), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59),
    datetime(9999, 12, 31, tzinfo=timezone(timedelta(hours=-14))), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    pd.Timestamp("2020-01-02 03:04:05.123456789", tz="Europe/Berlin"), np.datetime64("2020-01-02"), np.datetime64(2**62, "s"),
    date(2020, 1, 2), date.min, time(12, 30), timedelta(days=1), pd.Timedelta(1, "ns"), pd.Period("2020-01", "M"),
    pd.Interval(0, 1), [], [1, 2], {}, {"a": 1}, set(), (1,), object(), int, len, np.array([1, 2]), np.array(3), ...,
)  # fmt: skip
NUMBERS = (0, 1, -1, 17, 99, 100, 1900, 2020, 5000, 99_999, 2**31, 2**53, -(2**40))


@dataclass(frozen=True, slots=True)
class Dirty:
    """A table of one seed.

    Attributes:
        domain: some columns of every kind.
        cells: a list of Python objects per column.
        rows: length of each list.
    """

    domain: Domain
    cells: dict[str, list[Any]]
    rows: int

    def as_pandas(self) -> pd.DataFrame:
        """Objects as they are, behind a strange index."""
        columns = {name: _objects(values) for name, values in self.cells.items()}
        return pd.DataFrame(columns, index=pd.Index(["same"] * self.rows), dtype=object)

    def as_records(self) -> list[dict[str, Any]]:
        """Dicts; a missing key stands for None."""
        names = list(self.cells)
        rows = zip(*self.cells.values(), strict=True)
        return [{k: v for k, v in zip(names, row, strict=True) if v is not None} for row in rows]

    def as_polars(self) -> pl.DataFrame:
        """Columns of Python objects."""
        return pl.DataFrame([pl.Series(name, values, dtype=pl.Object) for name, values in self.cells.items()])


def dirty(seed: int) -> Dirty:
    """A dirty table: empty, one row, all equal, a few hundred rows, or (rarely) 2,000 columns."""
    rng = np.random.default_rng(seed)
    pool = some_columns()
    if seed % 400 == 399:
        from dpsynth.domain.columns import Category, Integer

        columns: tuple[AbstractColumn, ...] = tuple(
            Category(name=f"c{i}", values=("a", "1")) if i % 2 else Integer(name=f"c{i}", minimum=0, maximum=9)
            for i in range(2000)
        )
        rows = 3
    else:
        columns = tuple(pool[i] for i in sorted(rng.choice(len(pool), int(rng.integers(1, 7)), replace=False)))
        rows = int(rng.choice([0, 1, 2, 7, 40, 200], p=[0.1, 0.15, 0.15, 0.3, 0.2, 0.1]))
    return Dirty(Domain(columns), {column.name: _cells(rows, rng) for column in columns}, rows)


def _cells(rows: int, rng: np.random.Generator) -> list[Any]:
    match rng.integers(6):
        case 0:  # all equal
            return [CELLS[rng.integers(len(CELLS))]] * rows
        case 1:  # numbers with few gaps
            return [NUMBERS[i] if i < len(NUMBERS) else None for i in rng.integers(0, len(NUMBERS) + 1, rows)]
        case 2:  # floats
            return (rng.normal(0, 1, rows) * 10.0 ** rng.integers(-3, 6, rows)).tolist()
        case _:
            return [CELLS[i] for i in rng.integers(0, len(CELLS), rows)]


def _objects(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


# ------------------------------------------------------------------------------------------------ typed Arrow columns

TYPES: tuple[pa.DataType, ...] = (
    pa.null(), pa.bool_(), pa.int8(), pa.uint8(), pa.int16(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(),
    pa.string(), pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary(3), pa.decimal128(20, 3),
    pa.decimal256(50, 0), pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ns"), pa.timestamp("us", tz="Asia/Kolkata"),
    pa.time32("s"), pa.time64("us"), pa.duration("us"), pa.list_(pa.int64()), pa.struct([("a", pa.string())]),
    pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int32(), pa.int64()), pa.month_day_nano_interval(),
    pa.run_end_encoded(pa.int32(), pa.float64()), pa.list_view(pa.int8()), pa.decimal32(5, 1),
)  # fmt: skip


def typed_table(seed: int, domain: Domain, rows: int) -> pa.Table:
    """A random Arrow type and random cells for every column, extremes and nulls among them."""
    rng = np.random.default_rng(seed + 10**9)
    columns = [typed_column(TYPES[rng.integers(len(TYPES))], rows, rng) for _ in domain.names]
    return pa.table(dict(zip(domain.names, columns, strict=True)))


def typed_column(kind: pa.DataType, rows: int, rng: np.random.Generator) -> pa.Array:
    """Random cells of one Arrow type."""
    mask = rng.random(rows) < 0.2
    wild = rng.integers(-(2**63), 2**63 - 1, rows, endpoint=True)
    tame = rng.integers(0, 120, rows)
    ints = np.where(rng.random(rows) < 0.3, wild, tame)
    if pa.types.is_dictionary(kind):
        values = typed_column(kind.value_type, 5, rng)
        return pa.DictionaryArray.from_arrays(pa.array(tame % 5, kind.index_type, mask=mask), values)
    if pa.types.is_run_end_encoded(kind):
        import pyarrow.compute as pc

        return pc.run_end_encode(typed_column(kind.value_type, rows, rng), run_end_type=kind.run_end_type)
    if pa.types.is_null(kind):
        return pa.nulls(rows)
    if pa.types.is_boolean(kind):
        return pa.array(tame % 2 == 0, mask=mask)
    if pa.types.is_integer(kind):
        return pa.array(ints.astype(kind.to_pandas_dtype()), kind, mask=mask)
    if pa.types.is_floating(kind):
        extremes = np.array([np.nan, np.inf, -np.inf, -0.0, 1.5, 60000.0, 5e-324, 0.1])
        floats = np.where(rng.random(rows) < 0.5, extremes[rng.integers(0, len(extremes), rows)], tame)
        return pa.array(floats.astype(kind.to_pandas_dtype()), kind, mask=mask)
    if pa.types.is_temporal(kind) or pa.types.is_date64(kind):
        bits = 32 if kind.bit_width == 32 else 64
        raw = ints.astype(np.int32) if bits == 32 else ints
        if pa.types.is_date64(kind):
            raw = raw // 86_400_000 * 86_400_000
        if pa.types.is_time(kind):
            raw = tame.astype(raw.dtype)
        if kind == pa.month_day_nano_interval():
            return pa.array([None if gone else (1, 2, int(n)) for gone, n in zip(mask, tame, strict=True)], kind)
        return pa.array(raw, pa.int32() if bits == 32 else pa.int64(), mask=mask).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array([None if gone else Decimal(int(n)) for gone, n in zip(mask, tame, strict=True)], kind)
    texts = [value for value in CELLS if isinstance(value, str)]
    chosen = [texts[i].encode(errors="replace") for i in rng.integers(0, len(texts), rows)]
    if pa.types.is_list(kind) or kind == pa.list_view(pa.int8()):
        return pa.array([None if gone else [1] for gone in mask], kind)
    if pa.types.is_struct(kind):
        return pa.array([None if gone else {"a": "b"} for gone in mask], kind)
    if pa.types.is_fixed_size_binary(kind):
        return pa.array([None if gone else raw[:3].ljust(3) for gone, raw in zip(mask, chosen, strict=True)], kind)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.array([None if gone else raw.decode() for gone, raw in zip(mask, chosen, strict=True)], kind)
    return pa.array(
        [None if gone else raw + b"\xff" * int(rng.integers(2)) for gone, raw in zip(mask, chosen, strict=True)], kind
    )


def broken_text_table(table: pa.Table) -> pa.Table:
    """The same table with text columns that hold bytes which are not UTF-8 (as careless writers leave them)."""
    columns = []
    for column in table.columns:
        array = column.combine_chunks()
        if pa.types.is_string(array.type) and len(array):
            raw = array.cast(pa.binary()).to_pylist()
            broken = pa.array([raw[0] and raw[0] + b"\xff", *raw[1:]], pa.binary())
            array = pa.Array.from_buffers(pa.string(), len(broken), broken.buffers(), broken.null_count)
        columns.append(array)
    return pa.table(columns, names=table.column_names)


def writable(table: pa.Table) -> pa.Table:
    """The columns that Parquet can hold; the others as nulls."""
    columns = []
    for column in table.columns:
        array = column.combine_chunks()
        try:
            parquet.write_table(pa.table({"c": array}), io.BytesIO())
        except pa.ArrowException:
            array = pa.nulls(len(array))
        columns.append(array)
    return pa.table(columns, names=table.column_names)


# --------------------------------------------------------------------------------------------------------------- CSV


def csv_lines(cells: dict[str, list[Any]], rng: np.random.Generator) -> tuple[bytes, list[bytes]]:
    """A header and a line per row, quoted now and then, some lines broken on purpose; no line break inside a line."""
    names, rows = list(cells), len(next(iter(cells.values())))
    header = io.StringIO()
    csv.writer(header).writerow(names)
    lines = []
    for i in range(rows):
        buffer = io.StringIO()
        quoting = csv.QUOTE_ALL if rng.random() < 0.3 else csv.QUOTE_MINIMAL
        texts = ["" if cells[name][i] is None else _text(cells[name][i]) for name in names]
        csv.writer(buffer, quoting=quoting, lineterminator="").writerow(texts)
        line = buffer.getvalue().encode("utf-8", errors="replace")
        if rng.random() < 0.2:
            line = _break(line, rng)
        lines.append(line.replace(b"\n", b" "))
    return header.getvalue().strip().encode(), lines


def _text(value: Any) -> str:
    try:
        return str(value)[:200].replace("\r", " ").replace("\n", " ")
    except ValueError:  # more digits than Python prints
        return "9" * 400


def _break(line: bytes, rng: np.random.Generator) -> bytes:
    place = int(rng.integers(0, len(line) + 1))
    piece = [b'"', b",", b"\xff", b"\x00", b"\xc3", b'","', b"\r", b',,,"', b"", b"\xef\xbb\xbf"][rng.integers(10)]
    if rng.random() < 0.2:
        return line[:place]
    return line[:place] + piece + line[place:]


def write_csv(path: Path, header: bytes, lines: list[bytes], rng: np.random.Generator) -> bytes:
    """A file with one of the usual line ends, with or without a byte-order mark, with or without an end at its end.

    Returns:
        What stands before each LF.
    """
    end = [b"\n", b"\r\n"][rng.integers(2)]
    mark = b"\xef\xbb\xbf" if rng.random() < 0.3 else b""
    body = end.join([mark + header, *lines])
    path.write_bytes(body + (end if rng.random() < 0.7 or not lines else b""))
    return end[:-1]
