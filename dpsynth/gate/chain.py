"""The hash chain of the ledger: each row's hash covers its body and, through the previous hash, all rows before it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import LedgerError

__all__ = ["GENESIS", "Row", "chain_hash", "make_row", "sealed_digest", "stored_digest"]

GENESIS = bytes(32)
"""The "previous hash" of the first row."""


@dataclass(frozen=True, slots=True)
class Row:
    """One ledger row.

    Attributes:
        seq: 1, 2, 3, ... without gaps.
        text: canonical JSON of the body, exactly as stored and hashed.
        hash: bytes[32].
        payload: bytes stored beside the body (a secret, a sketch, or compressed answers); its digest is in the body.
    """

    seq: int
    text: str
    hash: bytes
    payload: bytes | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The parsed body.

        Raises:
            LedgerError: it is no JSON object.
        """
        value = json.loads(self.text)
        if not isinstance(value, dict):
            raise LedgerError(f"Row {self.seq} of the ledger is not an object. The ledger is corrupt.")
        return value

    def __repr__(self) -> str:
        return f"Row({self.seq})"


def chain_hash(previous: bytes, text: str) -> bytes:
    """SHA-256 of canonical JSON of [previous hash in hex, body].

    The body's stored text is hashed as it stands, so that a byte changed without changing its JSON value is found too.
    """
    return hashlib.sha256(b'["' + previous.hex().encode() + b'",' + text.encode() + b"]").digest()


def make_row(seq: int, previous: bytes, body: dict[str, Any], payload: bytes | None = None) -> Row:
    """The next row of the chain.

    Args:
        seq: its number.
        previous: bytes[32], the hash of the row before it.
        body: plain JSON.
        payload: what is stored beside it.
    """
    text = canonical_json(body).decode()
    return Row(seq, text, chain_hash(previous, text), payload)


def stored_digest(payload: bytes) -> str:
    """SHA-256 (hex) of a payload that is public (noisy answers)."""
    return hashlib.sha256(payload).hexdigest()


def sealed_digest(secret: bytes, payload: bytes) -> str:
    """HMAC-SHA-256 (hex) under the ledger's secret of a payload that is not public (sketches, the secret itself).

    Guarantee: without the secret the digest says nothing about the payload, so a row's body can be shown.
    """
    return hmac.new(secret, payload, hashlib.sha256).hexdigest()
