"""`dpsynth ledger`: results on stdout, exit codes, JSON."""

from __future__ import annotations

import json

import pytest

from dpsynth.cli.app import main
from dpsynth.gate import show
from tests.gate.support import opened, run_job


@pytest.fixture
def busy(ledger):
    run_job(opened(ledger))
    return ledger


def _run(capsys, *words: object) -> tuple[int, str, str]:
    code = main(["ledger", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_show(busy, capsys) -> None:
    code, out, err = _run(capsys, "show", busy)
    assert (code, err) == (0, "")
    account = show(busy)["accounts"][0]
    for word in ("table-1", "rows(1)", "(1, 1e-05)", account["spent_text"], account["remaining_text"], "test", "done"):
        assert word in out


def test_show_json(busy, capsys) -> None:
    code, out, _ = _run(capsys, "show", busy, "--json")
    assert code == 0
    assert json.loads(out) == show(busy)


def test_show_marks_test_runs(ledger, capsys) -> None:
    run_job(opened(ledger, seed_not_private=1))
    _, out, err = _run(capsys, "show", ledger)
    assert "done *" in out
    assert "NOT PRIVATE" in err


def test_verify(busy, capsys) -> None:
    code, out, _ = _run(capsys, "verify", busy)
    assert code == 0
    assert "is sound: 10 rows, 1 charges, head " in out.replace("\n", "")
    code, out, _ = _run(capsys, "verify", busy, "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["ok"], facts["rows"], facts["charges"], facts["problems"]) == (True, 10, 1, [])


def test_verify_a_corrupt_ledger(busy, capsys) -> None:
    image = bytearray(busy.read_bytes())
    image[-9] ^= 4
    busy.write_bytes(image)
    code, out, _ = _run(capsys, "verify", busy)
    assert code == 2
    assert "is CORRUPT:" in out
    code, out, _ = _run(capsys, "verify", busy, "--json")
    assert code == 2
    assert json.loads(out)["ok"] is False
    assert json.loads(out)["problems"]


def test_cap(busy, capsys) -> None:
    code, out, _ = _run(capsys, "cap", busy, "--epsilon", 2, "--delta", 1e-5, "--reason", "board decision 7")
    assert (code, out) == (0, "The cap of account table-1 is now (epsilon 2, delta 1e-05).\n")
    assert show(busy)["accounts"][0]["cap"] == {"epsilon": 2.0, "delta": 1e-5}
    code, out, _ = _run(capsys, "cap", busy, "--epsilon", 3, "--delta", 1e-5, "--whole-ledger", "--json")
    assert json.loads(out)["account"] is None
    assert show(busy)["ledger"]["cap"] == {"epsilon": 3.0, "delta": 1e-5}


def test_cap_must_name_what_it_caps(busy, capsys) -> None:
    opened(busy, account="second")
    code, _, err = _run(capsys, "cap", busy, "--epsilon", 2, "--delta", 1e-5)
    assert code == 2
    assert "The ledger has 2 accounts." in err
    code, _, err = _run(capsys, "cap", busy, "--epsilon", 2, "--delta", 1e-5, "--account", "second", "--whole-ledger")
    assert code == 2
    assert "Give --account or --whole-ledger, not both." in err
    code, _, err = _run(capsys, "cap", busy, "--epsilon", 0, "--delta", 1e-5, "--account", "second")
    assert code == 2
    assert "epsilon must be above 0" in err


def test_the_default_ledger_comes_from_the_environment(busy, capsys, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DPSYNTH_LEDGER", str(busy))
    assert _run(capsys, "verify")[0] == 0
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "none"))
    code, _, err = _run(capsys, "show")
    assert code == 2
    assert "There is no ledger" in err
