"""Audit a mechanism of your own: find a leak, prove its epsilon exactly, and bound it from one run.

    python examples/audit_a_mechanism.py

Uses nothing of dpsynth: the mechanism is forty lines of numpy, once right and once with a bug that many have made.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.mechanisms.neighbours import neighbour_pairs
from privacy_audit.mechanisms.replay import Gate, check_pair
from privacy_audit.mechanisms.transcript import MeasurementRelease, Transcript
from privacy_audit.mechanisms.unique_cells import CanaryAnswer, design_canaries, score_canaries
from privacy_audit.mechanisms.white_box import audit_transcript

TOWNS = ("north", "south", "east")
SIGMA = 4.0
MU = 1 / SIGMA
DELTA = 1e-5


def histogram(table: pd.DataFrame) -> np.ndarray:
    """Rows per listed town; what is not listed counts as the last."""
    codes = [TOWNS.index(town) if town in TOWNS else len(TOWNS) - 1 for town in table["town"]]
    return np.bincount(np.array(codes, dtype=np.int64), minlength=len(TOWNS))


def noise(exact: list[np.ndarray]) -> list[np.ndarray]:
    """Good enough for an example; a real mechanism draws integers from the system's entropy."""
    rng = np.random.default_rng()
    return [vector + rng.normal(0.0, SIGMA, vector.shape) for vector in exact]


def sound(table: pd.DataFrame, gate: Gate) -> dict[str, object]:
    """One noisy histogram, and its shares."""
    (noisy,) = gate.release("histogram", histogram(table), noise, sensitivity=1.0, parameters=SIGMA, cost=MU**2)
    total = max(float(noisy.sum()), 1.0)
    return {"shares": noisy / total, "rows": round(total)}


def leaky(table: pd.DataFrame, gate: Gate) -> dict[str, object]:
    """The same, but it samples as many rows as the private table has."""
    return {**sound(table, gate), "rows": len(table)}


def main() -> None:
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"town": rng.choice(TOWNS, 60), "age": rng.integers(18, 90, 60)})

    # 1. Record on a table, replay on its neighbours with the same noisy answers: nothing else may differ.
    for mechanism in (sound, leaky):
        pairs = neighbour_pairs(people, 25, seed=1)
        found = [check_pair(mechanism, p.one, p.other, equal=p.equal, claim=MU**2) for p in pairs]
        alarms = sorted({finding.kind for report in found for finding in report.findings})
        print(f"{mechanism.__name__}: {len(found)} pairs of tables, findings: {', '.join(alarms) or 'none'}")

    # 2. From the exact answers of both worlds, the exact mu of one more row; compare it with the claim.
    more = pd.concat([people, people.iloc[[0]]], ignore_index=True)
    answer = MeasurementRelease(histogram(more), histogram(people), SIGMA, sensitivity=1.0)
    report = audit_transcript(Transcript((answer,)), mu=MU)
    print(f"one more row: exact mu {report.mu_exact:.4f}, claimed {MU:.4f}, {'holds' if report.passed else 'broken'}")

    # 3. One run, 2,000 canaries: a lower bound of epsilon that needs no access to the exact answers.
    design = design_canaries(2_000, copies=5, seed=2)
    exact = np.array([5.0 + label for label in design.labels])
    for words, scale in (("declared noise", 1.0), ("half of it", 0.5)):
        drawn = exact + scale * rng.normal(0.0, SIGMA, exact.size)
        scores = score_canaries(design, [CanaryAnswer(drawn, SIGMA)])
        bound = rank_test(
            scores.sample.members,
            scores.sample.nonmembers,
            delta=DELTA,
            gaussian_mechanism=True,
            coin_labels=True,
            replicates=99,
        )
        print(f"{words}: epsilon >= {bound.epsilon:.2f}, residuals off by {scores.residuals.z:.1f} standard errors")


if __name__ == "__main__":
    main()
