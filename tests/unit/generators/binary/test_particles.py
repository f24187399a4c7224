"""Gibbs particles: moments as counted one by one, and the law that they come to."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.generators.binary.joint import Joint
from dpsynth.generators.binary.particles import Particles, moments_of
from dpsynth.generators.binary.polynomial import Neighbours
from dpsynth.generators.binary.walsh import all_sets
from tests.unit.generators.binary.support import bits, parities


@pytest.mark.parametrize("step", [1, 97])
def test_moments_are_means_of_products(step: int) -> None:
    rows = bits(5000, 8)
    centres = np.linspace(-0.5, 0.5, 8)
    sets = {1: all_sets(8, 1)} | {k: all_sets(8, k)[::step] for k in (2, 3, 4)}
    found = moments_of((1 - 2.0 * rows.T).astype(np.float32), centres.astype(np.float32), sets)
    for k in sets:
        assert found[k] == pytest.approx(parities(rows, sets[k], centres) / 5000, abs=1e-5)


def test_particles_start_with_their_means() -> None:
    centres = np.array([-0.9, 0.0, 0.5])
    start = Particles(centres, 4000, np.random.Generator(np.random.PCG64(0)))
    assert start.signs.mean(axis=1) == pytest.approx(centres, abs=1e-3)


def test_sweeps_come_to_the_law_of_the_parameters() -> None:
    """Against all cells of three columns, with an interaction of order three."""
    centres = np.array([0.2, -0.3, 0.0])
    sets = {k: all_sets(3, k) for k in (1, 2, 3)}
    theta = {1: np.array([0.3, -0.2, 0.1]), 2: np.array([0.4, 0.0, -0.3]), 3: np.array([0.5])}
    joint = Joint(centres)
    spread = np.zeros(8)
    for k in sets:
        spread[joint.places_of(sets[k])] = theta[k]
    weights = np.exp(joint.expand(spread))
    moments = joint.moments(weights / weights.sum())
    particles = Particles(centres, 40_000, np.random.Generator(np.random.PCG64(1)))
    particles.sweep(Neighbours(3, sets).all_polynomials(theta), 15)
    for k, found in particles.moments(sets).items():
        assert found == pytest.approx(moments[joint.places_of(sets[k])], abs=0.02)
