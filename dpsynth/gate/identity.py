"""Which account a table belongs to: overlap of keyed sketches, so that an unthinking copy does not reset its budget.

A sketch holds the smallest distinct keyed hashes of a table's rows (bottom-k). Below the smaller of the two largest
hashes both sketches are complete random samples of their tables' distinct rows, so the share of the smaller sample that
is found in the other estimates |A and B| / min(|A|, |B|): 1 for a copy, a reordered copy, a superset, or a sample that
is not too small. Of a sample of k from n distinct rows about 512 k / n lie below that hash; where there is none the
sample is not recognised (at 1 that happens to a third of samples, at 4 to one in fifty). Declare the account of those.
Sketches and the key live in the ledger file only. Nothing here is ever printed or exported.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import LedgerError

if TYPE_CHECKING:
    from dpsynth.engines.base import Fingerprint

__all__ = ["SKETCH_SIZE", "job_key", "overlap", "pack_fingerprint", "unpack_fingerprint"]

SKETCH_SIZE = 512
"""A sketch of this many hashes is cut off; a shorter one is the whole table."""
_DIGEST_BYTES = 16


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Estimated share of the smaller table's distinct rows that the other holds: 0..1; 0 where nothing can be told.

    Args:
        one: uint64[<= 512], a sketch.
        other: uint64[<= 512], a sketch.
    """
    if not len(one) or not len(other):
        return float(len(one) == len(other))
    limits = [sketch.max() for sketch in (one, other) if len(sketch) >= SKETCH_SIZE]
    if limits:
        limit = min(limits)
        one, other = one[one <= limit], other[other <= limit]
    smaller = min(len(one), len(other))
    if not smaller:
        return 0.0
    return len(np.intersect1d(one, other)) / smaller


def pack_fingerprint(fingerprint: Fingerprint) -> bytes:
    """Bytes for the ledger: the digest, then the sketch as little-endian words.

    Raises:
        LedgerError: an engine gave a digest of the wrong length.
    """
    if len(fingerprint.digest) != _DIGEST_BYTES:
        raise LedgerError("An engine gave a table digest of the wrong length. This is a bug in the engine.")
    return fingerprint.digest + np.sort(fingerprint.sketch).astype("<u8").tobytes()


def unpack_fingerprint(payload: bytes) -> tuple[np.ndarray, bytes]:
    """(sketch, digest) of what `pack_fingerprint` wrote.

    Raises:
        LedgerError: the bytes have the wrong length.
    """
    if len(payload) < _DIGEST_BYTES or (len(payload) - _DIGEST_BYTES) % 8:
        raise LedgerError("A stored table identity has the wrong length. The ledger is corrupt.")
    return np.frombuffer(payload[_DIGEST_BYTES:], "<u8").astype(np.uint64), payload[:_DIGEST_BYTES]


def job_key(secret: bytes, fingerprint: Fingerprint, facts: dict[str, Any]) -> str:
    """Idempotency key: HMAC (hex) of the exact table, of what is counted of it, and of everything that names the job.

    Raises:
        LedgerError: an engine gave a codes digest of the wrong length.

    Guarantee: without the secret the key says nothing about the table; equal keys mean the same multiset of encoded
    rows under the same domain, the same job, event, unit, relation and entropy kind: a stored answer is an answer.
    """
    if len(fingerprint.codes_digest) != _DIGEST_BYTES:
        raise LedgerError("An engine gave a codes digest of the wrong length. This is a bug in the engine.")
    message = fingerprint.digest + fingerprint.codes_digest + canonical_json(facts)
    return hmac.new(secret, b"job" + message, hashlib.sha256).hexdigest()
