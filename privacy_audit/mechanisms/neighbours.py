"""Pairs of neighbouring tables that break careless code: gained, lost, replaced, odd, tiny and reordered rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from privacy_audit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KINDS", "NeighbourPair", "neighbour_pairs"]

Relation = Literal["add_remove", "replace_one"]

ODD_NUMBERS: dict[str, Any] = {
    "NaN": math.nan,
    "infinity": math.inf,
    "minus infinity": -math.inf,
    "huge": 1e300,
    "huge negative": -1e300,
    "denormal": 5e-324,
    "text in a number": "12x",
    "no value in a number": None,
}
ODD_CATEGORIES: dict[str, Any] = {
    "new category": "never heard of",
    "NaN category": math.nan,
    "no category": None,
    "empty text": "",
    "number as category": 7,
    "long text": "x" * 10_000,
}
PLAIN = ("add random", "add all least", "add all most", "duplicate", "remove random", "remove rarest", "all missing")
TINY = ("empty to one row", "one row to two", "two rows to three", "five rows to six")
SHAPED = ("one row copied throughout", "all rows equal in one column")
SAME = ("rows in reverse", "rows shuffled", "columns in reverse", "odd index", "object columns")

KINDS = (*PLAIN, *ODD_NUMBERS, *ODD_CATEGORIES, *TINY, *SHAPED, *SAME)
"""All kinds of pairs; the last five are the same rows in another form."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class NeighbourPair:
    """Two tables.

    Attributes:
        kind: one of KINDS.
        one: the first table.
        other: its neighbour.
        equal: whether both hold the same rows in another form.
    """

    kind: str
    one: pd.DataFrame
    other: pd.DataFrame
    equal: bool


def neighbour_pairs(
    table: pd.DataFrame,
    count: int,
    *,
    seed: int,
    relation: Relation = "add_remove",
    kinds: Sequence[str] | None = None,
) -> Iterator[NeighbourPair]:
    """Neighbours of a table; the kinds take turns.

    Args:
        table: a table of ordinary rows, at least six; numeric columns are those of a numeric dtype.
        count: how many pairs.
        seed: for the rows that are picked.
        relation: "add_remove" (one row more or less) or "replace_one" (one row exchanged).
        kinds: which of KINDS; all that fit the columns by default.

    Yields:
        Pairs that differ by one row, or (kinds in `SAME`) by form only.

    Raises:
        InputError: fewer than six rows, an unknown kind or relation, or no kind that fits.
    """
    if len(table) < 6:
        raise InputError("The table for neighbours has fewer than six rows. Give an ordinary table.")
    if relation not in ("add_remove", "replace_one"):
        raise InputError(f"The relation is add_remove or replace_one; found {relation!r}.")
    unknown = [kind for kind in kinds or () if kind not in KINDS]
    if unknown:
        raise InputError(f"There is no kind of neighbour {unknown[0]!r}. Choose from KINDS.")
    fuzzer = _Fuzzer(table.reset_index(drop=True), np.random.default_rng(seed), relation)
    able = [kind for kind in (kinds or KINDS) if fuzzer.fits(kind)]
    if not able:
        raise InputError("No kind of neighbour fits these columns. Name kinds that do.")
    for place in range(count):
        yield fuzzer.pair(able[place % len(able)])


@final
class _Fuzzer:
    def __init__(self, table: pd.DataFrame, rng: np.random.Generator, relation: Relation) -> None:
        import pandas as pd

        self._pd: Any = pd
        self._table = table
        self._rng = rng
        self._relation = relation
        numeric = pd.api.types.is_numeric_dtype
        self._numbers = [c for c in table if numeric(table[c]) and not pd.api.types.is_bool_dtype(table[c])]
        self._categories = [c for c in table if c not in self._numbers]

    def fits(self, kind: str) -> bool:
        if kind in ODD_NUMBERS:
            return bool(self._numbers)
        if kind in ODD_CATEGORIES:
            return bool(self._categories)
        return True

    def pair(self, kind: str) -> NeighbourPair:
        if kind in SAME:
            return NeighbourPair(kind, self._table, self._same(kind), True)
        base = self._base(kind)
        if kind.startswith("remove") and self._relation == "add_remove":
            place = self._rarest(base) if kind == "remove rarest" else int(self._rng.integers(len(base)))
            return NeighbourPair(kind, base, base.drop(index=place).reset_index(drop=True), False)
        row = self._row(kind, base)
        if self._relation == "replace_one" and len(base):
            place = self._rarest(base) if kind == "remove rarest" else int(self._rng.integers(len(base)))
            base, kept = base, base.drop(index=place)
            return NeighbourPair(kind, base, self._joined(kept, row), False)
        return NeighbourPair(kind, base, self._joined(base, row), False)

    def _base(self, kind: str) -> pd.DataFrame:
        if kind in TINY:
            return self._table.iloc[: dict(zip(TINY, (0, 1, 2, 5), strict=True))[kind]].reset_index(drop=True)
        if kind == "one row copied throughout":
            return self._table.iloc[[0] * len(self._table)].reset_index(drop=True)
        if kind == "all rows equal in one column":
            name = self._table.columns[int(self._rng.integers(self._table.shape[1]))]
            return self._table.assign(**{name: self._table[name].iloc[0]})
        return self._table

    def _row(self, kind: str, base: pd.DataFrame) -> dict[str, Any]:
        picked: dict[Any, Any] = self._table.iloc[int(self._rng.integers(len(self._table)))].to_dict()
        if kind == "duplicate":
            return base.iloc[0].to_dict()
        if kind == "all missing":
            return dict.fromkeys(picked)
        if kind in ("add all least", "add all most"):
            extreme: Callable[..., Any] = min if kind == "add all least" else max
            for name in self._table:
                cells = self._table[name].dropna().tolist()
                picked[name] = extreme(cells, key=lambda cell: (str(type(cell)), cell)) if cells else None
            return picked
        odd = ODD_NUMBERS | ODD_CATEGORIES
        if kind in odd:
            names = self._numbers if kind in ODD_NUMBERS else self._categories
            picked[names[int(self._rng.integers(len(names)))]] = odd[kind]
        return picked

    def _joined(self, base: pd.DataFrame, row: dict[Any, Any]) -> pd.DataFrame:
        """One row more; columns become object columns only where the new cell is of another type."""
        more = self._pd.DataFrame({name: self._pd.Series([row[name]], dtype=object) for name in self._table})
        joined: Any = self._pd.concat([base.astype(object), more], ignore_index=True)
        for name in self._table:
            try:
                same = joined[name].astype(self._table[name].dtype)
            except (TypeError, ValueError, OverflowError):
                continue
            kept, given = same.astype(object).iloc[-1], row[name]
            if self._pd.isna(kept) or self._pd.isna(given):
                alike = isinstance(kept, float) and isinstance(given, float)  # NaN stays NaN, None stays None
            else:
                alike = kept == given
            if alike:
                joined[name] = same
        return joined

    def _rarest(self, base: pd.DataFrame) -> int:
        shares = [np.log(base[name].map(base[name].value_counts()).fillna(1).to_numpy(float)) for name in base]
        return int(np.argmin(np.sum(shares, axis=0)))

    def _same(self, kind: str) -> pd.DataFrame:
        table: Any = self._table
        match kind:
            case "rows in reverse":
                return table.iloc[::-1]
            case "rows shuffled":
                return table.iloc[self._rng.permutation(len(table))].reset_index(drop=True)
            case "columns in reverse":
                return table[list(table.columns)[::-1]]
            case "odd index":
                return table.set_index(self._pd.Index((np.arange(len(table)) // 2).tolist()))
            case _:
                return table.astype(object)
