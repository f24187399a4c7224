"""Events of questions, and what is refused before anything is asked."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpsynth.accounting.events import BoundedRange, Composed, Gaussian, Laplace, PureDP, Slack, leaves
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.errors import PlanError
from dpsynth.gate import (
    DRAW_SLACK,
    DiscreteLaplace,
    Distances,
    Exponential,
    Marginals,
    PermuteAndFlip,
    QueryShape,
    RoundedGaussian,
    Total,
    event_of,
    shape_of,
    with_slack,
)
from dpsynth.gate.mechanisms import (
    DRAW_TOTAL_VARIATION,
    DRAWS_PER_RESERVATION,
    mechanism_from_json,
    mechanism_to_json,
    sensitivity_of_score,
)

ADD, REPLACE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE
THREE = QueryShape("distances", 3)
WEIGHTED = Distances({(name,): np.zeros(2, int) for name in "abc"}, weights={("b",): 2, ("c",): 3})


@pytest.mark.parametrize(
    ("query", "mechanism", "unit", "relation", "event"),
    [
        (Total(), RoundedGaussian((5.0,)), rows(1), ADD, Gaussian(5.0, 1)),
        (Total(), RoundedGaussian((5.0,)), rows(3), ADD, Gaussian(5.0, 9)),
        (Total(), DiscreteLaplace((5.0,)), rows(3), ADD, Laplace(5.0, 3)),
        (Marginals((("a",),)), RoundedGaussian((2.0,)), rows(2), ADD, Gaussian(2.0, 4)),
        (Marginals((("a",),)), RoundedGaussian((2.0,)), rows(2), REPLACE, Gaussian(2.0, 8)),
        (Marginals((("a",),)), DiscreteLaplace((2.0,)), rows(2), REPLACE, Laplace(2.0, 4)),
        (
            Marginals((("a",), ("b",))),
            RoundedGaussian((2.0, 3.0)),
            rows(1),
            ADD,
            Composed((Gaussian(2.0, 1), Gaussian(3.0, 1))),
        ),
        (THREE, RoundedGaussian((4.0,)), rows(1), ADD, Gaussian(4.0, 3)),
        (THREE, RoundedGaussian((4.0,)), rows(2), REPLACE, Gaussian(4.0, 48)),
        (THREE, DiscreteLaplace((4.0,)), rows(2), REPLACE, Laplace(4.0, 12)),
        (QueryShape("parities", 3), RoundedGaussian((4.0,)), rows(1), ADD, Gaussian(4.0, 3)),
        (QueryShape("parities", 3), RoundedGaussian((4.0,)), rows(2), REPLACE, Gaussian(4.0, 48)),
        (QueryShape("parities", 3), DiscreteLaplace((4.0,)), rows(2), REPLACE, Laplace(4.0, 12)),
        (THREE, Exponential(0.5), rows(2), REPLACE, BoundedRange(0.5)),
        (THREE, PermuteAndFlip(0.5), rows(1), ADD, PureDP(0.5)),
        (WEIGHTED, RoundedGaussian((4.0,)), rows(1), ADD, Gaussian(4.0, 14)),
        (WEIGHTED, RoundedGaussian((4.0,)), rows(2), REPLACE, Gaussian(4.0, 16 * 14)),
        (WEIGHTED, DiscreteLaplace((4.0,)), rows(2), REPLACE, Laplace(4.0, 4 * 6)),
        (WEIGHTED, Exponential(0.5), rows(2), REPLACE, BoundedRange(0.5)),
    ],
)
def test_event_of_a_question(query, mechanism, unit, relation, event) -> None:
    assert event_of(query, mechanism, unit, relation) == event
    assert event_of(shape_of(query), mechanism, unit, relation) == event


def test_total_under_replace_one_is_refused() -> None:
    with pytest.raises(PlanError, match="Ask for Marginals instead"):
        event_of(Total(), RoundedGaussian((1.0,)), rows(1), REPLACE)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: event_of(Marginals((("a",), ("b",))), RoundedGaussian((1.0,)), rows(1), ADD), r"2 noise scale\(s\)"),
        (lambda: event_of(THREE, RoundedGaussian((1.0, 1.0, 1.0)), rows(1), ADD), r"1 noise scale\(s\)"),
        (lambda: event_of(Total(), Exponential(1.0), rows(1), ADD), "A selection chooses among distances"),
        (lambda: event_of("total", RoundedGaussian((1.0,)), rows(1), ADD), "answers Total, Marginals, Distances and"),
        (lambda: event_of(Total(), "gaussian", rows(1), ADD), "The gate knows RoundedGaussian"),
        (lambda: mechanism_from_json({"name": "gaussian"}), "The gate knows RoundedGaussian"),
        (lambda: RoundedGaussian(()), "at least one sigma"),
        (lambda: RoundedGaussian([1.0]), "a tuple of at least one sigma"),
        (lambda: RoundedGaussian((0.0,)), "positive finite sigma"),
        (lambda: RoundedGaussian((math.nan,)), "positive finite sigma"),
        (lambda: RoundedGaussian((True,)), "positive finite sigma"),
        (lambda: DiscreteLaplace((-1.0,)), "positive finite scale"),
        (lambda: Exponential(math.inf), "positive finite epsilon"),
        (lambda: PermuteAndFlip(0), "positive finite epsilon"),
        (lambda: QueryShape("histogram"), "Unknown kind of question"),
        (lambda: QueryShape("marginals", 0), "at least one answer"),
        (lambda: QueryShape("total", 2), "A total has one answer"),
        (lambda: QueryShape("marginals", 2, (1, 1)), "Weights are for distances"),
        (lambda: QueryShape("distances", 2, (1,)), "one for each, or none at all"),
        (lambda: QueryShape("distances", 2, (1, 0)), "a whole number from 1 to 1048576"),
        (lambda: QueryShape("distances", 2, (1, 1.0)), "a whole number from 1 to 1048576"),
        (lambda: QueryShape("distances", 2, (1, 2**20 + 1)), "a whole number from 1 to 1048576"),
    ],
)
def test_impossible_specs_are_refused(make, message) -> None:
    with pytest.raises(PlanError, match=message):
        make()


def test_shape_needs_no_reference_table() -> None:
    query = Distances({("a",): np.zeros(3, int), ("b",): np.zeros(2, int)})
    assert shape_of(query) == QueryShape("distances", 2)
    assert shape_of(WEIGHTED) == QueryShape("distances", 3, (1, 2, 3))


def test_the_sensitivity_of_a_score_is_that_of_the_heaviest() -> None:
    assert sensitivity_of_score(THREE, rows(2), ADD) == 2
    assert sensitivity_of_score(WEIGHTED, rows(2), REPLACE) == 12


@pytest.mark.parametrize(
    "mechanism",
    [RoundedGaussian((1.5, 0.1)), DiscreteLaplace((2.0,)), Exponential(0.3), PermuteAndFlip(7.0)],
)
def test_json_round_trip(mechanism) -> None:
    assert mechanism_from_json(mechanism_to_json(mechanism)) == mechanism


def test_slack_covers_the_draws_that_it_promises() -> None:
    from dpsynth.noise.rounded_gaussian import TOTAL_VARIATION_BOUND

    assert DRAW_TOTAL_VARIATION >= TOTAL_VARIATION_BOUND
    assert DRAWS_PER_RESERVATION * DRAW_TOTAL_VARIATION <= DRAW_SLACK
    assert [leaf for leaf, _ in leaves(with_slack(Gaussian(1.0, 1)))] == [Gaussian(1.0, 1), Slack(DRAW_SLACK)]
