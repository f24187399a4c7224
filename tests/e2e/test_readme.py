"""README is true: its commands are what CI runs, its Python runs, and its picture of the demo is what the demo prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.bench.readme import printed_in_readme, run_demo, shape

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIRST_SCREEN = 60


def commands() -> list[str]:
    """The command lines: indented blocks."""
    return re.findall(r"^    (\S.*)$", README.partition("<!-- demo: begin -->")[0], re.MULTILINE)


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_demo(tmp_path_factory.mktemp("demo"))


def test_ci_runs_the_two_commands_word_for_word() -> None:
    lines = {line.strip() for line in (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()}
    assert len(commands()) == 2
    assert set(commands()) <= lines


def test_commands_do_what_they_say() -> None:
    first, second = commands()
    assert "venv" in first
    assert first.endswith("dpsynth demo")
    assert ".[test]" in second
    assert second.endswith("pytest")


def test_first_screen_is_short() -> None:
    assert len(README.splitlines()) <= FIRST_SCREEN


def test_python_is_twelve_lines_and_runs(tmp_path: Path, adult: pd.DataFrame, adult_domain: object) -> None:
    from dpsynth.domain import write_domain

    (block,) = python_blocks(README)
    assert len(block.splitlines()) <= 12
    adult.to_csv(tmp_path / "people.csv", index=False)
    write_domain(adult_domain, tmp_path / "people.toml")
    subprocess.run(
        [sys.executable, "-W", "error", "-c", block], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=True
    )
    synthetic = pd.read_csv(tmp_path / "synthetic.csv")
    assert list(synthetic.columns) == list(adult.columns)
    assert len(synthetic) == 1_000
    assert (tmp_path / "people.ledger").is_file()


def test_printed_demo_has_the_lines_of_a_real_run(printed: str) -> None:
    assert shape(printed_in_readme()) == shape(printed)


def test_shape_sees_a_lost_or_renamed_line() -> None:
    assert shape("spent  epsilon 0.99\nwrote  demo/") == shape("spent  epsilon 1\nwrote  demo/")
    assert shape("spent  epsilon 0.99\nwrote  demo/") != shape("spent  epsilon 0.99")
    assert shape("spent  epsilon 0.99") != shape("cost  epsilon 0.99")


def test_promise_of_readme_is_the_promise_page() -> None:
    page = (ROOT / "docs/promise.md").read_text(encoding="utf-8")
    assert "almost as likely" in README
    assert "almost as likely" in page
    assert json.dumps(README).count("Not for") == 1
