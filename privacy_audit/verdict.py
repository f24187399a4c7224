"""From findings to one verdict: pass, violation, inconclusive or policy fail, with the reasons in words."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, final

from privacy_audit.errors import InputError

__all__ = ["EXIT_CODES", "Policy", "Verdict", "judge"]

Verdict = Literal["pass", "violation", "inconclusive", "policy fail"]
EXIT_CODES: Mapping[str, int] = MappingProxyType(
    {"pass": 0, "violation": 1, "inconclusive": 2, "policy fail": 3, "error": 4}
)
RISKS = ("singling out", "linkability", "attribute inference")


@final
@dataclass(frozen=True, slots=True)
class Policy:
    """What a table must keep besides the claim.

    Attributes:
        allow_leaks_within_claim: whether a leak passes that is not beyond what the claimed (epsilon, delta) allows.
        max_auc: the upper end of the AUC of every membership attack must not exceed it.
        max_risk: the excess risk of singling out, linkability and attribute inference must not exceed it.
        utility: name of a score -> the worst value that passes.
    """

    allow_leaks_within_claim: bool = False
    max_auc: float | None = None
    max_risk: float | None = None
    utility: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, path: str | Path) -> Policy:
        """Read a TOML file with the attributes as keys, `utility` as a table.

        Raises:
            InputError: the file cannot be read, or a key or value is unknown.
        """
        try:
            words = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"The policy {Path(path).name} cannot be read ({type(error).__name__}).") from None
        unknown = sorted(set(words) - {"allow_leaks_within_claim", "max_auc", "max_risk", "utility"})
        if unknown:
            raise InputError(f"The policy has an unknown key {unknown[0]!r}.")
        limits = [words.get("max_auc"), words.get("max_risk"), *words.get("utility", {}).values()]
        if any(limit is not None and not isinstance(limit, int | float) for limit in limits):
            raise InputError("A limit of the policy is not a number.")
        return cls(**words)


def judge(
    attacks: Sequence[Mapping[str, Any]],
    utility: Sequence[Mapping[str, Any]],
    epsilon: Mapping[str, Any] | None,
    claim: Mapping[str, float] | None,
    policy: Policy,
) -> tuple[Verdict, list[str], list[dict[str, Any]]]:
    """Judge a table.

    Args:
        attacks: results of attacks, as dictionaries.
        utility: scores, as dictionaries.
        epsilon: the empirical lower bound on epsilon, or None where no attack gave one.
        claim: the claimed epsilon and delta, or None if unknown.
        policy: what must hold besides.

    Returns:
        Verdict, reasons, and the gates of the policy: name, value, limit, whether it passed.

    Raises:
        InputError: the policy names a score that was not taken.
    """
    leaks = [one["name"] for one in attacks if one["verdict"] == "leak"]
    gates = _gates(attacks, utility, policy)
    failed = [gate["name"] for gate in gates if not gate["passed"]]
    beyond = claim is not None and epsilon is not None and (epsilon["epsilon"] or 0.0) > claim["epsilon"]
    reasons = []
    if beyond and epsilon is not None and claim is not None:
        reasons.append(
            f"{epsilon['attack']}: epsilon is at least {epsilon['epsilon']:.3g} at delta {epsilon['delta']:.3g} "
            f"(confidence {epsilon['confidence']:.4g}, if {' and '.join(epsilon['assumptions'])}), "
            f"claimed is {claim['epsilon']:.3g}"
        )
    if leaks:
        reasons.append("a leak was found by " + ", ".join(leaks))
    if failed:
        reasons.append(f"the policy does not allow: {', '.join(failed)}")
    if beyond or (leaks and claim is None):
        return "violation", reasons, gates
    if failed:
        return "policy fail", reasons, gates
    if leaks and not policy.allow_leaks_within_claim:
        return "policy fail", [*reasons, "it is not shown to be beyond what the claimed epsilon allows"], gates
    tested = [one for one in attacks if one["p_value"] is not None]
    open_ones = [one["name"] for one in tested if one["verdict"] == "inconclusive"]
    skipped = [one["name"] for one in attacks if one["verdict"] == "skipped"]
    late = [one["name"] for one in utility if one["note"].startswith("not taken")]
    if not any(one["kind"] == "membership" for one in tested):
        return "inconclusive", [*reasons, "no membership attack could be run: a holdout is needed"], gates
    if any("time" in one["note"] for one in attacks if one["verdict"] == "skipped") or late:
        return "inconclusive", [*reasons, "the time limit left out " + ", ".join((skipped + late)[:6])], gates
    if open_ones:
        return "inconclusive", [*reasons, "no clear answer of " + ", ".join(open_ones)], gates
    return "pass", [*reasons, f"{len(tested)} attacks with a test found no leak"], gates


def _gates(
    attacks: Sequence[Mapping[str, Any]], utility: Sequence[Mapping[str, Any]], policy: Policy
) -> list[dict[str, Any]]:
    """The gates that the policy asks for.

    Raises:
        InputError: the policy names a score that was not taken.
    """
    gates: list[dict[str, Any]] = []

    def add(name: str, value: float | None, limit: float, passed: bool) -> None:
        gates.append({"name": name, "value": value, "limit": limit, "passed": passed})

    for one in attacks:
        auc, risk = one["figures"].get("auc"), one["figures"].get("risk")
        if policy.max_auc is not None and auc is not None:
            top = auc["high"] if auc["high"] is not None else auc["value"]
            add(f"AUC of {one['name']}", top, policy.max_auc, top is not None and top <= policy.max_auc)
        if policy.max_risk is not None and one["name"] in RISKS and risk is not None:
            top = risk["high"] if risk["high"] is not None else risk["value"]
            add(f"risk of {one['name']}", top, policy.max_risk, top is not None and top <= policy.max_risk)
    scores = {score["name"]: score for score in utility}
    for name, limit in policy.utility.items():
        if name not in scores:
            raise InputError(f"The policy names a score that was not taken: {name!r}.")
        value, better = scores[name]["value"], scores[name]["better"]
        good = value is not None and (value <= limit if better == "lower" else value >= limit)
        add(name, value, float(limit), good)
    return gates
