"""One way to write JSON and numbers, so that equal values have equal bytes and equal hashes."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["canonical_json", "number_text"]


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no spaces, UTF-8, shortest round-trip floats; NaN and infinity are refused (ValueError)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def number_text(value: float) -> str:
    """The one text of a finite number: whole numbers without ".0", others as the shortest round-trip float."""
    return str(int(value)) if value == int(value) else repr(float(value))
