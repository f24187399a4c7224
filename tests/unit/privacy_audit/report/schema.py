"""As much of JSON Schema as the published form of a scorecard uses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA = json.loads((Path(__file__).parents[4] / "privacy_audit" / "report" / "schema.json").read_text())
KINDS: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip
KNOWN = {"$schema", "title", "description", "$defs", "$ref", "type", "const", "enum", "required", "properties",
         "additionalProperties", "items", "minimum", "maximum"}  # fmt: skip


def complaints(value: Any, schema: Any = None, place: str = "$") -> list[str]:
    """What is wrong with a value, by place."""
    schema = SCHEMA if schema is None else schema
    assert set(schema) <= KNOWN
    if "$ref" in schema:
        return complaints(value, SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]], place)
    kinds = schema.get("type", list(KINDS))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    fits = [
        k
        for k in kinds
        if isinstance(value, KINDS[k]) and (k == "boolean" or not isinstance(value, bool) or len(kinds) == 7)
    ]
    found = [] if fits else [f"{place} is {type(value).__name__}"]
    if ("const" in schema and value != schema["const"]) or ("enum" in schema and value not in schema["enum"]):
        found.append(f"{place} is {value!r}")
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        found.append(f"{place} is out of range")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{place}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, inner in value.items():
            rest = schema.get("additionalProperties", True)
            if name not in known and rest is False:
                found.append(f"{place}.{name} is unknown")
            found += complaints(inner, known.get(name, rest if isinstance(rest, dict) else {}), f"{place}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, inner in enumerate(value):
            found += complaints(inner, schema["items"], f"{place}[{i}]")
    return found
