"""Any in-memory table -> Arrow columns by name. Cell by cell, without judging the column as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from dpsynth.encoding.values import STRANGE
from dpsynth.errors import SourceError

__all__ = ["ColumnReader", "column_readers", "find_columns", "object_text"]

# Their Arrow form would show how they are stored, not what they say.
_AS_OBJECTS = (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)

ColumnReader = Callable[[], pa.Array | pa.ChunkedArray]


def column_readers(source: Any, names: Sequence[str]) -> dict[str, ColumnReader]:
    """How to read each named column of a table. Nothing is read yet; other columns are never touched.

    Args:
        source: pandas, pyarrow, any frame that narwhals knows as eager, or a list of records (dicts, where a key that
            a record lacks is a missing cell; what is no dict is a record of missing cells).
        names: the columns wanted.

    Raises:
        SourceError: a column is missing or doubled, or the value is no such table. The names of columns are public.
    """
    if isinstance(source, pd.DataFrame):
        places = find_columns([str(label) for label in source.columns], names)
        frame = source
        return {name: lambda j=j: _from_pandas(frame.iloc[:, j]) for name, j in places.items()}
    if isinstance(source, (pa.Table, pa.RecordBatch)):
        places = find_columns(source.schema.names, names)
        return {name: lambda j=j: source.column(j) for name, j in places.items()}
    if isinstance(source, list):
        return {name: lambda name=name: _from_records(source, name) for name in names}
    if _narwhals(source):
        import narwhals.stable.v2 as nw

        other = nw.from_native(source, eager_only=True)
        places = find_columns([str(label) for label in other.columns], names)
        return {name: lambda name=name: _from_narwhals(other, name) for name in places}
    raise SourceError(
        f"Cannot read a table from a value of type {type(source).__name__}.\n"
        "Pass a pandas, pyarrow or polars frame, a list of dicts, or the path of a CSV or Parquet file."
    )


def find_columns(labels: Sequence[str], names: Iterable[str]) -> dict[str, int]:
    """Where each name stands among the labels of a table.

    Raises:
        SourceError: a name is not there, or there twice.
    """
    places = {label: j for j, label in enumerate(labels)}
    times = Counter(labels)
    for name in names:
        if not times[name]:
            raise SourceError(
                f"The table has no column {name!r}, which the domain declares.\nRename it or edit the domain."
            )
        if times[name] > 1:
            raise SourceError(f"The table has several columns named {name!r}.\nKeep one of them.")
    return {name: places[name] for name in names}


def _narwhals(source: Any) -> bool:
    import narwhals.stable.v2 as nw

    return isinstance(nw.from_native(source, pass_through=True), nw.DataFrame)


def _from_pandas(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        entries = _from_pandas(pd.Series(dtype.categories))
        entries = entries.combine_chunks() if isinstance(entries, pa.ChunkedArray) else entries
        codes = np.asarray(series.cat.codes)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), entries)
    if not pd.api.types.is_object_dtype(dtype) and not isinstance(dtype, _AS_OBJECTS):
        try:
            return _from_typed(series)
        except KeyboardInterrupt:
            raise
        except BaseException:
            pass
    return _from_objects(np.asarray(series.astype(object), dtype=object))


def _from_typed(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return pa.array(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    # numpy's NaN stays NaN: the encoders call it missing.
    return pa.array(series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array)


def _from_narwhals(frame: Any, name: str) -> pa.Array | pa.ChunkedArray:
    import narwhals.stable.v2 as nw

    column = frame[name]
    # The Arrow form of a column of Python objects would be their addresses.
    if column.dtype not in (nw.Object, nw.Unknown):
        try:
            return column.to_arrow()
        except KeyboardInterrupt:
            raise
        except BaseException:  # polars panics outside Exception
            pass
    return _from_objects(_object_array(column.to_list()))


def _from_records(records: list[Any], name: str) -> pa.Array:
    return _from_objects(_object_array([_cell_of(record, name) for record in records]))


def _cell_of(record: Any, name: str) -> Any:
    """None where the record lacks the key, is no mapping or cannot be read: one record decides for itself alone."""
    try:
        return record.get(name) if isinstance(record, Mapping) else None
    except KeyboardInterrupt:
        raise
    except BaseException:
        return None


def _object_array(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # slice assignment would unpack lists
        array[i] = value
    return array


def _from_objects(values: np.ndarray) -> pa.Array:
    """Arrow text of arbitrary objects. A column of text alone is converted as a whole, any other object by object."""
    try:
        return pa.array(values, type=pa.large_string(), from_pandas=True)
    except KeyboardInterrupt:
        raise
    except BaseException:  # a cell's own code may raise anything
        return pa.array([object_text(value) for value in values], type=pa.large_string())


def object_text(value: Any) -> str | None:
    """The text that an object reads as, None where it is missing, `STRANGE` where it is no scalar. Never raises."""
    try:
        reader = _READERS.get(type(value))
        return reader(value) if reader is not None else _text_of_other(value)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return STRANGE


def _text_of_text(value: str) -> str:
    # Lone surrogates cannot be written as UTF-8.
    return value if value.isascii() else value.encode("utf-8", errors="replace").decode()


def _text_of_bytes(value: Any) -> str:
    return bytes(value).decode("utf-8", errors="replace")


def _text_of_bool(value: Any) -> str:
    return "True" if value else "False"


def _text_of_int(value: int) -> str:
    # Beyond the range of float64 an integer reads as infinite; its digits would be long to print.
    if value.bit_length() > 1024:
        return "-inf" if value < 0 else "inf"
    return str(int(value))


def _text_of_float(value: float) -> str | None:
    return None if value != value else repr(float(value))


def _text_of_decimal(value: Decimal) -> str | None:
    return None if value.is_nan() else str(value)


def _text_of_datetime(value: datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat(sep=" ")


def _text_of_numpy(value: Any) -> str | None:
    if value.ndim or value.dtype.kind not in "biufMSU":
        return STRANGE
    if value.dtype.kind == "M":
        return None if np.isnat(value) else str(value)
    if value.dtype.kind == "f" and value.dtype.itemsize != 8:
        # str() of a float that is not float64 is the shortest decimal that names it.
        return None if np.isnan(value) else str(value)
    return object_text(value.item())


def _text_of_nothing(value: Any) -> None:
    return None


_READERS: dict[type, Callable[[Any], str | None]] = {
    str: _text_of_text,
    bytes: _text_of_bytes,
    bool: _text_of_bool,
    int: _text_of_int,
    float: _text_of_float,
    Decimal: _text_of_decimal,
    datetime: _text_of_datetime,
    pd.Timestamp: _text_of_datetime,
    date: date.isoformat,
    time: time.isoformat,
    pd.Period: str,
    pd.Interval: str,
    type(None): _text_of_nothing,
    type(pd.NA): _text_of_nothing,
    type(pd.NaT): _text_of_nothing,
    bytearray: _text_of_bytes,
    memoryview: _text_of_bytes,
}


def _text_of_other(value: Any) -> str | None:
    """Scalars of numpy and subclasses of known types; durations and all else are no scalars."""
    if isinstance(value, (np.generic, np.ndarray)):
        return _text_of_numpy(value)
    for kind, reader in _READERS.items():
        if isinstance(value, kind):
            return reader(value)
    return STRANGE
