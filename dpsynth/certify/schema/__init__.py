"""The published JSON Schema of certificates, and a validator of the keywords that it uses.

Keywords: type, const, enum, required, properties, additionalProperties, items, minItems, minimum, maximum, pattern,
anyOf, $ref to $defs. A keyword that the validator does not know is an error of the schema, not a passed check.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

__all__ = ["certificate_schema", "violations"]

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_KNOWN = {
    "type", "const", "enum", "required", "properties", "additionalProperties", "items", "minItems", "minimum",
    "maximum", "pattern", "anyOf", "$ref", "$defs", "$id", "$schema", "title", "description",
}  # fmt: skip


def certificate_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of certificate.json, version 1."""
    return json.loads(files("dpsynth.certify.schema").joinpath("certificate-1.json").read_bytes())


def violations(value: Any, schema: Mapping[str, Any] | None = None) -> list[str]:
    """What in a value breaks the schema: places and rules, never values.

    Args:
        value: plain JSON.
        schema: default: that of certificates.
    """
    rules = certificate_schema() if schema is None else schema
    return list(_check(value, rules, rules, "$"))


def _check(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    unknown = set(rules) - _KNOWN
    if unknown:
        raise ValueError(f"the schema uses {sorted(unknown)}, which this validator does not know")
    if "$ref" in rules:
        yield from _check(value, root["$defs"][rules["$ref"].removeprefix("#/$defs/")], root, at)
        return
    if "anyOf" in rules and all(list(_check(value, option, root, at)) for option in rules["anyOf"]):
        yield f"{at} is none of what it may be"
        return
    if "type" in rules and not _is(value, rules["type"]):
        yield f"{at} is not of type {rules['type']}"
        return
    if "const" in rules and value != rules["const"]:
        yield f"{at} is not {rules['const']}"
    if "enum" in rules and value not in rules["enum"]:
        yield f"{at} is not one of {rules['enum']}"
    if isinstance(value, str) and "pattern" in rules and not re.search(rules["pattern"], value):
        yield f"{at} does not match {rules['pattern']}"
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and not rules.get("minimum", value) <= value <= rules.get("maximum", value):
        yield f"{at} is out of range"
    if isinstance(value, list):
        yield from _check_list(value, rules, root, at)
    if isinstance(value, dict):
        yield from _check_object(value, rules, root, at)


def _check_list(value: list[Any], rules: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    if len(value) < rules.get("minItems", 0):
        yield f"{at} has too few entries"
    if "items" in rules:
        for place, entry in enumerate(value):
            yield from _check(entry, rules["items"], root, f"{at}[{place}]")


def _check_object(value: dict[str, Any], rules: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    for name in rules.get("required", ()):
        if name not in value:
            yield f"{at}.{name} is missing"
    known = rules.get("properties", {})
    for name, part in value.items():
        if name in known:
            yield from _check(part, known[name], root, f"{at}.{name}")
        elif rules.get("additionalProperties") is False:
            yield f"{at} has a field that the schema does not name"


def _is(value: Any, wanted: str | list[str]) -> bool:
    names = [wanted] if isinstance(wanted, str) else wanted
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, _TYPES[name]) for name in names)
