"""What AIM measures next: published scores, sensitivities replayed on neighbours, and what is found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import Gaussian
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import rows
from dpsynth.engines.open import open_engine
from dpsynth.gate import Distances, Exponential, Grant, Marginals, event_of
from dpsynth.gate.answers import exact_answers
from dpsynth.gate.mechanisms import sensitivity_of_score
from dpsynth.generators.aim import AIM, choice
from dpsynth.generators.aim.choice import expected_noise
from tests.unit.generators.aim.support import BOTH, GAUSSIAN, PUBLISHED, rounds_of
from tests.unit.generators.support import (
    ADD_REMOVE,
    PLENTY,
    REPLACE_ONE,
    chain,
    fit,
    letters,
)


@pytest.fixture
def asked(monkeypatch) -> list[tuple[Any, Any]]:
    """Every question and mechanism that passes the gate."""
    seen: list[tuple[Any, Any]] = []
    real = Grant.release

    def release(self, query, mechanism):
        seen.append((query, mechanism))
        return real(self, query, mechanism)

    monkeypatch.setattr(Grant, "release", release)
    return seen


def test_scores_are_those_of_the_publication(ledger, asked) -> None:
    """w_r (distance - sqrt(2/pi) sigma cells), sensitivity the largest weight, coefficient 1/2."""
    fit(PUBLISHED, ledger, chain(1000), letters())
    choices = [(query, mechanism) for query, mechanism in asked if isinstance(query, Distances)]
    measured = [mechanism.sigmas[0] for query, mechanism in asked[1:] if isinstance(query, Marginals)]
    assert len(choices) == len(measured) > 3
    for (query, mechanism), sigma in zip(choices, measured, strict=True):
        assert isinstance(mechanism, Exponential)
        assert query.weights == {clique: len(clique) for clique in query.references}
        for clique, reference in query.references.items():
            assert query.offsets[clique] == round(math.sqrt(2 / math.pi) * sigma * reference.size)
        heaviest = max(len(clique) for clique in query.references)
        assert sensitivity_of_score(query, rows(1), ADD_REMOVE) == heaviest


def test_a_workload_names_the_candidates_and_their_weights(ledger, asked) -> None:
    recipe = AIM(workload={("a", "b"): 2.0, ("b", "d"): 1.0})
    model = fit(recipe, ledger, chain(1000), letters(), PLENTY)
    weights = {("a",): 2, ("b",): 3, ("d",): 1, ("a", "b"): 5, ("b", "d"): 4}
    for query, _ in asked:
        if isinstance(query, Distances):
            assert query.weights == weights
    assert {m.clique for m in rounds_of(model)} <= set(weights)
    assert model.graph.names == tuple("abcd")  # a column outside the workload is modelled all the same


@BOTH
@pytest.mark.parametrize(("size", "relation"), [(1, ADD_REMOVE), (2, ADD_REMOVE), (1, REPLACE_ONE)])
def test_every_choice_replayed_on_neighbours_moves_by_no_more_than_its_sensitivity(
    ledger, asked, recipe, size, relation
) -> None:
    """The questions of one fit, model and noise fixed, asked of tables that differ by one unit."""
    unit, source, domain = rows(size), chain(300), letters()
    fit(recipe, ledger, source, domain, unit=unit, relation=relation)
    queries = [(query, mechanism) for query, mechanism in asked if isinstance(query, Distances)]
    assert len(queries) > 3
    odd = pd.DataFrame([dict(zip("abcd", "0201", strict=True)), dict(zip("abcd", "2??0", strict=True))] * size)
    here = open_engine(source, domain)
    if relation is ADD_REMOVE:
        neighbours = [source.iloc[size:], source.iloc[:-size], pd.concat([source, odd[:size]])]
    else:
        neighbours = [pd.concat([source.iloc[size:], odd[:size]])]
    furthest, squares = 0.0, 0.0
    for other in (open_engine(frame, domain) for frame in neighbours):
        for query, mechanism in queries:
            (one,), (two,) = exact_answers(here, query), exact_answers(other, query)
            moved = np.abs(two - one)
            assert moved.max() <= sensitivity_of_score(query, unit, relation)
            furthest = max(furthest, moved.max() / sensitivity_of_score(query, unit, relation))
            event = event_of(query, mechanism, unit, relation)
            if isinstance(event, Gaussian):
                assert (moved**2).sum() <= event.squared_sensitivity
                squares = max(squares, (moved**2).sum() / event.squared_sensitivity)
    assert furthest > 0.4  # not idle: some score moves
    assert squares > 0.2 or recipe is PUBLISHED


def test_the_gaussian_variant_scores_all_once_and_sixteen_a_round(ledger, asked, monkeypatch) -> None:
    monkeypatch.setattr(choice, "SHORTLIST", 5)
    model = fit(GAUSSIAN, ledger, chain(2000, "abcde"), letters("abcde"))
    scored = [query for query, _ in asked if isinstance(query, Distances)]
    assert len(scored[0].references) == 5 + 10 + 10
    assert {len(query.references) for query in scored[1:]} == {5}
    assert not any(query.weights or query.offsets for query in scored)
    chosen = [m.clique for m in rounds_of(model)]
    noisy = [m.values for m in model.measurements if m.name == "distances"]
    for query, values, clique, measured in zip(scored[1:], noisy[1:], chosen, rounds_of(model), strict=True):
        scores = {
            c: len(c) * (value - expected_noise(measured.sigma, reference.size))
            for (c, reference), value in zip(query.references.items(), values, strict=True)
        }
        assert scores[clique] == max(scores.values())


@BOTH
def test_with_much_budget_what_is_dependent_is_measured(ledger, recipe) -> None:
    """c is a xor b: no pair shows it, the triple does."""
    rng = np.random.default_rng(0)
    a, b, d = rng.integers(0, 2, (3, 20_000))
    source = pd.DataFrame({"a": a, "b": b, "c": a ^ b, "d": d}).astype(str)
    model = fit(recipe, ledger, source, letters(sizes=2), Budget(epsilon=5.0, delta=1e-5))
    assert ("a", "b", "c") in [m.clique for m in rounds_of(model)]
    made = model.sample(20_000, seed=0).astype(int)
    assert ((made["a"] ^ made["b"]) == made["c"]).mean() > 0.98
    assert abs(np.corrcoef(made["a"], made["c"])[0, 1]) < 0.05
