"""A small private table with a canary in it, its public domain, and the command line in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.cli.app import main

CANARY = "canary-7f3a"
DOMAIN = """
[columns.sex]
values = ["F", "M"]

[columns.age]
kind = "integer"
minimum = 0
maximum = 99

[columns.note]
values = ["yes", "no"]
"""


@dataclass(frozen=True)
class Result:
    """What one call of the command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`dpsynth` with words, in a folder of its own; whatever happens, no canary is shown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "default.ledger"))

    def call(*words: object) -> Result:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        assert CANARY not in captured.out + captured.err
        assert "Traceback" not in captured.out + captured.err
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """people.csv, whose column `note` also holds texts that no domain lists."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "sex": rng.choice(["F", "M"], 300),
            "age": rng.integers(0, 100, 300),
            "note": rng.choice(["yes", "no", CANARY], 300),
        }
    )
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.toml").write_text(DOMAIN)
    return tmp_path / "people.csv"


@pytest.fixture
def options() -> list[str]:
    """What `release` and `plan` always need here."""
    return ["--domain", "people.toml", "--epsilon", "1", "--delta", "1e-6", "--generator", "independent"]
