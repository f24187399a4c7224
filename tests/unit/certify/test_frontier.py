"""`dpsynth frontier`: every point once, charged where rows are private, gone on with after a stop."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dpsynth.certify.frontier import FIELDS, Frontier, Point, cost_of, run_frontier
from dpsynth.cli.app import main
from dpsynth.errors import BudgetRefused, InputError
from dpsynth.gate import show

POINTS = (Point("independent", 0.5, 0), Point("independent", 5.0, 0), Point("independent", 5.0, 1))


@pytest.fixture
def asked(place: Path) -> Frontier:
    """On a table that is said to be public."""
    return Frontier(place / "people.csv", place / "people.toml", 1e-6, POINTS, place / "frontier")


def test_a_public_frontier_goes_on_after_a_stop(asked: Frontier) -> None:
    told: list[str] = []
    first = run_frontier(replace(asked, points=POINTS[:1]), told.append)
    rows = run_frontier(asked, told.append)
    assert told == ["independent-0.5-0", "independent-5-0", "independent-5-1"], "what was done is kept"
    assert rows[0] == first[0]
    assert rows[1]["error"] != rows[2]["error"], "draws have noise of their own"
    assert all(min(row["error"], row["floor"], row["ceiling"]) > 0 for row in rows)
    assert run_frontier(asked) == rows
    with (asked.out / "frontier.csv").open() as file:
        assert tuple(next(csv.reader(file))) == FIELDS
    page = (asked.out / "frontier.html").read_text()
    assert "nothing was charged" in page
    assert "<script" not in page
    assert page.count("<svg") == 1, "no holdout, no leakage"
    assert json.loads((asked.out / "frontier.json").read_text())["points"] == rows
    assert not list(asked.out.rglob(".*"))
    with pytest.raises(InputError, match="another table or setting"):
        run_frontier(replace(asked, delta=1e-7))


def test_a_private_frontier_is_charged_and_booked(asked: Frontier, place: Path) -> None:
    ledger = place / "frontier.ledger"
    private = replace(asked, ledger=ledger, holdout=place / "holdout.csv", points=POINTS[1:])
    total = cost_of(private)
    assert 5 < total < 10
    rows = run_frontier(private)
    assert all(row["leak_low"] <= row["leak"] <= row["leak_high"] for row in rows)
    facts = show(ledger)
    assert [charge["budget"]["epsilon"] for charge in facts["charges"]] == [5.0, 5.0]
    assert facts["accounts"][0]["spent"] == pytest.approx(total, rel=1e-6)
    (look,) = facts["non_private"]
    assert look["reason"].startswith("frontier")
    page = (asked.out / "frontier.html").read_text()
    assert "INTERNAL, NOT PRIVATE" in page
    assert page.count("<svg") == 2
    run_frontier(private)
    assert show(ledger)["ledger"]["rows"] == facts["ledger"]["rows"], "nothing is missing, so nothing is charged"


def test_a_ledger_that_is_spent_keeps_what_was_done(asked: Frontier, place: Path) -> None:
    spent = replace(asked, ledger=place / "people.ledger")
    with pytest.raises(BudgetRefused):
        run_frontier(spent)
    assert not (asked.out / "frontier.csv").exists()


def test_the_verb(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["frontier", str(place / "people.csv"), "-d", str(place / "people.toml"), "--delta", "1e-6"]
    words += ["--out", str(place / "f"), "--generators", "independent", "--seeds", "1", "--public-twin", "-q"]
    assert main([*words, "--epsilons", "1,2", "--json"]) == 0
    assert [row["epsilon"] for row in json.loads(capsys.readouterr().out)["points"]] == [1.0, 2.0]
    assert main([*words, "--epsilons", "1,2"]) == 0
    assert "frontier.html" in capsys.readouterr().out
    for wrong, said in [
        (["--epsilons", "a"], "Cannot read the budgets"),
        (["--epsilons", "0"], "A frontier needs budgets above 0"),
        (["--epsilons", "3", "--generators", "none"], "There is no generator 'none'"),
    ]:
        assert main([*words, *wrong]) == 2
        assert said in capsys.readouterr().err
