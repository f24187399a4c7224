"""Who is protected, and what "neighbouring tables" means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from dpsynth.errors import DomainError

__all__ = ["NeighbouringRelation", "PrivacyUnit", "person", "rows"]


class NeighbouringRelation(Enum):
    """Which pairs of tables the guarantee compares.

    ADD_REMOVE: one unit is added or removed (the default; the number of rows is then private).
    REPLACE_ONE: one unit is replaced by another (twice the change of a histogram in L1).
    """

    ADD_REMOVE = "add_remove"
    REPLACE_ONE = "replace_one"


@dataclass(frozen=True, slots=True)
class PrivacyUnit:
    """The unit of protection: `rows(k)`, any k rows; or `person(column, max_rows)`, all rows of one person.

    Attributes:
        kind: "rows" or "person".
        size: the most rows that one unit can change.
        column: the column that names the person (kind "person" only).
    """

    kind: str
    size: int
    column: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("rows", "person"):
            raise DomainError(f"Unknown privacy unit {self.kind!r}: use rows(k) or person(column, max_rows).")
        if isinstance(self.size, bool) or not isinstance(self.size, int) or self.size < 1:
            raise DomainError("A privacy unit needs a whole number of rows, at least 1.")

    def squared_l2(self, relation: NeighbouringRelation) -> int:
        """Squared L2 sensitivity of one full histogram, exact: k^2 (add/remove) or 2 k^2 (replace-one)."""
        return self.size * self.size * (1 if relation is NeighbouringRelation.ADD_REMOVE else 2)

    def l1(self, relation: NeighbouringRelation) -> int:
        """L1 sensitivity of one full histogram, exact: k (add/remove) or 2 k (replace-one)."""
        return self.size * (1 if relation is NeighbouringRelation.ADD_REMOVE else 2)

    def __str__(self) -> str:
        return f"rows({self.size})" if self.kind == "rows" else f"person({self.column}, {self.size})"

    @classmethod
    def parse(cls, text: str) -> PrivacyUnit:
        """Read what `str()` prints: "rows(1)" or "person(column, 5)".

        Raises:
            DomainError: it is no such text.
        """
        head, _, rest = text.strip().partition("(")
        inside = rest[:-1] if rest.endswith(")") else ""
        column, _, size = inside.rpartition(",")
        try:
            if head == "rows":
                return rows(int(inside))
            if head == "person" and column.strip():
                return person(column.strip(), int(size))
        except ValueError:
            pass
        raise DomainError(f"Cannot read the privacy unit {text!r}: write rows(1) or person(COLUMN, MAX_ROWS).")


def rows(k: int = 1) -> PrivacyUnit:
    """Any k rows together are protected (k = 1: one row is one person)."""
    return PrivacyUnit("rows", k)


def person(column: str, max_rows: int) -> PrivacyUnit:
    """All rows that share a value of `column` are protected; at most `max_rows` of them are used."""
    return PrivacyUnit("person", max_rows, column)
