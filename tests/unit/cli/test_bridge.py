"""`dpsynth bridge`: what is there, and what an installation says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpsynth.bridges import install
from dpsynth.cli.app import main


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DPSYNTH_BRIDGES", str(tmp_path / "bridges"))


def _run(capsys, *words: str) -> tuple[int, str, str]:
    code = main(["bridge", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_list_says_what_is_not_there(capsys, tmp_path: Path) -> None:
    code, out, _ = _run(capsys, "list", "--json")
    assert code == 0
    folder = str(tmp_path / "bridges" / "smartnoise")
    assert json.loads(out) == {"bridges": [{"name": "smartnoise", "state": "not installed", "folder": folder}]}
    code, out, _ = _run(capsys, "list")
    assert code == 0
    assert "not installed" in out
    assert not (tmp_path / "bridges").exists()


def test_install_tells_its_steps(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[str] = []
    monkeypatch.setattr(install, "_run", lambda command, step, seconds: commands.append(" ".join(command)))
    code, out, err = _run(capsys, "install", "smartnoise", "--torch-index", "https://example.invalid/cpu")
    assert code == 0
    assert "installing PyTorch for CPUs" in err
    assert "smartnoise" in out
    assert any("--index-url https://example.invalid/cpu torch==" in command for command in commands)


def test_an_unknown_bridge(capsys) -> None:
    code, _, err = _run(capsys, "install", "sdv")
    assert code == 2
    assert "There is no bridge 'sdv'. Known: smartnoise." in err


def test_a_release_without_the_environment_says_what_to_install(capsys, tmp_path: Path) -> None:
    domain = tmp_path / "d.toml"
    domain.write_text('[columns.sex]\nvalues = ["F", "M"]\n')
    words = ["--epsilon", "1", "--delta", "1e-6", "--generator", "smartnoise-mst"]
    code = main(["plan", "--domain", str(domain), *words])
    assert code == 2
    assert "dpsynth bridge install smartnoise" in capsys.readouterr().err
