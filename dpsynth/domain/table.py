"""The public description of a whole table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dpsynth.domain.columns import AbstractColumn, Category, Boolean, Identifier
from dpsynth.errors import DomainError

__all__ = ["Domain"]


@dataclass(frozen=True, slots=True)
class Domain:
    """Ordered public columns.

    Attributes:
        columns: the declared columns, in the order of the output.
        label: the column that users mean to predict, if any (planners may favour it). Public.
        missing_values: texts that mean "missing" in any column (compared after trimming).
        title: a line for people.
    """

    columns: tuple[AbstractColumn, ...]
    label: str | None = None
    missing_values: tuple[str, ...] = ("",)
    title: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise DomainError("A domain needs at least one column.")
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise DomainError(f"Column {column.name!r} is declared twice. Keep one of them.")
            seen.add(column.name)
        if self.label is not None:
            if self.label not in seen:
                raise DomainError(f"The label {self.label!r} is not a column of the domain.")
            if isinstance(self[self.label], Identifier):
                raise DomainError(f"The label {self.label!r} is an identifier, which is never read.")

    def __getitem__(self, name: str) -> AbstractColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise DomainError(f"There is no column {name!r} in the domain. Columns: {', '.join(self.names[:20])}.")

    def __iter__(self) -> Iterator[AbstractColumn]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """All column names in order."""
        return tuple(c.name for c in self.columns)

    @property
    def modelled(self) -> tuple[AbstractColumn, ...]:
        """The columns that are read and modelled (all but identifiers)."""
        return tuple(c for c in self.columns if not isinstance(c, Identifier))

    def select(self, names: Iterable[str]) -> Domain:
        """The domain of the named columns, in the order of this domain."""
        wanted = set(names)
        for name in wanted:
            self[name]
        label = self.label if self.label in wanted else None
        return Domain(tuple(c for c in self.columns if c.name in wanted), label, self.missing_values, self.title)

    def digest(self) -> str:
        """SHA-256 of the canonical JSON form (hex)."""
        from dpsynth.domain.toml import to_dict  # the writer knows the canonical form
        from dpsynth.domain.canonical import canonical_json

        return hashlib.sha256(canonical_json(to_dict(self))).hexdigest()


def is_discrete(column: AbstractColumn) -> bool:
    """Whether a column is a list of values (category or boolean)."""
    return isinstance(column, (Category, Boolean))
