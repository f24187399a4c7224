"""Events keep their bytes, accountants keep their figures, since version 0.1."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from dpsynth.accounting import events
from dpsynth.accounting.certify import ACCOUNTANTS
from dpsynth.accounting.events import AbstractEvent, event_from_json, event_to_json
from dpsynth.accounting.quantities import Delta
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.unit import NeighbouringRelation
from tests.golden.accounting import CASES, EVENTS, EXAMPLES, FIGURES, case_key, event_lines, extend, figure_lines, read


@pytest.mark.parametrize("line", read(EVENTS))
def test_reading_and_writing_reproduce_the_bytes(line: str) -> None:
    assert canonical_json(event_to_json(event_from_json(json.loads(line)))).decode() == line


def test_examples_are_what_the_file_holds() -> None:
    assert event_lines() == read(EVENTS)
    assert [event_from_json(json.loads(line)) for line in read(EVENTS)] == list(EXAMPLES)


def test_every_kind_has_an_example() -> None:
    kinds = {
        value.kind
        for value in vars(events).values()
        if isinstance(value, type) and issubclass(value, AbstractEvent) and value is not AbstractEvent
    }
    assert {json.loads(line)["kind"] for line in read(EVENTS)} == kinds
    assert len(kinds) == 13


def _cases() -> list[str]:
    return read(FIGURES)


@pytest.mark.parametrize("line", _cases(), ids=range(len(_cases())))
def test_figures_are_kept(line: str) -> None:
    case = json.loads(line)
    event, relation = event_from_json(case["event"]), NeighbouringRelation(case["relation"])
    able = {a.name: a for a in ACCOUNTANTS if a.supports(event, relation)}
    assert set(able) == set(case["epsilon"])
    for name, held in case["epsilon"].items():
        found = able[name].epsilon_up(event, Delta(case["delta"]), relation)
        # Fourier transforms differ in the last bits between machines; closed forms hardly do.
        assert found == pytest.approx(math.inf if held is None else held, rel=1e-6 if name == "pld" else 1e-12)


def test_all_cases_are_held() -> None:
    assert len(_cases()) == len(CASES) * 2 * 3


def test_the_script_appends_and_never_rewrites(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    assert extend(path, event_lines()[:3], lambda line: line) == "events.json: 0 kept, 3 appended\n"
    assert extend(path, event_lines(), lambda line: line).endswith(f"3 kept, {len(EXAMPLES) - 3} appended\n")
    assert path.read_bytes() == EVENTS.read_bytes()
    changed = tmp_path / "figures.json"
    line = _cases()[1]
    assert "0.99999" in line or "1." in line
    altered = json.dumps(json.loads(line) | {"certified": "nobody"})
    extend(changed, [altered], case_key)
    assert extend(changed, [line], case_key) == "figures.json: 1 kept, 0 appended\n"
    assert "nobody" in changed.read_text()


@pytest.mark.slow
def test_the_script_gives_the_file() -> None:
    assert [case_key(line) for line in figure_lines()] == [case_key(line) for line in _cases()]
