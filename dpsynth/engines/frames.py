"""Any in-memory table -> Arrow columns by name. Cell by cell, without judging the column as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.encoding.values import STRANGE
from dpsynth.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["ColumnReader", "column_readers", "is_frame"]

ColumnReader = Callable[[], "pa.Array | pa.ChunkedArray"]


def is_frame(source: Any) -> bool:
    """Whether a value is a table that `column_readers` can take."""
    import pandas as pd
    import pyarrow as pa

    return isinstance(source, (pd.DataFrame, pa.Table, pa.RecordBatch)) or _is_records(source) or _narwhals(source)


def column_readers(source: Any, names: Sequence[str]) -> dict[str, ColumnReader]:
    """How to read each named column of a table. Nothing is read yet; other columns are never touched.

    Args:
        source: pandas, pyarrow, any frame that narwhals knows as eager, or a list of records (dicts, where a key that
            a record lacks is a missing cell).
        names: the columns wanted.

    Raises:
        SourceError: a column is missing or doubled, or the value is no such table. The names of columns are public.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(source, pd.DataFrame):
        places = find_columns([str(label) for label in source.columns], names)
        frame = source
        return {name: lambda j=j: _from_pandas(frame.iloc[:, j]) for name, j in places.items()}
    if isinstance(source, (pa.Table, pa.RecordBatch)):
        places = find_columns(source.schema.names, names)
        return {name: lambda j=j: source.column(j) for name, j in places.items()}
    if _is_records(source):
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
    places: dict[str, int] = {}
    for name in names:
        found = [j for j, label in enumerate(labels) if label == name]
        if not found:
            raise SourceError(
                f"The table has no column {name!r}, which the domain declares.\nRename it or edit the domain."
            )
        if len(found) > 1:
            raise SourceError(f"The table has several columns named {name!r}.\nKeep one of them.")
        places[name] = found[0]
    return places


def _is_records(source: Any) -> bool:
    return isinstance(source, list) and all(isinstance(record, Mapping) for record in source)


def _narwhals(source: Any) -> bool:
    import narwhals.stable.v2 as nw

    return isinstance(nw.from_native(source, pass_through=True), nw.DataFrame)


def _from_pandas(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    import pandas as pd
    import pyarrow as pa

    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        entries = _from_pandas(pd.Series(dtype.categories))
        entries = entries.combine_chunks() if isinstance(entries, pa.ChunkedArray) else entries
        codes = np.asarray(series.cat.codes)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), entries)
    if isinstance(dtype, np.dtype) and dtype.kind in "biufM":
        # NaN stays NaN: the encoders call it missing.
        return pa.array(series.to_numpy(), from_pandas=False)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pa.array(series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy())
    if dtype != object and not isinstance(dtype, (pd.PeriodDtype, pd.IntervalDtype, pd.SparseDtype)):
        try:
            return pa.array(series.array, from_pandas=True)
        except Exception:
            pass
    return _from_objects(np.asarray(series.astype(object), dtype=object))


def _from_narwhals(frame: Any, name: str) -> pa.Array | pa.ChunkedArray:
    column = frame[name]
    try:
        return column.to_arrow()
    except Exception:
        return _from_objects(_object_array(column.to_list()))


def _from_records(records: list[Mapping[str, Any]], name: str) -> pa.Array:
    return _from_objects(_object_array([record.get(name) for record in records]))


def _object_array(values: list[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _from_objects(values: np.ndarray) -> pa.Array:
    """Arrow text of arbitrary objects. A column of text alone is converted as a whole, any other object by object."""
    import pyarrow as pa

    try:
        return pa.array(values, type=pa.large_string(), from_pandas=True)
    except Exception:
        return pa.array([object_text(value) for value in values], type=pa.large_string())


def object_text(value: Any) -> str | None:
    """The text that an object reads as, None where it is missing, `STRANGE` where it is no scalar. Never raises."""
    try:
        return _object_text(value)
    except Exception:
        return STRANGE


def _object_text(value: Any) -> str | None:
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (np.generic, np.ndarray)):
        if value.ndim or value.dtype.kind not in "biufMSU":
            return STRANGE
        if value.dtype.kind == "M":
            return None if np.isnat(value) else str(value)
        # str() of a narrow float is the shortest decimal that names it.
        value = str(value) if value.dtype.kind == "f" and value.dtype.itemsize < 8 else value.item()
    if isinstance(value, str):
        return value.encode("utf-8", errors="replace").decode("utf-8")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).decode("utf-8", errors="replace")
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int):
        # Beyond the range of float64 an integer reads as infinite, and its digits would cost too much to print.
        return str(int(value)) if value.bit_length() <= 1024 else ("-inf" if value < 0 else "inf")
    if isinstance(value, float):
        return None if value != value else repr(float(value))
    if isinstance(value, Decimal):
        return None if value.is_nan() else str(value)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (time, timedelta, pd.Period, pd.Interval)):
        return str(value)
    return STRANGE
