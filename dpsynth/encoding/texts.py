"""What a text says: a number, a point in time, a truth value. Vectorised, total, and decided text by text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["booleans_of", "distinct", "equals_any", "instants_of", "numbers_of", "trim"]

# The white space of str.strip(), so that cells and listed values are trimmed alike.
WHITE_SPACE = "".join(chr(i) for i in (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B)))
WHITE_SPACE += "\u2028\u2029\u202f\u205f\u3000"

_NUMBER = r"^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?i:inf|infinity))$"
_INSTANT = (
    r"^(?P<year>[+-]?\d{4,6})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})"
    r"(?:[Tt ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,12}))?)?"
    r" ?(?P<zone>[Zz]|UTC|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_MONTH_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_LAST_YEAR = 140_000


def trim(texts: pa.Array) -> pa.Array:
    """Texts without the white space around them."""
    return pc.utf8_trim(texts, characters=WHITE_SPACE)


def distinct(texts: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """The distinct texts (no nulls among them), and int32[n] where each text stands among them."""
    coded = texts.dictionary_encode()
    return coded.dictionary, coded.indices.to_numpy(zero_copy_only=False)


def equals_any(wanted: np.ndarray, values: np.ndarray) -> np.ndarray:
    """bool[n]: which values equal one of a few wanted ones."""
    found = np.zeros(len(values), bool)
    for value in wanted:
        found |= values == value
    return found


def numbers_of(texts: pa.Array) -> np.ndarray:
    """float64[n]: the number that each trimmed text reads as, NaN where it reads as none; "inf" is a number."""
    try:
        return pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        pass
    # The whole-array cast fails on the first text that is no number; the pattern selects what the cast accepts.
    where = np.flatnonzero(pc.match_substring_regex(texts, _NUMBER).to_numpy(zero_copy_only=False))
    numbers = np.full(len(texts), np.nan)
    if len(where):
        numbers[where] = pc.cast(texts.take(pa.array(where)), pa.float64()).to_numpy(zero_copy_only=False)
    return numbers


def instants_of(texts: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """ISO-like dates and times as UTC microseconds since 1970.

    Args:
        texts: trimmed; YYYY-MM-DD or YYYY/MM/DD, then optionally HH:MM[:SS[.f]] and a zone (Z, +HH:MM).

    Returns:
        int64[n] (0 where the text is no such date) and bool[n] whether it is one. Calendar dates that do not exist
        are none.
    """
    instants, valid = np.zeros(len(texts), np.int64), np.zeros(len(texts), bool)
    where = np.flatnonzero(pc.match_substring_regex(texts, _INSTANT).to_numpy(zero_copy_only=False))
    if not len(where):
        return instants, valid
    parts = pc.extract_regex(texts.take(pa.array(where)), _INSTANT)

    def part(name: str, default: str = "0") -> np.ndarray:
        text = pc.struct_field(parts, name)
        return pc.cast(pc.if_else(pc.equal(text, ""), default, text), pa.int64()).to_numpy(zero_copy_only=False)

    # Arrow reads "-5" as an integer, but not "+5".
    years = pc.cast(pc.utf8_ltrim(pc.struct_field(parts, "year"), "+"), pa.int64()).to_numpy(zero_copy_only=False)
    year, month, day = np.clip(years, -_LAST_YEAR, _LAST_YEAR), part("month"), part("day")
    hour, minute, second = part("hour"), part("minute"), part("second")
    fraction = pc.struct_field(parts, "fraction")
    micro = pc.cast(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 6, "0"), 0, 6), pa.int64())
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    real = (month >= 1) & (month <= 12)
    last = _MONTH_DAYS[np.where(real, month, 1)] + (leap & (month == 2))
    real &= (day >= 1) & (day <= last) & (hour < 24) & (minute < 60) & (second < 60)
    offset, real_zone = _offsets(pc.struct_field(parts, "zone"))
    seconds = _days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    valid[where] = real & real_zone
    instants[where] = np.where(valid[where], seconds * 1_000_000 + micro.to_numpy(zero_copy_only=False), 0)
    return instants, valid


def _offsets(zones: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Seconds east of UTC, and whether the zone is one."""
    digits = pc.replace_substring_regex(zones, r"[^0-9]", "")
    padded = pc.utf8_rpad(digits, 4, "0")
    number = pc.cast(padded, pa.int64()).to_numpy(zero_copy_only=False)
    sign = np.where(pc.starts_with(zones, "-").to_numpy(zero_copy_only=False), -1, 1)
    hours, minutes = number // 100, number % 100
    return sign * (hours * 3600 + minutes * 60), (hours < 24) & (minutes < 60)


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that the leap day is last."""
    shifted = np.where(month <= 2, year - 1, year)
    era, year_of_era = shifted // 400, shifted % 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year - 719_468


def booleans_of(texts: pa.Array) -> np.ndarray:
    """int8[n]: 1 for "true", 0 for "false" (any case), -1 for every other trimmed text."""
    lowered = pc.ascii_lower(texts)
    true = pc.equal(lowered, "true").to_numpy(zero_copy_only=False)
    false = pc.equal(lowered, "false").to_numpy(zero_copy_only=False)
    return np.where(true, 1, np.where(false, 0, -1)).astype(np.int8)
