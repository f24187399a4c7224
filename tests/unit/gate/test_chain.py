"""The hash chain, against a second way to compute it."""

from __future__ import annotations

import hashlib
import json

import pytest

from dpsynth.errors import LedgerError
from dpsynth.gate.chain import GENESIS, Row, chain_hash, make_row, sealed_digest


def test_a_hash_is_of_the_canonical_json_of_previous_and_body() -> None:
    body = {"type": "cap", "epsilon": 0.1, "text": "é ∆"}
    row = make_row(1, GENESIS, body)
    whole = json.dumps([GENESIS.hex(), body], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row.hash == hashlib.sha256(whole.encode()).digest()
    assert row.body == body


def test_each_hash_depends_on_all_rows_before() -> None:
    first = [make_row(1, GENESIS, {"x": x}) for x in (1, 2)]
    second = [make_row(2, row.hash, {"y": 1}) for row in first]
    assert len({row.hash for row in (*first, *second)}) == 4


def test_the_stored_text_counts_not_its_value() -> None:
    assert chain_hash(GENESIS, '{"x":1e-05}') != chain_hash(GENESIS, '{"x":1E-05}')


def test_a_body_that_is_no_object_is_refused() -> None:
    with pytest.raises(LedgerError, match="Row 4 of the ledger is not an object"):
        _ = Row(4, "[1]", b"").body


def test_words_of_a_row_show_no_payload() -> None:
    assert repr(Row(4, "{}", b"", b"secret")) == "Row(4)"


def test_a_sealed_digest_needs_the_secret() -> None:
    assert sealed_digest(b"a", b"sketch") != sealed_digest(b"b", b"sketch")
    assert sealed_digest(b"a", b"sketch") != hashlib.sha256(b"sketch").hexdigest()
