from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from privacy_audit.errors import InputError
from privacy_audit.verdict import EXIT_CODES, Policy, judge

CLAIM = {"epsilon": 1.0, "delta": 1e-5}


def attack(verdict: str = "no leak found", name: str = "a", **changes: Any) -> dict[str, Any]:
    figure = {"value": 0.5, "low": 0.45, "high": 0.55, "baseline": 0.5, "ceiling": None}
    found = {
        "name": name,
        "kind": "membership",
        "verdict": verdict,
        "p_value": 0.4,
        "note": "",
        "figures": {"auc": figure},
    }
    return found | changes


def bound(epsilon: float) -> dict[str, Any]:
    return {
        "attack": "a",
        "epsilon": epsilon,
        "delta": 1e-5,
        "confidence": 0.999,
        "method": "m",
        "assumptions": ["so", "thus"],
    }


def score(value: float | None, better: str = "lower", note: str = "") -> dict[str, Any]:
    return {"name": "s", "value": value, "better": better, "note": note}


@pytest.mark.parametrize(
    ("attacks", "epsilon", "claim", "policy", "verdict"),
    [
        ([attack()], bound(0.2), CLAIM, Policy(), "pass"),
        ([attack()], bound(0.2), None, Policy(), "pass"),
        ([attack("leak")], bound(0.2), None, Policy(), "violation"),
        ([attack("leak")], bound(0.2), CLAIM, Policy(), "policy fail"),
        ([attack("leak")], bound(0.2), CLAIM, Policy(allow_leaks_within_claim=True), "pass"),
        ([attack("leak")], bound(1.2), CLAIM, Policy(allow_leaks_within_claim=True), "violation"),
        ([attack("leak")], None, CLAIM, Policy(), "policy fail"),
        ([attack("inconclusive")], bound(0), CLAIM, Policy(), "inconclusive"),
        ([attack(), attack("inconclusive", "b", p_value=None)], bound(0), CLAIM, Policy(), "pass"),
        ([attack("skipped", p_value=None)], None, CLAIM, Policy(), "inconclusive"),
        ([attack(), attack("skipped", p_value=None, note="the time limit was reached")], None, None, Policy(), "inconclusive"),
        ([attack(kind="similarity")], None, None, Policy(), "inconclusive"),
        ([attack()], bound(0), CLAIM, Policy(max_auc=0.6), "pass"),
        ([attack()], bound(0), CLAIM, Policy(max_auc=0.54), "policy fail"),
        ([attack("leak")], bound(2), CLAIM, Policy(max_auc=0.54), "violation"),
    ],
)  # fmt: skip
def test_verdict(attacks: list, epsilon: Any, claim: Any, policy: Policy, verdict: str) -> None:
    found, reasons, gates = judge(attacks, [], epsilon, claim, policy)
    assert found == verdict
    assert reasons
    assert len(gates) == (policy.max_auc is not None)
    if verdict == "violation" and claim is not None:
        assert "if so and thus" in reasons[0]  # a bound never goes without what it assumes


@pytest.mark.parametrize(
    ("value", "better", "limit", "passed"),
    [(0.1, "lower", 0.2, True), (0.3, "lower", 0.2, False), (900, "higher", 950, False), (960, "higher", 950, True),
     (None, "lower", 0.2, False)],
)  # fmt: skip
def test_utility_gates_know_the_good_side(value: float | None, better: str, limit: float, passed: bool) -> None:
    verdict, _, gates = judge([attack()], [score(value, better)], None, None, Policy(utility={"s": limit}))
    assert gates == [{"name": "s", "value": value, "limit": limit, "passed": passed}]
    assert verdict == ("pass" if passed else "policy fail")


def test_risk_gate_reads_the_upper_end() -> None:
    risk = {"value": 0.02, "low": 0.0, "high": 0.12, "baseline": None, "ceiling": None}
    one = attack(name="linkability", kind="linkability", figures={"risk": risk})
    verdict, _, gates = judge([attack(), one], [], None, None, Policy(max_risk=0.09))
    assert verdict == "policy fail"
    assert gates[0]["value"] == 0.12


def test_late_measures_make_it_inconclusive() -> None:
    late = score(None, note="not taken: the time limit was reached")
    assert judge([attack()], [late], None, None, Policy())[0] == "inconclusive"


def test_unknown_score_in_a_policy_is_refused() -> None:
    with pytest.raises(InputError, match="not taken: 'nothing'"):
        judge([attack()], [], None, None, Policy(utility={"nothing": 1.0}))


def test_policy_file(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("max_auc = 0.6\nallow_leaks_within_claim = true\n[utility]\nk_marginal = 900\n")
    assert Policy.read(path) == Policy(True, 0.6, None, {"k_marginal": 900})


@pytest.mark.parametrize(
    ("text", "words"),
    [("max_auc = ", "cannot be read"), ("speed = 3", "unknown key 'speed'"), ("max_auc = 'low'", "not a number"),
     ("[utility]\ns = 'low'", "not a number")],
)  # fmt: skip
def test_bad_policy_file_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        Policy.read(path)


def test_missing_policy_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Policy.read(tmp_path / "none.toml")


def test_exit_codes_are_those_of_the_contract() -> None:
    assert dict(EXIT_CODES) == {"pass": 0, "violation": 1, "inconclusive": 2, "policy fail": 3, "error": 4}
