"""`dpsynth certify` and `dpsynth verify`: their words and their five exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpsynth.certify.schema import violations
from tests.unit.cli.conftest import Run


@pytest.fixture
def bundle(run: Run, people: Path, options: list[str]) -> Path:
    assert run("release", "people.csv", *options, "--out", "out", "--ledger", "l").code == 0
    return people.parent / "out"


def test_certify_then_verify(run: Run, bundle: Path) -> None:
    made = run("certify", "out")
    assert (made.code, made.err) == (0, "")
    for words in (
        "decision     pass",
        "epsilon 1 at delta 1e-06",
        "public.html",
        "dpsynth verify out",
        "G10",
        "undecided",
    ):
        assert words in made.out
    checked = run("verify", "out")
    assert checked.code == 0
    said = "out: verified; epsilon 1 at delta 1e-06 recomputed, every file's hash checked, not signed\n"
    assert checked.out == said
    assert checked.err == "warning: Not signed: whoever can replace every file alike is not found.\n"


def test_json(run: Run, bundle: Path) -> None:
    made = run("certify", "out", "--json")
    assert made.json["exit_code"] == 0
    assert violations(made.json["certificate"]) == []
    checked = run("verify", "out", "--json")
    assert checked.json["ok"] is True
    assert checked.json["certificate"] == made.json["certificate"]["id"]


def test_keys(run: Run, bundle: Path) -> None:
    assert "office.key.pub  (verifies)" in run("certify", "--new-key", "office.key").out
    assert run("certify", "--new-key", "other", "--json").json == {"private": "other", "public": "other.pub"}
    assert run("certify", "out", "--sign", "office.key").code == 0
    signed = run("verify", "out", "--key", "office.key.pub")
    assert (signed.code, signed.err) == (0, "")
    assert "signed by" in signed.out
    wrong = run("verify", "out", "--key", "other.pub")
    assert (wrong.code, wrong.out) == (1, "out is NOT what was certified.\n")
    assert "signed by another key" in wrong.err


def test_every_exit_code(run: Run, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "low.toml").write_text("[gates.G1]\nepsilon = 0.5\n")
    (tmp_path / "audited.toml").write_text("[gates.G3]\nrequired = true\n")
    low = run("certify", "out", "--policy", "low.toml")
    assert (low.code, low.err) == (3, "G1 fail: epsilon 1 is above the policy's 0.5\n")
    assert run("verify", "out").code == 3
    undecided = run("certify", "out", "--policy", "audited.toml")
    assert (undecided.code, undecided.err) == (2, "G3 undecided: not done\n")
    assert run("verify", "out").code == 2
    assert run("certify", "out").code == 0
    judged = run("verify", "out", "--policy", "low.toml")
    assert judged.code == 3
    assert "Policy default: G1 fail" in judged.err
    table = bundle / "synthetic.csv"
    table.write_bytes(table.read_bytes() + b"F,1,yes\n")
    spoiled = run("verify", "out")
    assert (spoiled.code, spoiled.out) == (1, "out is NOT what was certified.\n")
    assert spoiled.err.startswith("synthetic.csv is not the file that was certified: its hash differs.\n")
    assert run("certify", "out").code == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["certify"], "No bundle was given."),
        (["certify", "nowhere"], "nowhere is not a bundle"),
        (["certify", "out", "--policy", "none.toml"], "Cannot read the policy none.toml."),
        (["certify", "out", "--sign", "people.csv"], "people.csv is no private key in PEM form."),
        (["certify", "out", "--real", "none.csv", "--ledger", "l"], "There is no table none.csv."),
        (["certify", "out", "--real", "people.csv", "--ledger", "none"], "There is no ledger none."),
        (["certify", "out", "--holdout", "people.csv"], "A holdout was given without the real table."),
        (["certify", "out", "--new-key", "key"], "--new-key makes keys and nothing else."),
        (["certify", "--new-key", "people.csv"], "Cannot write people.csv: it exists already."),
        (["certify", "out", "--colour", "red"], "No such option"),
        (["verify"], "Missing argument"),
        (["verify", "nowhere"], "There is no bundle nowhere."),
        (["verify", "out"], "out has no certificate."),
        (["verify", "out", "--key", "none"], "Cannot read the key none."),
        (["verify", "out", "--policy", "people.csv"], "The policy people.csv is not TOML"),
    ],
)
def test_errors_are_four_and_leave_nothing(run: Run, bundle: Path, words: list[str], said: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    result = run(*words)
    assert (result.code, result.out) == (4, "")
    assert said in result.err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_certificate_of_another_version(run: Run, bundle: Path) -> None:
    from tests.unit.certify.test_verification import _forge

    run("certify", "out")
    certificate = json.loads((bundle / "certificate" / "certificate.json").read_bytes())
    _forge(bundle, {**certificate, "version": 7})
    result = run("verify", "out")
    assert (result.code, result.out) == (4, "")
    assert "newer than this dpsynth reads" in result.err
