"""A domain as plain values: the content of our TOML, ready for JSON.

    {"title": ..., "label": ..., "missing_values": [...], "unit": "rows(1)",
     "columns": [{"name": "age", "kind": "integer", "minimum": 0, "maximum": 99}, ...]}

`columns` is a list, so that the order of columns survives canonical JSON; TOML writes it as one section per column.
Keys at their default are left out; a default therefore never changes.
"""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from dpsynth.domain.columns import (
    AbstractColumn,
    Boolean,
    Category,
    Datetime,
    Grid,
    Identifier,
    Integer,
    Real,
    Resolution,
)

if TYPE_CHECKING:
    from dpsynth.domain.table import Domain
    from dpsynth.domain.unit import PrivacyUnit

__all__ = ["KINDS", "column_to_dict", "grid_to_plain", "is_dated", "to_dict"]

KINDS: dict[str, type[AbstractColumn]] = {
    "category": Category,
    "boolean": Boolean,
    "integer": Integer,
    "real": Real,
    "datetime": Datetime,
    "identifier": Identifier,
}


def to_dict(domain: Domain, unit: PrivacyUnit | None = None) -> dict[str, Any]:
    """The domain as plain JSON values, keys at their default left out.

    Guarantee: equal domains give equal values; from_dict(to_dict(domain)) == domain.
    """
    plain: dict[str, Any] = {}
    if domain.title:
        plain["title"] = domain.title
    if domain.label is not None:
        plain["label"] = domain.label
    if domain.missing_values != ("",):
        plain["missing_values"] = list(domain.missing_values)
    if unit is not None:
        plain["unit"] = str(unit)
    plain["columns"] = [{"name": column.name, **column_to_dict(column)} for column in domain.columns]
    return plain


def column_to_dict(column: AbstractColumn) -> dict[str, Any]:
    """The plain keys of one column, without its name."""
    kind = next(word for word, kind in KINDS.items() if kind is type(column))
    plain: dict[str, Any] = {"kind": kind}
    if isinstance(column, Category):
        plain["values"] = list(column.values)
        _unless(plain, "outside", column.outside.value, "missing")
        _unless(plain, "other_label", column.other_label, "other")
        _unless(plain, "ordered", column.ordered, False)
    elif isinstance(column, (Integer, Real)):
        plain["minimum"], plain["maximum"] = column.minimum, column.maximum
        _unless(plain, "special", list(column.special), [])
        _unless(plain, "grid", grid_to_plain(column.grid), "equal")
        if isinstance(column, Real):
            _unless(plain, "decimals", column.decimals, None)
        _unless(plain, "outside", column.outside.value, "clip")
    elif isinstance(column, Datetime):
        days = is_dated(column)
        for key, bound in (("minimum", column.minimum), ("maximum", column.maximum)):
            plain[key] = bound.date().isoformat() if days else bound.isoformat()
        _unless(plain, "resolution", column.resolution.value, "day" if days else "second")
        _unless(plain, "grid", grid_to_plain(column.grid), "equal")
        _unless(plain, "outside", column.outside.value, "clip")
    elif isinstance(column, Identifier):
        _unless(plain, "prefix", column.prefix, "")
    _unless(plain, "required", column.required, False)
    _unless(plain, "description", column.description, "")
    return plain


def is_dated(column: Datetime) -> bool:
    """Whether the bounds are written as dates: daily resolution and both bounds at midnight."""
    midnights = all(bound.time() == time() for bound in (column.minimum, column.maximum))
    return column.resolution is Resolution.DAY and midnights


def grid_to_plain(grid: Grid) -> str | int | list[float] | dict[str, Any]:
    """The shortest way to write a grid."""
    if grid.edges is not None:
        return [int(edge) if edge == int(edge) and abs(edge) < 2**53 else edge for edge in grid.edges]
    if grid.cells is None:
        return grid.kind
    return grid.cells if grid.kind == "equal" else {"kind": grid.kind, "cells": grid.cells}


def _unless(plain: dict[str, Any], key: str, value: object, default: object) -> None:
    if value != default:
        plain[key] = value
