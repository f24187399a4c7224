"""The one source of random bits: no state, no repetition across a fork, seeds only where stamped."""

from __future__ import annotations

import copy
import subprocess
import sys

import numpy as np
import pytest

from dpsynth.noise import SeededEntropy, SystemEntropy

FORK = """
import os
from dpsynth.noise import SystemEntropy, rounded_gaussian
entropy = SystemEntropy()
rounded_gaussian(50.0, 8, entropy)
for _ in range(2):
    if os.fork() == 0:
        os.write(1, (str(rounded_gaussian(50.0, 64, entropy).tolist()) + "\\n").encode())
        os._exit(0)
    os.wait()
os.write(1, (str(rounded_gaussian(50.0, 64, entropy).tolist()) + "\\n").encode())
"""


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
@pytest.mark.parametrize("entropy", [SystemEntropy(), SeededEntropy(1)], ids=["system", "seeded"])
def test_words_are_64_bit(entropy, count) -> None:
    words = entropy.words(count)
    assert words.dtype == np.uint64
    assert words.shape == (count,)


def test_system_entropy_holds_nothing() -> None:
    entropy = SystemEntropy()
    assert entropy.private
    assert not hasattr(entropy, "__dict__")
    assert SystemEntropy.__slots__ == ()
    # Two copies share no stream: 64 equal words would need a broken operating system (chance 2^-4096).
    assert not np.array_equal(entropy.words(64), copy.copy(entropy).words(64))


def test_system_words_reach_all_bits() -> None:
    words = SystemEntropy().words(256)
    assert np.bitwise_or.reduce(words) == np.uint64(2**64 - 1)
    assert np.bitwise_and.reduce(words) == 0


def test_seeded_entropy_repeats_and_says_so() -> None:
    assert not SeededEntropy(7).private
    assert np.array_equal(SeededEntropy(7).words(9), SeededEntropy(7).words(9))
    assert not np.array_equal(SeededEntropy(7).words(9), SeededEntropy(8).words(9))
    with pytest.raises(AttributeError):
        SeededEntropy(7).private = True


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="this system cannot fork")
def test_a_fork_never_repeats_a_stream() -> None:
    run = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60, check=True)
    draws = run.stdout.splitlines()
    assert len(draws) == 3
    assert len(set(draws)) == 3
