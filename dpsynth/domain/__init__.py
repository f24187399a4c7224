"""What is public about a table: columns, privacy unit, and the files that declare them. No private row is ever seen."""

from __future__ import annotations

from dpsynth.domain.build import DomainFile, from_dict
from dpsynth.domain.columns import (
    AbstractColumn,
    Boolean,
    Category,
    Datetime,
    Grid,
    Identifier,
    Integer,
    Outside,
    Real,
    Resolution,
)
from dpsynth.domain.plain import to_dict
from dpsynth.domain.read import read_domain, read_domain_file, write_domain
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, person, rows

__all__ = [
    "AbstractColumn",
    "Boolean",
    "Category",
    "Datetime",
    "Domain",
    "DomainFile",
    "Grid",
    "Identifier",
    "Integer",
    "NeighbouringRelation",
    "Outside",
    "PrivacyUnit",
    "Real",
    "Resolution",
    "from_dict",
    "person",
    "read_domain",
    "read_domain_file",
    "rows",
    "to_dict",
    "write_domain",
]
