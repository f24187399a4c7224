"""`dpsynth plan`: what a release would spend, with no row read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("generator", ["independent", "mst"])
def test_a_plan_shows_the_waterfall_the_cost_and_the_forecast(
    run: Run, people: Path, options: list[str], generator: str
) -> None:
    result = run("plan", *options, "--generator", generator)
    assert (result.code, result.err) == (0, "")
    assert f"{generator}: where the budget goes" in result.out
    assert "cost" in result.out
    assert "at delta 1e-06" in result.out
    assert "MiB" in result.out
    facts = run("plan", *options, "--generator", generator, "--json").json
    assert facts["generator"] == generator
    assert sum(step["share"] for step in facts["steps"]) == pytest.approx(1)
    assert 0 < float(facts["guarantee"]["certified"]["epsilon"]) <= 1
    assert facts["forecast"]["memory_bytes"] > 0


def test_a_plan_opens_nothing(run: Run, people: Path, options: list[str], tmp_path: Path) -> None:
    before = sorted(p.name for p in tmp_path.iterdir())
    every = [
        "--out",
        "out",
        "--ledger",
        "l",
        "--rows",
        "5",
        "--seed",
        "1",
        "--account",
        "a",
        "--format",
        "csv",
        "--quiet",
    ]
    capped = ["--cap-epsilon", "2", "--cap-delta", "0", "--overwrite", "--label", "note", "--unit", "rows(2)"]
    result = run("plan", "no-such-table.csv", *options, *every, *capped)
    assert (result.code, result.err) == (0, "")
    assert "any rows(2) added or removed" in result.out
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_release_and_plan_take_the_same_options() -> None:
    from typer.main import get_command

    from dpsynth.cli import plan, release

    def names(app: object) -> set[str]:
        return {p.name or "" for p in get_command(app).params}  # type: ignore[arg-type]

    assert names(plan.app) == names(release.app)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--epsilon", "0"], "epsilon must be above 0"),
        (["--delta", "1"], "delta must lie in [0, 1)"),
        (["--domain", "nowhere.toml"], "nowhere.toml"),
        (["--label", "income"], "The label 'income' is not a column"),
        (["--generator", "gan"], "There is no generator 'gan'."),
    ],
)
def test_what_cannot_be_planned(run: Run, people: Path, options: list[str], more: list[str], said: str) -> None:
    result = run("plan", *options, *more)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
