"""Frictionless Table Schema as a domain file. What the standard has no word for stands in a `dpsynth` object.

    {"fields": [{"name": "age", "type": "integer", "constraints": {"minimum": 0, "maximum": 99},
                 "dpsynth": {"special": [0]}}],
     "missingValues": [""], "dpsynth": {"label": "age", "unit": "rows(1)"}}

A data resource or a data package of one resource is accepted as well; its schema must stand in the file itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dpsynth.domain.build import DomainFile, Entry, build
from dpsynth.domain.keys import as_flag, as_mapping, as_text, as_texts, check_keys, closest, key_name, shorten
from dpsynth.domain.plain import to_dict
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import PrivacyUnit
from dpsynth.errors import DomainError

__all__ = ["from_table_schema", "read_schema", "to_table_schema", "to_table_schema_text"]

SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"
HINT = (
    "Give constraints.enum every value that may occur, or constraints.minimum and maximum from what is known without"
    ' the data. Text without enum: dpsynth.kind = "identifier" for a key; free text is refused.'
)
TABLE_KEYS = ("label", "unit", "comment")
FIELD_KEYS = (
    "kind", "special", "grid", "policy", "ordered", "other_label", "decimals", "resolution", "prefix", "comment",
)  # fmt: skip
STANDARD_FIELD = (
    "name", "type", "format", "title", "description", "example", "rdfType", "constraints", "missingValues",
    "categories", "categoriesOrdered", "trueValues", "falseValues", "bareNumber", "decimalChar", "groupChar", "dpsynth",
)  # fmt: skip
STANDARD_SCHEMA = (
    "$schema", "name", "title", "description", "fields", "fieldsMatch", "missingValues", "primaryKey", "uniqueKeys",
    "foreignKeys", "dpsynth",
)  # fmt: skip
CONSTRAINTS = ("required", "unique", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "jsonSchema",
               "exclusiveMinimum", "exclusiveMaximum")  # fmt: skip
KINDS = {"boolean": "boolean", "integer": "integer", "year": "integer", "number": "real", "date": "datetime",
         "datetime": "datetime"}  # fmt: skip
TYPES = {"category": "string", "boolean": "boolean", "integer": "integer", "real": "number", "datetime": "datetime",
         "identifier": "string"}  # fmt: skip
_TRUE, _FALSE = {"true", "1", "yes", "t", "y"}, {"false", "0", "no", "f", "n"}
_PLACES = {"kind": "dpsynth.kind", "values": "constraints.enum", "minimum": "constraints.minimum",
           "maximum": "constraints.maximum", "required": "constraints.required", "outside": "dpsynth.policy",
           "description": "description"}  # fmt: skip


def from_table_schema(mapping: Mapping[str, Any], where: str = "schema") -> Domain:
    """The domain of a parsed Table Schema, data resource, or data package of one resource.

    Raises:
        DomainError: names the place, the key, and the fix.

    Guarantee: from_table_schema(to_table_schema(domain)) == domain.
    """
    return read_schema(mapping, where).domain


def read_schema(mapping: Mapping[str, Any], where: str = "schema") -> DomainFile:
    """As `from_table_schema`, with the privacy unit.

    Raises:
        DomainError: names the place, the key, and the fix.
    """
    schema, title = _unwrap(mapping, where)
    _refuse_near_misses(schema, STANDARD_SCHEMA, where)
    own = as_mapping(schema.get("dpsynth", {}), f"{where}: dpsynth")
    check_keys(own, TABLE_KEYS, f"{where}: dpsynth")
    fields = schema.get("fields")
    if not isinstance(fields, list) or not fields:
        raise DomainError(f'{where}: the schema has no "fields". List one object per column.')
    entries = [_entry(field, number, where) for number, field in enumerate(fields, 1)]
    top: dict[str, Any] = {key: own[key] for key in ("label", "unit") if key in own}
    top["title"] = schema.get("title", title)
    if "missingValues" in schema:
        top["missing_values"] = _plain_values(schema["missingValues"], f"{where}: missingValues")
    return build(entries, top, where, HINT)


def _unwrap(mapping: Mapping[str, Any], where: str) -> tuple[Mapping[str, Any], str]:
    """The schema inside a resource or package, and the resource's title."""
    if "resources" in mapping:
        resources = mapping["resources"]
        if not isinstance(resources, list) or len(resources) != 1:
            raise DomainError(f"{where}: the data package must hold exactly one resource. Split the others off.")
        mapping = as_mapping(resources[0], f"{where}: resources, entry 1")
    if "schema" not in mapping:
        return mapping, ""
    if isinstance(mapping["schema"], str):
        raise DomainError(f"{where}: the schema is a link. Name the schema's own file, or paste it into this one.")
    return as_mapping(mapping["schema"], f"{where}: schema"), as_text(mapping.get("title", ""), f"{where}: title")


def _refuse_near_misses(found: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    """The standard allows any further key; one that looks like a slip is refused all the same."""
    for key in found:
        near = None if key in known else closest(key, known, 0.8)
        if near:
            raise DomainError(f'{where}: unknown key "{shorten(key)}". Did you mean "{near}"?')


def _entry(field: object, number: int, where: str) -> Entry:
    field = as_mapping(field, f"{where}: fields, entry {number}")
    name = as_text(field.get("name"), f"{where}: fields, entry {number}: name")
    at = f"{where}: fields.{shorten(key_name(name))}"
    _refuse_near_misses(field, STANDARD_FIELD, at)
    constraints = as_mapping(field.get("constraints", {}), f"{at}.constraints")
    check_keys(constraints, CONSTRAINTS, f"{at}.constraints")
    own = as_mapping(field.get("dpsynth", {}), f"{at}.dpsynth")
    check_keys(own, FIELD_KEYS, f"{at}.dpsynth")
    for side in ("Minimum", "Maximum"):
        if f"exclusive{side}" in constraints:
            raise DomainError(f"{at}.constraints.exclusive{side}: state the closed bound as {side.lower()} instead.")
    plain: dict[str, Any] = {key: value for key, value in own.items() if key not in ("policy", "comment")}
    for key, source, word in (
        ("outside", own, "policy"), ("description", field, "description"), ("required", constraints, "required"),
        ("minimum", constraints, "minimum"), ("maximum", constraints, "maximum"),
    ):  # fmt: skip
        if word in source:
            plain[key] = source[word]
    if "enum" in constraints:
        plain["values"] = constraints["enum"]
    elif "categories" in field:
        plain["values"] = _plain_values(field["categories"], f"{at}.categories")
        plain.setdefault("ordered", as_flag(field.get("categoriesOrdered", False), f"{at}.categoriesOrdered"))
    plain["kind"] = kind = _kind(field, plain, at)
    if kind in ("category", "boolean"):
        plain.pop("minimum", None), plain.pop("maximum", None)  # an enum says more than bounds do
    if kind == "boolean":
        plain.pop("values", None)
    if kind == "datetime" and field.get("type") in ("date", "datetime"):
        plain.setdefault("resolution", "day" if field["type"] == "date" else "second")
    _check_format(field, kind, at)
    return Entry(name, plain, lambda key: f"{at}.{_PLACES.get(key, f'dpsynth.{key}')}" if key else at)


def _kind(field: Mapping[str, Any], plain: Mapping[str, Any], at: str) -> str:
    stored = as_text(field.get("type", "string"), f"{at}.type")
    if "kind" in plain:
        return as_text(plain["kind"], f"{at}.dpsynth.kind")
    if stored in ("", "FILL IN"):
        return ""
    if stored not in (*KINDS, "string", "any"):
        near = closest(stored, (*KINDS, "string"))
        hint = f' Did you mean "{near}"?' if near else ""
        raise DomainError(f'{at}.type: "{shorten(stored)}" columns cannot be modelled.{hint}')
    if "values" in plain and stored != "boolean":
        return "category"
    if stored in KINDS:
        return KINDS[stored]
    raise DomainError(
        f"{at}: text without constraints.enum is free text, which cannot be protected. List every value in enum,\n"
        'mark a key with "dpsynth": {"kind": "identifier"}, or leave the column out of the table.'
    )


def _check_format(field: Mapping[str, Any], kind: str, at: str) -> None:
    """Refuse ways of writing cells that would be read as missing."""
    if kind == "datetime" and field.get("format", "default") not in ("default", "any"):
        raise DomainError(f"{at}.format: dates are read in ISO form (2024-12-31) only. Convert the column first.")
    if kind in ("integer", "real") and (
        field.get("bareNumber", True) is not True or field.get("decimalChar", ".") != "." or field.get("groupChar")
    ):
        raise DomainError(f"{at}: numbers are read bare, with a decimal point only. Convert the column first.")
    for key, known in (("trueValues", _TRUE), ("falseValues", _FALSE)):
        texts = as_texts(field.get(key, []), f"{at}.{key}")
        if kind == "boolean" and not {text.strip().lower() for text in texts} <= known:
            raise DomainError(f"{at}.{key}: booleans are read as {', '.join(sorted(known))} only. Use enum instead.")
    if field.get("missingValues"):
        raise DomainError(f"{at}.missingValues: state missing values once, beside fields.")


def _plain_values(values: object, at: str) -> tuple[str, ...]:
    """Texts out of a list of texts or of {"value": ..., "label": ...} objects."""
    if isinstance(values, list):
        values = [item.get("value") if isinstance(item, Mapping) else item for item in values]
    return as_texts(values, at)


def to_table_schema(domain: Domain, unit: PrivacyUnit | None = None) -> dict[str, Any]:
    """The domain as a Table Schema (plain JSON values).

    Guarantee: reading it gives an equal domain and unit.
    """
    return schema_of_plain(to_dict(domain, unit))


def schema_of_plain(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values (as `to_dict` gives them) as a Table Schema."""
    schema: dict[str, Any] = {"$schema": SCHEMA}
    if "title" in plain:
        schema["title"] = plain["title"]
    schema["fields"] = [_field(column) for column in plain["columns"]]
    schema["missingValues"] = list(plain.get("missing_values", [""]))
    own = {key: plain[key] for key in ("label", "unit") if key in plain}
    return {**schema, "dpsynth": own} if own else schema


def _field(column: Mapping[str, Any]) -> dict[str, Any]:
    kind = column["kind"]
    rest = {key: value for key, value in column.items() if key not in ("name", "kind")}
    stored = TYPES.get(kind, "FILL IN")
    if kind == "datetime" and len(str(rest["minimum"])) == len("2024-12-31"):
        stored = "date"
    field: dict[str, Any] = {"name": column["name"], "type": stored}
    if "description" in rest:
        field["description"] = rest.pop("description")
    constraints: dict[str, Any] = {}
    for key, word in (("values", "enum"), ("minimum", "minimum"), ("maximum", "maximum"), ("required", "required")):
        if key in rest:
            constraints[word] = rest.pop(key)
    if constraints:
        field["constraints"] = constraints
    own: dict[str, Any] = {"kind": "identifier"} if kind == "identifier" else {}
    if "outside" in rest:
        own["policy"] = rest.pop("outside")
    own.update(rest)
    return {**field, "dpsynth": own} if own else field


def to_table_schema_text(domain: Domain, unit: PrivacyUnit | None = None) -> str:
    """The Table Schema as indented JSON text."""
    return json.dumps(to_table_schema(domain, unit), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
