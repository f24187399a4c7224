"""What a utility number is: a value between a floor and a ceiling that were measured in the same run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, final

if TYPE_CHECKING:
    from privacy_audit.utility.bench import Bench
    from privacy_audit.utility.views import View

__all__ = ["AbstractMeasure", "Better", "Reading", "Score"]

Better = Literal["lower", "higher"]


@final
@dataclass(frozen=True, slots=True)
class Score:
    """A utility number of the synthetic table beside what the real table and shuffled columns get by the same formula.

    Attributes:
        name: the measure and, in brackets, what it was taken on: `tvd3_mean`, `wasserstein[age]`.
        value: of the synthetic table; NaN where it is undefined (`note` says why).
        floor: of a fresh sample of the real rows: nobody can ask for better than this.
        ceiling: of a table that keeps no dependence between columns (or, for numbers about one column, of a uniform
            one): a synthetic table that is no better has learned nothing here.
        low: lower end of a 95 % interval of the value, where one is known.
        high: upper end of it.
        better: whether small or large values are good.
        note: what the number means, and anything odd that was met.
    """

    name: str
    value: float
    floor: float
    ceiling: float
    low: float | None = None
    high: float | None = None
    better: Better = "lower"
    note: str = ""

    @property
    def lost(self) -> float:
        """Where the value lies between floor (0) and ceiling (1), or beyond; NaN where these two are hardly apart."""
        width = self.ceiling - self.floor
        least = 0.01 * max(abs(self.floor), abs(self.ceiling))
        if not math.isfinite(width) or not math.isfinite(self.value) or abs(width) <= least:
            return math.nan
        return (self.value - self.floor) / width

    def to_dict(self) -> dict[str, object]:
        """As JSON knows it: NaN and infinity are null."""
        figures = {name: getattr(self, name) for name in ("value", "floor", "ceiling", "low", "high")}
        finite = {
            name: float(figure) if figure is not None and math.isfinite(figure) else None
            for name, figure in figures.items()
        }
        lost = self.lost
        return {
            "name": self.name,
            **finite,
            "lost": lost if math.isfinite(lost) else None,
            "better": self.better,
            "note": self.note,
        }


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """One number that a measure reads off one table.

    Attributes:
        name: as in `Score`.
        value: NaN where undefined.
        better: as in `Score`.
        low: as in `Score`.
        high: as in `Score`.
        note: as in `Score`.
    """

    name: str
    value: float
    better: Better = "lower"
    low: float | None = None
    high: float | None = None
    note: str = ""


class AbstractMeasure(ABC):
    """A formula that reads numbers off a candidate table, given the real table.

    Attributes:
        name: its key in the registry.
        floor: which table gives the floor: "bootstrap" (real rows drawn with replacement), or, where repeated rows
            would spoil a number, "subset" (real rows drawn without) or "fresh" (held-out real rows).
        ceiling: which gives the ceiling: "independent" (every column drawn by itself), or, for numbers about one
            column, which that keeps, "uniform" (every column uniform on its range).
    """

    name: ClassVar[str]
    floor: ClassVar[Literal["bootstrap", "subset", "fresh"]] = "bootstrap"
    ceiling: ClassVar[Literal["independent", "uniform"]] = "independent"

    @abstractmethod
    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        """Read the numbers.

        Args:
            bench: the real table, the held-out one, labels and seeds.
            candidate: the table to judge: synthetic, bootstrap, fresh, shuffled or uniform.

        Returns:
            The same names for every candidate of one bench; none where the measure does not apply.

        Guarantee: equal bench and candidate give equal numbers.
        """

    def scores(self, bench: Bench) -> tuple[Score, ...]:
        """Read synthetic, floor and ceiling, and join them by name."""
        found = list(self.read(bench, bench.synthetic))
        if not found:
            return ()
        floors, ceilings = self._mean(bench, self.floor), self._mean(bench, self.ceiling)
        return tuple(
            Score(
                reading.name,
                reading.value,
                floors.get(reading.name, math.nan),
                ceilings.get(reading.name, math.nan),
                reading.low,
                reading.high,
                reading.better,
                reading.note,
            )
            for reading in found
        )

    def _mean(
        self, bench: Bench, kind: Literal["bootstrap", "subset", "fresh", "independent", "uniform"]
    ) -> dict[str, float]:
        """Means over the draws of a kind of table."""
        draws = 1 if kind == "fresh" else bench.draws
        found: dict[str, list[float]] = {}
        for draw in range(draws):
            for reading in self.read(bench, bench.candidate(kind, draw)):
                found.setdefault(reading.name, []).append(reading.value)
        return {name: sum(values) / len(values) for name, values in found.items()}
