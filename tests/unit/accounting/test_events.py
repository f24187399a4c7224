"""Events refuse impossible values; JSON is read through a whitelist."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from dpsynth.accounting import events
from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Composed,
    Gaussian,
    GaussianFilter,
    Laplace,
    NonPrivate,
    PoissonGaussian,
    PureDP,
    Repeated,
    Slack,
    TruncatedPoissonGaussian,
    event_from_json,
    event_to_json,
    leaves,
)
from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import AccountingError

GAUSSIAN = {"kind": "gaussian", "version": 1, "sigma": 2.0, "squared_sensitivity": 1}
SLACK = {"kind": "slack", "version": 1, "delta": 1e-20}


@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, True, "1", None])
@pytest.mark.parametrize(
    "make",
    [
        Gaussian,
        Laplace,
        PureDP,
        BoundedRange,
        GaussianFilter,
        events.ZCDPFilter,
        Slack,
        lambda v: PoissonGaussian(0.1, v, 1),
    ],
)
def test_scales_are_positive_and_finite(make: Any, value: Any) -> None:
    with pytest.raises(AccountingError, match=r"^An event needs a positive finite \w+\.$"):
        make(value)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1"])
@pytest.mark.parametrize(
    "make",
    [
        lambda v: Gaussian(1.0, v),
        lambda v: Laplace(1.0, v),
        lambda v: Repeated(Gaussian(1.0), v),
        lambda v: PoissonGaussian(0.1, 1.0, v),
        lambda v: TruncatedPoissonGaussian(v, 0.1, 10, 1.0, 1),
        lambda v: TruncatedPoissonGaussian(100, 0.1, v, 1.0, 1),
        lambda v: TruncatedPoissonGaussian(100, 0.1, 10, 1.0, v),
    ],
)
def test_counts_are_whole(make: Any, value: Any) -> None:
    with pytest.raises(AccountingError, match=r"^An event needs a whole \w+ of at least 1\.$"):
        make(value)


@pytest.mark.parametrize(
    "make", [lambda: PoissonGaussian(1.01, 1.0, 1), lambda: TruncatedPoissonGaussian(100, 1.01, 10, 1.0, 1)]
)
def test_probabilities(make: Any) -> None:
    with pytest.raises(AccountingError, match=r"^An event needs a probability of at most 1\.$"):
        make()


def test_composed_holds_events_only() -> None:
    with pytest.raises(AccountingError, match=r"^A composed event holds events only\.$"):
        Composed((Gaussian(1.0), "gaussian"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("gaussian", "An event is a JSON object with a kind."),
        ([GAUSSIAN], "An event is a JSON object with a kind."),
        ({"version": 1}, "An event is a JSON object with a kind."),
        (GAUSSIAN | {"kind": ["gaussian"]}, "An event is a JSON object with a kind."),
        (GAUSSIAN | {"kind": "dp_accounting.GaussianDpEvent"}, "This event has a kind that this release of dpsynth does not know."),
        (GAUSSIAN | {"kind": ""}, "This event has a kind that this release of dpsynth does not know."),
        (GAUSSIAN | {"version": 2}, "This event has a version that this release of dpsynth does not know."),
        (GAUSSIAN | {"version": True}, "This event has a version that this release of dpsynth does not know."),
        (GAUSSIAN | {"version": 1.0}, "This event has a version that this release of dpsynth does not know."),
        (GAUSSIAN | {"note": ""}, "An event of kind gaussian needs exactly the fields sigma, squared_sensitivity."),
        (SLACK | {"delta": True}, "The field delta of an event of kind slack has the wrong type."),
        (SLACK | {"delta": "1e-20"}, "The field delta of an event of kind slack has the wrong type."),
        (SLACK | {"delta": None}, "The field delta of an event of kind slack has the wrong type."),
        (SLACK | {"delta": math.nan}, "An event needs a positive finite delta."),
        (SLACK | {"delta": math.inf}, "An event needs a positive finite delta."),
        (SLACK | {"delta": 10**400}, "An event of kind slack holds a number that is too large."),
        (GAUSSIAN | {"squared_sensitivity": 1.0}, "The field squared_sensitivity of an event of kind gaussian has the wrong type."),
        (GAUSSIAN | {"squared_sensitivity": True}, "The field squared_sensitivity of an event of kind gaussian has the wrong type."),
        ({"kind": "composed", "version": 1, "events": {}}, "The field events of an event of kind composed has the wrong type."),
        ({"kind": "composed", "version": 1, "events": [1]}, "An event is a JSON object with a kind."),
        ({"kind": "composed", "version": 1}, "An event of kind composed needs exactly the fields events."),
        (
            {"kind": "repeated", "version": 1, "event": GAUSSIAN, "count": True},
            "The field count of an event of kind repeated has the wrong type.",
        ),
        (
            {"kind": "repeated", "version": 1, "event": GAUSSIAN, "count": 2.0},
            "The field count of an event of kind repeated has the wrong type.",
        ),
        ({"kind": "non_private", "version": 1, "reason": 3}, "The field reason of an event of kind non_private has the wrong type."),
    ],
)  # fmt: skip
def test_unknown_json_is_refused(value: Any, message: str) -> None:
    with pytest.raises(AccountingError) as caught:
        event_from_json(value)
    assert str(caught.value) == message


def test_control_of_the_refusals() -> None:
    assert event_from_json(GAUSSIAN) == Gaussian(2.0)
    assert event_from_json(GAUSSIAN | {"sigma": 2}) == Gaussian(2.0)
    assert event_from_json(SLACK) == Slack(1e-20)


def test_deep_nesting_is_refused_without_a_stack_overflow() -> None:
    value: Any = GAUSSIAN
    for _ in range(5000):
        value = {"kind": "repeated", "version": 1, "event": value, "count": 1}
    with pytest.raises(AccountingError, match="nested at most 32 levels"):
        event_from_json(value)


def test_numbers_survive_the_round_trip() -> None:
    event = Composed((Gaussian(0.1 + 0.2, 3), Repeated(Laplace(1 / 3, 2), 7), NonPrivate("a look")))
    text = canonical_json(event_to_json(event))
    assert event_from_json(json.loads(text)) == event
    assert canonical_json(event_to_json(event_from_json(json.loads(text)))) == text


def test_unknown_event_has_no_json() -> None:
    with pytest.raises(AccountingError, match=r"^This event has no JSON form\.$"):
        event_to_json(AbstractEvent())


def test_leaves_multiply_counts() -> None:
    inner = Composed((Gaussian(1.0), Repeated(PureDP(0.1), 3)))
    assert list(leaves(Composed((inner, Repeated(inner, 2))))) == [
        (Gaussian(1.0), 1),
        (PureDP(0.1), 3),
        (Gaussian(1.0), 2),
        (PureDP(0.1), 6),
    ]


def test_squared_mu_of_a_gaussian() -> None:
    assert Gaussian(2.0, 4).squared_mu == 1.0
