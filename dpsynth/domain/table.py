"""The public description of a whole table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dpsynth.domain.canonical import canonical_json, number_text
from dpsynth.domain.columns import AbstractColumn, Boolean, Category, Identifier, Integer, Outside, Real, is_unicode
from dpsynth.domain.keys import shorten
from dpsynth.errors import DomainError

__all__ = ["Domain", "is_discrete"]

FEW_NAMES = 20


@dataclass(frozen=True, slots=True)
class Domain:
    """Ordered public columns.

    Attributes:
        columns: the declared columns, in the order of the output.
        label: the column that users mean to predict, if any (planners may favour it). Public.
        missing_values: texts that mean "missing" in any column (kept and compared trimmed).
        title: a line for people.
    """

    columns: tuple[AbstractColumn, ...]
    label: str | None = None
    missing_values: tuple[str, ...] = ("",)
    title: str = ""

    def __post_init__(self) -> None:
        if not self.columns:
            raise DomainError("A domain needs at least one column.")
        if not all(isinstance(c, AbstractColumn) for c in self.columns):
            raise DomainError("The columns of a domain are Category, Boolean, Integer, Real, Datetime or Identifier.")
        object.__setattr__(self, "columns", tuple(self.columns))
        if not isinstance(self.title, str) or not is_unicode(self.title):
            raise DomainError("The title of a domain must be text.")
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise DomainError(f"Column {column.name!r} is declared twice. Keep one of them.")
            seen.add(column.name)
        if self.label is not None:
            if self.label not in seen:
                raise DomainError(f"The label {self.label!r} is not a column of the domain. {self._first_names()}")
            if isinstance(self[self.label], Identifier):
                raise DomainError(f"The label {self.label!r} is an identifier, which is never read.")
        self._check_missing_values()

    def _check_missing_values(self) -> None:
        """A text cannot both mean "missing" and be a value: the value could never occur."""
        texts = self.missing_values
        if isinstance(texts, str) or not all(isinstance(t, str) and is_unicode(t) for t in texts):
            raise DomainError("missing_values must be a list of texts.")
        missing = dict.fromkeys(t.strip() for t in texts)
        object.__setattr__(self, "missing_values", tuple(missing))
        for column in self.columns:
            listed: tuple[str, ...] = ()
            if isinstance(column, Category):
                listed = column.values
                if column.outside is Outside.OTHER:
                    listed += (column.other_label,)
            elif isinstance(column, (Integer, Real)):
                listed = tuple(number_text(v) for v in column.special)
            for value in listed:
                if value in missing:
                    raise DomainError(
                        f"Column {column.name!r}: {value!r} is listed as a value and in missing_values.\n"
                        "Take it out of one of the two lists."
                    )

    def __getitem__(self, name: str) -> AbstractColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise DomainError(f"There is no column {name!r} in the domain. {self._first_names()}")

    def _first_names(self) -> str:
        more = ", ..." if len(self) > FEW_NAMES else ""
        return f"Columns: {', '.join(shorten(name) for name in self.names[:FEW_NAMES])}{more}."

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
        from dpsynth.domain.plain import to_dict  # plain.py imports this module

        return hashlib.sha256(canonical_json(to_dict(self))).hexdigest()


def is_discrete(column: AbstractColumn) -> bool:
    """Whether a column is a list of values (category or boolean)."""
    return isinstance(column, (Category, Boolean))
