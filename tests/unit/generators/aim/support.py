"""What the tests of AIM share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dpsynth.accounting.events import AbstractEvent, event_from_json
from dpsynth.domain.table import Domain
from dpsynth.gate import ledger_extract
from dpsynth.generators.aim import AIM
from dpsynth.generators.marginal_model import MarginalModel
from dpsynth.measurement import Measurement
from tests.unit.generators.support import opened

PUBLISHED, GAUSSIAN = AIM(), AIM(selection="gaussian")
BOTH = pytest.mark.parametrize("recipe", [PUBLISHED, GAUSSIAN], ids=["published", "gaussian"])


def drawn_events(ledger: Path, source: Any, domain: Domain, **settings: Any) -> list[AbstractEvent]:
    """The events of all draws that a ledger holds for a table."""
    table = opened(ledger, source, domain, **settings)
    return [event_from_json(made["event"]) for made in ledger_extract(table)["draws"]]


def rounds_of(model: MarginalModel) -> list[Measurement]:
    """The measured marginals after the one-ways, in order."""
    measured = [m for m in model.measurements if m.name == "marginal"]
    return measured[len(model.graph.names) :]
