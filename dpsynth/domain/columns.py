"""The kinds of column that a domain can declare. All of it is public; nothing here ever sees a row.

Every kind but `Identifier` has a *missing* state unless it is `required`. A cell that lies outside the domain goes to
a declared place (`outside`), so that no data value can raise:

    Category   outside = "missing" (default) or "other" (a cell of its own)
    Boolean    outside = "missing"
    Integer, Real, Datetime   outside = "clip" (default: to the nearer bound) or "missing"; text that is no number,
               and NaN, are missing
    required   no missing state: what would be missing takes "other" where declared, else the first value / the minimum
"""

from __future__ import annotations

import math
from abc import ABC
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from itertools import pairwise

from dpsynth.errors import DomainError

__all__ = [
    "AbstractColumn",
    "Boolean",
    "Category",
    "Datetime",
    "Grid",
    "Identifier",
    "Integer",
    "Outside",
    "Real",
    "Resolution",
]

MAX_CELLS = 1_000_000


class Outside(Enum):
    """Where a cell outside the domain goes."""

    MISSING = "missing"
    CLIP = "clip"
    OTHER = "other"


class Resolution(Enum):
    """The step of a datetime column."""

    DAY = "day"
    HOUR = "hour"
    MINUTE = "minute"
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Grid:
    """The public fine grid of a numeric column.

    Attributes:
        kind: "equal" (cells of equal width), "log" (cells of growing width away from zero) or "edges".
        cells: number of cells; None leaves it to the rule of the encoder (a function of the bounds only).
        edges: increasing cell edges, first = minimum, last = maximum (kind "edges" only).
    """

    kind: str = "equal"
    cells: int | None = None
    edges: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("equal", "log", "edges"):
            raise DomainError(f"Unknown grid {self.kind!r}: use equal, log or a list of edges.")
        if self.cells is not None and (not _is_whole(self.cells) or not 1 <= self.cells <= MAX_CELLS):
            raise DomainError(f"A grid needs between 1 and {MAX_CELLS:,} cells.")
        if (self.kind == "edges") != (self.edges is not None):
            raise DomainError("A grid has edges exactly when its kind is 'edges'.")
        if self.edges is not None:
            if self.cells is not None:
                raise DomainError("A grid of edges has no number of cells: the edges say it.")
            if not 2 <= len(self.edges) <= MAX_CELLS + 1 or not all(_is_finite(e) for e in self.edges):
                raise DomainError(f"Grid edges must be 2 to {MAX_CELLS + 1:,} finite numbers.")
            edges = tuple(_plain_float(e) for e in self.edges)
            if any(b <= a for a, b in pairwise(edges)):
                raise DomainError("Grid edges must increase.")
            object.__setattr__(self, "edges", edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class AbstractColumn(ABC):
    """What every column declares: a name, whether a missing cell can occur, and a line for people."""

    name: str
    required: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise DomainError("A column needs a name that is not empty.")
        if not is_unicode(self.name):
            raise DomainError(f"The column name {self.name!a} is not valid Unicode text.")
        if not isinstance(self.required, bool):
            raise self._fail("required must be true or false.")
        if not isinstance(self.description, str) or not is_unicode(self.description):
            raise self._fail("the description must be text.")

    def _choice(self, key: str, kind: type[Enum]) -> None:
        """Accept the text of an enum's member for the member."""
        value = getattr(self, key)
        if isinstance(value, kind):
            return
        try:
            object.__setattr__(self, key, kind(value))
        except ValueError:
            raise self._fail(f"{key} must be one of {', '.join(m.value for m in kind)}.") from None

    def _fail(self, what: str) -> DomainError:
        return DomainError(f"Column {self.name!r}: {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(AbstractColumn):
    """A closed list of values (text, kept and compared trimmed). `outside`: "missing" or "other"."""

    values: tuple[str, ...]
    outside: Outside = Outside.MISSING
    other_label: str = "other"
    ordered: bool = False

    def __post_init__(self) -> None:
        AbstractColumn.__post_init__(self)
        if not self.values:
            raise self._fail("the list of values is empty. List every value that may occur.")
        if isinstance(self.values, str) or not all(isinstance(v, str) and is_unicode(v) for v in self.values):
            raise self._fail("values must be a list of texts.")
        if not isinstance(self.other_label, str) or not self.other_label.strip() or not is_unicode(self.other_label):
            raise self._fail("other_label must be text that is not empty.")
        if not isinstance(self.ordered, bool):
            raise self._fail("ordered must be true or false.")
        trimmed = tuple(v.strip() for v in self.values)
        seen: set[str] = set()
        for value in trimmed:
            if value in seen:
                raise self._fail(f"two values are both {value!r} after trimming. Keep one of them.")
            seen.add(value)
        object.__setattr__(self, "values", trimmed)
        object.__setattr__(self, "other_label", self.other_label.strip())
        self._choice("outside", Outside)
        if self.outside is Outside.CLIP:
            raise self._fail('a category cannot clip. Use outside = "missing" or "other".')
        if self.outside is Outside.OTHER and self.other_label in seen:
            raise self._fail(f"{self.other_label!r} is both a value and the label of other. Set other_label.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(AbstractColumn):
    """true or false. 1/0, yes/no, t/f, y/n (any case) read as the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bounded(AbstractColumn):
    outside: Outside = Outside.CLIP

    def __post_init__(self) -> None:
        AbstractColumn.__post_init__(self)
        self._choice("outside", Outside)
        if self.outside is Outside.OTHER:
            raise self._fail('outside = "other" is for categories. Use "clip" or "missing".')


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer(_Bounded):
    """Whole numbers in [minimum, maximum]; `special` values (also outside the bounds) keep a cell of their own."""

    minimum: int
    maximum: int
    special: tuple[int, ...] = ()
    grid: Grid = Grid()

    def __post_init__(self) -> None:
        _Bounded.__post_init__(self)
        for value in (self.minimum, self.maximum, *self.special):
            if not _is_whole(value):
                raise self._fail("bounds and special values of an integer column must be whole numbers.")
            if abs(value) > 2**53:
                raise self._fail("bounds and special values must lie within +-2^53.")
        if self.minimum > self.maximum:
            raise self._fail(f"minimum {self.minimum} is above maximum {self.maximum}.")
        _check_numeric(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Real(_Bounded):
    """Numbers in [minimum, maximum] on a public grid; written with `decimals` digits where that is given."""

    minimum: float
    maximum: float
    special: tuple[float, ...] = ()
    grid: Grid = Grid()
    decimals: int | None = None

    def __post_init__(self) -> None:
        _Bounded.__post_init__(self)
        for value in (self.minimum, self.maximum, *self.special):
            if not _is_finite(value):
                raise self._fail("bounds and special values must be finite numbers.")
        # One form for equal numbers (0, 0.0, -0.0), so that equal domains have equal digests.
        object.__setattr__(self, "minimum", _plain_float(self.minimum))
        object.__setattr__(self, "maximum", _plain_float(self.maximum))
        object.__setattr__(self, "special", tuple(_plain_float(v) for v in self.special))
        if self.minimum >= self.maximum:
            raise self._fail(f"minimum {self.minimum} is not below maximum {self.maximum}.")
        if not math.isfinite(self.maximum - self.minimum):
            raise self._fail("maximum - minimum is too large for a float. Choose narrower bounds.")
        if self.decimals is not None and (not _is_whole(self.decimals) or not 0 <= self.decimals <= 15):
            raise self._fail("decimals must lie between 0 and 15.")
        _check_numeric(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Datetime(_Bounded):
    """Points in time in [minimum, maximum] at a resolution; zoned values are read as UTC and written without zone."""

    minimum: datetime
    maximum: datetime
    resolution: Resolution = Resolution.SECOND
    grid: Grid = Grid()

    def __post_init__(self) -> None:
        _Bounded.__post_init__(self)
        self._choice("resolution", Resolution)
        for value in (self.minimum, self.maximum):
            if not isinstance(value, datetime) or value.tzinfo is not None:
                raise self._fail("bounds must be dates or datetimes without a time zone.")
        if self.minimum > self.maximum:
            raise self._fail(f"minimum {self.minimum} is above maximum {self.maximum}.")
        if self.grid.kind != "equal":
            raise self._fail("a datetime column takes an equal grid.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier(AbstractColumn):
    """A key or name: never read; the synthetic table holds surrogates (1, 2, 3, ...) behind `prefix`."""

    prefix: str = ""

    def __post_init__(self) -> None:
        AbstractColumn.__post_init__(self)
        if not isinstance(self.prefix, str) or not is_unicode(self.prefix):
            raise self._fail("prefix must be text.")


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8 (no lone surrogates)."""
    return text.isascii() or not any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:  # a whole number beyond every float
        return False


def _plain_float(value: float) -> float:
    return float(value) + 0.0  # -0.0 becomes 0.0


def _check_numeric(column: Integer | Real) -> None:
    if not isinstance(column.grid, Grid):
        raise column._fail("grid must be a Grid.")
    if len(set(column.special)) != len(column.special):
        raise column._fail("a special value is listed twice.")
    edges = column.grid.edges
    if edges is not None and (edges[0] != column.minimum or edges[-1] != column.maximum):
        raise column._fail("grid edges must start at the minimum and end at the maximum.")
