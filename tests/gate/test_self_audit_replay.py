"""Record and replay with taint over fuzzed neighbours, on fits as users run them: no alarm in more than 300 pairs.

tests/gate/test_generator_privacy.py compares by a list of its own what two runs show. This one knows no such list: all
that is saved, and every local variable of every generator, must be equal, whatever it is called.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import dpsynth.generators.mst as mst
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.generators import AIM, MST, AbstractGenerator, Adaptive, Independent
from privacy_audit.mechanisms.neighbours import KINDS, SAME, neighbour_pairs
from privacy_audit.mechanisms.replay import PairReport, check_pair, record
from tests.gate.self_audit import WATCH, Subject
from tests.unit.generators.support import DOMAIN, people

SIZE = 60
QUICK = {"independent": Independent(), "mst": MST(), "adaptive": Adaptive()}
ALL: dict[str, tuple[AbstractGenerator, int]] = {
    "independent": (Independent(), 86),
    "mst": (MST(), 86),
    "adaptive": (Adaptive(), 86),
    "mst published": (MST(selection="exponential"), 22),
    "aim published": (AIM(rounds=48), 22),
    "aim gaussian": (AIM(selection="gaussian", rounds=48), 22),
}
"""Generators, with the number of pairs that each is given in the long run: 324 in all."""


def subject(recipe: AbstractGenerator, epsilon: float = 1.0, **more) -> Subject:
    return Subject(recipe, DOMAIN, Budget(epsilon=epsilon, delta=1e-5), **more)


def reports(audited: Subject, source: pd.DataFrame, count: int, seed: int, kinds=None) -> list[tuple[str, PairReport]]:
    mechanism, claim = audited.mechanism(), audited.claim()
    first = record(mechanism, source, watch=WATCH)
    assert first.error is None
    assert first.trace
    relation = "add_remove" if audited.relation is NeighbouringRelation.ADD_REMOVE else "replace_one"
    return [
        (
            pair.kind,
            check_pair(
                mechanism,
                pair.one,
                pair.other,
                recording=first if pair.one.equals(source) else None,
                equal=pair.equal,
                claim=claim,
                watch=WATCH,
            ),
        )
        for pair in neighbour_pairs(source, count, seed=seed, relation=relation, kinds=kinds)
    ]


def alarms(found: list[tuple[str, PairReport]]) -> list[tuple[str, str, str]]:
    return [(kind, f.kind, f.message) for kind, report in found for f in report.findings]


@pytest.mark.parametrize("name", QUICK)
def test_no_neighbour_is_seen(name) -> None:
    kinds = [
        "remove rarest",
        "all missing",
        "huge",
        "text in a number",
        "new category",
        "empty to one row",
        "odd index",
    ]
    found = reports(subject(QUICK[name]), people(SIZE), len(kinds), seed=1, kinds=kinds)
    assert alarms(found) == []
    assert max(share for _, report in found for share in report.used.values()) == 1.0  # the declared bound is reached


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("relation", list(NeighbouringRelation), ids=lambda r: r.name.lower())
def test_no_alarm_in_many_pairs(name, relation) -> None:
    recipe, count = ALL[name]
    half = count // 2
    found = reports(subject(recipe, 4.0, relation=relation), people(SIZE, seed=2), half, seed=3)
    assert len(found) == half
    assert alarms(found) == []
    assert all(report.releases for _, report in found)


def test_there_are_more_than_300_pairs_of_all_kinds() -> None:
    assert sum(count for _, count in ALL.values()) > 300
    assert max(count for _, count in ALL.values()) // 2 >= len(KINDS)


@pytest.mark.parametrize("kind", SAME)
def test_equal_tables_in_another_form_give_equal_answers(kind) -> None:
    (found,) = reports(subject(MST()), people(SIZE), 1, seed=1, kinds=[kind])
    assert alarms([found]) == []


def test_control_two_rows_are_seen() -> None:
    audited, source = subject(MST()), people(SIZE)
    more = pd.concat([source, source.iloc[:2]], ignore_index=True)
    report = check_pair(audited.mechanism(), source, more, watch=WATCH)
    assert {finding.kind for finding in report.findings} == {"sensitivity"}


def test_control_a_local_that_tells_rows_is_tainted(monkeypatch) -> None:
    """The number of rows in a local variable: another threshold of the same coarse cells."""
    source = people(SIZE)
    audited, sizes = subject(MST()), iter([SIZE, SIZE + 1])
    coarsen = mst.MSTPlan._coarsen
    monkeypatch.setattr(
        mst.MSTPlan, "_coarsen", lambda self, o, share: coarsen(self, replace(o, total=float(next(sizes))), share)
    )
    more = pd.concat([source, source.iloc[:1]], ignore_index=True)
    report = check_pair(audited.mechanism(), source, more, watch=WATCH)
    assert any(finding.kind in ("taint", "parameters") for finding in report.findings)
