"""A fake gate in the place of the real one, and a ready bundle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dpsynth.gate
import dpsynth.generators
from dpsynth.bundle import Bundle, release
from tests.unit.bundle.fakes import DOMAIN, FakeGate, FakeGenerator, load_fake


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> FakeGate:
    fake = FakeGate()
    monkeypatch.setattr(dpsynth.gate, "open_table", fake.open_table)
    monkeypatch.setattr(dpsynth.gate, "ledger_extract", fake.extract)
    monkeypatch.setattr(dpsynth.generators, "load", load_fake)
    return fake


@pytest.fixture
def make(gate: FakeGate, tmp_path: Path) -> Callable[..., Bundle]:
    """`release` with everything filled in; keywords override."""

    def call(**changes: Any) -> Bundle:
        settings: dict[str, Any] = {
            "source": "people.csv",
            "domain": DOMAIN,
            "epsilon": 1.0,
            "delta": 1e-5,
            "out": tmp_path / "out",
            "generator": FakeGenerator(),
            "ledger": tmp_path / "people.ledger",
        } | changes
        return release(settings.pop("source"), **settings)

    return call
