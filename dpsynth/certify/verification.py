"""Whether a certified bundle is what was certified: every byte, every figure, the signature, the policy, the date.

Needs no data and no ledger. What it cannot see without a key from elsewhere: a forger who replaces all files alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from dpsynth.bundle import read_bundle
from dpsynth.bundle.folder import describe_files
from dpsynth.certify.certificate import parse
from dpsynth.certify.envelope import key_id, make_statement, open_envelope, signature_holds
from dpsynth.certify.gates import Gate, decide, gates_of_release, waive
from dpsynth.certify.policy import Policy, digest_of
from dpsynth.certify.structure import chain_of, charged_event, check_structure, read_answers
from dpsynth.errors import BundleError, DpsynthError

__all__ = ["CERTIFICATE_FILE", "ENVELOPE_FILE", "FOLDER", "Report", "verify_bundle"]

FOLDER = "certificate"
CERTIFICATE_FILE = "certificate.json"
ENVELOPE_FILE = "certificate.intoto.json"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found.

    Attributes:
        path: the bundle.
        problems: what is not as it was certified; empty for a sound bundle.
        policy_failures: the policy, the review date, or the certificate's own decision says no.
        open_points: what cannot be decided.
        notes: what is sound but worth knowing.
        certificate: what certificate.json says, where it could be read.
        signer: key id of the signature, or None.
    """

    path: Path
    problems: tuple[str, ...]
    policy_failures: tuple[str, ...] = ()
    open_points: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    certificate: Mapping[str, Any] | None = None
    signer: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the bundle verifies and its certificate says pass."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """0 pass, 1 violation, 2 inconclusive, 3 policy fail."""
        if self.problems:
            return 1
        if self.policy_failures:
            return 3
        return 2 if self.open_points else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        guarantee = {} if self.certificate is None else self.certificate["guarantee"]
        return {
            "ok": self.ok,
            "exit_code": self.exit_code,
            "bundle": str(self.path),
            "certificate": None if self.certificate is None else self.certificate["id"],
            "decision": None if self.certificate is None else self.certificate["decision"]["overall"],
            "epsilon": guarantee.get("epsilon_text"),
            "delta": guarantee.get("delta"),
            "signer": self.signer,
            "problems": list(self.problems),
            "policy_failures": list(self.policy_failures),
            "open_points": list(self.open_points),
            "notes": list(self.notes),
        }


def verify_bundle(
    path: Path | str, *, key: Path | str | None = None, policy: Policy | None = None, today: date | None = None
) -> Report:
    """Check a certified bundle from its bytes up.

    Args:
        path: the folder of the release.
        key: the public key that must have signed; None checks a signature against the key that it names.
        policy: judge by this policy too, besides the one that the certificate was made under.
        today: the date (default: that of the clock, UTC).

    Returns:
        What was found; a changed byte in any file is a problem.

    Raises:
        BundleError: there is no bundle, no certificate, or one of a schema version that this dpsynth does not read.
        InputError: the key cannot be used.

    Guarantee: reads published files only.
    """
    from dpsynth.certify.keys import raw_public_key, read_public_key

    root = Path(path)
    now = today or datetime.now(UTC).date()
    wanted = None if key is None else raw_public_key(read_public_key(key))
    envelope = root / FOLDER / ENVELOPE_FILE
    if not root.is_dir():
        raise BundleError(f"There is no bundle {root}.\nGive the folder that `dpsynth release` wrote.")
    if not (root / FOLDER).is_dir():
        raise BundleError(f"{root} has no certificate.\nMake one with `dpsynth certify {root}`.")
    name = f"{FOLDER}/{ENVELOPE_FILE}"
    try:
        raw = envelope.read_bytes()
        certificate_bytes = (root / FOLDER / CERTIFICATE_FILE).read_bytes()
    except OSError:
        return Report(root, (f"{root} lacks {name} or {FOLDER}/{CERTIFICATE_FILE}.",))
    files = {n: f["sha256"] for n, f in describe_files(root).items() if n != name}
    try:
        statement, signatures = open_envelope(raw, str(envelope))
    except BundleError as error:
        return Report(root, (_line(error),))
    listed = _subjects(statement)
    problems = _compare(listed, files)
    if listed.get(f"{FOLDER}/{CERTIFICATE_FILE}") != files.get(f"{FOLDER}/{CERTIFICATE_FILE}"):
        return Report(root, tuple(problems))
    certificate = parse(certificate_bytes, str(root / FOLDER / CERTIFICATE_FILE))
    public = _public_key(statement)
    signer = None if public is None else key_id(public)
    problems += _check_signature(statement, signatures, public, wanted)
    if make_statement(certificate, listed, public) != statement:
        problems.append("The envelope does not say what the certificate says.")
    failures: list[str] = []
    if not problems:
        problems += _check_claims(root, certificate, failures, policy, now)
    open_points = _dates(certificate, now, failures)
    if certificate["decision"]["overall"] == "inconclusive":
        open_points.append("The certificate's own decision is: inconclusive.")
    elif certificate["decision"]["overall"] != "pass":
        failures.append(f"The certificate's own decision is: {certificate['decision']['overall']}.")
    return Report(
        root, tuple(problems), tuple(failures), tuple(open_points), _notes(signer, wanted), certificate, signer
    )


def _subjects(statement: Mapping[str, Any]) -> dict[str, str]:
    try:
        return {str(s["name"]): str(s["digest"]["sha256"]) for s in statement["subject"]}
    except (KeyError, TypeError):
        return {}


def _public_key(statement: Mapping[str, Any]) -> bytes | None:
    signer = statement["predicate"]["signer"]
    return None if signer is None else bytes.fromhex(signer["public_key"])


def _compare(listed: Mapping[str, str], files: Mapping[str, str]) -> list[str]:
    problems = []
    for name in sorted(listed.keys() | files.keys()):
        if name not in files:
            problems.append(f"{name} is missing.")
        elif name not in listed:
            problems.append(f"{name} was added after the bundle was certified.")
        elif files[name] != listed[name]:
            problems.append(f"{name} is not the file that was certified: its hash differs.")
    return problems


def _check_signature(
    statement: Mapping[str, Any], signatures: list[tuple[str, bytes]], public: bytes | None, wanted: bytes | None
) -> list[str]:
    if public is None:
        return [] if wanted is None else ["The certificate is not signed, but a key was given."]
    if not signature_holds(statement, signatures[0][1], public):
        return ["The signature does not fit the envelope."]
    if wanted is not None and wanted != public:
        return [f"The certificate is signed by another key ({key_id(public)[:16]}) than the one that was given."]
    return []


def _check_claims(
    root: Path, certificate: Mapping[str, Any], failures: list[str], policy: Policy | None, today: date
) -> list[str]:
    """Recompute what the certificate claims of the release: epsilon, chain, checks, gates, decision."""
    from dpsynth.accounting.certify import epsilon_up
    from dpsynth.accounting.quantities import Delta, format_epsilon_up
    from dpsynth.domain.unit import NeighbouringRelation

    problems = []
    try:
        bundle = read_bundle(root)
        facts = bundle.facts
        guarantee = certificate["guarantee"]
        relation = NeighbouringRelation(guarantee["relation"])
        cost = epsilon_up(charged_event(facts), Delta(guarantee["delta"]), relation).epsilon
        checks = check_structure(facts, read_answers(bundle))
        links = chain_of(facts)
    except DpsynthError as error:
        return [_line(error)]
    found = format_epsilon_up(cost)
    if found != guarantee["epsilon_text"]:
        problems.append(f"Epsilon recomputed from the charges is {found}; the certificate says otherwise.")
    if certificate["identity"]["release_digest"] != facts["digest"]:
        problems.append("The certificate speaks of another release.")
    accounting = certificate["accounting"]
    if [entry["link"] for entry in (*accounting["charges"], *accounting["draws"])] != links:
        problems.append("The chain of the ledger extract does not follow from its charges and draws.")
    if certificate["evidence"]["structural"]["checks"] != [check.to_dict() for check in checks]:
        problems.append("The structural checks give another result than the certificate says.")
    stated = {gate["gate"]: gate for gate in certificate["decision"]["gates"]}
    problems += _check_decision(certificate, stated, facts, checks)
    if policy is not None and not problems:
        failures += _judge(stated, facts, checks, policy, today)
    return problems


def _check_decision(certificate: Mapping[str, Any], stated: Mapping[str, Any], facts: Any, checks: Any) -> list[str]:
    decision = certificate["decision"]
    if digest_of(decision["policy"]) != decision["policy_digest"]:
        return ["The policy in the certificate is not the one that it was made under."]
    policy = Policy.from_dict(decision["policy"])
    replay = certificate["evidence"]["structural"]["record_replay"]
    done = {"divergences": 0} if isinstance(replay, dict) else None
    again = gates_of_release(facts, checks, policy, done)
    for gate in waive(again, policy, date.fromisoformat(certificate["created"])):
        if gate.status != stated[gate.gate]["status"] and not (gate.gate == "G2" and done):
            return [f"Gate {gate.gate} gives {gate.status}; the certificate says {stated[gate.gate]['status']}."]
    if decide([_gate(g) for g in stated.values()]) != decision["overall"]:
        return ["The decision does not follow from the gates."]
    return []


def _judge(stated: Mapping[str, Any], facts: Any, checks: Any, policy: Policy, today: date) -> list[str]:
    """The gates under another policy: G1 and G2 anew, the others by their word (a waiver is not taken over)."""
    gates = {gate.gate: gate for gate in gates_of_release(facts, checks, policy)}
    for name, gate in stated.items():
        if name not in gates:
            status = gate["note"].split(";")[0].removeprefix("was: ") if gate["status"] == "waived" else gate["status"]
            gates[name] = Gate(name, status, policy.gates[name]["required"], gate["note"])
    judged = waive(list(gates.values()), policy, today)
    if decide(judged) == "pass":
        return []
    failed = [g for g in judged if g.status == "fail" or (g.status == "undecided" and g.required)]
    return [f"Policy {policy.name}: {gate.gate} {gate.status}: {gate.note}" for gate in failed]


def _gate(value: Mapping[str, Any]) -> Gate:
    return Gate(value["gate"], value["status"], value["required"], value["note"], value["waiver"])


def _dates(certificate: Mapping[str, Any], today: date, failures: list[str]) -> list[str]:
    created = date.fromisoformat(certificate["created"])
    review = date.fromisoformat(certificate["review_by"])
    if today > review:
        failures.append(f"The review date {review} has passed. Certify the bundle again.")
    if created > today + timedelta(days=1):
        return [f"The certificate is dated {created}, which lies ahead of this clock ({today}). Check both clocks."]
    return []


def _notes(signer: str | None, wanted: bytes | None) -> tuple[str, ...]:
    if signer is None:
        return ("Not signed: whoever can replace every file alike is not found.",)
    if wanted is None:
        return ("Signed, but nobody said by whom: give the signer's public key with --key.",)
    return ()


def _line(error: DpsynthError) -> str:
    return str(error).splitlines()[0]
