"""What cannot change privacy: how the rows are counted."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_PERFORMANCE", "Performance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Settings of the engine. No event, charge or noise scale ever depends on them (a law test holds that).

    Attributes:
        engine: "auto" (memory for frames, duckdb for files), "memory" or "duckdb".
    """

    engine: str = "auto"


DEFAULT_PERFORMANCE = Performance()
