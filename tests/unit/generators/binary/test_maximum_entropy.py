"""Newton steps on particles come to the penalised optimum that the explicit joint has."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary.explicit import climb
from dpsynth.generators.binary.maximum_entropy import Target, fit_particles
from dpsynth.generators.binary.particles import Particles
from tests.unit.generators.binary.support import bits, exact_sums


def test_particles_find_the_parameters_of_the_explicit_fit() -> None:
    sums = exact_sums(bits(20_000, 4), 2, 100.0)
    wanted = climb(sums, last=True)
    centred = sums.centred()
    targets = {
        k: Target(
            centred.sets[k],
            centred.sums[k],
            centred.noise[k],
            np.zeros(4) if k == 1 else centred.ridge(2, wanted.priors[2]),
            centred.scale[k],
        )
        for k in (1, 2)
    }
    particles = Particles(centred.centres, 20_000, np.random.Generator(np.random.PCG64(0)))
    start = {1: np.arctanh(centred.centres), 2: np.zeros(6)}
    last, mean = fit_particles(particles, targets, start, centred.total, steps=25, averaged=8)
    assert np.concatenate([mean[1], mean[2]]) == pytest.approx(wanted.theta, abs=0.03)
    assert last[2] == pytest.approx(mean[2], abs=0.05)
