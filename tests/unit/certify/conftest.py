"""One small certified release, made once; every test gets a copy of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.bundle import Bundle, read_bundle, release
from dpsynth.certify import certify_bundle
from dpsynth.certify.evidence import Evidence

TODAY = date(2026, 6, 1)
DOMAIN = """
title = "made-up people"

[columns.sex]
values = ["F", "M"]

[columns.age]
kind = "integer"
minimum = 0
maximum = 99

[columns.town]
values = ["north", "south & east", "<west>"]
"""


def made_up(n: int = 400, seed: int = 3) -> pd.DataFrame:
    """Rows of DOMAIN."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], n),
            "age": rng.integers(0, 100, n),
            "town": rng.choice(["north", "south & east", "<west>"], n),
        }
    )


@pytest.fixture(scope="session")
def _released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certify")
    made_up().to_csv(folder / "people.csv", index=False)
    made_up(seed=4).to_csv(folder / "holdout.csv", index=False)
    (folder / "people.toml").write_text(DOMAIN)
    release(
        folder / "people.csv",
        domain=folder / "people.toml",
        epsilon=1,
        delta=1e-6,
        generator="independent",
        out=folder / "out",
        ledger=folder / "people.ledger",
        seed=1,
    )
    return folder


@pytest.fixture
def place(_released: Path, tmp_path: Path) -> Path:
    """A folder with people.csv, holdout.csv, people.ledger and the release `out`, not certified."""
    return shutil.copytree(_released, tmp_path / "place")


@pytest.fixture
def bundle(place: Path) -> Bundle:
    return read_bundle(place / "out")


@pytest.fixture
def certified(place: Path) -> Path:
    """The folder of a certified bundle, dated TODAY."""
    certify_bundle(place / "out", today=TODAY)
    return place / "out"


@pytest.fixture
def facts(bundle: Bundle) -> dict[str, Any]:
    """release.json, to be spoiled."""
    return deepcopy(dict(bundle.facts))


@pytest.fixture
def certificate(certified: Path) -> dict[str, Any]:
    return json.loads((certified / "certificate" / "certificate.json").read_bytes())


@pytest.fixture
def audited(place: Path) -> Callable[..., Any]:
    """Certify with a made-up audit."""

    def call(evidence: Evidence, **settings: Any) -> Any:
        return certify_bundle(
            place / "out",
            real=place / "people.csv",
            holdout=place / "holdout.csv",
            ledger=place / "people.ledger",
            auditor=lambda *_: evidence,
            today=TODAY,
            **settings,
        )

    return call
