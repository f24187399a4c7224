"""The command as people run it: real processes, the bundled table, the printed advice followed to the letter."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dpsynth.bundle import read_bundle
from dpsynth.gate import show, verify

Command = Callable[..., subprocess.CompletedProcess[str]]
DEMO_SECONDS = 60
SCREEN_LINES = 40


@pytest.fixture
def environment(repository: Path, tmp_path: Path) -> dict[str, str]:
    """A user with an empty home and no colours."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return kept | {"PYTHONPATH": str(repository), "HOME": str(tmp_path / "home"), "COLUMNS": "120"}


@pytest.fixture
def dpsynth(environment: dict[str, str], tmp_path: Path) -> Command:
    """Run `dpsynth ...` in an empty folder."""

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "dpsynth.cli.app", *map(str, words)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def people(tmp_path: Path) -> Path:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"sex": rng.choice(["F", "M"], 500), "age": rng.integers(0, 100, 500)})
    frame.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "people.toml").write_text(
        '[columns.sex]\nvalues = ["F", "M"]\n[columns.age]\nkind = "integer"\nminimum = 0\nmaximum = 99\n'
    )
    return tmp_path / "people.csv"


def test_the_demo_is_quick_short_and_can_be_followed(dpsynth: Command, tmp_path: Path) -> None:
    started = time.perf_counter()
    shown = dpsynth("demo")
    assert time.perf_counter() - started < DEMO_SECONDS
    assert (shown.returncode, shown.stderr) == (0, "")
    assert len(shown.stdout.splitlines()) <= SCREEN_LINES
    assert "\x1b" not in shown.stdout
    assert verify(tmp_path / "demo" / "adult.ledger").ok
    bundle = read_bundle(tmp_path / "demo" / "release")
    assert float(bundle.facts["guarantee"]["certified"]["epsilon"]) <= 1

    # Again, as JSON: the same release at no cost.
    again = dpsynth("demo", "--json")
    facts = json.loads(again.stdout)
    assert facts["release_id"] == bundle.release_id
    assert len(show(tmp_path / "demo" / "adult.ledger")["charges"]) == 1
    made, independent, floor = (facts["mean_tvd"][n] for n in ("synthetic", "independent columns", "bootstrap (floor)"))
    assert floor["two"] < made["two"] < independent["two"]
    assert floor["three"] < made["three"] < independent["three"]
    assert made["one"] < 0.02

    # What the screen advises about the demo's own files works as it stands.
    advice = [line[line.index("dpsynth") :] for line in shown.stdout.splitlines() if "  dpsynth " in line]
    own = [shlex.split(line)[1:] for line in advice if "demo" in line]
    assert [words[0] for words in own] == ["ledger", "sample"]
    for words in own:
        assert dpsynth(*words).returncode == 0
    assert len(pd.read_csv(tmp_path / "demo" / "more.csv")) == 1000


def test_a_demo_never_lands_in_a_strangers_folder(dpsynth: Command, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").write_text("mine")
    refused = dpsynth("demo")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "demo holds something other than a demo.\nChoose another folder with --out.\n"
    assert [p.name for p in (tmp_path / "demo").iterdir()] == ["mine"]


def test_from_plan_to_more_rows(dpsynth: Command, people: Path, tmp_path: Path) -> None:
    words = ["people.csv", "--domain", "people.toml", "--epsilon", 1, "--delta", "1e-6", "--out", "out"]
    assert dpsynth("plan", *words).returncode == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["people.csv", "people.toml"]
    assert dpsynth("release", *words).returncode == 0
    ledger = tmp_path / "home" / ".local" / "share" / "dpsynth" / "ledger.sqlite"
    assert ledger.exists(), "without --ledger the person's own ledger remembers"
    assert dpsynth("ledger", "verify").returncode == 0
    assert dpsynth("release", *words).returncode == 0
    assert len(json.loads(dpsynth("ledger", "show", "--json").stdout)["charges"]) == 1
    assert dpsynth("sample", "out", "--rows", 7, "--out", "more.parquet").returncode == 0
    assert len(pd.read_parquet(tmp_path / "more.parquet")) == 7
    refused = dpsynth("release", *words[:-1], "second", "--epsilon", 0.5)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "short by" in refused.stderr


def test_two_processes_release_the_same_once(environment: dict[str, str], people: Path, tmp_path: Path) -> None:
    words = ["release", "people.csv", "--domain", "people.toml", "--epsilon", "1", "--delta", "1e-6", "--seed", "1"]
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "dpsynth.cli.app", *words, "--out", "out", "--ledger", "l"],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    ended = [(process.communicate()[1], process.returncode) for process in both]
    assert {code for _, code in ended} <= {0, 2}
    assert any(code == 0 for _, code in ended), ended
    assert read_bundle(tmp_path / "out").facts["sampling"]["seed"] == 1
    assert len(show(tmp_path / "l")["charges"]) == 1
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.skipif(os.name != "posix", reason="signals are for POSIX")
def test_ctrl_c_in_the_middle_loses_nothing(environment: dict[str, str], dpsynth: Command, tmp_path: Path) -> None:
    from dpsynth.data import adult_paths, demo_table

    demo_table().to_csv(tmp_path / "adult.csv", index=False)
    words = ["release", "adult.csv", "--domain", str(adult_paths().domain), "--epsilon", "1", "--delta", "1e-6"]
    words += ["--out", "out", "--ledger", "l"]
    process = subprocess.Popen(
        [sys.executable, "-m", "dpsynth.cli.app", *words],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not ((tmp_path / "l").exists() and show(tmp_path / "l")["charges"]):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert said.startswith("Stopping after this stage, ")
    assert "Stopped: no output was written." in said
    assert sorted(p.name for p in tmp_path.iterdir() if p.name not in ("adult.csv", "home")) == ["l"]
    spent = show(tmp_path / "l")["charges"]
    assert len(spent) == 1
    assert dpsynth(*words).returncode == 0
    assert [charge["row"] for charge in show(tmp_path / "l")["charges"]] == [spent[0]["row"]], "nothing was paid twice"
