"""What the readers of domain files share: key names in messages, unknown keys, and typed values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time

from dpsynth.domain.canonical import number_text
from dpsynth.errors import DomainError

__all__ = [
    "as_flag",
    "as_mapping",
    "as_moment",
    "as_number",
    "as_text",
    "as_texts",
    "as_whole",
    "check_keys",
    "closest",
    "key_name",
    "quote",
    "shorten",
]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TYPE_NAMES = {
    "bool": "true/false", "int": "a whole number", "float": "a number", "str": "text", "list": "a list",
    "NoneType": "nothing",
}  # fmt: skip
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def quote(text: str) -> str:
    """A TOML basic string; what does not print is escaped."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(c) or (c if c.isprintable() else _escape(c)) for c in text)


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def key_name(text: str) -> str:
    """A TOML key: bare where that is allowed, else quoted."""
    return text if _BARE.fullmatch(text) else quote(text)


def shorten(text: str, width: int = 60) -> str:
    """The text on one line, cut where it is too long for a message."""
    shown = "".join(c if c.isprintable() else _escape(c) for c in text[:width])
    return shown if len(shown) <= width and len(text) <= width else shown[: width - 3] + "..."


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word most like `word`, or None where none is near."""
    import difflib

    folded = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), folded, 1, cutoff)
    return folded[found[0]] if found else None


def check_keys(mapping: Mapping[str, object], known: Iterable[str], where: str) -> None:
    """Refuse keys that mean nothing.

    Args:
        mapping: what was found.
        known: what is allowed.
        where: the place, for the message.

    Raises:
        DomainError: names the place, the key and the closest known key.
    """
    known = tuple(known)
    for key in mapping:
        if key not in known:
            near = closest(str(key), known)
            hint = f' Did you mean "{near}"?' if near else ""
            raise DomainError(
                f'{where}: unknown key "{shorten(str(key))}".{hint}\nKnown keys here: {", ".join(known) or "none"}.'
            )


def _found(value: object) -> str:
    """The JSON or TOML name of a value's type."""
    if isinstance(value, Mapping):
        return "a table"
    return _TYPE_NAMES.get(type(value).__name__, type(value).__name__)


def _wrong(where: str, wanted: str, value: object) -> DomainError:
    return DomainError(f"{where}: must be {wanted}; found {_found(value)}.")


def as_mapping(value: object, where: str) -> Mapping[str, object]:
    """A table (TOML) or object (JSON).

    Raises:
        DomainError: it is something else.
    """
    if not isinstance(value, Mapping):
        raise _wrong(where, "a table of keys", value)
    return value


def as_text(value: object, where: str) -> str:
    """A text.

    Raises:
        DomainError: it is something else.
    """
    if not isinstance(value, str):
        raise _wrong(where, "text", value)
    return value


def as_flag(value: object, where: str) -> bool:
    """true or false.

    Raises:
        DomainError: it is something else.
    """
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def as_whole(value: object, where: str) -> int:
    """A whole number; 17.0 counts as one.

    Raises:
        DomainError: it is something else.
    """
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(where, "a whole number", value)
    return value


def as_number(value: object, where: str) -> float:
    """A finite number.

    Raises:
        DomainError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(where, "a number", value)
    try:
        return float(value)
    except OverflowError:
        raise DomainError(f"{where}: the number is too large.") from None


def as_moment(value: object, where: str) -> tuple[datetime, bool]:
    """A point in time, and whether it was written as a date alone (then it is that day's midnight).

    Raises:
        DomainError: it is something else.
    """
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            try:
                value = datetime.fromisoformat(str(value))
            except ValueError:
                raise DomainError(f"{where}: write dates as 2024-12-31 or 2024-12-31T23:59:59.") from None
    if isinstance(value, datetime):
        return value, False
    if isinstance(value, date):
        return datetime.combine(value, time()), True
    raise _wrong(where, "a date or datetime", value)


def as_texts(value: object, where: str) -> tuple[str, ...]:
    """A list of texts; numbers and true/false stand for their one text (17, 0.5, True).

    Raises:
        DomainError: it is something else.
    """
    if not isinstance(value, (list, tuple)):
        raise _wrong(where, "a list", value)
    texts: list[str] = []
    for item in value:
        if isinstance(item, bool):
            texts.append(str(item))
        elif isinstance(item, (int, float)) and abs(item) < float("inf"):
            texts.append(number_text(item))
        elif isinstance(item, str):
            texts.append(item)
        else:
            raise DomainError(f"{where}: the list holds {_found(item)}; list texts or numbers.")
    return tuple(texts)
