"""What audits of real rows found, in two forms: the whole record, which is private, and what of it may be published.

An audit's figures are functions of the rows. They go to the internal record only. Published are the methods, what each
could have detected, its level and its measured false-alarm rate, and one word each: pass, fail or undecided.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import InputError

__all__ = ["Evidence", "read_evidence"]

_DESIGN = ("name", "method", "threat_model", "alpha", "delta", "confidence", "detectable", "false_alarm_rate", "valid")
"""What of an audit is known before a row is read."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Results of an audit on real rows. PRIVATE as a whole.

    Attributes:
        audits: bounds on epsilon: name, method, epsilon_lower, delta, confidence, detectable, valid, and where known
            alpha, e_value, false_alarm_rate, threat_model, reference (whether it ran on the reference instance).
        attacks: as `privacy_audit` gives them: name, kind, verdict, figures {value, low, high, baseline, ceiling}.
        utility: scores: name, value, floor, ceiling, better, and subgroup where it is of one.
        replay: divergences of record and replay on neighbouring tables, or None where that was not done.
        source: what made it, with its version.
        nonce: hex; keeps the published digest from confirming a guess.
        rest: whatever else the report holds, for the internal page.
    """

    audits: Sequence[Mapping[str, Any]] = ()
    attacks: Sequence[Mapping[str, Any]] = ()
    utility: Sequence[Mapping[str, Any]] = ()
    replay: Mapping[str, Any] | None = None
    source: str = ""
    nonce: str = field(default_factory=lambda: secrets.token_hex(32))
    rest: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON, for the internal record."""
        return {
            "schema": "dpsynth.internal",
            "version": 1,
            "warning": "NOT PRIVATE: computed from real rows without noise. Do not hand on.",
            "source": self.source,
            "nonce": self.nonce,
            "audits": [dict(audit) for audit in self.audits],
            "attacks": [dict(attack) for attack in self.attacks],
            "utility": [dict(score) for score in self.utility],
            "replay": None if self.replay is None else dict(self.replay),
            "rest": dict(self.rest),
        }

    def digest(self) -> str:
        """SHA-256 (hex) of the whole record, nonce included: commits to it without telling of it."""
        return hashlib.sha256(canonical_json(self.to_dict())).hexdigest()

    def designs(self) -> list[dict[str, Any]]:
        """What of the audits may be published: their designs, without a result.

        What could be detected depends on how many rows there were, so it is rounded to one decimal.
        """
        found = [{name: audit[name] for name in _DESIGN if audit.get(name) is not None} for audit in self.audits]
        for design in found:
            design.setdefault("name", "not stated")
            design.setdefault("method", "not stated")
            if isinstance(design.get("detectable"), float):
                design["detectable"] = round(design["detectable"], 1)
        return found

    def attack_names(self) -> list[dict[str, Any]]:
        """Which attacks ran: names and kinds."""
        return [{"name": str(a.get("name", "")), "kind": str(a.get("kind", ""))} for a in self.attacks]


def read_evidence(value: Mapping[str, Any], source: str = "") -> Evidence:
    """Evidence from a scorecard of `privacy_audit` or any report of the same form.

    Args:
        value: plain JSON: "attacks", "utility" (or "scores"), "audits" (or "bounds"), "replay"; other keys are kept for
            the internal page.
        source: what made it.

    Raises:
        InputError: a part is not a list of objects.
    """
    used = {"attacks", "utility", "scores", "audits", "bounds", "replay"}
    replay = value.get("replay")
    if replay is not None and not isinstance(replay, Mapping):
        raise InputError("An audit report must hold an object under 'replay'.")
    return Evidence(
        audits=[_audit(a) for a in _objects(value, "audits", "bounds")],
        attacks=_objects(value, "attacks"),
        utility=_objects(value, "utility", "scores"),
        replay=replay,
        source=source,
        rest={name: part for name, part in value.items() if name not in used},
    )


def _objects(value: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
    part = next((value[name] for name in names if value.get(name) is not None), [])
    if isinstance(part, Mapping):
        part = [{"name": name, **entry} if isinstance(entry, Mapping) else entry for name, entry in part.items()]
    if not isinstance(part, Sequence) or isinstance(part, str) or not all(isinstance(e, Mapping) for e in part):
        raise InputError(f"An audit report must hold a list of objects under {names[0]!r}.")
    return list(part)


def _audit(value: Mapping[str, Any]) -> dict[str, Any]:
    """An audit with our names: `EpsilonBound.to_dict()` says `epsilon` for its lower bound."""
    found = dict(value)
    found.setdefault("name", str(found.get("method", "")))
    found.setdefault("epsilon_lower", found.get("epsilon"))
    if found.get("alpha") is None and isinstance(found.get("confidence"), (int, float)):
        found["alpha"] = 1 - found["confidence"]
    return found
