"""An environment appears whole or not at all, from the lock that is shipped."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from dpsynth.bridges import install
from dpsynth.bridges.install import bridges_folder, environment_of, install_bridge
from dpsynth.errors import BridgeError, InputError


def _pretend(monkeypatch: pytest.MonkeyPatch, fail: str = "") -> list[str]:
    """Steps are noted instead of run; the first makes an interpreter."""
    steps: list[str] = []

    def run(command: list[str], step: str, seconds: float) -> None:
        steps.append(step)
        if step == "venv":
            (Path(command[-1]) / "bin").mkdir()
            (Path(command[-1]) / "bin" / "python").touch()
        if step == fail:
            raise BridgeError("The step failed.")

    monkeypatch.setattr(install, "_run", run)
    return steps


def test_the_lock_pins_every_package() -> None:
    lines = environment_of("smartnoise").lock.read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pins)
    named = {line.partition("==")[0].lower() for line in pins}
    assert {"smartnoise-synth", "packaging", "torch", "pyarrow", "opacus", "mbi"} <= named
    assert not any(name.startswith(("nvidia", "triton", "cuda")) for name in named)


def test_an_installation_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = _pretend(monkeypatch)
    environment = install_bridge("smartnoise", folder=tmp_path)
    assert steps == ["venv", "pip (torch)", "pip"]
    assert environment.state == "installed"
    assert [path.name for path in tmp_path.iterdir()] == ["smartnoise"]
    assert install_bridge("smartnoise", folder=tmp_path) == environment
    assert len(steps) == 3


def test_another_lock_is_outdated_and_installed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = _pretend(monkeypatch)
    environment = install_bridge("smartnoise", folder=tmp_path)
    (environment.folder / install._RECORD).write_text(json.dumps({"lock": "0"}))
    assert environment.state == "outdated"
    assert install_bridge("smartnoise", folder=tmp_path).state == "installed"
    assert len(steps) == 6


@pytest.mark.parametrize("step", ["venv", "pip (torch)", "pip"])
def test_a_step_that_fails_leaves_nothing(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, step)
    with pytest.raises(BridgeError, match="The step failed"):
        install_bridge("smartnoise", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert environment_of("smartnoise", tmp_path).state == "not installed"


def test_what_a_step_says(tmp_path: Path) -> None:
    install._run([sys.executable, "-c", ""], "pip", 60)
    failing = "import sys; sys.stderr.write('noise\\nERROR: No matching distribution found'); sys.exit(1)"
    with pytest.raises(BridgeError, match="The step pip of the installation failed: ERROR: No matching") as caught:
        install._run([sys.executable, "-c", failing], "pip", 60)
    assert "Nothing was left behind" in str(caught.value)
    with pytest.raises(BridgeError, match="ended with code 7"):
        install._run([sys.executable, "-c", "raise SystemExit(7)"], "pip", 60)
    with pytest.raises(BridgeError, match="could not be run, or took too long"):
        install._run([sys.executable, "-c", "import time; time.sleep(60)"], "pip", 0.5)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BridgeError, match="cannot be written: .*\nName another place: DPSYNTH_BRIDGES"):
        install_bridge("smartnoise", folder=tmp_path / "file")


def test_where_environments_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DPSYNTH_BRIDGES", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert bridges_folder() == tmp_path / "dpsynth" / "bridges"
    monkeypatch.setenv("DPSYNTH_BRIDGES", str(tmp_path / "there"))
    assert environment_of("smartnoise").folder == tmp_path / "there" / "smartnoise"


def test_an_unknown_bridge() -> None:
    with pytest.raises(InputError, match="There is no bridge 'sdv'. Known: smartnoise"):
        environment_of("sdv")


def test_a_record_that_cannot_be_read(tmp_path: Path) -> None:
    environment = environment_of("smartnoise", tmp_path)
    environment.folder.mkdir()
    records: list[Any] = ["no json", "[]"]
    for record, state in zip(records, ("not installed", "outdated"), strict=True):
        (environment.folder / install._RECORD).write_text(record)
        assert environment.state == state
