"""The certificate: one canonical JSON object, computed from a bundle, never typed in.

    schema, version, id, created, review_by
    identity      who publishes what for which use; the release it speaks of
    data          unit, columns and where their bounds come from, what is not protected
    guarantee     definition, relation, epsilon, delta, the whole profile and trade-off, groups, what it means
    accounting    every charge and draw, chained; composition; prior releases; what is left
    mechanism     generator, version, parameters, entropy, integer path
    trust         model, who saw rows, side channels
    evidence      structural (repeatable by anyone), statistical, attacks
    utility       predicted from the noise; measured only where paid for or on the internal page
    residual      hazards that remain
    decision      policy, gates, the word
    papers        of exactly the methods that ran
    digest        SHA-256 of the canonical JSON of all of the above

Schema: dpsynth/certify/schema/certificate-1.json. A version never changes its meaning.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.certify.blocks import (
    NOT_DONE,
    data_block,
    identity_block,
    mechanism_block,
    residual_block,
    trust_block,
)
from dpsynth.certify.evidence import Evidence
from dpsynth.certify.gates import EXIT_CODES, Gate, decide
from dpsynth.certify.guarantee import guarantee_of
from dpsynth.certify.papers import papers_of
from dpsynth.certify.policy import Policy
from dpsynth.certify.structure import Check, chain_of, charged_event
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import BundleError

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["SCHEMA", "VERSION", "Certificate", "build", "parse", "render"]

SCHEMA = "dpsynth.certificate"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """What `certify` made of a bundle.

    Attributes:
        path: the folder of the certificate, inside the bundle.
        facts: what certificate.json says (plain JSON values).
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def decision(self) -> str:
        """One word: "pass", "violation", "inconclusive" or "policy fail"."""
        return self.facts["decision"]["overall"]

    @property
    def passed(self) -> bool:
        """Whether the release may leave the house under its policy."""
        return self.decision == "pass"

    @property
    def exit_code(self) -> int:
        """What a pipeline returns: 0 pass, 1 violation, 2 inconclusive, 3 policy fail."""
        return EXIT_CODES[self.decision]

    @property
    def epsilon(self) -> float:
        """The certified epsilon, rounded up."""
        return float(self.facts["guarantee"]["epsilon_text"])

    @property
    def delta(self) -> float:
        """The delta that epsilon is stated at."""
        return self.facts["guarantee"]["delta"]

    def gate(self, name: str) -> Mapping[str, Any]:
        """One gate ("G1" to "G10") as the certificate states it."""
        return next(gate for gate in self.facts["decision"]["gates"] if gate["gate"] == name)


def build(
    bundle: Bundle,
    *,
    policy: Policy,
    checks: Sequence[Check],
    gates: Sequence[Gate],
    today: date,
    evidence: Evidence | None = None,
    account: Mapping[str, Any] | None = None,
    signed: bool = False,
) -> dict[str, Any]:
    """The certificate of a bundle.

    Args:
        bundle: an opened release.
        policy: what was asked.
        checks: from `check_structure`.
        gates: G1 to G10, waivers applied.
        today: the date that is written.
        evidence: an audit on real rows; only its designs and words are used.
        account: what the ledger's account has spent and has left; only where the policy discloses it.
        signed: whether a signature will stand beside it.

    Raises:
        AccountingError: an event that no accountant of this version knows.

    Guarantee: a function of public facts, of the gates' words and of the audit's designs; no figure of an audit.
    """
    facts = bundle.facts
    stated = facts["guarantee"]
    event = charged_event(facts)
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "created": today.isoformat(),
        "review_by": (today + timedelta(days=policy.review_days)).isoformat(),
        "identity": identity_block(facts, policy.about),
        "data": data_block(facts, policy.about),
        "guarantee": {
            "definition": "(epsilon, delta)-differential privacy",
            "relation": stated["relation"],
            "unit": stated["unit"],
            "delta": stated["certified"]["delta"],
            "promised": stated["promised"],
            "delta_rationale": policy.about.get("delta_rationale", _delta_words(facts)),
            **guarantee_of(event, stated["certified"]["delta"], NeighbouringRelation(stated["relation"])),
        },
        "accounting": _accounting(facts, account),
        "mechanism": mechanism_block(facts),
        "trust": trust_block(facts, policy.about, audited=evidence is not None),
        "evidence": _evidence(checks, evidence),
        "utility": _utility(facts, evidence),
        "residual": residual_block(facts, audited=evidence is not None, signed=signed),
        "decision": {
            "policy": policy.to_dict(),
            "policy_digest": policy.digest(),
            "gates": [gate.to_dict() for gate in gates],
            "overall": decide(gates),
            "signed": signed,
        },
        "papers": papers_of(facts),
    }
    body["id"] = hashlib.sha256(canonical_json(body)).hexdigest()[:32]
    return body | {"digest": hashlib.sha256(canonical_json(body)).hexdigest()}


def render(facts: Mapping[str, Any]) -> bytes:
    """The bytes of certificate.json: canonical JSON and a line feed."""
    return canonical_json(facts) + b"\n"


def parse(raw: bytes, where: str) -> dict[str, Any]:
    """Read certificate.json strictly: schema, version, canonical form, digest, and every field of the JSON Schema.

    Args:
        raw: the bytes of the file.
        where: its name for messages.

    Raises:
        BundleError: not a certificate, of another version, or not what was written.
    """
    from dpsynth.certify.schema import violations

    advice = "Certify the bundle again, or restore the file from a copy."
    try:
        facts = json.loads(raw)
        canonical = render(facts) == raw
    except (ValueError, RecursionError, TypeError):
        facts, canonical = None, False
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        raise BundleError(f"{where} is not a certificate of dpsynth, or it is damaged.\n{advice}")
    version = facts.get("version")
    if version != VERSION or isinstance(version, bool):
        age = "newer than" if isinstance(version, int) and version > VERSION else "not one that"
        raise BundleError(
            f"{where} has a schema version {age} this dpsynth reads (it reads {VERSION}).\n"
            "Verify it with the dpsynth that wrote it."
        )
    body = {name: part for name, part in facts.items() if name != "digest"}
    if not canonical or facts.get("digest") != hashlib.sha256(canonical_json(body)).hexdigest():
        raise BundleError(f"{where} is not what was certified: its digest differs.\n{advice}")
    found = violations(facts)
    if found:
        raise BundleError(f"{where} does not keep to its schema: {found[0]}.\n{advice}")
    return facts


def _delta_words(facts: Mapping[str, Any]) -> str:
    total, delta = facts["model"].get("total"), facts["guarantee"]["certified"]["delta"]
    if not isinstance(total, (int, float)) or total <= 0 or delta <= 0:
        return "delta is 0" if delta == 0 else "the number of units is not known"
    return f"delta times the noisy number of rows is {delta * total:.2g}"


def _accounting(facts: Mapping[str, Any], account: Mapping[str, Any] | None) -> dict[str, Any]:
    links = chain_of(facts)
    charges, draws = facts["ledger"]["charges"], facts["ledger"]["draws"]
    hidden = "not stated: which other charges the ledger knows depends on rows; its owner runs `dpsynth ledger show`"
    return {
        "accountant": {
            "name": facts["guarantee"]["certified"]["accountant"],
            "dpsynth": facts["versions"].get("dpsynth"),
            "dp-accounting": facts["versions"].get("dp-accounting"),
        },
        "composition": "all charges of the release together, each reserved before its first draw; epsilon rounded up",
        "charges": [{**charge, "link": link} for charge, link in zip(charges, links, strict=False)],
        "draws": [_draw(made, link) for made, link in zip(draws, links[len(charges) :], strict=True)],
        "chain": links[-1] if links else None,
        "steps": facts["steps"],
        "preprocessing_cost": "none: the domain was declared",
        "tuning_cost": "none: nothing was tuned on the rows",
        "prior_releases": hidden if account is None else account,
    }


def _draw(made: Mapping[str, Any], link: str) -> dict[str, Any]:
    """A draw without its long lists: the whole of it stands in release.json, under the same link."""
    query = made["query"]
    asked = len(query["cliques"]) if "cliques" in query else sum(count for _, count in query.get("orders", []))
    return {
        "event_id": made["event_id"],
        "charge": made["charge"],
        "index": made["index"],
        "kind": query["kind"],
        "questions": asked,
        "mechanism": made["mechanism"]["name"],
        "draws": made["draws"],
        "answer": made["answer"],
        "link": link,
    }


def _evidence(checks: Sequence[Check], evidence: Evidence | None) -> dict[str, Any]:
    structural: dict[str, Any] = {
        "checks": [check.to_dict() for check in checks],
        "record_replay": NOT_DONE,
        "fuzzed_sensitivity": NOT_DONE,
        "of_this_version": "its test suite replays generators on neighbouring tables and fuzzes sensitivities",
    }
    if evidence is None:
        return {"structural": structural, "statistical": NOT_DONE, "attacks": NOT_DONE, "internal_record": None}
    if evidence.replay is not None:
        structural["record_replay"] = {"pairs": evidence.replay.get("pairs")}
    return {
        "structural": structural,
        "statistical": evidence.designs() or NOT_DONE,
        "attacks": evidence.attack_names() or NOT_DONE,
        "internal_record": evidence.digest(),
    }


def _utility(facts: Mapping[str, Any], evidence: Evidence | None) -> dict[str, Any]:
    measured = NOT_DONE if evidence is None or not evidence.utility else "on real rows; figures in the internal record"
    return {
        "predicted": facts["model"].get("predicted_error") or NOT_DONE,
        "paid": NOT_DONE,
        "measured": measured,
        "note": "predicted from the noise alone; figures of real rows without noise are not published",
    }
