"""The worst-served subgroup: averages hide it, so it has numbers of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, final

import numpy as np

from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench
from privacy_audit.utility.marginals import cliques_of, distances
from privacy_audit.utility.models import auc
from privacy_audit.utility.prediction import chances_of, positive_class
from privacy_audit.utility.views import View

__all__ = ["Subgroups"]

FEWEST_ROWS = 100
MOST_PAIRS = 60


@final
class Subgroups(AbstractMeasure):
    """For each grouping, the k-marginal score within its worst group, that group's share, and its AUC."""

    name: ClassVar[str] = "subgroups"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        grid, found = bench.grid, []
        rng = bench.rng("subgroups")
        for place in bench.groupings:
            pairs = [pair for pair in cliques_of(len(grid.names), 2, bench.rng("cliques 2")) if place not in pair]
            if not pairs:
                continue
            chosen = [pairs[i] for i in np.sort(rng.permutation(len(pairs))[:MOST_PAIRS])]
            groups = np.flatnonzero(np.bincount(bench.real.codes[:, place]) >= FEWEST_ROWS)
            scores = []
            for group in groups.tolist():
                real, mine = (view.codes[view.codes[:, place] == group] for view in (bench.real, candidate))
                score = 1000 * (1 - float(distances(real, mine, grid.sizes, chosen).mean())) if len(mine) else 0.0
                scores.append((score, self._word(bench, place, group), len(real)))
            if not scores:
                continue
            score, word, rows = min(scores)
            found.append(
                Reading(
                    f"k_marginal_min[{grid.names[place]}]",
                    score,
                    "higher",
                    note=f"of 1,000; 2-way marginals in the worst of {len(scores)} groups: {word} ({rows:,} real rows)",
                )
            )
            found += self._area(bench, candidate, place, groups.tolist())
        return found

    def _area(self, bench: Bench, candidate: View, place: int, groups: list[int]) -> list[Reading]:
        """AUC of the model trained on the candidate within the group where it is worst."""
        if bench.label is None:
            return []
        positive = positive_class(bench)
        areas = []
        chances = chances_of(bench, candidate, "boosting")[:, positive]
        truth = bench.anchor.codes[:, bench.label] == positive
        for group in groups:
            inside = bench.anchor.codes[:, place] == group
            if min((inside & truth).sum(), (inside & ~truth).sum()) >= 20:
                area, error = auc(chances[inside & truth], chances[inside & ~truth])
                areas.append((area, error, self._word(bench, place, group)))
        if not areas:
            return []
        area, error, word = min(areas)
        name = f"tstr_auc_min[{bench.grid.names[place]}]"
        return [
            Reading(name, area, "higher", area - 1.96 * error, min(1.0, area + 1.96 * error), f"worst group: {word}")
        ]

    def _word(self, bench: Bench, place: int, group: int) -> str:
        words = bench.grid.labels[place]
        return words[group] if group < len(words) else "(missing)"
