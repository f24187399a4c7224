"""A foreign program that is honest, and all the ways in which it is not."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.bridges import process
from dpsynth.bridges.process import ProcessCall, run_process
from dpsynth.errors import BridgeError
from tests.unit.bridges.support import FAKE, fake_call

SIZES = (3, 5)
COLUMNS = [np.array([0, 1, 2, 2]), np.array([4, 0, 1, 3])]


def _run(seconds: float = 60.0, **settings: Any) -> np.ndarray:
    task = {"synthesizer": "mst", "parameters": settings, "rows": 20, "epsilon": 1.0, "delta": 1e-5}
    return run_process(fake_call(seconds), task, SIZES, COLUMNS)


def _left(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("dpsynth-bridge-*"))


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_an_honest_program_gives_its_rows(tmp_path: Path) -> None:
    rows = _run()
    assert rows.shape == (20, 2)
    assert rows.dtype.kind == "i"
    assert _left(tmp_path) == []


def test_rows_cross_as_they_are() -> None:
    assert np.array_equal(_run(act="echo")[:4], np.column_stack(COLUMNS))


@pytest.mark.parametrize(
    ("act", "words"),
    [
        ("die", "its process was ended by signal 9"),
        ("fail", "it failed while it was fitted to the rows"),
        ("quote", "its process ended with code 3"),
        ("silent", "its process said nothing that can be read"),
        ("garbage", "gave a table that cannot be read"),
        ("link", "gave a table that cannot be read"),
        ("floats", "gave a table that cannot be read"),
        ("gaps", "gave a table that cannot be read"),
    ],
)
def test_what_goes_wrong_is_said_without_data(act: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(BridgeError) as caught:
        _run(act=act)
    assert words in str(caught.value)
    assert "Its charge is kept" in str(caught.value)
    assert "secret-of-a-row" not in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3
    assert _left(tmp_path) == []


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(os.name == "nt", reason="looks at processes as Linux shows them")
def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(BridgeError, match=r"did not end within 3 seconds and was stopped.\n.*Give it more time"):
        _run(3.0, act="hang", pids=str(pids))
    parent, child, folder = json.loads(pids.read_text())
    deadline = time.monotonic() + 5
    while (_lives(parent) or _lives(child)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _lives(parent)
    assert not _lives(child)
    assert not Path(folder).exists()


def test_an_interrupt_ends_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []
    end = process._end

    def stop(child: Any) -> None:
        end(child)
        ended.append(child.returncode)

    def interrupted(self: Any, timeout: float | None = None) -> int:
        if not ended and timeout == 60.0:
            raise KeyboardInterrupt
        return wait(self, timeout=timeout)

    wait = process.subprocess.Popen.wait
    monkeypatch.setattr(process, "_end", stop)
    monkeypatch.setattr(process.subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _run(act="hang", pids=str(tmp_path / "pids"))
    assert len(ended) == 1
    assert ended[0] < 0
    assert _left(tmp_path) == []


def test_the_program_gets_little_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    _run(act="environment", to=str(tmp_path / "environment"))
    seen = json.loads((tmp_path / "environment").read_text())
    assert seen["OMP_NUM_THREADS"] == "1"
    assert not {"A_SECRET", "PYTHONPATH"} & set(seen)


def test_a_missing_environment_says_what_to_install(tmp_path: Path) -> None:
    call = ProcessCall("smartnoise", tmp_path / "python", FAKE, 5.0)
    with pytest.raises(BridgeError, match="is not installed here.\nInstall it: dpsynth bridge install smartnoise"):
        run_process(call, {}, SIZES, COLUMNS)


def test_a_program_that_cannot_be_started(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("no program")
    with pytest.raises(BridgeError, match="could not be started"):
        run_process(ProcessCall("smartnoise", broken, FAKE, 5.0), {}, SIZES, COLUMNS)
