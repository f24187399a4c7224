"""A domain file that a person still has to fill in: names and storage types only, each gap marked FILL IN."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dpsynth.domain.plain import column_to_dict
from dpsynth.domain.public import PublicFacts
from dpsynth.domain.table_schema import schema_of_plain
from dpsynth.domain.toml import render
from dpsynth.errors import DomainError

__all__ = ["skeleton"]

SCALARS = {
    "boolean": ("bool",),
    "integer": ("int", "uint"),
    "real": ("float", "double", "halffloat", "decimal"),
    "datetime": ("date", "timestamp"),
    "category": ("string", "large_string", "string_view", "str", "object", "category"),
}
MORE = '# More keys: required = true (no missing cells), special = [0], grid = "log", outside = "other"; on top: label.'
TO_FILL_IN = "# FILL IN what is marked, from a code book or common knowledge: never from the rows of the private table."
TO_CHECK = "# Lists and bounds below came from a reference table that was declared public. Check them."
KINDS = "# Kinds: category (with values), boolean, integer, real, datetime (with minimum and maximum), identifier."
UNKNOWN = "FILL IN: the kind, then values, or minimum and maximum"


def skeleton(
    names_and_types: Iterable[tuple[str, str | None]], public: PublicFacts | None = None, format: str = "toml"
) -> str:
    """The text of a domain file with what is known and a mark at what is not.

    Args:
        names_and_types: (name, storage type) of every column; None where the type is unknown (CSV).
        public: lists and bounds from a table that the person declares public; wins over the storage type.
        format: "toml" or "table-schema".

    Returns:
        The text. Reading it raises a DomainError that lists every gap, until the person has filled them.

    Raises:
        DomainError: there is no column, or the format is unknown.
    """
    columns: list[dict[str, Any]] = []
    notes: dict[tuple[str, str], str] = {}
    for name, stored in names_and_types:
        plain, gaps = _known(name, public) or _from_type(stored)
        columns.append({"name": name, **plain})
        notes |= {(name, key): note for key, note in gaps.items()}
    if not columns:
        raise DomainError("A domain needs at least one column.")
    if format == "toml":
        header = [TO_FILL_IN] if any("FILL IN" in note for note in notes.values()) else []
        header += [TO_CHECK] if public is not None else []
        return render({"columns": columns}, notes, [*header, KINDS, MORE])
    if format != "table-schema":
        raise DomainError(f'Unknown skeleton format "{format}". Formats: toml, table-schema.')
    schema = schema_of_plain({"columns": columns})
    for field in schema["fields"]:
        told = {key: note for (name, key), note in notes.items() if name == field["name"]}
        if told:
            field["dpsynth"] = {**field.get("dpsynth", {}), "comment": _json_comment(told)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _json_comment(told: dict[str, str]) -> str:
    """One comment out of a column's notes, in the words of JSON keys."""
    words = [told[""]] if "" in told else []
    if "values" in told:
        words.append('FILL IN: constraints.enum; for a key: "kind": "identifier" here instead')
    elif "minimum" in told:
        words.append("FILL IN: constraints.minimum and maximum")
    elif "kind" in told:
        words.append(told["kind"])
    return "; ".join(words)


def _known(name: str, public: PublicFacts | None) -> tuple[dict[str, Any], dict[str, str]] | None:
    if public is None:
        return None
    if name in public.columns:
        note = public.notes.get(name)
        return column_to_dict(public.columns[name]), {"": note} if note else {}
    if name in public.refused:
        return {"kind": ""}, {"kind": f"FILL IN: {public.refused[name]}"}
    return None


def _from_type(stored: str | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Plain keys and notes by key, from a storage type."""
    if stored is None:
        return {"kind": ""}, {"kind": UNKNOWN}
    word = stored.split("[")[0].split("(")[0].lower().rstrip("0123456789")
    kind = next((kind for kind, words in SCALARS.items() if word in words), None)
    if stored.startswith(("list", "struct", "map")) or kind is None:
        return {"kind": ""}, {"": f"stored as {stored}", "kind": "FILL IN: no single values; leave this column out"}
    if kind == "boolean":
        return {"kind": kind}, {"": f"stored as {stored}"}
    if kind == "category":
        gap = 'FILL IN: every value that may occur; for a key: kind = "identifier" instead'
        return {"kind": kind, "values": []}, {"": f"stored as {stored}", "values": gap}
    kind_note = {"kind": "for codes: values = [...] instead"} if kind == "integer" else {}
    steps = {"resolution": "day"} if word == "date" else {}
    return {"kind": kind, "minimum": "", "maximum": "", **steps}, {
        "": f"stored as {stored}",
        **kind_note,
        "minimum": "FILL IN: the least value worth keeping",
        "maximum": "FILL IN: the greatest value worth keeping",
    }
