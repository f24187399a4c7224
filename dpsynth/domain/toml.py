"""Our own domain file: one section per column, defaults left out.

label = "sex"                                 about the table: title, label, missing_values, unit

[columns.age]                                 one section per column, in the order of the output
kind = "integer"
minimum = 0
maximum = 99

[columns.sex]                                 a list of values makes a category
values = ["Female", "Male"]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dpsynth.domain.build import from_dict, read_plain
from dpsynth.domain.keys import key_name, quote
from dpsynth.domain.plain import to_dict
from dpsynth.domain.table import Domain
from dpsynth.domain.text import read_text
from dpsynth.domain.unit import PrivacyUnit
from dpsynth.errors import DomainError

__all__ = ["from_dict", "parse_toml", "read_toml", "render", "to_dict", "to_toml"]

WIDTH = 110
HEADER = (
    "# What is public about the columns of a table: names, kinds, lists and bounds.",
    "# Nothing here may be looked up in private rows. The format: docs/reference/domain.md",
)
_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_DECLARED_TWICE = re.compile(r"Cannot declare (\(.*\)) twice")


def read_toml(path: str | Path) -> Domain:
    """Read a TOML domain file.

    Raises:
        DomainError: names the file, the line or key, and the fix.
    """
    return read_plain(parse_toml(read_text(path), str(path)), str(path)).domain


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The plain values of a TOML text, not yet checked.

    Raises:
        DomainError: the text is not TOML, or declares a column or key twice; names the line.
    """
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, where) from None
    except (RecursionError, ValueError):  # absurdly deep lists, numbers of thousands of digits
        raise DomainError(f"{where}: not a readable TOML file. Start from `dpsynth domain init TABLE`.") from None


def _syntax_error(message: str, text: str, where: str) -> DomainError:
    found = _AT_LINE.search(message)
    line = int(found[1]) if found and found[1] else max(1, len(text.rstrip().splitlines()))
    reason = _AT_LINE.sub("", message)
    if _DECLARED_TWICE.match(reason):
        return DomainError(f"{where}, line {line}: this section is declared twice. Keep one of them.")
    if reason.startswith(("Cannot overwrite", "Duplicate inline")):
        return DomainError(f"{where}, line {line}: a key just before this place is given twice. Keep one of them.")
    if reason.startswith(("Illegal character", "Found invalid character")):
        reason = "illegal character"
    return DomainError(f"{where}, line {line}: not TOML ({reason}). Texts stand in quotes, lists in [ ].")


def to_toml(domain: Domain, unit: PrivacyUnit | None = None) -> str:
    """The domain as a short commented TOML file.

    Guarantee: reading it gives an equal domain and unit.
    """
    return render(to_dict(domain, unit))


def render(
    plain: Mapping[str, Any], notes: Mapping[tuple[str, str], str] | None = None, header: Iterable[str] = ()
) -> str:
    """Plain values (as `to_dict` gives them) as TOML.

    Args:
        plain: title, label, missing_values, unit and the list `columns`.
        notes: a comment behind a key, by (column name, key); key "" is the section's own line.
        header: comment lines below the standard ones.

    Returns:
        The text of the file.
    """
    notes = notes or {}
    lines = [*HEADER, *header, ""]
    for key in ("title", "label", "missing_values", "unit"):
        if key in plain:
            lines += _lines(key, plain[key])
    for column in plain["columns"]:
        name = column["name"]
        lines += ["", f"[columns.{key_name(name)}]" + _comment(notes.get((name, "")))]
        keys = [key for key in column if key != "name"]
        if column.get("kind") == "category" and column.get("values"):
            keys.remove("kind")  # a list of values says it
        for key in keys:
            moment = column.get("kind") == "datetime" and key in ("minimum", "maximum") and column[key] != ""
            section = [f"{key} = {column[key]}"] if moment else _lines(key, column[key])
            section[-1] += _comment(notes.get((name, key)))
            lines += section
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def _comment(note: str | None) -> str:
    return f"  # {note}" if note else ""


def _lines(key: str, value: object) -> list[str]:
    """`key = value`, a long list broken over several lines."""
    line = f"{key} = {_value(value)}"
    if len(line) <= WIDTH or not isinstance(value, list):
        return [line]
    lines, current = [f"{key} = ["], "   "
    for item in value:
        text = f" {_value(item)},"
        if len(current) + len(text) > WIDTH and current.strip():
            lines.append(current)
            current = "   "
        current += text
    return [*lines, current, "]"]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key_name(k)} = {_value(v)}" for k, v in value.items()) + "}"
    raise TypeError(f"no TOML form of {type(value).__name__}")
