"""Reading and writing domain files of any format, chosen by extension and content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dpsynth.domain.build import DomainFile, read_plain
from dpsynth.domain.keys import shorten
from dpsynth.domain.sdv import is_sdv, read_sdv, to_sdv_text
from dpsynth.domain.table import Domain
from dpsynth.domain.table_schema import read_schema, to_table_schema_text
from dpsynth.domain.text import read_text, write_text
from dpsynth.domain.toml import parse_toml, to_toml
from dpsynth.domain.unit import PrivacyUnit
from dpsynth.errors import DomainError

__all__ = ["FORMATS", "read_domain", "read_domain_file", "write_domain"]

FORMATS = ("toml", "table-schema", "sdv")
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet", ".feather", ".arrow", ".xlsx", ".gz", ".xz", ".zst", ".db", ".sqlite")

DomainSource = Domain | Mapping[str, Any] | str | Path


def read_domain(source: DomainSource, extra: Mapping[str, Any] | str | Path | None = None) -> Domain:
    """The domain of a file, of parsed values, or the domain itself.

    Args:
        source: a path (TOML, Table Schema JSON, SDV metadata JSON), a mapping of any of these, or a Domain.
        extra: a second domain file or mapping with what SDV metadata lacks (lists and bounds).

    Raises:
        DomainError: names the file, the line or key, and the fix.
    """
    return read_domain_file(source, extra).domain


def read_domain_file(source: DomainSource, extra: Mapping[str, Any] | str | Path | None = None) -> DomainFile:
    """As `read_domain`, with the privacy unit where the file names one.

    Raises:
        DomainError: names the file, the line or key, and the fix.
    """
    if isinstance(source, Domain):
        if extra is not None:
            raise DomainError("A second domain file completes SDV metadata only; a Domain is complete.")
        return DomainFile(source)
    if isinstance(source, (str, Path)):
        mapping, where = _load(source), str(source)
    elif isinstance(source, Mapping):
        mapping, where = source, "domain"
    else:
        raise DomainError(f"A domain is a file, a mapping or a Domain; found {type(source).__name__}.")
    if is_sdv(mapping):
        told = _load(extra) if isinstance(extra, (str, Path)) else extra
        return read_sdv(mapping, told, where)
    if extra is not None:
        raise DomainError(f"{where}: a second domain file completes SDV metadata only. Write its facts into this file.")
    if any(key in mapping for key in ("fields", "schema", "resources")):
        return read_schema(mapping, where)
    return read_plain(mapping, where)


def write_domain(
    domain: Domain,
    path: str | Path,
    *,
    format: str | None = None,
    unit: PrivacyUnit | None = None,
    overwrite: bool = False,
) -> None:
    """Write a domain file whole, or nothing.

    Args:
        domain: the public columns.
        path: the new file.
        format: "toml", "table-schema" or "sdv"; None chooses by extension (.json is a Table Schema, else TOML).
        unit: a privacy unit to note in the file (TOML and Table Schema).
        overwrite: whether an existing file may be replaced.

    Raises:
        DomainError: the format is unknown.
        OutputError: the file exists or cannot be written.
    """
    chosen = format or ("table-schema" if Path(path).suffix.lower() == ".json" else "toml")
    if chosen not in FORMATS:
        raise DomainError(f'Unknown domain format "{shorten(chosen)}". Formats: {", ".join(FORMATS)}.')
    if chosen == "sdv":
        text = to_sdv_text(domain)
    else:
        text = to_toml(domain, unit) if chosen == "toml" else to_table_schema_text(domain, unit)
    write_text(path, text, overwrite=overwrite)


def _load(path: str | Path) -> Mapping[str, Any]:
    """The plain values of a TOML or JSON file."""
    suffix = Path(path).suffix.lower()
    if suffix in TABLE_SUFFIXES:
        raise DomainError(f"{path}: this looks like a table. Name its domain file; see `dpsynth domain init TABLE`.")
    if suffix in (".yaml", ".yml"):
        raise DomainError(f"{path}: YAML is not read. Write the domain as TOML or as Table Schema JSON.")
    text = read_text(path)
    if suffix == ".json" or (suffix != ".toml" and text.lstrip().startswith("{")):
        return _parse_json(text, str(path))
    return parse_toml(text, str(path))


def _parse_json(text: str, where: str) -> Mapping[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise DomainError(f'{where}: the key "{shorten(key)}" is given twice in one object. Keep one of them.')
            found[key] = value
        return found

    def refuse(constant: str) -> None:
        raise DomainError(f"{where}: {constant} is no JSON number. Bounds must be finite.")

    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise DomainError(f"{where}, line {error.lineno}: not JSON ({error.msg}).") from None
    except (RecursionError, ValueError):  # absurdly deep lists, numbers of thousands of digits
        raise DomainError(f"{where}: not a readable JSON file. Start from `dpsynth domain init TABLE`.") from None
    if not isinstance(value, Mapping):
        raise DomainError(f"{where}: a domain file holds one JSON object (Table Schema or SDV metadata).")
    return value
