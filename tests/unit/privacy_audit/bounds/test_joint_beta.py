"""Golden intervals, and the label that no verdict rests on them."""

from __future__ import annotations

import pytest

from privacy_audit.bounds.joint_beta import joint_beta, private_probability

GOLDEN = {
    # FN, FP, TN, TP, delta: the interval at alpha .1
    (0, 512, 1, 487, 1e-5): (0.1439, 6.4156, 1e-3),
    (269, 269, 731, 731, 0.0): (0.9315, 1.1069, 2e-4),
    (50, 5, 95, 50, 1e-5): (1.6250, 3.0842, 2e-4),
}


@pytest.mark.parametrize(("counts", "interval"), GOLDEN.items())
def test_interval_is_golden(counts: tuple, interval: tuple) -> None:
    missed, false, true_out, true_in, delta = counts
    bound = joint_beta(false, false + true_out, missed, missed + true_in, delta=delta, alpha=0.1)
    assert bound.epsilon == pytest.approx(interval[0], abs=interval[2])
    assert bound.details["upper"] == pytest.approx(interval[1], abs=interval[2])
    assert not bound.valid
    assert not bound.violates(0.0)
    assert private_probability(
        false, false + true_out, missed, missed + true_in, bound.epsilon, delta
    ) == pytest.approx(0.05)


def test_readme_interval() -> None:
    """The interval that the method's own documentation prints, to the tolerance of its numbers."""
    bound = joint_beta(512, 513, 0, 487, delta=1e-5, alpha=0.1)
    assert bound.epsilon == pytest.approx(0.145, abs=0.02)
    assert bound.details["upper"] == pytest.approx(6.399, abs=0.02)
