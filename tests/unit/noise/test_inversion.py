"""The map from words to draws equals the naive one: compare 191 bits of U with every boundary, one by one."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from dpsynth.errors import InputError
from dpsynth.noise import SeededEntropy, discrete_laplace, rounded_gaussian
from dpsynth.noise.inversion import _BLOCK, _MARGIN, _OPEN, _TOP, _fill_by_guess, _table
from tests.unit.noise.scripted import CountingEntropy, ScriptedEntropy

_gaussian = sys.modules["dpsynth.noise.rounded_gaussian"]._RoundedGaussian
_laplace = sys.modules["dpsynth.noise.discrete_laplace"]._DiscreteLaplace

TABLES = [
    _gaussian(1e-3), _gaussian(0.05), _gaussian(0.3), _gaussian(1.0), _gaussian(19.7), _gaussian(1000.0),
    _gaussian(4095.9),
    _laplace(1e-3), _laplace(0.05), _laplace(0.3), _laplace(1.0), _laplace(19.7), _laplace(900.0),
]  # fmt: skip
GUESSES = [
    _gaussian(4100.0), _gaussian(1e6), _gaussian(1e9), _gaussian(2.0**40),
    _laplace(1000.0), _laplace(1e6), _laplace(1e9), _laplace(2.0**40),
]  # fmt: skip


def draw_and_scale(law):
    """The public function of a law and its argument."""
    return (rounded_gaussian, law.sigma) if isinstance(law, _gaussian) else (discrete_laplace, law.scale)


def naive(law, point: int) -> int:
    """Number of boundaries at most point / 2^191, by bisection over integers that know nothing of floats."""
    lower, upper = -1, 1
    while law.boundary(upper, 191) <= point:
        upper *= 2
    while upper - lower > 1:
        middle = (lower + upper) // 2
        if law.boundary(middle, 191) <= point:
            lower = middle
        else:
            upper = middle
    return upper


@pytest.mark.parametrize("law", TABLES, ids=str)
def test_every_closed_bucket_of_the_guide_is_right(law) -> None:
    """Exhaustive: all 65,536 first words that decide at once, by the ends of the run of buckets of each magnitude."""
    guide = _table(law)._guide.astype(np.int64)
    half = guide[: 1 << 15]
    assert np.array_equal(np.where(half == _OPEN, _OPEN, -half), guide[1 << 15 :])  # exactly symmetric
    assert (half[half != _OPEN] >= 0).all()
    for magnitude in np.unique(half[half != _OPEN]).tolist():
        buckets = np.flatnonzero(half == magnitude)
        assert np.array_equal(buckets, np.arange(buckets[0], buckets[-1] + 1))
        first, last = int(buckets[0]) << 176, ((int(buckets[-1]) + 1) << 176) - 1
        assert last < law.boundary(magnitude, 191) - 2
        if magnitude:
            assert first > law.boundary(magnitude - 1, 191) + 2
    assert half[-1] == _OPEN  # the tail is always read further


@pytest.mark.parametrize("law", [*TABLES, *GUESSES], ids=str)
def test_near_boundaries_draws_equal_the_naive_inversion(law) -> None:
    draw, scale = draw_and_scale(law)
    magnitudes = np.unique(np.linspace(0, max(6 * scale, 3), 9).astype(np.int64)).tolist()
    rng = np.random.default_rng(3)
    exact_reads = 0
    for m in magnitudes:
        boundary = law.boundary(m, 191)
        for shift in (0, 1, -1, _MARGIN // 3, -_MARGIN + 1, _MARGIN - 1, _MARGIN, -_MARGIN - 1, 3 * _MARGIN):
            uniform = min(max((boundary >> 128) + shift, 0), _TOP)
            tail = int(rng.integers(0, 2**63)), int(rng.integers(0, 2**63))
            truth = naive(law, uniform << 128 | tail[0] << 64 | tail[1])
            if law in GUESSES:
                entropy = ScriptedEntropy([uniform << 1 | 1], tail)
                negative = int(draw(scale, 1, entropy)[0])
            else:
                bucket = uniform >> 48
                entropy = ScriptedEntropy([1 << 15 | bucket], [(uniform & (2**48 - 1)) << 16], tail)
                negative = int(draw(scale, 1, entropy)[0])
            exact_reads += len(entropy.answers) == 0
            assert negative == -truth
    assert exact_reads > len(magnitudes)  # the rarest path was walked


@pytest.mark.parametrize("law", [TABLES[3], GUESSES[0], TABLES[9], GUESSES[4]], ids=str)
@pytest.mark.parametrize("low", [-2, -1, 0, 1])
def test_the_last_of_191_bits_decides(law, low) -> None:
    """A word that equals a boundary in 63 bits, and in 191 bits but for the last ones."""
    draw, scale = draw_and_scale(law)
    point = law.boundary(1, 191) + low
    uniform, tail = point >> 128, ((point >> 64) & (2**64 - 1), point & (2**64 - 1))
    words = [[uniform << 1], tail] if law in GUESSES else [[uniform >> 48], [(uniform & (2**48 - 1)) << 16], tail]
    assert draw(scale, 1, ScriptedEntropy(*words))[0] == (2 if low >= 0 else 1)


@pytest.mark.parametrize("law", [*TABLES[2:7], *TABLES[10:], *GUESSES], ids=str)
def test_extreme_words_are_far_but_finite(law) -> None:
    draw, scale = draw_and_scale(law)
    ones = 2**64 - 1
    words = [[ones], [ones, ones]] if law in GUESSES else [[ones], [ones], [ones, ones]]
    # The last unit of 2^-191 holds all of the tail beyond; its fixed answer is where the integers saturate.
    most = 24 if isinstance(law, _gaussian) else 199
    far = -int(draw(scale, 1, ScriptedEntropy(*words))[0])
    assert far == naive(law, 2**191 - 1)
    assert 0.6 * most * scale - 2 <= far <= most * scale + 2


@pytest.mark.parametrize("law", TABLES[2:6] + TABLES[9:12], ids=str)
def test_table_and_guess_agree(law) -> None:
    """The path for large scales gives what the table gives for the same U (and the naive one gives)."""
    draw, scale = draw_and_scale(law)
    rng = np.random.default_rng(11)
    for _ in range(60):
        uniform, sign = int(rng.integers(0, 2**63)), int(rng.integers(0, 2))
        tail = (5, 6)
        by_table = draw(scale, 1, ScriptedEntropy([sign << 15 | uniform >> 48], [(uniform & (2**48 - 1)) << 16], tail))
        by_guess = np.empty(1, np.int64)
        _fill_by_guess(law, by_guess, ScriptedEntropy([uniform << 1 | sign], tail))
        assert by_table[0] == by_guess[0] == (-1) ** sign * naive(law, uniform << 128 | 5 << 64 | 6)


class _BadGuess(_gaussian):
    """The right law behind a guess that is off by 0 to 5 cells, or by far."""

    __slots__ = ()

    def position(self, survival):
        off = (np.arange(survival.size) % 12) - 5.5
        return np.maximum(super().position(survival) + np.where(off > 5, 1e5, off), 0)


def test_a_wrong_guess_is_never_believed() -> None:
    """Where floating point guesses a cell that is not next to U, the proof fails and the integers decide."""
    for law, bad in ((_gaussian(5000.0), _BadGuess(5000.0)), (_gaussian(1e9), _BadGuess(1e9))):
        good, guessed = np.empty(600, np.int64), np.empty(600, np.int64)
        _fill_by_guess(law, good, SeededEntropy(9))
        entropy = CountingEntropy(SeededEntropy(9))
        _fill_by_guess(bad, guessed, entropy)
        assert np.array_equal(good, guessed)
        assert len(entropy.asked) > 100  # most were resolved exactly


@pytest.mark.parametrize("draw", [rounded_gaussian, discrete_laplace])
@pytest.mark.parametrize("scale", [3.0, 1e7])
def test_draws_do_not_depend_on_the_shape(draw, scale) -> None:
    flat = draw(scale, 24, SeededEntropy(5))
    assert np.array_equal(flat, draw(scale, (2, 3, 4), SeededEntropy(5)).ravel())
    assert draw(scale, (), SeededEntropy(5)) == flat[0]
    assert draw(scale, (0, 4), SeededEntropy(5)).shape == (0, 4)
    assert draw(scale, np.int64(3), SeededEntropy(5)).dtype == np.int64


@pytest.mark.parametrize("draw", [rounded_gaussian, discrete_laplace])
@pytest.mark.parametrize("scale", [3.0, 1e7])
def test_blocks_are_filled_to_the_end(draw, scale) -> None:
    draws = draw(scale, 2 * _BLOCK + 3, SeededEntropy(5))
    assert all((block != 0).any() for block in np.array_split(draws, 200))
    assert not np.array_equal(draws[:_BLOCK], draws[_BLOCK : 2 * _BLOCK])


def test_few_words_are_read() -> None:
    entropy = CountingEntropy(SeededEntropy(1))
    rounded_gaussian(20.0, 4 * _BLOCK, entropy)
    assert sum(entropy.asked) < 1.1 * _BLOCK  # a quarter word each, and a little for the open buckets


@pytest.mark.parametrize("draw", [rounded_gaussian, discrete_laplace])
@pytest.mark.parametrize("shape", [-1, (2, -1), 1.5, "3", None, (None,)])
def test_a_shape_that_is_none_is_refused(draw, shape) -> None:
    with pytest.raises(InputError) as caught:
        draw(1.0, shape, SeededEntropy(1))
    assert str(caught.value) == "The shape of noise must be whole numbers, none negative, in one tuple."


@pytest.mark.parametrize(("draw", "name"), [(rounded_gaussian, "sigma"), (discrete_laplace, "scale")])
@pytest.mark.parametrize(
    ("scale", "found"),
    [
        (0, "0"), (0.0, "0"), (-1.5, "-1.5"), (2.0**40 * (1 + 2**-52), "1.09951e+12"), (np.float64(2e12), "2e+12"),
        (float("nan"), "no usable number"), (float("inf"), "no usable number"), (10**400, "no usable number"),
        (True, "bool"), ("1", "str"), (None, "NoneType"), (1j, "complex"),
    ],
)  # fmt: skip
def test_a_scale_out_of_range_is_refused(draw, name, scale, found) -> None:
    with pytest.raises(InputError) as caught:
        draw(scale, 1, SeededEntropy(1))
    assert str(caught.value) == f"{name} must be a number above 0 and at most 2^40; found {found}."


@pytest.mark.parametrize("draw", [rounded_gaussian, discrete_laplace])
@pytest.mark.parametrize("scale", [5e-324, 1e-300, 2.0**40, 1, np.int32(3), np.float32(0.5)])
def test_all_scales_in_range_draw(draw, scale) -> None:
    draws = draw(scale, 50, SeededEntropy(1))
    assert (np.abs(draws) <= 40 * float(scale) + 1).all()
    assert draws.any() == (scale > 0.1)
