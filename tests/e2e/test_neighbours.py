"""What a release says besides its noisy answers is the same on neighbouring tables, whatever the ledger knew before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.bundle import release
from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.gate import show

DOMAIN = Domain((Category(name="sex", values=("F", "M")), Integer(name="age", minimum=0, maximum=99)))
NOISY = ("model", "warnings")
HASHES = ("release_id", "digest", "files")


def _table(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame({"sex": rng.choice(["F", "M"], n), "age": rng.integers(0, 100, n)})


def _release(folder: Path, source: pd.DataFrame, epsilon: float, **settings: Any) -> dict[str, Any]:
    made = release(
        source,
        domain=DOMAIN,
        epsilon=epsilon,
        delta=1e-6,
        out=folder / f"epsilon {epsilon} of {len(source)}",
        generator="independent",
        ledger=folder / "the.ledger",
        cap=Budget(epsilon=10, delta=1e-6),
        rows=20,
        seed=0,
        **settings,
    )
    return json.loads((made.path / "release.json").read_text())


def _quiet(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts without noisy answers, hashes and the date."""
    facts = {name: value for name, value in facts.items() if name not in NOISY + HASHES}
    for draw in facts["ledger"]["draws"]:
        assert len(draw.pop("event_id")) == len(draw.pop("answer")) == 64
    for charge in facts["ledger"]["charges"]:
        assert len(charge.pop("date")) == len("2026-01-31")
    return facts


HISTORIES = {
    "an empty ledger": lambda folder, whole: None,
    "another release of the whole table": lambda folder, whole: _release(folder, whole, 0.5),
    "the same request on the whole table": lambda folder, whole: _release(folder, whole, 1.0),
    "two accounts": lambda folder, whole: (_release(folder, whole.iloc[:9], 0.5), _release(folder, whole, 0.25)),
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
@pytest.mark.parametrize("left", [99, 49, 1, 0])
def test_release_facts_of_neighbours_are_equal(tmp_path: Path, history: Any, left: int) -> None:
    whole, told = _table(100), {}
    for name, source in {"whole": whole, "less": whole.iloc[:left]}.items():
        folder = tmp_path / name
        folder.mkdir()
        history(folder, whole)
        told[name] = _quiet(_release(folder, source, 1.0))
    assert told["whole"] == told["less"]


def test_the_ledger_itself_does_differ(tmp_path: Path) -> None:
    """The control: what `show` tells its owner is not published, for good reason."""
    whole, seen = _table(100), []
    for name, source in {"whole": whole, "less": whole.iloc[1:]}.items():
        folder = tmp_path / name
        folder.mkdir()
        _release(folder, whole, 0.5)
        _release(folder, source, 1.0)
        seen.append(show(folder / "the.ledger"))
    assert seen[0]["ledger"]["rows"] != seen[1]["ledger"]["rows"]
    assert [c["row"] for c in seen[0]["charges"]] != [c["row"] for c in seen[1]["charges"]]


def test_a_ledger_that_is_published_names_no_account(tmp_path: Path) -> None:
    facts = _release(tmp_path, _table(100), 1.0, account="census of a town")
    assert "census of a town" not in json.dumps(facts)
