"""Any frame or file -> typed arrays that all attacks and scores share.

One encoding holds for all tables. It is fixed by a public domain, or else by the *union* of the tables: a column's
kind, its list of values and its bounds never depend on the members alone, so a member and a non-member with equal cells
always get equal codes, and swapping the two labels changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from privacy_audit.cells import Cells, Declared, canonical_texts, read_domain, read_frame, to_cells
from privacy_audit.errors import HoldoutError, InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AlignedTables", "Column", "Table", "align", "hash_rows", "likely_at_most", "shared_rows", "stack"]

CHANCE = 1e-3
"""Natural twins may put equal rows in two disjoint tables: so improbable an overlap is refused."""
FEW_TEXTS = 20
"""A column of texts that all read as numbers is numeric only with more distinct values than this."""


@final
@dataclass(frozen=True, slots=True)
class Column:
    """One column as all tables share it.

    Attributes:
        name: its name.
        kind: "category" or "number".
        values: of a category: its values, public or seen in any table; position is code. Missing has code len(values).
        low: of a number: lower end of its scale.
        high: of a number: upper end of its scale.
    """

    name: str
    kind: Literal["category", "number"]
    values: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @property
    def size(self) -> int:
        """Number of codes of a category, with missing."""
        return len(self.values) + 1

    @property
    def width(self) -> float:
        """Length of the scale of a number; 1 where all are equal, so that division is safe."""
        return self.high - self.low if self.high > self.low else 1.0


@final
@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows in the shared encoding.

    Attributes:
        columns: all columns, in their order.
        numbers: float64[n, numeric columns], NaN where missing.
        codes: int32[n, categorical columns].
    """

    columns: tuple[Column, ...]
    numbers: np.ndarray
    codes: np.ndarray

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.codes.shape[0])

    @property
    def numeric(self) -> tuple[Column, ...]:
        """The columns of `numbers`."""
        return tuple(column for column in self.columns if column.kind == "number")

    @property
    def categorical(self) -> tuple[Column, ...]:
        """The columns of `codes`."""
        return tuple(column for column in self.columns if column.kind == "category")

    def select(self, indices: np.ndarray) -> Table:
        """Some rows.

        Args:
            indices: int64[k] or bool[n].
        """
        return Table(self.columns, self.numbers[indices], self.codes[indices])

    def restrict(self, names: Sequence[str]) -> Table:
        """Some columns, in their old order."""
        wanted = set(names)
        numeric = [i for i, column in enumerate(self.numeric) if column.name in wanted]
        categorical = [i for i, column in enumerate(self.categorical) if column.name in wanted]
        columns = tuple(column for column in self.columns if column.name in wanted)
        return Table(columns, self.numbers[:, numeric], self.codes[:, categorical])

    def scaled(self) -> np.ndarray:
        """float64[n, numeric columns]: numbers on [0, 1], NaN where missing."""
        low = np.array([column.low for column in self.numeric])
        width = np.array([column.width for column in self.numeric])
        return (self.numbers - low) / width

    def frame(self) -> pd.DataFrame:
        """The rows as a pandas frame: float64 numbers, texts, None or NaN where missing."""
        import pandas as pd

        data: dict[str, Any] = {}
        i = j = 0
        for column in self.columns:
            if column.kind == "number":
                data[column.name] = self.numbers[:, i]
                i += 1
            else:
                data[column.name] = np.array([*column.values, None], dtype=object)[self.codes[:, j]]
                j += 1
        return pd.DataFrame(data, index=pd.RangeIndex(self.rows))


def stack(*tables: Table) -> Table:
    """The rows of several tables with the same columns, one below the other."""
    first = tables[0]
    return Table(first.columns, np.concatenate([t.numbers for t in tables]), np.concatenate([t.codes for t in tables]))


@final
@dataclass(frozen=True, slots=True, eq=False)
class AlignedTables:
    """The tables of an audit in one encoding.

    Attributes:
        columns: all columns.
        real: the members: the rows that the generator was given.
        synthetic: its output.
        holdout: rows of the same source that it never saw, or None.
        reference: further such rows that an attacker may know, or None.
        notes: what a reader must know (natural twins, dropped columns).
    """

    columns: tuple[Column, ...]
    real: Table
    synthetic: Table
    holdout: Table | None = None
    reference: Table | None = None
    notes: tuple[str, ...] = ()


def hash_rows(table: Table) -> np.ndarray:
    """A 64-bit hash of each row: equal for equal rows, and for others with probability 2^-64.

    Returns:
        uint64[n].
    """
    numbers = np.where(np.isnan(table.numbers), np.nan, table.numbers + 0.0)  # one NaN, no negative zero
    parts = [*np.ascontiguousarray(numbers.T).view(np.uint64), *table.codes.T.astype(np.uint64)]
    found = np.full(table.rows, 0x9E3779B97F4A7C15, np.uint64)
    for part in parts:  # splitmix64, one round per column
        found = (found ^ part) + np.uint64(0x9E3779B97F4A7C15)
        found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found ^= found >> np.uint64(31)
    return found


def shared_rows(first: Table, second: Table) -> tuple[int, int]:
    """Rows of `second` that are also in `first`, and how many natural twins would explain.

    Disjoint samples of one source share rows as often as a row of `first` has a twin in `first`; the limit is the
    binomial quantile at that rate.

    Returns:
        (shared rows, largest number that chance explains at a rate of 1e-3).
    """
    mine, theirs = hash_rows(first), hash_rows(second)
    _, back, counts = np.unique(mine, return_inverse=True, return_counts=True)
    twins = int((counts[back] > 1).sum())
    shared = int(np.isin(theirs, mine).sum())
    return shared, likely_at_most(second.rows, min(1.0, (twins + 1) / (first.rows + 1)))


def likely_at_most(rows: int, rate: float) -> int:
    """The number of rows at a rate that chance exceeds with probability 1e-3 at most."""
    from scipy import stats

    return int(stats.binom.ppf(1 - CHANCE, rows, rate))


def align(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    reference: Any = None,
    domain: Mapping[str, Any] | str | Path | None = None,
    columns: Sequence[str] | None = None,
    unit: str | None = None,
    check_disjoint: bool = True,
) -> AlignedTables:
    """Bring all tables of an audit into one encoding.

    Args:
        real: the members: a pandas, polars or pyarrow frame, a duckdb relation, or the path of a CSV or Parquet file.
        synthetic: the table to audit, likewise.
        holdout: rows of the same source that the generator never saw.
        reference: further such rows, known to an attacker.
        domain: public description: name -> list of values, (low, high) or a mapping with `values` or `minimum` and
            `maximum`; or the path of a TOML or JSON file with these under `columns`.
        columns: the columns to use; all by default, and then all tables must have the same.
        unit: name of an identifier column of the real tables. It proves them disjoint and is not audited itself.
        check_disjoint: whether an overlap between members, holdout and reference is refused.

    Returns:
        The tables, their columns in the order of `real`.

    Raises:
        InputError: no rows, no columns, different columns, an unreadable file or domain.
        HoldoutError: real, holdout and reference share units, or more rows than natural twins explain.
    """
    sources = {"real": real, "synthetic": synthetic, "holdout": holdout, "reference": reference}
    frames = {name: read_frame(source, name) for name, source in sources.items() if source is not None}
    for name in ("real", "synthetic"):
        if name not in frames:
            raise InputError(f"No {name} table was given.\nPass a frame or the path of a CSV or Parquet file.")
    if unit is not None:
        frames = _without_unit(frames, unit, check_disjoint)
    names = _names(frames, columns)
    declared = read_domain(domain)
    made: list[Column] = []
    numbers: dict[str, list[np.ndarray]] = {name: [] for name in frames}
    codes: dict[str, list[np.ndarray]] = {name: [] for name in frames}
    for name in names:
        cells = {table: to_cells(frame[name]) for table, frame in frames.items()}
        column, arrays = _encode(name, cells, declared.get(name))
        made.append(column)
        for table, array in arrays.items():
            (numbers if column.kind == "number" else codes)[table].append(array)
    shared = tuple(made)
    tables = {
        name: Table(
            shared,
            np.column_stack(numbers[name]) if numbers[name] else np.empty((len(frame), 0)),
            np.column_stack(codes[name]) if codes[name] else np.empty((len(frame), 0), np.int32),
        )
        for name, frame in frames.items()
    }
    notes = _check_disjoint(tables) if check_disjoint and unit is None else ()
    return AlignedTables(
        shared, tables["real"], tables["synthetic"], tables.get("holdout"), tables.get("reference"), notes
    )


def _without_unit(frames: dict[str, pd.DataFrame], unit: str, check: bool) -> dict[str, pd.DataFrame]:
    seen: dict[str, set[Any]] = {}
    for name, frame in frames.items():
        if unit in frame.columns:
            seen[name] = set(canonical_texts(to_cells(frame[unit])).tolist()) - {None}
        elif name != "synthetic":
            raise InputError(f"The {name} table has no unit column {unit!r}.\nName a column of all real tables.")
    real = [name for name in ("real", "holdout", "reference") if name in seen]
    for i, first in enumerate(real):
        for second in real[i + 1 :]:
            if check and seen[first] & seen[second]:
                raise HoldoutError(
                    f"The {first} and {second} tables share units of {unit!r}.\nSplit the source by unit, never by row."
                )
    return {name: frame.drop(columns=unit, errors="ignore") for name, frame in frames.items()}


def _names(frames: dict[str, pd.DataFrame], columns: Sequence[str] | None) -> list[str]:
    names = [str(name) for name in (columns if columns is not None else frames["real"].columns)]
    for table, frame in frames.items():
        have = [str(name) for name in frame.columns]
        missing = sorted(set(names) - set(have))
        extra = sorted(set(have) - set(names)) if columns is None else []
        if missing or extra:
            raise InputError(
                f"The {table} table has other columns: missing {_some(missing)}; unknown {_some(extra)}.\n"
                "Rename them, or pass columns= with the names that all tables have."
            )
        if not len(frame):
            raise InputError(f"The {table} table has no rows.\nAn audit needs at least one.")
    if not names:
        raise InputError("There is no column to audit.\nPass tables with at least one column.")
    return names


def _some(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5]) or "none"
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _encode(name: str, cells: dict[str, Cells], declared: Declared | None) -> tuple[Column, dict[str, np.ndarray]]:
    if declared is not None:
        numeric = declared.values is None
    elif all(one.numbers is not None for one in cells.values()):
        distinct = {text for one in cells.values() if one.is_text for text in one.distinct}
        numeric = not all(one.is_text for one in cells.values()) or len(distinct) > FEW_TEXTS
    else:
        numeric = False
    if numeric:
        arrays = {table: one.as_numbers() for table, one in cells.items()}
        finite = np.concatenate([array[np.isfinite(array)] for array in arrays.values()])
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        if declared is not None:
            low = low if declared.low is None else declared.low
            high = high if declared.high is None else declared.high
        return Column(name, "number", (), low, high), {t: np.clip(array, low, high) for t, array in arrays.items()}
    texts = {table: canonical_texts(one) for table, one in cells.items()}
    listed = list(declared.values) if declared is not None and declared.values is not None else []
    known = set(listed)
    seen = {text for array in texts.values() for text in set(array.tolist()) if text is not None}
    values = (*listed, *sorted(seen - known))
    code = {value: i for i, value in enumerate(values)}
    return Column(name, "category", values), {
        table: np.fromiter((code.get(text, len(values)) for text in array), np.int32, len(array))
        for table, array in texts.items()
    }


def _check_disjoint(tables: dict[str, Table]) -> tuple[str, ...]:
    notes = []
    real = [name for name in ("real", "holdout", "reference") if name in tables]
    for i, first in enumerate(real):
        for second in real[i + 1 :]:
            shared, limit = shared_rows(tables[first], tables[second])
            if shared > limit:
                raise HoldoutError(
                    f"The {first} and {second} tables share {shared} rows; natural twins explain at most {limit}.\n"
                    "Pass disjoint tables, unit= with an identifier column, or check_disjoint=False if this is known."
                )
            if shared:
                notes.append(
                    f"rows of {second} that also occur in {first}: {shared}, no more than natural twins explain"
                )
    return tuple(notes)
