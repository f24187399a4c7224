"""`dpsynth release` from end to end, and every bad input that it can meet."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.bundle import read_bundle
from tests.unit.cli.conftest import CANARY, Run

Release = Callable[..., list[str]]


@pytest.fixture
def release(people: Path, options: list[str]) -> Release:
    """The words of a release of the people, with more words behind."""

    def words(*more: object, out: str = "out", table: str = "people.csv") -> list[str]:
        return ["release", table, *options, "--out", out, *(str(m) for m in more)]

    return words


def _tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# ------------------------------------------------------------------------------------------------------- the good way


def test_a_release_says_what_it_did(run: Run, release: Release, tmp_path: Path) -> None:
    result = run(*release("--ledger", "people.ledger"))
    assert (result.code, result.err) == (0, "")
    bundle = read_bundle(tmp_path / "out")
    assert bundle.release_id[:8] in result.out
    assert "epsilon 1 at delta 1e-06 (asked: 1), for any one row added or removed" in result.out
    assert "people.ledger" in result.out
    assert set(bundle.synthetic()["sex"].dropna()) <= {"F", "M"}


def test_json_is_one_object_and_nothing_else(run: Run, release: Release, tmp_path: Path) -> None:
    result = run(*release("--json", "--rows", 40, "--seed", 3, "--format", "parquet", "--label", "note"))
    assert (result.code, result.err) == (0, "")
    assert result.json["table"] == "out/synthetic.parquet"
    assert result.json["ledger"] == str(tmp_path / "default.ledger")
    facts = result.json["facts"]
    assert facts == json.loads((tmp_path / "out" / "release.json").read_text())
    assert facts["sampling"] == {"rows": 40, "seed": 3}
    assert facts["domain"]["label"] == "note"
    assert float(facts["guarantee"]["certified"]["epsilon"]) <= 1
    assert facts["ledger"]["draws"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_written_table_is_what_the_saved_model_samples(
    run: Run, release: Release, tmp_path: Path, kind: str
) -> None:
    assert run(*release("--format", kind, "--generator", "mst")).code == 0
    bundle = read_bundle(tmp_path / "out")
    sampling = bundle.facts["sampling"]
    pd.testing.assert_frame_equal(bundle.synthetic(), bundle.model().sample(sampling["rows"], seed=sampling["seed"]))


def test_no_cell_that_is_not_in_the_domain_is_written(run: Run, release: Release, tmp_path: Path) -> None:
    run(*release("--ledger", "people.ledger"))
    assert CANARY.encode() in (tmp_path / "people.csv").read_bytes(), "the table does hold it"
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.name != "people.csv":
            assert CANARY.encode() not in path.read_bytes(), path


def test_running_it_again_returns_the_release_at_no_cost(run: Run, release: Release, tmp_path: Path) -> None:
    first = run(*release("--ledger", "l", "--json"))
    before = _tree(tmp_path / "out")
    assert run(*release("--ledger", "l", "--json")).json["facts"] == first.json["facts"]
    assert _tree(tmp_path / "out") == before
    third = run(*release("--ledger", "l", "--json", "--rows", 5, out="elsewhere"))
    assert third.json["facts"]["release_id"] == first.json["facts"]["release_id"]
    assert [c["state"] for c in run("ledger", "show", "l", "--json").json["charges"]] == ["done"]


def test_the_plan_promises_what_the_release_keeps(run: Run, release: Release) -> None:
    planned = run("plan", *release()[1:], "--json").json
    released = run(*release("--json")).json["facts"]
    assert planned["guarantee"] == released["guarantee"]
    assert planned["steps"] == released["steps"]


def test_replace_one_and_a_larger_unit(run: Run, release: Release) -> None:
    result = run(*release("--neighbours", "replace-one", "--unit", "rows(2)", "--json"))
    guarantee = result.json["facts"]["guarantee"]
    assert (guarantee["unit"], guarantee["relation"]) == ("rows(2)", "replace_one")


def test_a_large_delta_is_warned_of(run: Run, release: Release) -> None:
    result = run(*release("--delta", "0.1"))
    assert result.code == 0
    assert result.err.startswith("warning: delta 0.1 ")


# -------------------------------------------------------------------------------------------------------- refused, 3


def test_a_second_release_beyond_the_cap_is_refused(run: Run, release: Release, tmp_path: Path) -> None:
    run(*release("--ledger", "l", "--cap-epsilon", "1.2", "--cap-delta", "1e-6"))
    before = _tree(tmp_path / "out")
    result = run(*release("--ledger", "l", "--epsilon", "0.9", out="second"))
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith("Budget refused: requested ")
    assert "short by" in result.err
    assert not (tmp_path / "second").exists()
    assert _tree(tmp_path / "out") == before


# ------------------------------------------------------------------------------------------------------ bad input, 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--epsilon", "0"], "epsilon must be above 0; found 0.0."),
        (["--epsilon", "-1"], "epsilon must be above 0; found -1.0."),
        (["--epsilon", "nan"], "epsilon must be a finite number."),
        (["--delta", "1"], "delta must lie in [0, 1); found 1.0."),
        (["--delta", "-0.1"], "delta must lie in [0, 1)"),
        (["--label", "income"], "The label 'income' is not a column of the domain."),
        (["--domain", "nowhere.toml"], "nowhere.toml"),
        (["--domain", "people.csv"], "this looks like a table"),
        (["--generator", "gan"], "There is no generator 'gan'."),
        (["--unit", "households"], "Cannot read the privacy unit 'households'"),
        (["--unit", "person(sex, 3)"], "The unit person(sex, 3) is not built yet."),
        (["--rows", "0"], "The number of synthetic rows must be a whole number of at least 1."),
        (["--seed", "-1"], "The sampling seed must be a whole number"),
        (["--cap-epsilon", "1"], "Give --cap-epsilon and --cap-delta together."),
        (["--cap-epsilon", "-1", "--cap-delta", "0"], "epsilon must be above 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_meant(run: Run, release: Release, tmp_path: Path, more: list[str], said: str) -> None:
    result = run(*release(*more))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(result.err.splitlines()) <= 3
    assert not (tmp_path / "out").exists()


def test_a_missing_table(run: Run, release: Release) -> None:
    result = run(*release(table="nowhere.csv"))
    assert (result.code, result.out) == (2, "")
    assert "nowhere.csv" in result.err
    assert run(*release(table="part-*.csv")).code == 2


def test_a_table_without_a_declared_column(run: Run, release: Release, tmp_path: Path) -> None:
    with (tmp_path / "people.toml").open("a") as file:
        file.write('\n[columns.income]\nvalues = ["low", "high"]\n')
    result = run(*release())
    assert (result.code, result.out) == (2, "")
    assert "income" in result.err


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no file system here that even root cannot write to")
def test_a_read_only_folder(run: Run, release: Release, tmp_path: Path) -> None:
    result = run(*release("--ledger", "l", out="/sys/kernel/out"))
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Cannot write /sys/kernel/out: ")
    assert "Nothing was charged." in result.err
    assert not (tmp_path / "l").exists()


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no file system here that even root cannot write to")
def test_a_ledger_that_cannot_be_written(run: Run, release: Release, tmp_path: Path) -> None:
    result = run(*release("--ledger", "/sys/kernel/l"))
    assert (result.code, result.out) == (2, "")
    assert "/sys/kernel/l" in result.err or "ledger" in result.err
    assert not (tmp_path / "out").exists()


def test_an_existing_folder(run: Run, release: Release, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    result = run(*release())
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Cannot write out: it exists and holds something other than a whole release.")
    assert _tree(tmp_path / "out") == {"mine": b"mine"}
    run(*release(out="good"))
    before = _tree(tmp_path / "good")
    other = run(*release("--seed", 1, out="good"))
    assert other.code == 2
    assert "it holds another release" in other.err
    assert _tree(tmp_path / "good") == before
    assert run(*release("--seed", 1, "--overwrite", out="good")).code == 0


def test_a_corrupt_ledger(run: Run, release: Release, tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"no ledger at all" * 4096)
    result = run(*release("--ledger", "l"))
    assert (result.code, result.out) == (2, "")
    assert "ledger" in result.err
    assert not (tmp_path / "out").exists()
    run(*release("--ledger", "good"))
    raw = bytearray((tmp_path / "good").read_bytes())
    place = raw.rindex(b'"type":"reserved"')
    raw[place + 8] ^= 1
    (tmp_path / "good").write_bytes(raw)
    shutil.rmtree(tmp_path / "out")
    result = run(*release("--ledger", "good"))
    assert (result.code, result.out) == (2, "")
    assert not (tmp_path / "out").exists()


def test_a_ledger_of_another_relation(run: Run, release: Release) -> None:
    run(*release("--ledger", "l"))
    result = run(*release("--ledger", "l", "--neighbours", "replace-one", out="second"))
    assert (result.code, result.out) == (2, "")
    assert "One ledger has one neighbouring relation" in result.err


def test_ctrl_c_says_that_nothing_is_lost(
    run: Run, release: Release, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dpsynth.bundle.writer.write_table", interrupt)
        result = run(*release("--ledger", "l"))
    assert (result.code, result.out) == (130, "")
    assert result.err == (
        "Stopped: no output was written.\n"
        "What was charged stays charged in l; the same command again replays its stored answers at no cost.\n"
    )
    assert not (tmp_path / "out").exists()
    assert run(*release("--ledger", "l")).code == 0
    assert len(run("ledger", "show", "l", "--json").json["charges"]) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="resource limits are for POSIX")
def test_a_full_disk_is_found_before_the_charge_or_costs_nothing_more(
    run: Run, release: Release, tmp_path: Path
) -> None:
    """A limit on file size is the full disk that a test may have: every write beyond it fails inside the system."""
    import resource
    import signal

    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, old[1]))
        early = run(*release("--ledger", "l"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 21, old[1]))
        late = run(*release("--ledger", "l", "--rows", 1_000_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, handler)
    assert early.code == 2
    assert early.err.startswith(
        "Cannot write out: the file would pass the size limit of this system.\nNothing was charged."
    )
    assert late.code == 2
    assert late.err.startswith(
        "Cannot write out: the file would pass the size limit of this system.\nThe answers are stored"
    )
    assert not (tmp_path / "out").exists()
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]
    assert run(*release("--ledger", "l")).code == 0
    assert len(run("ledger", "show", "l", "--json").json["charges"]) == 1
