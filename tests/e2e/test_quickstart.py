"""The quickstart page works as it is written, command by command."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.domain import read_domain, write_domain

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/quickstart.md").read_text(encoding="utf-8")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def _run(line: str, folder: Path) -> str:
    program, *arguments = shlex.split(line)
    assert program == "dpsynth"
    result = subprocess.run(
        [sys.executable, "-m", "dpsynth.cli.app", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return result.stdout + result.stderr


def test_page_works_as_written(tmp_path: Path, adult: pd.DataFrame, adult_domain: object) -> None:
    adult.head(4_000).to_csv(tmp_path / "people.csv", index=False)
    first, *commands = [line for block in _blocks("sh") for line in block.splitlines()]
    said = {first: _run(first, tmp_path)}
    assert "FILL IN" in (tmp_path / "people.toml").read_text(encoding="utf-8")
    write_domain(adult_domain, tmp_path / "people.toml", overwrite=True)
    for command in commands:
        said[command] = _run(command, tmp_path)
    assert {path.name for path in (tmp_path / "synthetic").iterdir()} == {
        "certificate",
        "domain.toml",
        "model",
        "release.json",
        "synthetic.csv",
    }
    assert len(pd.read_csv(tmp_path / "more.csv")) == 1_000
    ledger, bundle = (text for command, text in said.items() if "verify" in command)
    assert "sound" in ledger
    assert "synthetic: verified; epsilon 1 at delta 1e-06 recomputed" in bundle
    (code,) = _blocks("python")
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert "epsilon" in result.stdout


def test_example_domain_is_a_domain(tmp_path: Path) -> None:
    (block,) = _blocks("toml")
    path = tmp_path / "people.toml"
    path.write_text(block, encoding="utf-8")
    assert read_domain(path).names == ("age", "sex", "capital-gain", "income")


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_python_on_every_page_compiles(page: Path) -> None:
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        assert compile(block, page.name, "exec")
