"""From plain values (dpsynth/domain/plain.py) to a domain: what all readers of domain files share.

A reader translates its format into one `Entry` per column; `build` turns them into a `Domain`, and says of every column
at once which public facts are still to fill in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dpsynth.domain.columns import AbstractColumn, Grid, Outside, Resolution
from dpsynth.domain.keys import (
    as_flag,
    as_mapping,
    as_moment,
    as_number,
    as_text,
    as_texts,
    as_whole,
    check_keys,
    closest,
    key_name,
    shorten,
)
from dpsynth.domain.plain import KINDS
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import PrivacyUnit
from dpsynth.errors import DomainError

__all__ = ["COLUMN_KEYS", "DomainFile", "Entry", "build", "column_entries", "from_dict", "read_plain"]

TOP_KEYS = ("title", "label", "missing_values", "unit", "columns")
COMMON_KEYS = ("kind", "required", "description")
COLUMN_KEYS: dict[str, tuple[str, ...]] = {
    "category": ("values", "outside", "other_label", "ordered"),
    "boolean": (),
    "integer": ("minimum", "maximum", "special", "grid", "outside"),
    "real": ("minimum", "maximum", "special", "grid", "decimals", "outside"),
    "datetime": ("minimum", "maximum", "resolution", "grid", "outside"),
    "identifier": ("prefix",),
}
NEEDED = ("values", "minimum", "maximum")
_FREE_TEXT = ("text", "free text", "free_text", "freetext", "string")
FREE_TEXT_HELP = (
    'free text cannot be protected. List its values (kind = "category"), make it a key (kind = "identifier"),'
    " or leave the column out of the table."
)
_OTHER_WORDS = {
    "categorical": "category", "enum": "category", "list": "category", "bool": "boolean", "int": "integer",
    "float": "real", "number": "real", "numeric": "real", "numerical": "real", "double": "real", "date": "datetime",
    "time": "datetime", "timestamp": "datetime", "id": "identifier", "key": "identifier", "name": "identifier",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DomainFile:
    """What a domain file says.

    Attributes:
        domain: the public columns.
        unit: the privacy unit, where the file names one.
    """

    domain: Domain
    unit: PrivacyUnit | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One declared column before it is built.

    Attributes:
        name: the column.
        plain: its plain keys.
        place: from a plain key to the words that name it in a message (file and key).
    """

    name: str
    plain: Mapping[str, Any]
    place: Callable[[str], str]


class _Unfilled(Exception):
    """A column that still lacks public facts; collected over all columns into one message."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)


def from_dict(mapping: Mapping[str, Any], where: str = "domain") -> Domain:
    """The domain of plain values.

    Args:
        mapping: what `to_dict` gives, or a parsed TOML file (then `columns` is a table of tables).
        where: the file or source, for messages.

    Raises:
        DomainError: names the place, the key, and the fix.

    Guarantee: from_dict(to_dict(domain)) == domain.
    """
    return read_plain(mapping, where).domain


def read_plain(mapping: Mapping[str, Any], where: str = "domain") -> DomainFile:
    """As `from_dict`, with the privacy unit.

    Raises:
        DomainError: names the place, the key, and the fix.
    """
    check_keys(as_mapping(mapping, where), TOP_KEYS, where)
    entries = [
        Entry(name, plain, lambda key, name=name: f"{where}: columns.{shorten(key_name(name))}.{key}")
        for name, plain in column_entries(mapping.get("columns"), where)
    ]
    return build(entries, mapping, where, hint="Fill in the lines marked FILL IN: list every value that may occur; "
                 "take bounds from what is known without the data.")  # fmt: skip


def column_entries(columns: object, where: str) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, plain keys) of every column, from a table of tables or a list of tables with a `name` each.

    Raises:
        DomainError: there is no column, or one has no name.
    """
    if isinstance(columns, Mapping):
        return [(str(name), as_mapping(plain, f"{where}: columns.{shorten(key_name(str(name)))}"))
                for name, plain in columns.items()]  # fmt: skip
    if not isinstance(columns, (list, tuple)):
        raise DomainError(f'{where}: there are no columns. Write a section [columns."NAME"] for each.')
    found: list[tuple[str, Mapping[str, Any]]] = []
    for number, plain in enumerate(columns, 1):
        place = f"{where}: columns, entry {number}"
        plain = dict(as_mapping(plain, place))
        found.append((as_text(plain.pop("name", None), f"{place}: name"), plain))
    return found


def build(entries: Iterable[Entry], top: Mapping[str, Any], where: str, hint: str) -> DomainFile:
    """Build every column, collecting what is still to fill in, then the domain.

    Args:
        entries: the columns in order.
        top: plain values that may hold title, label, missing_values and unit.
        where: the file or source, for messages.
        hint: how to fill in what is missing, in this format's words.

    Raises:
        DomainError: names the place, the key, and the fix.
    """
    columns: list[AbstractColumn] = []
    unfilled: list[str] = []
    for entry in entries:
        try:
            columns.append(_column(entry, where))
        except _Unfilled as gap:
            unfilled.append(f"{shorten(entry.name)} ({', '.join(gap.keys)})")
    if unfilled:
        count = "1 column lacks" if len(unfilled) == 1 else f"{len(unfilled)} columns lack"
        raise DomainError(f"{where}: {count} public facts: {', '.join(unfilled)}.\n{hint}")
    unit = top.get("unit")
    label = top.get("label")
    try:
        return DomainFile(
            Domain(
                columns=tuple(columns),
                label=None if label is None else as_text(label, f"{where}: label"),
                missing_values=as_texts(top.get("missing_values", [""]), f"{where}: missing_values"),
                title=as_text(top.get("title", ""), f"{where}: title"),
            ),
            None if unit is None else PrivacyUnit.parse(as_text(unit, f"{where}: unit")),
        )
    except DomainError as error:
        raise _located(error, where) from None


def _located(error: DomainError, where: str) -> DomainError:
    text = str(error)
    return error if text.startswith(where) else DomainError(f"{where}: {text}")


def _empty(value: object) -> bool:
    return value is None or value in ("", "FILL IN") or (isinstance(value, (list, tuple)) and not value)


def _kind(plain: Mapping[str, Any], place: str) -> str:
    """The kind: what `kind` says, or a category where only values are given."""
    kind = plain.get("kind")
    if kind is None and "values" in plain:
        return "category"
    if _empty(kind):
        raise _Unfilled(["kind"])
    kind = as_text(kind, place)
    if kind in COLUMN_KEYS:
        return kind
    if kind.lower() in _FREE_TEXT:
        raise DomainError(f"{place}: {FREE_TEXT_HELP}")
    near = _OTHER_WORDS.get(kind.lower()) or closest(kind, COLUMN_KEYS)
    hint = f' Did you mean "{near}"?' if near else ""
    raise DomainError(f'{place}: unknown kind "{shorten(kind)}".{hint}\nKinds: {", ".join(COLUMN_KEYS)}.')


def _column(entry: Entry, where: str) -> AbstractColumn:
    plain, place = entry.plain, entry.place
    kind = _kind(plain, place("kind"))
    own = COLUMN_KEYS[kind]
    check_keys(plain, (*COMMON_KEYS, *own), place("").rstrip("."))
    missing = [key for key in NEEDED if key in own and _empty(plain.get(key))]
    if missing:
        raise _Unfilled(missing)
    moment_or_number = {"integer": as_whole, "real": as_number}.get(kind)
    values: dict[str, Any] = {"name": entry.name}
    dates: list[bool] = []
    for key, value in plain.items():
        at = place(key)
        if key in ("minimum", "maximum"):
            if moment_or_number is not None:
                values[key] = moment_or_number(value, at)
            else:
                values[key], date_only = as_moment(value, at)
                dates.append(date_only)
        elif key == "special":
            convert = as_whole if kind == "integer" else as_number
            if not isinstance(value, (list, tuple)):
                raise DomainError(f"{at}: must be a list, as in special = [0].")
            values[key] = tuple(convert(item, at) for item in value)
        elif key != "kind":
            values[key] = _CONVERT[key](value, at)
    if kind == "datetime" and "resolution" not in values and all(dates):
        values["resolution"] = Resolution.DAY
    try:
        return KINDS[kind](**values)
    except DomainError as error:
        raise _located(error, where) from None


def _grid(value: object, at: str) -> Grid:
    """A word ("equal", "log"), a number of equal cells, a list of edges, or {kind, cells}."""
    try:
        if isinstance(value, str):
            return Grid(value)
        if isinstance(value, (list, tuple)):
            return Grid("edges", edges=tuple(as_number(edge, at) for edge in value))
        if isinstance(value, Mapping):
            check_keys(value, ("kind", "cells"), at)
            cells = value.get("cells")
            return Grid(
                as_text(value.get("kind", "equal"), f"{at}.kind"),
                None if cells is None else as_whole(cells, f"{at}.cells"),
            )
        return Grid(cells=as_whole(value, at))
    except DomainError as error:
        raise _located(error, at) from None


def _outside(value: object, at: str) -> Outside:
    return _member(Outside, value, at)


def _resolution(value: object, at: str) -> Resolution:
    return _member(Resolution, value, at)


def _member(kind: Any, value: object, at: str) -> Any:
    text = as_text(value, at)
    known = [member.value for member in kind]
    if text not in known:
        near = closest(text, known)
        hint = f' Did you mean "{near}"?' if near else ""
        raise DomainError(f'{at}: "{shorten(text)}" is none of {", ".join(known)}.{hint}')
    return kind(text)


_CONVERT: dict[str, Callable[[object, str], Any]] = {
    "required": as_flag,
    "description": as_text,
    "values": as_texts,
    "other_label": as_text,
    "ordered": as_flag,
    "decimals": as_whole,
    "prefix": as_text,
    "grid": _grid,
    "outside": _outside,
    "resolution": _resolution,
}
