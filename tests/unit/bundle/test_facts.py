"""release.json: plain, strict, and recognised by its digest."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.special import ndtr

from dpsynth.accounting.quantities import Budget
from dpsynth.bundle.facts import SCHEMA, VERSION, budget_facts, identify, parse, plain, render, versions
from dpsynth.errors import BundleError
from dpsynth.measurement import Measurement
from dpsynth.version import __version__
from tests.unit.bundle.fakes import DOMAIN, FakeGenerator, FakeModel

FACTS = {"schema": SCHEMA, "version": VERSION, "release_id": "r", "warnings": ["ä"], "n": 3, "x": 0.1}


def test_render_and_parse_are_inverse() -> None:
    raw = render(FACTS)
    assert parse(raw, "f", ["release_id"]) == {**FACTS, "digest": json.loads(raw)["digest"]}
    assert render(parse(raw, "f", [])) == raw


def test_a_flipped_bit_anywhere_is_found() -> None:
    raw = render(FACTS)
    for place in range(len(raw)):
        for bit in (1, 16):
            spoiled = raw[:place] + bytes([raw[place] ^ bit]) + raw[place + 1 :]
            with pytest.raises(BundleError):
                parse(spoiled, "f", [])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is not a release of dpsynth"),
        (b"[]", "is not a release of dpsynth"),
        (b"{}", "is not a release of dpsynth"),
        (b"[" * 100_000, "is not a release of dpsynth"),
        (b"\xff\xfe", "is not a release of dpsynth"),
        (b'{"schema": "dpsynth.release", "version": 2}', "by another version of dpsynth"),
        (b'{"schema": "dpsynth.release", "version": 1}', "its digest differs"),
        (b'{"schema": "dpsynth.release", "version": 1, "x": NaN}', "its digest differs"),
    ],
)
def test_what_is_no_release_is_refused(raw: bytes, words: str) -> None:
    with pytest.raises(BundleError, match=words) as caught:
        parse(raw, "f", [])
    assert str(caught.value).count("\n") <= 2


def test_a_missing_key_is_found() -> None:
    with pytest.raises(BundleError, match="its digest differs"):
        parse(render(FACTS), "f", ["files"])


def test_plain_is_a_whitelist() -> None:
    given = {"a": np.int64(1), "b": (np.float64(0.5), np.bool_(True), None), 3: ["x"]}
    assert plain(given) == {"a": 1, "b": [0.5, True, None], "3": ["x"]}
    for odd in (np.arange(2), object(), {1, 2}, b"x"):
        with pytest.raises(TypeError, match="has no place in a release"):
            plain(odd)


def test_the_release_id_names_request_and_answers_but_not_the_sampling() -> None:
    def model(value: int, event: str = "e") -> FakeModel:
        return FakeModel(
            domain=DOMAIN,
            total=1.0,
            measurements=(Measurement("total", (), np.array(value), 2.0, "g", event),),
            warnings=(),
            private=True,
        )

    request = {"job": {"a": 1}, "unit": "rows(1)", "relation": "add_remove", "rows": 3, "seed": 1, "format": "csv"}
    first = identify(request, model(5))
    assert identify({**request, "rows": 9, "seed": None}, model(5)) == first
    others = {
        identify(request, model(6)),
        identify(request, model(5, "f")),
        identify({**request, "job": {"a": 2}}, model(5)),
        identify({**request, "unit": "rows(2)"}, model(5)),
    }
    assert len(others | {first}) == 5


def test_the_certified_epsilon_is_rounded_up_and_holds() -> None:
    plan = FakeGenerator(sigma=4.0).plan(DOMAIN, budget=Budget(epsilon=1.0, delta=1e-5))
    facts = budget_facts(plan)
    text = facts["certified"]["epsilon"]

    def delta(epsilon: float, mu: float = 1 / 4.0) -> float:
        return ndtr(mu / 2 - epsilon / mu) - math.exp(epsilon) * ndtr(-mu / 2 - epsilon / mu)

    assert len(text.partition(".")[2]) <= 4
    assert delta(float(text)) <= 1e-5 < delta(float(text) - 2e-4)
    assert facts["unit"] == "rows(1)"
    assert facts["event"] == {"kind": "gaussian", "version": 1, "sigma": 4.0, "squared_sensitivity": 1}


def test_versions_name_what_the_numbers_depend_on() -> None:
    found = versions()
    assert found["dpsynth"] == __version__
    assert {"python", "numpy", "pandas", "dp-accounting"} <= set(found)
