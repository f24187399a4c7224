"""A ledger that version 0.1 wrote is read, verified and replayed for ever."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from dpsynth.gate import show, verify
from tests.gate.support import kinds_of, opened
from tests.golden.ledger import FACTS, FILE, replay


@pytest.fixture
def golden(tmp_path) -> Path:
    path = tmp_path / "golden.ledger"
    path.write_bytes(gzip.decompress(FILE.read_bytes()))
    path.chmod(0o600)
    return path


def test_it_holds_every_kind_of_row(golden) -> None:
    assert set(kinds_of(golden)) == {
        "ledger", "account", "identity", "cap", "reserved", "running", "answer", "done", "burned", "non_private",
    }  # fmt: skip


def test_it_is_sound(golden) -> None:
    report = verify(golden)
    assert report.problems == ()
    assert report.warnings == ("Some charges were made with a test seed and are NOT PRIVATE.",)


def test_it_says_what_it_said(golden) -> None:
    facts = show(golden)
    facts["ledger"].pop("path")
    expected = json.loads(FACTS.read_text())["show"]
    for said, wanted in zip(facts["accounts"], expected["accounts"], strict=True):
        # Sharper accounting may lower a figure; nothing may raise it.
        assert 0.99 * wanted["spent"] <= said["spent"] <= wanted["spent"] * (1 + 1e-9)
        for figures in (said, wanted):
            for name in ("spent", "spent_text", "remaining_text"):
                figures.pop(name)
    assert facts == expected


def test_its_table_is_recognised_and_its_jobs_are_replayed(golden) -> None:
    """The keyed hashes of rows, the idempotency key, events and stored answers keep their meaning."""
    before = golden.read_bytes()
    answers = replay(opened(golden))
    assert json.loads(json.dumps(answers)) == json.loads(FACTS.read_text())["answers"]
    assert golden.read_bytes() == before
