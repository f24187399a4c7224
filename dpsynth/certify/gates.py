"""The gates G1 to G10: each says pass, fail, waived or undecided, and why in public words.

A failing gate always counts; an undecided one counts where the policy requires it. Notes are published, so those of
gates that look at real rows (G3 to G8) say nothing but the word. Distances to closest records are in no gate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dpsynth.certify.evidence import Evidence
from dpsynth.certify.policy import Policy
from dpsynth.certify.structure import Check

__all__ = ["EXIT_CODES", "NAMES", "Gate", "decide", "delta_limit", "gates_of_audit", "gates_of_release", "waive"]

NAMES = {
    "G1": "public domain, stated unit, budget within policy",
    "G2": "structure: charges, draws and answers fit each other",
    "G3": "no audit contradicts epsilon",
    "G4": "the audit could have found a leak",
    "G5": "attacks stay below the ceiling of (epsilon, delta)",
    "G6": "singling out, linkability, inference",
    "G7": "no more copies of unique rows than in a holdout",
    "G8": "utility and subgroup floors",
    "G9": "the public page holds DP or data-independent numbers only",
    "G10": "hashes, version, signature, review date",
}
EXIT_CODES = {"pass": 0, "violation": 1, "inconclusive": 2, "policy fail": 3}
"""Decision -> exit code; 4 is an error."""

_VIOLATIONS = ("G3",)
"""A valid lower bound above the claim refutes it. A ceiling exceeded does not: nobody randomised who is a member."""

_RATE = "tpr at fpr "
"""How `privacy_audit` names a true-positive rate; the false-positive rate follows."""
_EXCESS_KINDS = ("singling out", "linkability", "inference")
_COPIES = ("copies", "exact matches")


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate's word.

    Attributes:
        gate: "G1" to "G10".
        status: "pass", "fail", "waived" or "undecided".
        required: whether "undecided" counts.
        note: a public sentence.
        waiver: who and why, or None.
    """

    gate: str
    status: str
    required: bool
    note: str
    waiver: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "gate": self.gate,
            "name": NAMES[self.gate],
            "status": self.status,
            "required": self.required,
            "note": self.note,
            "waiver": None if self.waiver is None else dict(self.waiver),
        }


def decide(gates: Sequence[Gate]) -> str:
    """The decision: "pass", "violation", "inconclusive" or "policy fail"; the gravest word wins."""
    failed = [gate.gate for gate in gates if gate.status == "fail"]
    if any(gate in _VIOLATIONS for gate in failed):
        return "violation"
    if any(gate != "G4" for gate in failed):
        return "policy fail"
    open_ones = [gate for gate in gates if gate.status == "undecided" and gate.required]
    return "inconclusive" if open_ones or failed else "pass"


def delta_limit(total: float | None, settings: Mapping[str, Any]) -> float:
    """The largest delta that G1 allows: 1 / n^1.1 of the noisy number n of rows, between the floor and the cap."""
    if total is None or not total > 1:
        return min(settings["delta"], settings["delta_floor"])
    return min(settings["delta"], max(total ** -settings["delta_exponent"], settings["delta_floor"]))


def gates_of_release(
    facts: Mapping[str, Any], checks: Sequence[Check], policy: Policy, replay: Mapping[str, Any] | None = None
) -> list[Gate]:
    """G1 and G2: from published facts, so anyone repeats them.

    Args:
        facts: of release.json.
        checks: from `check_structure`.
        policy: its settings.
        replay: "pairs" and "divergences" of a record/replay run, or None where there was none.
    """
    return [_g1(facts, policy.gates["G1"]), _g2(checks, policy.gates["G2"], replay)]


def _g1(facts: Mapping[str, Any], settings: Mapping[str, Any]) -> Gate:
    stated = facts["guarantee"]
    epsilon, delta = float(stated["certified"]["epsilon"]), float(stated["certified"]["delta"])
    limit = delta_limit(facts["model"].get("total"), settings)
    problems = []
    if facts["private"] is not True:
        problems.append("NOT PRIVATE: the noise came from a test seed")
    if not epsilon <= settings["epsilon"]:
        problems.append(f"epsilon {epsilon:g} is above the policy's {settings['epsilon']:g}")
    if not delta <= limit:
        problems.append(f"delta {delta:g} is above {limit:.3g}")
    if not stated.get("unit") or not stated.get("relation"):
        problems.append("unit or neighbouring relation is not stated")
    if any(column.get("origin", "declared") not in ("declared", "paid") for column in facts["domain"]["columns"]):
        problems.append("the bounds of a column are neither declared nor paid for")
    said = f"epsilon {epsilon:g} (limit {settings['epsilon']:g}), delta {delta:g} (limit {limit:.3g})"
    said += f", {stated.get('unit')} {stated.get('relation')}; every column declared"
    return Gate("G1", "fail" if problems else "pass", settings["required"], "; ".join(problems) or said)


def _g2(checks: Sequence[Check], settings: Mapping[str, Any], replay: Mapping[str, Any] | None) -> Gate:
    failed = [f"{check.name}: {check.note}" for check in checks if not check.passed]
    if replay is not None and replay.get("divergences", 1) != 0:
        failed.append("record and replay on neighbouring tables diverged")
    if failed or not checks:
        return Gate("G2", "fail", settings["required"], "; ".join(failed) or "nothing was checked")
    if replay is None and settings["require_replay"]:
        return Gate("G2", "undecided", settings["required"], "record/replay on neighbouring tables was not done")
    said = f"{len(checks)} checks hold; record/replay: {'not done' if replay is None else 'no divergence'}"
    return Gate("G2", "pass", settings["required"], said)


def gates_of_audit(evidence: Evidence | None, epsilon: float, policy: Policy, delta: float = 0.0) -> list[Gate]:
    """G3 to G8: from real rows, so only whoever has them repeats these.

    Args:
        evidence: what the audit found; None where there was none.
        epsilon: the certified one.
        policy: its settings.
        delta: the one that epsilon is stated at.
    """
    found = evidence or Evidence()
    words = {
        "G3": _g3(found, epsilon, policy.gates["G3"]),
        "G4": _g4(found, epsilon, policy.gates["G4"]),
        "G5": _g5(found, epsilon, delta, policy.gates["G5"]),
        "G6": _g6(found, policy.gates["G6"]),
        "G7": _g7(found, policy.gates["G7"]),
        "G8": _g8(found, policy.gates["G8"]),
    }
    notes = {
        "pass": "on real rows; figures in the internal record",
        "fail": "on real rows; figures in the internal record",
        "undecided": "not done" if evidence is None else "not done, or too few rows to tell",
    }
    return [Gate(gate, word, policy.gates[gate]["required"], notes[word]) for gate, word in words.items()]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _g3(found: Evidence, epsilon: float, settings: Mapping[str, Any]) -> str:
    seen = False
    for audit in found.audits:
        if audit.get("valid") is False:
            continue
        e_value, lower = _number(audit.get("e_value")), _number(audit.get("epsilon_lower"))
        claim, alpha = _number(audit.get("claim")), _number(audit.get("alpha"))
        if e_value is not None and e_value >= 1 / settings["alpha"]:
            return "fail"
        if lower is not None and (alpha is None or alpha <= settings["alpha"] * (1 + 1e-9)):
            if lower > (epsilon if claim is None else claim):
                return "fail"
            seen = True
        seen = seen or e_value is not None
    return "pass" if seen else "undecided"


def _g4(found: Evidence, epsilon: float, settings: Mapping[str, Any]) -> str:
    lowers = [
        _number(a.get("epsilon_lower")) for a in found.audits if a.get("reference") and a.get("valid") is not False
    ]
    known = [lower for lower in lowers if lower is not None]
    if not known:
        return "undecided"
    return "pass" if max(known) >= settings["tightness"] * epsilon else "fail"


def _figures(found: Evidence) -> list[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    return [
        (attack, str(name), figure)
        for attack in found.attacks
        for name, figure in (attack.get("figures") or {}).items()
        if isinstance(figure, Mapping)
    ]


def _worst(words: Sequence[str]) -> str:
    for word in ("fail", "undecided", "pass"):
        if word in words:
            return word
    return "undecided"


def _between(low: float | None, high: float | None, limit: float) -> str:
    """Whether an interval lies above (fail), below (pass) or across (undecided) a limit."""
    if low is not None and low > limit:
        return "fail"
    return "pass" if high is not None and high <= limit else "undecided"


def _g5(found: Evidence, epsilon: float, delta: float, settings: Mapping[str, Any]) -> str:
    """Pass where every interval lies below its ceiling; fail where a rate is above it beyond chance and many looks."""
    figures = [(name, figure) for _, name, figure in _figures(found) if _number(figure.get("ceiling")) is not None]
    rates = [(name, figure) for name, figure in figures if name.startswith(_RATE) and figure.get("value") is not None]
    level = settings["alpha"] / max(1, 2 * len(rates))
    words = []
    for _, figure in figures:
        high = _number(figure.get("high"))
        if high is not None:
            words.append("pass" if high <= float(figure["ceiling"]) else "undecided")
    tables = found.rest.get("tables")
    sizes = [_number(tables.get(name)) for name in ("real", "holdout")] if isinstance(tables, Mapping) else [None]
    members, others = (int(size) if size else 0 for size in (sizes * 2)[:2])
    if members and others:
        for name, figure in rates:
            if _above_ceiling(name, float(figure["value"]), members, others, (epsilon, delta), level):
                words.append("fail")
    return _worst(words)


def _above_ceiling(name: str, rate: float, members: int, others: int, claim: tuple[float, float], level: float) -> bool:
    """Whether exact limits of both rates put a true-positive rate above what the claim allows.

    The threshold is an order statistic of the non-members, so its false-positive rate is known to a Beta law.
    """
    from scipy.special import betaincinv

    from dpsynth.certify.guarantee import true_positive_rate_up

    try:
        allowed = math.floor(float(name.removeprefix(_RATE)) * others + 1e-9)
    except ValueError:
        return False
    hits = round(rate * members)
    low = float(betaincinv(hits, members - hits + 1, level)) if hits else 0.0
    false_positives = float(betaincinv(allowed + 1, others - allowed, 1 - level)) if allowed < others else 1.0
    return low > true_positive_rate_up([claim], false_positives)


def _g6(found: Evidence, settings: Mapping[str, Any]) -> str:
    words = []
    for attack, name, figure in _figures(found):
        if attack.get("kind") in _EXCESS_KINDS and name == "rate":
            low, high, control = (_number(figure.get(part)) for part in ("low", "high", "baseline"))
            words.append(_between(_excess(low, control), _excess(high, control), settings["excess"]))
    return _worst(words)


def _excess(rate: float | None, control: float | None) -> float | None:
    """Success beyond that on the holdout, as a share of what was left to gain."""
    return None if rate is None or control is None or control >= 1 else (rate - control) / (1 - control)


def _g7(found: Evidence, settings: Mapping[str, Any]) -> str:
    words = []
    for attack in found.attacks:
        if attack.get("name") in _COPIES:
            p_value = _number(attack.get("p_value"))
            if p_value is not None:
                words.append("fail" if p_value < settings["alpha"] and _more_than_control(attack) else "pass")
    return _worst(words)


def _more_than_control(attack: Mapping[str, Any]) -> bool:
    """Whether the rate of exact copies lies above the holdout's (where both are told)."""
    figure = (attack.get("figures") or {}).get("exact copies of unique rows") or {}
    value, control = _number(figure.get("value")), _number(figure.get("baseline"))
    return value is None or control is None or value > control


def _g8(found: Evidence, settings: Mapping[str, Any]) -> str:
    words = []
    for limits, of_subgroups in ((settings["floors"], False), (settings["subgroup_floors"], True)):
        for name, limit in limits.items():
            scores = [s for s in found.utility if s.get("name") == name and bool(s.get("subgroup")) == of_subgroups]
            values = [(_number(s.get("value")), s.get("better")) for s in scores]
            known = [(value, better) for value, better in values if value is not None]
            good = all(value <= limit if better == "lower" else value >= limit for value, better in known)
            words.append("undecided" if not known else "pass" if good else "fail")
    return _worst(words)


def waive(gates: Sequence[Gate], policy: Policy, today: date) -> list[Gate]:
    """The gates with the policy's waivers in force: a failing or undecided gate becomes "waived", by whom and why."""
    found = []
    for gate in gates:
        waiver = policy.waivers.get(gate.gate)
        in_force = waiver is not None and (waiver["until"] is None or date.fromisoformat(waiver["until"]) >= today)
        if in_force and gate.status in ("fail", "undecided"):
            found.append(Gate(gate.gate, "waived", gate.required, f"was: {gate.status}; {gate.note}", waiver))
        else:
            found.append(gate)
    return found
