"""Lists and bounds out of a reference table that the person declares public. Never called on a private table."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.domain.columns import (
    AbstractColumn,
    Boolean,
    Category,
    Datetime,
    Identifier,
    Integer,
    Real,
    Resolution,
    is_unicode,
)
from dpsynth.errors import DomainError, SourceError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["PublicFacts", "from_public", "read_reference"]

LONGEST_LIST = 1000
FEW_INTEGERS = 200
FEW_ROWS = 50
MOST_DECIMALS = 6
MISSING_WORDS = ("na", "n/a", "nan", "null", "none", ".")
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d*)")
_NUMBER = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?")
_STEPS = ((Resolution.DAY, 86_400_000_000), (Resolution.HOUR, 3_600_000_000), (Resolution.MINUTE, 60_000_000))
_LAST = {Resolution.DAY: (0, 0, 0), Resolution.HOUR: (23, 0, 0), Resolution.MINUTE: (23, 59, 0)}


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """What a public reference table says about its columns.

    Attributes:
        columns: the columns that it declares, by name.
        refused: why a column could not be declared, by name.
        notes: a doubt that the person should settle, by name.
    """

    columns: Mapping[str, AbstractColumn]
    refused: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)


def read_reference(path: str | Path) -> pd.DataFrame:
    """A public table from CSV (as text), Parquet or Arrow.

    Raises:
        SourceError: the file is absent or cannot be read.
    """
    from dpsynth.domain.header import table_columns

    table_columns(path)  # one set of messages for absent files, endings and headers
    import pandas as pd
    import pyarrow as pa

    suffixes = [suffix.lower() for suffix in Path(path).suffixes[-2:]]
    try:
        if suffixes[-1] in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if suffixes[-1] in (".arrow", ".feather", ".ipc"):
            return pd.read_feather(path)
        separator = "\t" if ".tsv" in suffixes else ","
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # lines of too many fields
            return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except (ValueError, OSError, pa.ArrowException, pd.errors.ParserWarning):  # a ParserError is a ValueError
        raise SourceError(f"{path}: cannot be read as a public table. Is the file whole?") from None


def from_public(table: pd.DataFrame | pa.Table) -> PublicFacts:
    """Lists and bounds of every column of a table that the person declares public.

    Numbers: the range, rounded outward to two digits where it holds 200 whole numbers or more. Dates: whole years.
    Text: a list where it has at most 1,000 distinct values, an identifier where no value occurs twice; other text is
    refused. All of it depends on the table's values: never pass a private table.

    Args:
        table: the public reference.

    Raises:
        DomainError: it is no table.
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(table, pa.Table):
        table = table.to_pandas()
    if not isinstance(table, pd.DataFrame):
        raise DomainError(f"A public reference is a pandas or pyarrow table; found {type(table).__name__}.")
    columns: dict[str, AbstractColumn] = {}
    refused: dict[str, str] = {}
    notes: dict[str, str] = {}
    for position, name in enumerate(map(str, table.columns)):
        found = _column(name, table.iloc[:, position].dropna())
        if isinstance(found, str):
            refused[name] = found
            continue
        columns[name] = found
        if isinstance(found, Integer) and len(table) > FEW_ROWS and table.iloc[:, position].is_unique:
            notes[name] = 'every value differs in the reference: kind = "identifier" if this is a key'
    return PublicFacts(columns, refused, notes)


def _column(name: str, cells: pd.Series) -> AbstractColumn | str:
    """The column that public cells (none of them null) suggest, or why there is none."""
    from pandas.api import types

    if not len(cells):
        return "the reference has no value here"
    if types.is_bool_dtype(cells):
        return Boolean(name=name)
    if types.is_datetime64_any_dtype(cells):
        return _moments(name, cells)
    if types.is_numeric_dtype(cells) and not types.is_complex_dtype(cells):
        return _numbers(name, np.unique(np.asarray(cells)))
    try:
        distinct = cells.unique().tolist()
    except TypeError:  # lists and the like
        return "only single values can be modelled"
    if any(isinstance(value, bytes) or not is_unicode(str(value)) for value in distinct):
        return "only numbers, dates and text can be modelled"
    blank = [value for value in distinct if not str(value).strip()]
    texts = sorted({str(value).strip() for value in distinct} - {""})
    rows = len(cells) - int(cells.isin(blank).sum()) if blank else len(cells)
    return _texts(name, texts, rows) if texts else "the reference has no value here"


def _texts(name: str, values: list[str], rows: int) -> AbstractColumn | str:
    meant = [text for text in values if text.lower() not in MISSING_WORDS]
    if meant and {text.lower() for text in meant} <= {"true", "false"}:
        return Boolean(name=name)
    if meant and all(_WHOLE.fullmatch(text) for text in meant):
        return _whole(name, min(map(int, meant)), max(map(int, meant)))
    if meant and all(_NUMBER.fullmatch(text) and any(c.isdigit() for c in text) for text in meant):
        decimals = max(len(text.partition(".")[2]) for text in meant)
        plain = decimals <= MOST_DECIMALS and not any("e" in text.lower() for text in meant)
        return _numbers(name, np.array([float(text) for text in meant]), decimals if plain else None)
    if meant and all(_MOMENT.fullmatch(text) for text in meant):
        found = _iso_moments(meant)
        if found is not None:
            return _moments(name, found)
    if len(values) == rows > FEW_ROWS:
        return Identifier(name=name)
    if len(values) <= LONGEST_LIST:
        return Category(name=name, values=tuple(values))
    return f'free text (over {LONGEST_LIST:,} values), refused; kind = "identifier", a shorter list, or leave it out'


def _iso_moments(texts: list[str]) -> Any:
    import pandas as pd

    try:
        return pd.Series(pd.to_datetime(texts, format="ISO8601"))
    except ValueError:
        return None  # the 31st of February: text after all


def _numbers(name: str, values: np.ndarray, decimals: int | None = None) -> AbstractColumn | str:
    """A column of distinct numbers; whole floats are integers."""
    if values.dtype.kind in "iu":
        return _whole(name, int(values.min()), int(values.max()))
    values = values.astype(np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return "the reference has no finite number here"
    if decimals is None or np.array_equal(np.round(values), values):
        with np.errstate(over="ignore"):
            places = [d for d in range(MOST_DECIMALS + 1) if np.array_equal(np.round(values, d), values)]
        decimals = places[0] if places else None
    low, high = float(values.min()), float(values.max())
    if decimals == 0:
        return _whole(name, int(low), int(high))
    minimum, maximum = _outward(low, high)
    if not math.isfinite(maximum - minimum):
        return "the numbers are too far apart"
    return Real(name=name, minimum=minimum, maximum=maximum, decimals=decimals)


def _whole(name: str, low: int, high: int) -> AbstractColumn | str:
    if max(abs(low), abs(high)) > 2**52:
        return 'whole numbers beyond 2^52; kind = "identifier" if they are keys'
    if high - low >= FEW_INTEGERS:
        low, high = (int(bound) for bound in _outward(low, high))
    return Integer(name=name, minimum=low, maximum=high)


def _outward(low: float, high: float) -> tuple[float, float]:
    """The range, widened to multiples of a hundredth to a tenth of itself that is a power of ten."""
    width = Decimal(high) - Decimal(low) or abs(Decimal(low)) or Decimal(1)
    step = Decimal(1).scaleb(width.adjusted() - 1)
    minimum = (Decimal(low) / step).to_integral_value(ROUND_FLOOR) * step
    maximum = (Decimal(high) / step).to_integral_value(ROUND_CEILING) * step
    if minimum == maximum:
        maximum += step
    return float(minimum), float(maximum)


def _moments(name: str, cells: pd.Series) -> AbstractColumn:
    """Whole years around points in time, at the coarsest step that holds them all."""
    if cells.dt.tz is not None:
        cells = cells.dt.tz_convert("UTC").dt.tz_localize(None)
    ticks = cells.to_numpy().astype("datetime64[us]").astype(np.int64)
    resolution = next((word for word, step in _STEPS if not (ticks % step).any()), Resolution.SECOND)
    return Datetime(
        name=name,
        minimum=datetime(cells.min().year, 1, 1),
        maximum=datetime(cells.max().year, 12, 31, *_LAST.get(resolution, (23, 59, 59))),
        resolution=resolution,
    )
