"""Every example runs offline, in seconds, as its own docstring says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
SECONDS = 30


def test_there_are_examples() -> None:
    assert {"first_release.py", "own_domain.py", "budget_and_ledger.py"} <= {path.name for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path: Path, repository: Path, tmp_path: Path) -> None:
    assert re.search(rf"^    python examples/{path.name}\b", path.read_text(), re.MULTILINE), "it says how to run it"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(repository), "DPSYNTH_LEDGER": str(tmp_path / "unused.ledger")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert time.perf_counter() - started < SECONDS
    assert not (tmp_path / "unused.ledger").exists(), "an example names its own ledger"


def test_the_ledger_example_shows_a_refusal_and_replays(repository: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(repository / "examples" / "budget_and_ledger.py"), str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    assert lines["first"] == lines["first-again"] == lines["first-shuffled"] == "epsilon 0.6"
    assert lines["third"].startswith("Budget refused")
    assert lines["some-rows-left-out"].startswith("Budget refused")
    assert "2 charges, chain verified" in done.stdout
