"""Sketches find a table again, and never leave the ledger."""

from __future__ import annotations

import numpy as np
import pytest

from dpsynth.engines.fingerprint import Fingerprint
from dpsynth.errors import LedgerError
from dpsynth.gate.identity import SKETCH_SIZE, job_key, overlap, pack_fingerprint, unpack_fingerprint


def _sketch(hashes: np.ndarray) -> np.ndarray:
    return np.unique(hashes)[:SKETCH_SIZE]


@pytest.fixture
def hashes() -> np.ndarray:
    """uint64[20000], what keyed hashes of distinct rows look like."""
    return np.random.default_rng(1).integers(0, 2**63, 20_000).astype(np.uint64)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 1.0])
def test_a_sample_of_a_table_overlaps_wholly(hashes, share) -> None:
    assert overlap(_sketch(hashes[: int(share * len(hashes))]), _sketch(hashes)) == 1.0


@pytest.mark.parametrize("expected", [0.1, 1.0, 4.0, 20.0])
def test_a_small_sample_is_recognised_as_often_as_one_of_its_rows_is_in_the_sketch(expected) -> None:
    """A sample of k of n rows has about 512 k / n of them in the sketch: none with probability exp(-512 k / n)."""
    rng = np.random.default_rng(7)
    table = rng.integers(0, 2**63, 100_000).astype(np.uint64)
    whole, k = _sketch(table), round(expected * len(table) / SKETCH_SIZE)
    found = [overlap(whole, _sketch(rng.choice(table, k, replace=False))) for _ in range(200)]
    assert set(found) <= {0.0, 1.0}
    assert np.mean(found) == pytest.approx(1 - np.exp(-expected), abs=0.1)


@pytest.mark.parametrize("common", [0.0, 0.2, 0.5, 0.8])
def test_overlap_estimates_the_common_share(hashes, common) -> None:
    half = len(hashes) // 2
    start = int((1 - common) * half)
    found = overlap(_sketch(hashes[:half]), _sketch(hashes[start : start + half]))
    assert found == pytest.approx(common, abs=0.1)


def test_tables_without_rows() -> None:
    nothing, something = np.empty(0, np.uint64), np.arange(3, dtype=np.uint64)
    assert overlap(nothing, nothing) == 1.0
    assert overlap(nothing, something) == overlap(something, nothing) == 0.0


def test_no_hash_below_the_common_limit() -> None:
    low = np.arange(SKETCH_SIZE, dtype=np.uint64)
    high = low + np.uint64(2**40)
    assert overlap(low, high) == 0.0


def test_fingerprint_round_trip(hashes) -> None:
    sketch, digest = unpack_fingerprint(pack_fingerprint(Fingerprint(_sketch(hashes), b"0123456789abcdef", bytes(16))))
    assert np.array_equal(sketch, _sketch(hashes))
    assert digest == b"0123456789abcdef"


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(LedgerError, match="wrong length. This is a bug in the engine"):
        pack_fingerprint(Fingerprint(np.empty(0, np.uint64), b"short", bytes(16)))
    with pytest.raises(LedgerError, match="codes digest of the wrong length"):
        job_key(b"s", Fingerprint(np.empty(0, np.uint64), bytes(16), b""), {})
    with pytest.raises(LedgerError, match="wrong length. The ledger is corrupt"):
        unpack_fingerprint(b"0123456789abcdef123")


def test_job_keys_differ_by_everything_that_names_a_job() -> None:
    one = Fingerprint(np.empty(0, np.uint64), b"0123456789abcdef", bytes(16))
    other = Fingerprint(np.empty(0, np.uint64), b"0123456789abcdeg", bytes(16))
    counted_otherwise = Fingerprint(np.empty(0, np.uint64), b"0123456789abcdef", bytes(15) + b"x")
    facts = {"job": {"a": 1}, "seed": None}
    keys = {
        job_key(b"s", one, facts),
        job_key(b"t", one, facts),
        job_key(b"s", other, facts),
        job_key(b"s", counted_otherwise, facts),
        job_key(b"s", one, {"job": {"a": 2}, "seed": None}),
        job_key(b"s", one, {"job": {"a": 1}, "seed": 0}),
    }
    assert len(keys) == 6
    assert job_key(b"s", one, dict(reversed(facts.items()))) in keys
