"""What cannot change privacy: how fast and in how much memory the rows are counted."""

from __future__ import annotations

from dataclasses import dataclass

from dpsynth.errors import InputError

__all__ = ["DEFAULT_PERFORMANCE", "Performance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Settings of the engine. No event, charge or noise scale ever depends on them (a law test holds that).

    Attributes:
        engine: "auto", "memory" or "duckdb".
        threads: threads of the engine; None leaves it to the engine.
        batch_rows: rows per batch of a streaming engine; None leaves it to the engine.
    """

    engine: str = "auto"
    threads: int | None = None
    batch_rows: int | None = None

    def __post_init__(self) -> None:
        for name in ("threads", "batch_rows"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise InputError(f"{name} must be a whole number of at least 1, or None.")


DEFAULT_PERFORMANCE = Performance()
