"""Generators on neighbouring tables: nothing but the exact answers changes, and those by no more than was declared.

A generator is fitted to D with the noise taken away (or fixed), and its noisy answers are written down. It is fitted to
a neighbour D' and handed the same noisy answers. Whatever differs then came from the rows by another way than an answer
that was paid for: another question, grid, reference, order, stage, ledger row, or another model. And between the two
runs every exact vector behind an answer may move by at most the sensitivity in the event that was charged.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import AbstractEvent, Gaussian, Laplace, event_to_json, leaves
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.engines.open import open_engine
from dpsynth.errors import DpsynthError
from dpsynth.gate import Distances, event_of, ledger_extract
from dpsynth.gate.answers import add_noise, describe, exact_answers
from dpsynth.generators import AbstractGenerator, Independent
from dpsynth.generators.compression import merge_light_cells
from dpsynth.generators.one_ways import one_way_query
from dpsynth.generators.pairs import all_pairs, product_references
from dpsynth.pgm import rake
from tests.conformance.generators import RECIPES
from tests.gate.support import kinds_of
from tests.unit.generators.support import ADD_REMOVE, BUDGET, DOMAIN, REPLACE_ONE, opened, people

SIZE = 250
ODD: dict[str, dict[str, Any]] = {
    "nothing": dict.fromkeys(DOMAIN.names),
    "trash": dict.fromkeys(DOMAIN.names, "!?"),
    "huge": {"age": 10**30, "income": math.inf, "score": 1e308, "since": datetime(9999, 12, 31)},
    "tiny": {"age": -(10**30), "income": -math.inf, "score": -5e-324, "since": datetime(1, 1, 1)},
    "special": {"income": -1, "town": "elsewhere", "class": "high", "member": True},
    "wrong types": {"age": "12x", "income": b"\xff", "score": True, "member": 3.5, "class": 7, "since": "yesterday"},
    "usual": {"town": "north", "class": "low", "age": 25, "income": 20_000, "score": 0.5, "member": False},
}
"""Rows that a table can gain."""


@dataclass(slots=True)
class Release:
    """One answer: what was asked, what it cost, the exact vectors and the noisy ones."""

    question: dict[str, Any]
    event: AbstractEvent
    largest_weight: int
    exact: list[np.ndarray]
    noisy: list[np.ndarray]


@dataclass(slots=True)
class Run:
    """A fit, and all that anyone but the gate could see of it."""

    releases: list[Release] = field(default_factory=list)
    stages: list[tuple[str, float]] = field(default_factory=list)
    ledger: Any = None
    model: Any = None
    strays: bool = False


def without_noise(exact: list[np.ndarray], mechanism: Any) -> list[np.ndarray]:
    """The exact answers themselves; of a selection, the best candidate."""
    if hasattr(mechanism, "epsilon"):
        return [np.array([int(np.argmax(exact[0]))], dtype=np.int64)]
    return [np.asarray(vector).copy() for vector in exact]


def run(
    recipe: AbstractGenerator,
    ledger: Path,
    source: pd.DataFrame,
    unit: PrivacyUnit = rows(1),
    relation: NeighbouringRelation = ADD_REMOVE,
    *,
    noisy: bool = False,
    script: Run | None = None,
) -> Run:
    """Fit with no noise, with fixed noise, or with the noisy answers of another run."""
    found = Run()

    def noise(exact: list[np.ndarray], query: Any, mechanism: Any, *more: Any) -> list[np.ndarray]:
        place = len(found.releases)
        if script is not None:
            if place >= len(script.releases) or describe(query, mechanism) != script.releases[place].question:
                found.strays = True
                raise RuntimeError  # the gate hides the words of every error under it
            answer = [vector.copy() for vector in script.releases[place].noisy]
        else:
            answer = add_noise(exact, query, mechanism, *more) if noisy else without_noise(exact, mechanism)
        weights = query.weights.values() if isinstance(query, Distances) else ()
        found.releases.append(
            Release(
                describe(query, mechanism),
                event_of(query, mechanism, unit, relation),
                max(weights, default=1),
                [np.asarray(vector).copy() for vector in exact],
                [vector.copy() for vector in answer],
            )
        )
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dpsynth.gate.grant.add_noise", noise)
        plan = recipe.plan(DOMAIN, budget=BUDGET, unit=unit, relation=relation)
        table = opened(ledger, source, unit=unit, relation=relation, seed=7)
        try:
            found.model = plan.fit(table, progress=lambda *stage: found.stages.append(stage))
        except DpsynthError:
            assert not found.strays, "another question was asked than in the run before"
            raise
    drawn = [{k: draw[k] for k in ("query", "mechanism", "event", "draws")} for draw in ledger_extract(table)["draws"]]
    found.ledger = (kinds_of(ledger), plan.job(), event_to_json(plan.event), drawn)
    return found


def check_same_but_for_exact_answers(one: Run, two: Run) -> None:
    """Assert that nothing but the exact vectors tells the two runs apart."""
    assert [release.question for release in one.releases] == [release.question for release in two.releases]
    assert [release.event for release in one.releases] == [release.event for release in two.releases]
    assert one.stages == two.stages
    assert one.ledger == two.ledger
    assert one.model.describe() == two.model.describe()
    assert one.model.warnings == two.model.warnings
    assert one.model.sample(300, seed=11).equals(two.model.sample(300, seed=11))
    assert one.model.sample(seed=12).equals(two.model.sample(seed=12))


def check_moves_are_paid_for(one: Run, two: Run, unit: PrivacyUnit, relation: NeighbouringRelation) -> bool:
    """Assert that every exact vector moved by at most the sensitivity of its event; whether any moved."""
    moved = False
    for a, b in zip(one.releases, two.releases, strict=True):
        charged = [leaf for leaf, count in leaves(a.event) for _ in range(count)]
        for leaf, before, after in zip(charged, a.exact, b.exact, strict=True):
            change = np.abs(after.astype(object) - before.astype(object)).ravel()  # Python integers: no overflow
            moved |= bool(change.any())
            if isinstance(leaf, Gaussian):
                assert (change * change).sum() <= leaf.squared_sensitivity
            elif isinstance(leaf, Laplace):
                assert change.sum() <= leaf.sensitivity
            else:  # a selection: each score on its own
                assert max(change) <= unit.l1(relation) * a.largest_weight
    return moved


def gaining(source: pd.DataFrame, odd: dict[str, Any], count: int = 1) -> pd.DataFrame:
    """The table and some odd rows."""
    more = pd.DataFrame([{name: odd.get(name) for name in source.columns}] * count, dtype=object)
    return pd.concat([source.astype(object), more], ignore_index=True)


def replacing(source: pd.DataFrame, odd: dict[str, Any], count: int = 1) -> pd.DataFrame:
    """The table with odd rows in the place of its first ones."""
    return gaining(source.iloc[count:], odd, count)


NEIGHBOURS: list[tuple[str, PrivacyUnit, NeighbouringRelation, Callable[[pd.DataFrame], pd.DataFrame]]] = [
    *((f"gains {name}", rows(1), ADD_REMOVE, lambda d, o=odd: gaining(d, o)) for name, odd in ODD.items()),
    *((f"loses row {i}", rows(1), ADD_REMOVE, lambda d, i=i: d.drop(index=i)) for i in (0, 17)),
    *(
        (f"replaces by {name}", rows(1), REPLACE_ONE, lambda d, o=ODD[name]: replacing(d, o))
        for name in ("nothing", "huge", "usual")
    ),
    ("gains three", rows(3), ADD_REMOVE, lambda d: gaining(d, ODD["special"], 3)),
    ("replaces three", rows(3), REPLACE_ONE, lambda d: replacing(d, ODD["special"], 3)),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Callable[..., Run]:
    """The run on D, made once for each generator, unit and relation."""
    made: dict[tuple[Any, ...], Run] = {}

    def get(name: str, unit: PrivacyUnit, relation: NeighbouringRelation, noisy: bool) -> Run:
        key = (name, unit, relation, noisy)
        if key not in made:
            ledger = tmp_path_factory.mktemp("base") / "l"
            made[key] = run(RECIPES[name], ledger, people(SIZE), unit, relation, noisy=noisy)
        return made[key]

    return get


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(
    ("unit", "relation", "change"), [n[1:] for n in NEIGHBOURS], ids=[n[0].replace(" ", "-") for n in NEIGHBOURS]
)
def test_a_neighbour_changes_nothing_but_paid_answers(base, ledger, name, unit, relation, change) -> None:
    one = base(name, unit, relation, noisy=False)
    two = run(RECIPES[name], ledger, change(people(SIZE)), unit, relation, script=one)
    assert one.releases
    check_same_but_for_exact_answers(one, two)
    assert check_moves_are_paid_for(one, two, unit, relation)


@pytest.mark.parametrize("name", RECIPES)
def test_with_noise_the_same_holds(base, ledger, name) -> None:
    one = base(name, rows(1), ADD_REMOVE, noisy=True)
    two = run(RECIPES[name], ledger, gaining(people(SIZE), ODD["huge"]), script=one)
    check_same_but_for_exact_answers(one, two)
    assert check_moves_are_paid_for(one, two, rows(1), ADD_REMOVE)


@pytest.mark.parametrize("name", RECIPES)
def test_from_no_row_to_one_row(tmp_path, name) -> None:
    """The smallest tables: a total of 0 must not take another way."""
    one = run(RECIPES[name], tmp_path / "a", people(0))
    two = run(RECIPES[name], tmp_path / "b", people(1), script=one)
    check_same_but_for_exact_answers(one, two)
    assert check_moves_are_paid_for(one, two, rows(1), ADD_REMOVE)


# --------------------------------------------------------------------------------------------------- negative controls


def test_the_bound_on_moves_is_reached(base, ledger) -> None:
    """One row moves every histogram by exactly one cell, so the bound is not loose."""
    one = base("independent", rows(1), ADD_REMOVE, noisy=False)
    two = run(RECIPES["independent"], ledger, gaining(people(SIZE), ODD["usual"]), script=one)
    for a, b in zip(one.releases, two.releases, strict=True):
        assert [int(np.abs(y - x).sum()) for x, y in zip(a.exact, b.exact, strict=True)] == [1] * 7


def test_two_rows_under_a_unit_of_one_would_be_seen(base, ledger) -> None:
    for name in ("independent", "mst", "mst published"):
        one = base(name, rows(1), ADD_REMOVE, noisy=False)
        two = run(RECIPES[name], ledger.with_name(name), gaining(people(SIZE), ODD["usual"], 2), script=one)
        check_same_but_for_exact_answers(one, two)
        with pytest.raises(AssertionError):
            check_moves_are_paid_for(one, two, rows(1), ADD_REMOVE)


def _cells(counts: np.ndarray, first: Any, least: float, most: float, *more: Any, n: int) -> np.ndarray:
    return merge_light_cells(counts, first, least, most, *more) // (1 + n % 2)


def _rake(sizes: Any, targets: Any, total: float) -> Any:
    weighted = {
        clique: table + total * (np.arange(table.size) == 0).reshape(table.shape) for clique, table in targets.items()
    }
    return rake(sizes, weighted, total=total)


LEAKS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "a reference built from the exact number of rows": (
        "mst.product_references",
        lambda n: lambda counts, _, pairs: product_references(counts, float(n), pairs),
    ),
    "a share of the budget": ("mst.SCORE_SHARE", lambda n: 0.05 + n * 1e-6),
    "the order of the pairs": ("mst.all_pairs", lambda n: lambda names: all_pairs(names)[:: 1 if n % 2 else -1]),
    "coarse cells": ("pairs.merge_light_cells", lambda n: lambda *given: _cells(*given, n=n)),
    "a warning": ("mst.budget_warnings", lambda n: lambda *_: (f"{n} rows",)),
    "the model's tables": ("mst.rake", lambda n: lambda sizes, targets, total: _rake(sizes, targets, float(n))),
}
"""Ways in which the number of rows could slip past the gate into an MST: what is patched, and by what of n rows."""


@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_would_be_seen(tmp_path, monkeypatch, leak) -> None:
    place, make = LEAKS[leak]

    def leaking(source: pd.DataFrame, script: Run | None) -> Run:
        monkeypatch.setattr(f"dpsynth.generators.{place}", make(len(source)))
        return run(RECIPES["mst"], tmp_path / f"{len(source)}", source, script=script)

    one = leaking(people(SIZE), None)
    with pytest.raises(AssertionError):
        check_same_but_for_exact_answers(one, leaking(people(SIZE).drop(index=3), one))


def test_what_stands_in_for_the_noise_sees_what_the_gate_counts(ledger) -> None:
    """The harness is on the only way: the exact answers it saw are those of the engine, and all answers came from it."""
    source = people(SIZE)
    found = run(RECIPES["independent"], ledger, source)
    plan = Independent().plan(DOMAIN, budget=BUDGET)
    exact = exact_answers(open_engine(source, DOMAIN), one_way_query(plan.grids))
    for ours, theirs, measured in zip(found.releases[0].exact, exact, found.model.measurements, strict=True):
        assert np.array_equal(ours, theirs)
        assert np.array_equal(measured.values, theirs)
