"""SDV metadata JSON, for people who come from there. It knows types only: lists and bounds must be told beside it.

    V1          {"columns": {"age": {"sdtype": "numerical", "computer_representation": "Int64"}, ...}}
    V2          {"tables": {"people": {"columns": {...}}}}          exactly one table

`extra` (a second domain file, or its plain values) gives, per column, the keys of our TOML that SDV has no word for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dpsynth.domain.build import TOP_KEYS, DomainFile, Entry, build, column_entries
from dpsynth.domain.columns import Boolean, Category, Datetime, Identifier, Real
from dpsynth.domain.keys import as_mapping, as_text, check_keys, closest, key_name, shorten
from dpsynth.domain.table import Domain
from dpsynth.errors import DomainError

__all__ = ["from_sdv", "is_sdv", "read_sdv", "to_sdv", "to_sdv_text"]

HINT = (
    "SDV metadata has no lists or bounds. Write them into a second file, a section [columns.NAME] each, and name it:\n"
    "dpsynth domain convert METADATA OUT.toml --extra FILE"
)
ISO_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M")


def is_sdv(mapping: Mapping[str, Any]) -> bool:
    """Whether a parsed JSON object looks like SDV metadata."""
    if "tables" in mapping:
        return True
    columns = mapping.get("columns")
    return isinstance(columns, Mapping) and any(isinstance(c, Mapping) and "sdtype" in c for c in columns.values())


def from_sdv(mapping: Mapping[str, Any], extra: Mapping[str, Any] | None = None, where: str = "metadata") -> Domain:
    """The domain of parsed SDV metadata, completed by `extra`.

    Args:
        mapping: the metadata.
        extra: plain values as in our TOML; per column only what the metadata lacks, or overrides.
        where: the file, for messages.

    Raises:
        DomainError: lists every column that still lacks a list, bounds or a kind.

    Guarantee: from_sdv(to_sdv(domain), to_dict(domain)) == domain.
    """
    return read_sdv(mapping, extra, where).domain


def read_sdv(mapping: Mapping[str, Any], extra: Mapping[str, Any] | None = None, where: str = "metadata") -> DomainFile:
    """As `from_sdv`, with the privacy unit that `extra` may name.

    Raises:
        DomainError: lists every column that still lacks a list, bounds or a kind.
    """
    extra = {} if extra is None else extra
    check_keys(extra, TOP_KEYS, f"{where}: extra")
    told = dict(column_entries(extra.get("columns", {}), f"{where}: extra"))
    columns = as_mapping(_table(mapping, where).get("columns"), f"{where}: columns")
    for name in told:
        if name not in columns:
            near = closest(name, columns)
            hint = f' Did you mean "{shorten(near)}"?' if near else ""
            raise DomainError(f'{where}: extra: there is no column "{shorten(name)}" in the metadata.{hint}')
    entries = [_entry(name, declared, told.get(name, {}), where) for name, declared in columns.items()]
    return build(entries, extra, where, HINT)


def _table(mapping: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    if "tables" not in mapping:
        return mapping
    tables = as_mapping(mapping["tables"], f"{where}: tables")
    if len(tables) != 1:
        raise DomainError(f"{where}: the metadata holds {len(tables)} tables; give one table's metadata at a time.")
    return as_mapping(next(iter(tables.values())), f"{where}: tables")


def _entry(name: str, declared: object, told: Mapping[str, Any], where: str) -> Entry:
    at = f"{where}: columns.{shorten(key_name(name))}"
    declared = as_mapping(declared, at)
    plain: dict[str, Any] = {"kind": told["kind"]} if "kind" in told else _facts(declared, at)
    return Entry(name, {**plain, **told}, lambda key: f"{at}.{key}" if key else at)


def _facts(declared: Mapping[str, Any], at: str) -> dict[str, Any]:
    """What the metadata says about one column, as plain keys; an empty kind where it does not say enough."""
    sdtype = as_text(declared.get("sdtype"), f"{at}.sdtype")
    if sdtype == "categorical":
        order = declared.get("order")
        return {"kind": "category", **({"values": order, "ordered": True} if isinstance(order, list) else {})}
    if sdtype == "boolean":
        return {"kind": "boolean"}
    if sdtype == "numerical":
        stored = str(declared.get("computer_representation", "")).lower()
        return {"kind": "real" if stored == "float" else "integer" if "int" in stored else ""}
    if sdtype == "datetime":
        written = declared.get("datetime_format")
        if written is not None and written not in ISO_FORMATS:
            raise DomainError(f"{at}.datetime_format: dates are read in ISO form (%Y-%m-%d) only. Convert the column.")
        return {"kind": "datetime", **({"resolution": "day"} if written == ISO_FORMATS[0] else {})}
    return {"kind": "identifier"}  # id, and what SDV calls personal: names, addresses, unknown


def to_sdv(domain: Domain) -> dict[str, Any]:
    """The types of the domain as SDV metadata of one table; lists and bounds are lost."""
    columns: dict[str, dict[str, str]] = {}
    for column in domain.columns:
        if isinstance(column, Category):
            columns[column.name] = {"sdtype": "categorical"}
        elif isinstance(column, Boolean):
            columns[column.name] = {"sdtype": "boolean"}
        elif isinstance(column, Datetime):
            columns[column.name] = {"sdtype": "datetime"}
        elif isinstance(column, Identifier):
            columns[column.name] = {"sdtype": "id"}
        else:
            stored = "Float" if isinstance(column, Real) else "Int64"
            columns[column.name] = {"sdtype": "numerical", "computer_representation": stored}
    table = {"columns": columns}
    return {"METADATA_SPEC_VERSION": "V1", "tables": {"table": table}, "relationships": []}


def to_sdv_text(domain: Domain) -> str:
    """The SDV metadata as indented JSON text."""
    return json.dumps(to_sdv(domain), indent=2, ensure_ascii=False) + "\n"
