"""One training run through the real gate, a thousand canaries: what DP-SGD leaks, and three bugs of others caught.

Nothing is patched in the sound run. A canary is a row with a token of its own in a network whose first weights make its
gradient a Dirac: the embedding of the token gets all of it but one part in a million. With a momentum of 0 the public
state's first moment is the last noised sum, so the audit reads what a user reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special

from dpsynth.accounting import Budget, Epsilon, delta_up
from dpsynth.accounting.events import PoissonGaussian
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.gate import (
    Descent,
    GradientProgram,
    QueryShape,
    SampledGaussian,
    TrainingState,
    event_of,
    open_table,
    with_slack,
)
from dpsynth.gate.gradients import Embed, Linear
from privacy_audit.bounds.curves import PointsCurve
from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.mechanisms.gradient_canaries import GradientCanaries, GradientScores, score_gradients
from tests.gate.self_audit import ledger_folder
from tests.unit.generators.support import letters

pytestmark = pytest.mark.slow
CANARIES, STEPS, RATE, NOISE = 1_000, 300, 0.1, 2.0
EPOCH = round(1 / RATE)
STEEP = 1e3
"""Weight of a token: the part of its canary's gradient on its own embedding, over the part on all biases."""
GUESS = 400.0
"""A public guess of how many rows there are, which the program divides by; there are about 500."""
DELTA = 1e-5
SIGNS = np.where(np.arange(CANARIES) % 2, 1.0, -1.0)
PROGRAM = GradientProgram(
    ("c",),
    (Embed(1), Linear(0, CANARIES)),
    # So slow that the weights stay what they are: each step audits the same canaries.
    Descent(rate=1e-30, steps=STEPS, divisor=GUESS * RATE, momentum=0.0),
    clip=1.0,
)
STEP = SampledGaussian(RATE, NOISE, 1)


@pytest.fixture(autouse=True)
def torch() -> Any:
    """PyTorch, or a skip that says so."""
    found = pytest.importorskip("torch", reason="PyTorch is not here: no training to audit")
    found.set_num_threads(1)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Audited:
    """What one training run shows.

    Attributes:
        scores: ratios for Poisson batches, and residuals.
        slots: ratios for batches that stay the same from epoch to epoch, whichever of them a canary is in.
        echo: how much the noise of a step resembles that of the step before, a standard normal number if it does not.
    """

    scores: GradientScores
    slots: np.ndarray
    echo: float

    def refutes(self, curve: PointsCurve, scores: np.ndarray | None = None) -> bool:
        """Whether the ranking of canaries refutes a curve, with a false alarm in a thousand."""
        labels = self.scores.sample.labels == 1
        values = self.scores.sample.scores if scores is None else scores
        bound = rank_test(
            values[labels], values[~labels], delta=DELTA, curves=(curve,), alpha=1e-3, coin_labels=True, replicates=1999
        )
        return bound.epsilon > 0


def audited(seed: int | None = 11) -> Audited:
    """Train once, step by step, on the rows of the canaries whose coin says so, and score them all."""
    from dpsynth.gate.gradients_train import GRID, sensitivity_up

    noise = NOISE * sensitivity_up(3 * CANARIES) / GRID  # what is drawn: the claim's, and .4 % more for rounding
    # The same words in every run by default: no false alarm can flicker.
    labels = np.random.default_rng(3).integers(0, 2, CANARIES, dtype=np.uint8)
    source = pd.DataFrame({"c": np.flatnonzero(labels).astype(str)})
    state = TrainingState.start(np.concatenate([np.zeros(CANARIES), -STEEP * SIGNS, np.zeros(CANARIES)]))
    sums = []
    with ledger_folder() as folder:
        table = open_table(source, domain=letters("c", CANARIES), ledger=folder / "audit.ledger", seed_not_private=seed)
        event = with_slack(*[event_of(QueryShape("gradients"), STEP, table.unit, table.relation)] * STEPS)
        with table.reserve(event, job={"what": "canaries"}, budget=Budget(epsilon=8.0, delta=DELTA)) as grant:
            for _ in range(STEPS):
                state = grant.train(PROGRAM, STEP, state)
                sums.append(SIGNS * state.first[:CANARIES].astype(float) * PROGRAM.descent.divisor)
    design = GradientCanaries(np.arange(CANARIES), labels, 1.0)
    seen = np.array(sums)
    ratios = ((seen - 0.5) / noise**2).reshape(-1, EPOCH, CANARIES).sum(axis=0)
    quiet = seen[:, labels == 0] / noise
    return Audited(
        score_gradients(design, seen, rate=RATE, noise_multiplier=noise),
        special.logsumexp(ratios, axis=0) - np.log(EPOCH),
        float((quiet[1:] * quiet[:-1]).sum() / np.sqrt(quiet[1:].size)),
    )


@cache
def claim(noise: float = NOISE) -> PointsCurve:
    """The accountant's own curve for the whole training."""
    event = PoissonGaussian(RATE, noise, STEPS)
    return PointsCurve(
        (float(e), float(delta_up(event, Epsilon(float(e)), NeighbouringRelation.ADD_REMOVE).delta))
        for e in np.linspace(0.0, 8.0, 81)
    )


def test_the_gate_s_training_keeps_its_claim_and_uses_it() -> None:
    found = audited()
    assert not found.refutes(claim())
    assert not found.refutes(claim(), found.slots)
    assert found.refutes(claim(2 * NOISE))  # control: the audit would see a claim of twice the noise
    assert found.scores.residuals.p_value > 1e-3
    assert abs(found.echo) < 5


def fixed_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are shuffled once and cut into batches that come again in every epoch."""
    import dpsynth.gate.gradients_train as train

    calls = iter(range(STEPS))
    order = np.random.default_rng(5)
    batch_of: list[np.ndarray] = []

    def batch(rows: int, probability: float, entropy: Any) -> np.ndarray:
        if not batch_of:
            batch_of.append(order.permutation(rows) % EPOCH)
        return np.flatnonzero(batch_of[0] == next(calls) % EPOCH)

    monkeypatch.setattr(train, "poisson_batch", batch)


def noise_once_per_epoch(monkeypatch: pytest.MonkeyPatch, kept: int = 0) -> None:
    """Noise is drawn in the first step of an epoch; the others have none."""
    import dpsynth.gate.gradients_train as train

    draw, calls, last = train.rounded_gaussian, iter(range(STEPS)), []

    def noise(*asked: Any) -> np.ndarray:
        if next(calls) % EPOCH == 0:
            last[:] = [draw(*asked)]
            return last[0]
        return last[0] * kept

    monkeypatch.setattr(train, "rounded_gaussian", noise)


def noise_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """All steps of an epoch have the noise of the first one, so that differences of steps have none."""
    noise_once_per_epoch(monkeypatch, kept=1)


def divided_by_the_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is divided by rate |D| instead of a public number."""
    import dpsynth.gate.gradients_train as train

    run = train.Training.run

    def running(self: Any, engine: Any, entropy: Any) -> TrainingState:
        n = sum(len(batch[0]) for batch in engine.batches(PROGRAM.columns))
        self._program = replace(PROGRAM, descent=replace(PROGRAM.descent, divisor=n * RATE))
        return run(self, engine, entropy)

    monkeypatch.setattr(train.Training, "run", running)


@pytest.mark.parametrize(
    ("bug", "seen"),
    [
        (fixed_batches, lambda a: a.refutes(claim(), a.slots)),
        (noise_once_per_epoch, lambda a: a.scores.residuals.p_value < 1e-12),
        (noise_used_again, lambda a: a.echo > 8),
        (divided_by_the_number_of_rows, lambda a: a.scores.residuals.p_value < 1e-12),
    ],
    ids=["fixed batches", "noise once per epoch", "noise used again", "divided by |D|"],
)
def test_bugs_of_dp_sgd_are_caught(
    bug: Callable[[pytest.MonkeyPatch], None],
    seen: Callable[[Audited], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bug(monkeypatch)
    assert seen(audited())
