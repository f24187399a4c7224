"""Shadow models: learn what one row does to the output of a generator, then guess whether it was there.

The attacker can run the generator (any callable from a table to a table) on tables of their own. Unlike the attacks on
one finished table, membership is randomised here, so each guess is an independent trial: the accuracy has an exact
test, and labels and scores may go into `privacy_audit.bounds`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from privacy_audit.attacks.base import AttackResult, Figure, MembershipScores
from privacy_audit.attacks.context import Claim
from privacy_audit.attacks.queries import Queries
from privacy_audit.attacks.summary import exact_rate, membership_figures
from privacy_audit.errors import InputError, ResourceError
from privacy_audit.frames import Table, align

__all__ = ["Generator", "ShadowAttack", "ShadowRuns", "shadow_attack", "shadow_runs"]

Generator = Callable[[Any, int], Any]
"""From a pandas frame and a seed to a synthetic frame."""

ALPHA = 1e-4
LEAST = 20
CHOSEN = 20
"""Features that the models are trained on."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ShadowRuns:
    """Features of synthetic tables, with labels.

    Attributes:
        features: float64[runs, features].
        labels: bool[runs]: whether the target was in the table.
    """

    features: np.ndarray
    labels: np.ndarray


@final
class ShadowAttack:
    """Train on labelled runs, predict on others."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._models: list[Any] = []
        self._chosen = np.empty(0, np.int64)

    def train(self, runs: ShadowRuns) -> ShadowAttack:
        """Choose the features that differ most between the labels, fit a forest and a linear model on them.

        Hundreds of queries would drown one telling feature in a small number of runs.

        Args:
            runs: of both labels.

        Raises:
            InputError: only one label occurs.
        """
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        if runs.labels.all() or not runs.labels.any():
            raise InputError("All shadow runs have the same label.\nTrain on runs with and without the target.")
        self._models = [
            RandomForestClassifier(200, min_samples_leaf=2, random_state=self.seed),
            make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)),
        ]
        inside, outside = runs.features[runs.labels], runs.features[~runs.labels]
        gap = np.abs(inside.mean(axis=0) - outside.mean(axis=0))
        spread = np.sqrt(inside.var(axis=0) / len(inside) + outside.var(axis=0) / len(outside))
        contrast = np.where(gap > 0, gap / np.maximum(spread, 1e-9 * np.maximum(gap, 1e-300)), 0.0)
        self._chosen = np.argsort(-contrast, kind="stable")[:CHOSEN]
        for model in self._models:
            model.fit(runs.features[:, self._chosen], runs.labels)
        return self

    def predict(self, runs: ShadowRuns) -> np.ndarray:
        """float64[runs]: summed log-odds that the target was in the table; labels are not looked at."""
        total = np.zeros(len(runs.features))
        for model in self._models:
            p = np.clip(model.predict_proba(runs.features[:, self._chosen])[:, 1], 1e-3, 1 - 1e-3)
            total += np.log(p / (1 - p))
        return total


def shadow_runs(
    generator: Generator,
    population: Table,
    target: Table,
    queries: Queries,
    *,
    rows: int,
    runs: int,
    seed: int,
    replace: bool = True,
    deadline: float | None = None,
) -> ShadowRuns:
    """Run the generator on random tables with and without the target.

    Args:
        generator: from a frame and a seed to a frame.
        population: rows an attacker knows, without the target.
        target: one row.
        queries: features of a synthetic table.
        rows: size of the tables.
        runs: how many tables; a fair coin decides the label of each.
        seed: of tables, coins and generator.
        replace: whether the target replaces a row (equal sizes) or is added to the table (sizes differ by one).
        deadline: reading of `time.monotonic` at which to stop.

    Returns:
        One row of features per run.

    Raises:
        InputError: the population is too small.
        ResourceError: the deadline passed.
    """
    if population.rows < rows:
        raise InputError(f"Shadow tables of {rows} rows need as many rows to draw from.\nPass a larger population.")
    rng = np.random.default_rng([seed, 11])
    labels = rng.random(runs) < 0.5
    frame, row = population.frame(), target.frame()
    features = []
    for label in labels:
        if deadline is not None and time.monotonic() > deadline:
            raise ResourceError(
                "The time limit of the shadow runs is reached.\nRaise time_limit or ask for fewer runs."
            )
        drawn = frame.iloc[rng.choice(population.rows, rows, replace=False)]
        if label:
            drawn = _joined(drawn.iloc[1:] if replace else drawn, row)
        made = generator(
            drawn.sample(frac=1, random_state=int(rng.integers(2**31))).reset_index(drop=True), int(rng.integers(2**31))
        )
        features.append(queries.answer(_encoded(made, population)))
    return ShadowRuns(np.array(features), labels)


def _joined(first: Any, second: Any) -> Any:
    import pandas as pd

    return pd.concat([first, second.astype(first.dtypes.to_dict())], ignore_index=True)


def _encoded(made: Any, population: Table) -> Table:
    """A synthetic frame in the population's encoding; unknown categories get the code of missing."""
    columns: dict[str, Any] = {
        column.name: list(column.values) if column.kind == "category" else (column.low, column.high)
        for column in population.columns
    }
    found = align(made, made, domain=columns, columns=list(columns), check_disjoint=False).synthetic
    codes = found.codes.copy()
    for j, column in enumerate(population.categorical):
        codes[:, j] = np.minimum(codes[:, j], len(column.values))
    return Table(population.columns, found.numbers, codes)


def shadow_attack(
    generator: Generator,
    population: Table,
    target: Table,
    *,
    rows: int = 500,
    runs: int = 400,
    test_runs: int = 200,
    seed: int = 0,
    replace: bool = True,
    claim: Claim | None = None,
    time_limit: float | None = None,
) -> AttackResult:
    """Guess from a synthetic table whether the target was in the generator's table.

    Args:
        generator: from a frame and a seed to a frame.
        population: rows an attacker knows, without the target.
        target: one row, for instance the most vulnerable (`targets.vulnerable`).
        rows: size of the tables the generator gets.
        runs: tables to train on.
        test_runs: fresh tables to guess on.
        seed: of everything.
        replace: whether the target replaces a row or is added.
        claim: the claimed (epsilon, delta), for the ceilings.
        time_limit: seconds.

    Returns:
        Accuracy with an exact interval and test, and the usual figures of membership scores.

    Raises:
        InputError: too few runs, or the population is too small.
        ResourceError: the time limit is reached.

    Source: houssiau2022tapas, meeus2023achilles.
    """
    from scipy import stats

    if runs < LEAST or test_runs < LEAST or target.rows != 1:
        raise InputError(f"A shadow attack needs one target row and at least {LEAST} runs of each kind.\nAsk for more.")
    deadline = None if time_limit is None else time.monotonic() + time_limit
    queries = Queries.draw(target, population, seed=seed)
    parts = [
        shadow_runs(
            generator,
            population,
            target,
            queries,
            rows=rows,
            runs=count,
            seed=2 * seed + i,
            replace=replace,
            deadline=deadline,
        )
        for i, count in enumerate((runs, test_runs))
    ]
    scores = ShadowAttack(seed).train(parts[0]).predict(parts[1])
    labels = parts[1].labels
    right = int(((scores > 0) == labels).sum())
    p = float(stats.binom.sf(right - 1, test_runs, 0.5))
    found = MembershipScores(scores[labels], scores[~labels])
    figures = {"accuracy": Figure(right / test_runs, *exact_rate(right, test_runs), 0.5)}
    if min(len(found.members), len(found.nonmembers)):
        figures |= membership_figures(found, None if claim is None else (claim.epsilon, claim.delta))
    verdict = "leak" if p <= ALPHA else "inconclusive" if p <= 0.01 else "no leak found"
    note = f"{test_runs} fresh runs on {rows} rows; the first feature is the number of synthetic rows"
    return AttackResult("shadow models", "shadow models", figures, verdict, note, p_value=p, scores=found)
