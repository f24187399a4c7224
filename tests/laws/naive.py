"""A slow, plain reading of cells, one at a time: the twin that the vectorised encoders are compared with."""

from __future__ import annotations

import bisect
import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from dpsynth.domain.columns import AbstractColumn, Boolean, Category, Datetime, Integer, Outside, Real, Resolution
from dpsynth.encoding.base import AbstractColumnEncoder

STEP = {Resolution.DAY: 86_400, Resolution.HOUR: 3600, Resolution.MINUTE: 60, Resolution.SECOND: 1}
EPOCH = datetime(1970, 1, 1)


def number_of(text: str) -> float | None:
    """The number that a trimmed text is, None where it is none."""
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        return float(text)
    if re.fullmatch(r"[+-]?(inf|infinity)", text, re.IGNORECASE | re.ASCII):
        return float(text)
    return None


def instant_of(text: str) -> int | None:
    """Microseconds since 1970 of a date text (years 1 to 9999)."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", text, re.ASCII):
        return None
    try:
        value = datetime.fromisoformat(re.sub(r"\.(\d+)", lambda m: "." + m[1].ljust(6, "0"), text))
    except ValueError:
        return None
    if value.tzinfo is not None:
        offset = value.utcoffset()
        assert offset is not None
        value = value.replace(tzinfo=None)
        return (value - EPOCH - offset) // pd.Timedelta(microseconds=1).to_pytimedelta()
    return (value - EPOCH) // pd.Timedelta(microseconds=1).to_pytimedelta()


class Reading:
    """What one Python object says: missing, a truth value, a number, an instant, a text."""

    def __init__(self, cell: Any) -> None:
        self.missing = False
        self.truth: bool | None = None
        self.number: float | None = None
        self.instant: int | None = None
        self.text: str | None = None
        if isinstance(cell, np.generic):
            cell = cell.item()
        if cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, (float, Decimal)) and cell != cell):
            self.missing = True
        elif isinstance(cell, bool):
            self.truth = cell
        elif isinstance(cell, (int, float)):
            try:
                self.number = float(cell)
            except OverflowError:
                self.number = math.inf if cell > 0 else -math.inf
            if isinstance(cell, int) and cell.bit_length() < 1000:
                self.text = str(cell)
        elif isinstance(cell, (str, bytes, Decimal)):
            text = cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)
            text = text.encode(errors="replace").decode()
            self.text = text.strip()
            self.number, self.instant = number_of(self.text), instant_of(self.text)
            if self.text.lower() in ("true", "false") and self.text.isascii():
                self.truth = self.text.lower() == "true"
        elif isinstance(cell, datetime):
            plain = cell.astimezone(UTC).replace(tzinfo=None) if cell.tzinfo else cell
            self.instant = (plain - EPOCH) // pd.Timedelta(microseconds=1).to_pytimedelta()
        elif isinstance(cell, date):
            self.instant = (datetime(cell.year, cell.month, cell.day) - EPOCH).days * 86_400_000_000

    def is_missing(self, missing_values: tuple[str, ...]) -> bool:
        """Missing by itself or by the domain."""
        said = [Reading(value) for value in missing_values]
        return self.missing or any(
            (self.text is not None and self.text == other.text)
            or (self.number is not None and self.number == other.number and math.isfinite(self.number))
            or (self.instant is not None and self.instant == other.instant)
            or (self.truth is not None and self.text is None and str(self.truth) == other.text)
            for other in said
        )


def naive_code(encoder: AbstractColumnEncoder, cell: Any, missing_values: tuple[str, ...] = ("",)) -> int:
    """The code of one cell by the words of the column's contract."""
    column, reading = encoder.column, Reading(cell)
    if reading.is_missing(missing_values):
        return encoder.absent
    match column:
        case Category():
            return _category(encoder, column, reading)
        case Boolean():
            if reading.text is not None and reading.text.lower() in ("t", "yes", "y", "f", "no", "n"):
                reading.truth = reading.text.lower() in ("t", "yes", "y")
            if reading.truth is None and reading.number in (0, 1):
                reading.truth = reading.number == 1
            return encoder.absent if reading.truth is None else encoder.first + int(reading.truth)
        case Integer() | Real():
            return _number(encoder, column, reading)
        case Datetime():
            return _instant(encoder, column, reading)
    raise AssertionError(column)


def _category(encoder: AbstractColumnEncoder, column: Category, reading: Reading) -> int:
    values = [value.strip() for value in column.values]
    if reading.text is not None and reading.text in values:
        return encoder.first + values.index(reading.text)
    if reading.truth is not None:
        alike = [i for i, value in enumerate(values) if value.lower() == str(reading.truth).lower()]
        exact = [i for i in alike if values[i] == str(reading.truth)]
        if exact or len(alike) == 1:
            return encoder.first + (exact or alike)[0]
    elif reading.number is not None and math.isfinite(reading.number):
        whole = reading.number == int(reading.number)
        canonical = str(int(reading.number)) if whole else repr(reading.number)
        alike = [i for i, value in enumerate(values) if number_of(value) == reading.number]
        exact = [i for i in alike if values[i] == canonical]
        if alike:
            return encoder.first + (exact or alike)[0]
    elif reading.instant is not None:
        alike = [i for i, value in enumerate(values) if instant_of(value) == reading.instant]
        if alike:
            return encoder.first + alike[0]
    return encoder.first - 1 if column.outside is Outside.OTHER else encoder.absent


def _number(encoder: AbstractColumnEncoder, column: Integer | Real, reading: Reading) -> int:
    number = reading.number
    if number is None and reading.truth is not None:
        number = float(reading.truth)
    if number is None:
        return encoder.absent
    special = sorted(column.special)
    decimals = 0 if isinstance(column, Integer) else column.decimals
    rounded = number
    if decimals is not None and math.isfinite(number) and _has_multiple(column, 10.0**decimals):
        rounded = float(np.round(number, decimals))
    for i, value in enumerate(special):
        if value in (number, rounded):
            return encoder.first + i
    if column.outside is Outside.MISSING and not column.minimum <= rounded <= column.maximum:
        return encoder.absent
    return encoder.first + len(special) + _cell(encoder, min(max(rounded, column.minimum), column.maximum))


def _has_multiple(column: Integer | Real, scale: float) -> bool:
    return math.ceil(column.minimum * scale) <= math.floor(column.maximum * scale)


def _instant(encoder: AbstractColumnEncoder, column: Datetime, reading: Reading) -> int:
    if reading.instant is None:
        return encoder.absent
    step = STEP[column.resolution] * 1_000_000
    origin = (column.minimum - EPOCH) // pd.Timedelta(microseconds=1).to_pytimedelta()
    last = ((column.maximum - EPOCH) // pd.Timedelta(microseconds=1).to_pytimedelta() - origin) // step
    steps = (reading.instant - origin) // step
    if column.outside is Outside.MISSING and not 0 <= steps <= last:
        return encoder.absent
    return encoder.first + _cell(encoder, float(origin + min(max(steps, 0), last) * step))


def _cell(encoder: AbstractColumnEncoder, number: float) -> int:
    edges = encoder.grid_edges
    assert edges is not None
    return min(max(bisect.bisect_right(edges.tolist(), number) - 1, 0), len(edges) - 2)


def naive_codes(
    encoder: AbstractColumnEncoder, cells: list[Any], missing_values: tuple[str, ...] = ("",)
) -> np.ndarray:
    """int32[n]."""
    return np.array([naive_code(encoder, cell, missing_values) for cell in cells], dtype=np.int32)


def some_columns() -> tuple[AbstractColumn, ...]:
    """Columns of every kind, policy and grid."""
    from dpsynth.domain.columns import Grid

    day = Resolution.DAY
    return (
        Category(name="letters", values=("a", " b ", "true", "1", "2.50", "ü", "2020-01-02")),
        Category(name="open", values=("1.0", "1", "No", "-7", "False"), outside=Outside.OTHER, other_label="else"),
        Category(name="must", values=("x", "y"), required=True),
        Category(name="must other", values=("x", "1e3"), required=True, outside=Outside.OTHER),
        Boolean(name="flag"),
        Boolean(name="flag must", required=True),
        Integer(name="age", minimum=0, maximum=99),
        Integer(name="year", minimum=1900, maximum=2030, outside=Outside.MISSING, special=(-7, 9999)),
        Integer(name="money", minimum=0, maximum=100_000, special=(0,), grid=Grid("log")),
        Integer(name="wide", minimum=-(2**53), maximum=2**53),
        Integer(name="balance", minimum=-5000, maximum=70_000, grid=Grid("log", cells=64), required=True),
        Real(name="share", minimum=0.0, maximum=1.0),
        Real(name="price", minimum=0.25, maximum=999.99, decimals=2, special=(0.0,)),
        Real(name="loss", minimum=-1e6, maximum=1e6, grid=Grid("log"), outside=Outside.MISSING),
        Real(name="bands", minimum=0.0, maximum=10.0, grid=Grid("edges", edges=(0.0, 0.5, 3.0, 10.0)), required=True),
        Real(name="vast", minimum=-8e307, maximum=8e307),
        Datetime(name="day", minimum=datetime(2020, 1, 1), maximum=datetime(2020, 3, 31), resolution=day),
        Datetime(name="moment", minimum=datetime(1999, 12, 31, 23), maximum=datetime(2024, 2, 29)),
        Datetime(
            name="visit", minimum=datetime(2000, 1, 1), maximum=datetime(2010, 1, 1), resolution=Resolution.HOUR,
            outside=Outside.MISSING, required=True,
        ),
    )  # fmt: skip
