"""A sound bundle holds every check; each spoiled fact breaks the check that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dpsynth.bundle import Bundle, release
from dpsynth.certify.structure import chain_of, charged_event, check_structure, read_answers

Spoil = Callable[[dict[str, Any]], None]


def test_a_release_holds(bundle: Bundle) -> None:
    checks = check_structure(bundle.facts, read_answers(bundle))
    assert len(checks) == 7
    assert [check.name for check in checks if not check.passed] == []
    assert charged_event(bundle.facts).events
    assert len(chain_of(bundle.facts)) == 1 + len(bundle.facts["ledger"]["draws"])


def _cheaper(facts: dict[str, Any]) -> None:
    facts["guarantee"]["certified"]["epsilon"] = "0.5"


def _other_unit(facts: dict[str, Any]) -> None:
    facts["guarantee"]["unit"] = "rows(2)"


def _more_draws(facts: dict[str, Any]) -> None:
    facts["ledger"]["charges"][0]["draws"] = 2
    facts["ledger"]["draws"].append({**facts["ledger"]["draws"][0], "index": 1})


def _lost_draw(facts: dict[str, Any]) -> None:
    facts["ledger"]["draws"].pop()


def _twice(facts: dict[str, Any]) -> None:
    facts["ledger"]["draws"].append(facts["ledger"]["draws"][0])


def _gap(facts: dict[str, Any]) -> None:
    facts["ledger"]["draws"][0]["index"] = 5


def _half_sensitivity(facts: dict[str, Any]) -> None:
    facts["ledger"]["unit"] = facts["guarantee"]["unit"] = "rows(2)"


def _strange_question(facts: dict[str, Any]) -> None:
    facts["ledger"]["draws"][0]["query"]["kind"] = "rows"


def _other_answer(facts: dict[str, Any]) -> None:
    facts["ledger"]["draws"][0]["answer"] = "0" * 64


def _unknown_event(facts: dict[str, Any]) -> None:
    facts["ledger"]["charges"][0]["event"]["kind"] = "free"


def _seeded(facts: dict[str, Any]) -> None:
    facts["ledger"]["draws"][0]["private"] = False


def _exact_rows(facts: dict[str, Any]) -> None:
    facts["sampling"]["rows"] += 1


@pytest.mark.parametrize(
    ("spoil", "broken"),
    [
        (_cheaper, "epsilon"),
        (_other_unit, "epsilon"),
        (_unknown_event, "epsilon"),
        (_more_draws, "draws fit charges"),
        (_twice, "draws fit charges"),
        (_gap, "draws fit charges"),
        (_half_sensitivity, "sensitivity"),
        (_strange_question, "sensitivity"),
        (_other_answer, "answers are the draws'"),
        (_lost_draw, "answers are the draws'"),
        (_seeded, "entropy"),
        (_exact_rows, "number of rows"),
    ],
)
def test_what_is_spoiled_is_found(spoil: Spoil, broken: str, facts: dict[str, Any], bundle: Bundle) -> None:
    answers = read_answers(bundle)
    spoil(facts)
    found = {check.name: check.passed for check in check_structure(facts, answers)}
    assert found[broken] is False


def test_answers_must_be_whole_numbers_of_the_ledger(facts: dict[str, Any], bundle: Bundle) -> None:
    answers = read_answers(bundle)
    floats = [replace(a, values=a.values.astype(float)) for a in answers]
    more = [replace(a, values=a.values + 1) for a in answers]
    unpaid = [*answers, replace(answers[0], event_id="f" * 64)]
    seeded = [replace(a, private=False) for a in answers]
    for spoiled, broken in [
        (floats, "whole numbers"),
        (more, "answers are the draws'"),
        (unpaid, "answers are the draws'"),
        (seeded, "entropy"),
        ([], "whole numbers"),
        ([], "answers are the draws'"),
    ]:
        found = {check.name: check.passed for check in check_structure(facts, spoiled)}
        assert found[broken] is False, broken


def test_the_chain_depends_on_every_entry(facts: dict[str, Any]) -> None:
    before = chain_of(facts)
    facts["ledger"]["draws"][-1]["draws"] += 1
    assert chain_of(facts)[:-1] == before[:-1]
    assert chain_of(facts)[-1] != before[-1]
    facts["release_id"] = "other"
    assert not set(chain_of(facts)) & set(before)


def test_a_folder_without_answers_has_none(bundle: Bundle) -> None:
    (bundle.path / "model" / "model.json").write_text("{}")
    assert read_answers(bundle) == ()


@pytest.mark.parametrize("generator", ["adaptive", "mst", pytest.param("aim", marks=pytest.mark.slow)])
def test_releases_of_every_generator_hold(generator: str, place: Path) -> None:
    made = release(
        place / "people.csv",
        domain=place / "people.toml",
        epsilon=1,
        delta=1e-6,
        generator=generator,
        out=place / "other",
        ledger=place / "other.ledger",
    )
    checks = check_structure(made.facts, read_answers(made))
    assert [(check.name, check.note) for check in checks if not check.passed] == []


def test_draws_that_no_answer_needs_are_told(facts: dict[str, Any], bundle: Bundle) -> None:
    facts["ledger"]["charges"][0]["draws"] += 1
    (check,) = [c for c in check_structure(facts, read_answers(bundle)) if c.name == "draws fit charges"]
    assert check.passed
    assert check.note.endswith("; 1 more were paid for and are not in the release")
