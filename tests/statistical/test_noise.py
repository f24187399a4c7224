"""A million draws of real entropy against exact probabilities, scales wrong either way, and every known failure.

Each negative control breaks one thing that some noise source has broken before, and the same test at the same level
must see it: a scale off by 2 or 5 % to either side, noise that repeats, a seeded generator, floats off the lattice.
"""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from dpsynth.noise import (
    SeededEntropy,
    SystemEntropy,
    discrete_laplace,
    exponential,
    permute_and_flip,
    rounded_gaussian,
)
from tests.statistical.alarms import Verdict, binomial_test, chi_square_test, declare
from tests.unit.noise.laws import (
    Survival,
    binned_law,
    discrete_laplace_survival,
    exponential_law,
    integer_law,
    permute_and_flip_law,
    rounded_gaussian_survival,
)

ENTROPY = SystemEntropy()
DRAWS = 1_000_000
SIGMAS = (0.3, 1.0, 4.0, 41.5, 1000.0, 4100.0, 1e6, 1e9)
SCALES = (0.3, 1.0, 4.0, 41.5, 900.0, 1e6, 1e9)
LAWS = [(rounded_gaussian, rounded_gaussian_survival, s) for s in SIGMAS] + [
    (discrete_laplace, discrete_laplace_survival, s) for s in SCALES
]
LAGS = (1, 2, 3, 4, 32_768)

SHAPE = declare(
    "noise.shape", alpha=1e-8, looks=len(LAWS), chi_square=True,
    power="2 % on the scale is a noncentrality of 800 (Gaussian), 400 (Laplace); critical value below 280: 1.00",
)  # fmt: skip
SPREAD = declare(
    "noise.spread", alpha=1e-8, looks=len(LAWS),
    power="2 % on a scale from 4 on moves the mass within it by 20 (Gaussian), 15 (Laplace) standard errors: 1.00",
)  # fmt: skip
SIGN = declare(
    "noise.sign", alpha=1e-8, looks=len(LAWS),
    power="a shift by 2 % of a scale moves the share of positive draws by 16 standard errors: 1.00",
)  # fmt: skip
INDEPENDENCE = declare(
    "noise.independence", alpha=1e-8, looks=2 * len(LAGS),
    power="a correlation of the signs of .01 at one of the lags is 10 standard errors: 0.99",
)  # fmt: skip
REPEATS = declare(
    "noise.repeats", alpha=1e-8, looks=4,
    power="two blocks that agree in 1 % more places than chance are 80 standard errors apart at sigma 20: 1.00",
)  # fmt: skip
SELECTION = declare(
    "noise.selection", alpha=1e-8, looks=4, chi_square=True,
    power="40,000 choices; an epsilon off by 10 % to either side is found with probability above .99 (controls below)",
)  # fmt: skip


def cuts_of(scale: float) -> np.ndarray:
    """Up to 80 magnitudes between 0 and 5 scales."""
    return np.unique(np.linspace(0, max(5 * scale, 4), 80).astype(np.int64))


def shape_test(draws: np.ndarray, scale: float, survival: Survival, alpha: float) -> Verdict:
    cuts = cuts_of(scale)
    bins = np.sign(draws) * np.searchsorted(cuts, np.abs(draws)) + cuts.size
    return chi_square_test(np.bincount(bins, minlength=2 * cuts.size + 1), binned_law(survival, scale, cuts), alpha)


def spread_test(draws: np.ndarray, scale: float, survival: Survival, alpha: float) -> Verdict:
    inside = int(scale)
    mass = float(1 - 2 * survival(scale, inside))
    return binomial_test(int((np.abs(draws) <= inside).sum()), draws.size, mass, alpha)


def sign_test(draws: np.ndarray, alpha: float) -> Verdict:
    return binomial_test(int((draws > 0).sum()), int((draws != 0).sum()), 0.5, alpha)


def independence_test(draws: np.ndarray, lag: int, alpha: float) -> Verdict:
    """Products of fair independent signs at one lag are themselves fair and independent: an exact binomial."""
    products = np.sign(draws[lag:]) * np.sign(draws[:-lag])
    return binomial_test(int((products > 0).sum()), int((products != 0).sum()), 0.5, alpha)


def repeats_test(one: np.ndarray, other: np.ndarray, agree: float, alpha: float) -> Verdict:
    return binomial_test(int((one == other).sum()), one.size, agree, alpha)


def agreement(sigma: float) -> float:
    """P(K = K') for two independent draws."""
    if sigma > 1000:
        return float(1 / (2 * mpmath.sqrt(mpmath.pi) * sigma))  # up to a relative 1 / sigma^2
    return float((integer_law(rounded_gaussian_survival, sigma, int(9 * sigma)) ** 2).sum())


def on_lattice(values: np.ndarray) -> bool:
    """Whether every value is a whole number: noise on counts must leave no low bits behind."""
    return bool((values == np.rint(values)).all())


# ------------------------------------------------------------------------------------------------------ correct code


@pytest.mark.parametrize(("draw", "survival", "scale"), LAWS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_draws_have_the_exact_law(draw: Callable, survival: Survival, scale: float) -> None:
    draws = draw(scale, DRAWS, ENTROPY)
    assert draws.dtype == np.int64
    assert not shape_test(draws, scale, survival, SHAPE.spend()).rejected
    assert not spread_test(draws, scale, survival, SPREAD.spend()).rejected
    assert not sign_test(draws, SIGN.spend()).rejected


@pytest.mark.parametrize("sigma", [20.0, 1e6])
@pytest.mark.parametrize("lag", LAGS)
def test_draws_are_independent_of_their_neighbours(sigma: float, lag: int) -> None:
    """Lags 1 to 4 share an entropy word (four draws per word); 32,768 is the length of a block."""
    assert not independence_test(rounded_gaussian(sigma, DRAWS, ENTROPY), lag, INDEPENDENCE.spend()).rejected


@pytest.mark.parametrize("sigma", [20.0, 1e6])
def test_noise_is_never_repeated(sigma: float) -> None:
    draws, more = rounded_gaussian(sigma, (2, 200_000), ENTROPY), rounded_gaussian(sigma, 200_000, SystemEntropy())
    assert not repeats_test(draws[0], draws[1], agreement(sigma), REPEATS.spend()).rejected
    assert not repeats_test(draws[0], more, agreement(sigma), REPEATS.spend()).rejected


SCORES = np.array([12, 9, 12, 3, -40, 10])
CHOICES = 40_000


def choices_of(select: Callable, epsilon: float) -> np.ndarray:
    drawn = [select(SCORES, epsilon=epsilon, sensitivity=3, entropy=ENTROPY) for _ in range(CHOICES)]
    return np.bincount(drawn, minlength=SCORES.size)


def selection_law(law: Callable, epsilon: float) -> np.ndarray:
    return law(np.exp(epsilon * (SCORES - SCORES.max()) / 6))


@pytest.mark.parametrize("epsilon", [0.5, 3.0])
@pytest.mark.parametrize(
    ("select", "law"), [(exponential, exponential_law), (permute_and_flip, permute_and_flip_law)], ids=["em", "pf"]
)
def test_selection_has_its_exact_odds(select: Callable, law: Callable, epsilon: float) -> None:
    counts = choices_of(select, epsilon)
    assert not chi_square_test(counts, selection_law(law, epsilon), SELECTION.spend()).rejected
    if epsilon == 3.0:  # the controls, on the same draws: a wrong epsilon, and the other mechanism
        other = permute_and_flip_law if law is exponential_law else exponential_law
        assert chi_square_test(counts, selection_law(law, 0.9 * epsilon), SELECTION.alpha).rejected
        assert chi_square_test(counts, selection_law(law, 1.1 * epsilon), SELECTION.alpha).rejected
        assert chi_square_test(counts, selection_law(law, 2.0 * epsilon), SELECTION.alpha).rejected
        assert chi_square_test(counts, selection_law(other, epsilon), SELECTION.alpha).rejected


# ---------------------------------------------------------------------------------------------------- negative controls


@pytest.mark.parametrize("factor", [0.95, 0.98, 1.02, 1.05])
@pytest.mark.parametrize(("draw", "survival"), [LAWS[0][:2], LAWS[-1][:2]], ids=["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [4.0, 1000.0, 1e6])
def test_a_wrong_scale_is_seen_from_either_side(draw, survival, scale, factor) -> None:
    draws = draw(factor * scale, DRAWS, ENTROPY)
    assert shape_test(draws, scale, survival, SHAPE.alpha).rejected
    assert spread_test(draws, scale, survival, SPREAD.alpha).rejected


def test_a_shift_is_seen() -> None:
    draws = rounded_gaussian(41.5, DRAWS, ENTROPY) + 1
    assert sign_test(draws, SIGN.alpha).rejected


def test_rounding_down_instead_of_to_nearest_is_seen() -> None:
    draws = np.floor(rounded_gaussian(1e6, DRAWS, ENTROPY) / 1e6 * 4).astype(np.int64)
    assert sign_test(draws, SIGN.alpha).rejected
    assert shape_test(draws, 4.0, rounded_gaussian_survival, SHAPE.alpha).rejected


def test_cut_tails_are_seen() -> None:
    draws = rounded_gaussian(41.5, DRAWS, ENTROPY)
    draws = np.clip(draws, -125, 125)
    assert shape_test(draws, 41.5, rounded_gaussian_survival, SHAPE.alpha).rejected


def test_another_law_of_the_same_variance_is_seen() -> None:
    draws = discrete_laplace(41.5 / 2**0.5, DRAWS, ENTROPY)
    assert shape_test(draws, 41.5, rounded_gaussian_survival, SHAPE.alpha).rejected


@pytest.mark.parametrize("sigma", [20.0, 1e6])
def test_repeated_noise_is_seen(sigma: float) -> None:
    """A forked buffer, or one draw broadcast over two tables; also where only one place in fifty repeats."""
    one, other = rounded_gaussian(sigma, (2, 200_000), ENTROPY)
    assert repeats_test(one, one, agreement(sigma), REPEATS.alpha).rejected
    other = np.where(np.arange(one.size) % 50 == 0, one, other)
    assert repeats_test(one, other, agreement(sigma), REPEATS.alpha).rejected
    assert independence_test(np.concatenate([one, one]), one.size, INDEPENDENCE.alpha).rejected


def test_a_seeded_generator_is_stamped_and_repeats() -> None:
    """Its law is right, so no histogram can see it; its stamp and its repetition do."""
    one, other = (rounded_gaussian(20.0, 200_000, SeededEntropy(12345)) for _ in range(2))
    assert not SeededEntropy(12345).private
    assert ENTROPY.private
    assert not shape_test(one, 20.0, rounded_gaussian_survival, SHAPE.alpha).rejected
    assert repeats_test(one, other, agreement(20.0), REPEATS.alpha).rejected


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_integer_noise_leaves_no_low_bits_and_float_noise_does(count: int) -> None:
    draws = rounded_gaussian(3.0, 10_000, ENTROPY)
    assert on_lattice(count + draws)
    assert not on_lattice(count + np.random.default_rng(1).normal(0, 3.0, 10_000))


def test_float_noise_betrays_the_count() -> None:
    """Of the doubles 0 + z, many are no 1 + z' for any double z': one look then tells 0 from 1. Integers never do."""

    def reachable(values: np.ndarray, count: int) -> np.ndarray:
        return count + (values - count) == values

    floats = 0 + np.random.default_rng(1).normal(0, 3.0, 100_000)
    assert 0.1 < 1 - reachable(floats, 1).mean() < 0.5
    assert reachable(0 + rounded_gaussian(3.0, 100_000, ENTROPY), 1).all()
