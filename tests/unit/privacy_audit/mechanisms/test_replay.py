"""Record and replay: a sound mechanism passes, every kind of leak is named."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from privacy_audit.errors import InputError
from privacy_audit.mechanisms.replay import Divergence, Gate, check_pair, record
from privacy_audit.mechanisms.taint import TaintWatch

ROWS = np.array([0, 1, 1, 2, 2, 2, 3])
MORE = np.append(ROWS, 1)
SIGMA = 2.0


def _noise(exact: list[np.ndarray]) -> list[np.ndarray]:
    rng = np.random.default_rng()
    return [v + rng.normal(0, SIGMA, v.shape) for v in exact]


def _histogram(rows: np.ndarray) -> np.ndarray:
    return np.bincount(np.clip(np.nan_to_num(rows), 0, 3).astype(int), minlength=4)


def sound(rows: np.ndarray, gate: Gate) -> Any:
    """A histogram, then the total of the two largest noisy cells."""
    (noisy,) = gate.release(
        "histogram", _histogram(rows), _noise, sensitivity=1.0, parameters={"sigma": SIGMA}, cost=0.25
    )
    best = np.argsort(noisy)[-2:]
    exact = np.array([np.isin(np.clip(rows, 0, 3), best).sum()])
    (total,) = gate.release("total", exact, _noise, sensitivity=1.0, parameters=best.tolist(), cost=0.25)
    return {"best": best, "total": total, "noisy": noisy}


def _leaky(**leak: Any):
    """`sound` with one bug."""

    def mechanism(rows: np.ndarray, gate: Gate) -> Any:
        n = len(rows)
        if leak.get("raises") and n > 7:
            raise ValueError
        counts = _histogram(rows) * leak.get("weight", 1)
        if leak.get("nan"):
            counts = counts + np.where(n > 7, np.nan, 0.0)
        parameters = {"sigma": SIGMA, "n": n if leak.get("parameter") else 0}
        if leak.get("deep"):
            parameters["long"] = np.r_[np.zeros(2500), n, np.zeros(2500)]
        kind = "other" if leak.get("order") and n > 7 else "histogram"
        (noisy,) = gate.release(kind, counts, _noise, sensitivity=1.0, parameters=parameters, cost=0.25)
        if (leak.get("fewer") and n > 7) or (leak.get("more") and n <= 7):
            return {}
        if leak.get("fewer") or leak.get("more"):
            gate.release("total", np.array([n]), _noise, sensitivity=1.0)
            return {}
        return {"noisy": noisy, "n": n if leak.get("state") else 0}

    return mechanism


def test_a_sound_mechanism_passes() -> None:
    report = check_pair(sound, ROWS, MORE, claim=0.5)
    assert report.passed
    assert report.releases == 2
    assert report.used["histogram"] == 1.0
    assert json.loads(json.dumps(report.to_dict()))["passed"] is True


@pytest.mark.parametrize(
    ("leak", "kind"),
    [
        ({"weight": 2}, "sensitivity"),
        ({"nan": True}, "non-finite"),
        ({"parameter": True}, "parameters"),
        ({"deep": True}, "parameters"),
        ({"order": True}, "order"),
        ({"fewer": True}, "count"),
        ({"more": True}, "count"),
        ({"state": True}, "state"),
        ({"raises": True}, "exception"),
    ],
    ids=str,
)
def test_each_leak_is_named(leak, kind) -> None:
    report = check_pair(_leaky(**leak), ROWS, MORE)
    assert [finding.kind for finding in report.findings] == [kind]
    assert check_pair(_leaky(), ROWS, MORE).passed


def test_more_is_charged_than_claimed() -> None:
    assert [f.kind for f in check_pair(sound, ROWS, MORE, claim=0.499).findings] == ["cost"]


def test_equal_tables_move_nothing() -> None:
    assert check_pair(sound, ROWS, ROWS[::-1], equal=True).passed
    assert "sensitivity" in {f.kind for f in check_pair(sound, ROWS, MORE, equal=True).findings}


def test_a_variable_that_differs_is_tainted(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without noise the added row surely lies in one of the two largest cells; else `exact` is the same in both worlds.
    monkeypatch.setitem(globals(), "_noise", lambda exact: [v.astype(float) for v in exact])
    watch = TaintWatch((__file__,), {"sound": frozenset({"rows", "exact"})}, opaque=frozenset({"_histogram", "_noise"}))
    assert check_pair(sound, ROWS, MORE, watch=watch).passed
    careless = TaintWatch((__file__,), {"sound": frozenset({"rows"})}, opaque=frozenset({"_histogram", "_noise"}))
    report = check_pair(sound, ROWS, MORE, watch=careless)
    assert [(f.kind, f.message) for f in report.findings] == [("taint", "sound.exact differs")]


def test_the_same_exception_in_both_worlds_is_no_pass() -> None:
    def broken(rows: np.ndarray, gate: Gate) -> None:
        raise KeyError

    assert [f.kind for f in check_pair(broken, ROWS, MORE).findings] == ["broken"]


def test_a_swallowed_divergence_is_still_seen() -> None:
    def hides(rows: np.ndarray, gate: Gate) -> int:
        try:
            gate.release("n", np.array([len(rows)]), _noise, sensitivity=1.0, parameters=len(rows))
        except Divergence:
            return 0
        return 0

    assert [f.kind for f in check_pair(hides, ROWS, MORE).findings] == ["parameters"]


def test_an_empty_or_changed_shape_is_another_parameter() -> None:
    def cells(rows: np.ndarray, gate: Gate) -> None:
        gate.release("cells", np.unique(rows), _noise, sensitivity=1.0)

    assert [f.kind for f in check_pair(cells, ROWS, np.append(ROWS, 9)).findings] == ["parameters"]


def test_integers_are_compared_without_overflow() -> None:
    def wide(rows: np.ndarray, gate: Gate) -> None:
        gate.release("x", np.array([2**62 if len(rows) > 7 else -(2**62)]), _noise, sensitivity=1.0, norm="l1")

    report = check_pair(wide, ROWS, MORE)
    assert [f.kind for f in report.findings] == ["sensitivity"]


@pytest.mark.parametrize(("norm", "share"), [("l1", 2.0), ("l2", np.sqrt(2)), ("linf", 1.0)])
def test_norms(norm, share) -> None:
    def one(rows: np.ndarray, gate: Gate) -> None:
        gate.release("x", np.array([0.0, len(rows), len(rows)]), _noise, sensitivity=1.0, norm=norm)

    assert check_pair(one, ROWS, MORE).used["x"] == pytest.approx(share)


def test_a_sensitivity_of_zero_allows_no_move() -> None:
    def free(rows: np.ndarray, gate: Gate) -> None:
        gate.release("x", np.array([len(rows)]), _noise, sensitivity=0.0)

    assert [f.kind for f in check_pair(free, ROWS, MORE).findings] == ["sensitivity"]
    assert check_pair(free, ROWS, ROWS).passed


def test_a_recording_serves_many_neighbours() -> None:
    one = record(sound, ROWS)
    assert all(check_pair(sound, ROWS, np.append(ROWS, k), recording=one).passed for k in range(4))


def test_what_the_gate_refuses() -> None:
    with pytest.raises(InputError, match="l1, l2 or linf; found 'l3'"):
        Gate().release("x", np.zeros(2), _noise, sensitivity=1.0, norm="l3")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="2 vectors were released with 1 sensitivities"):
        Gate().release("x", [np.zeros(2), np.zeros(2)], _noise, sensitivity=[1.0])
