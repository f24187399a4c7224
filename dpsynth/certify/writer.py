"""`certify`: from a bundle to a certified bundle, in one call; the folder `certificate` appears whole or not at all.

BUNDLE/certificate/certificate.json          the certificate
BUNDLE/certificate/certificate.intoto.json   the envelope: hash of every other file, signature
BUNDLE/certificate/public.html               the page that goes with the release
BUNDLE/certificate/registry.json, croissant.json, datasheet.md
BUNDLE.internal/                             internal.json, internal.html: NOT PRIVATE, beside the bundle, not in it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.bundle import Bundle, read_bundle
from dpsynth.bundle.folder import StagedFolder, describe_files, output_errors
from dpsynth.certify.account import Look, account_of, find_account
from dpsynth.certify.certificate import Certificate, build, render
from dpsynth.certify.envelope import make_statement, seal
from dpsynth.certify.evidence import Evidence
from dpsynth.certify.exports import exports
from dpsynth.certify.gates import Gate, gates_of_audit, gates_of_release, waive
from dpsynth.certify.policy import Policy, read_policy
from dpsynth.certify.structure import check_structure, read_answers
from dpsynth.certify.verification import CERTIFICATE_FILE, ENVELOPE_FILE, FOLDER
from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError, InputError, OutputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from dpsynth.certify.structure import Answer

__all__ = ["Auditor", "certify_bundle", "internal_folder"]

Auditor = Callable[[Bundle, Path, Path | None], Evidence]
"""Called with the bundle, the real table and the holdout, after the look is booked."""

_PAGE = "a function of the bundle's public files and of the gates' words; no figure of an audit is its argument"
_ADVICE = "Nothing was changed. Choose a bundle that can be written, with room beside it."


def certify_bundle(
    bundle: Bundle | Path | str,
    *,
    policy: Policy | Path | str | None = None,
    sign: Path | str | None = None,
    real: Path | str | None = None,
    holdout: Path | str | None = None,
    ledger: Path | str | None = None,
    auditor: Auditor | None = None,
    today: date | None = None,
) -> Certificate:
    """Certify a release.

    Args:
        bundle: the release, or its folder.
        policy: what to ask of it, or the TOML file that says so (default: the default policy).
        sign: a private Ed25519 key (PEM).
        real: the private table: audit the release on it. The look is booked in the ledger before a row is read.
        holdout: rows of the same population that were not released from.
        ledger: the ledger of the release (default: as in `dpsynth.open`); needed with `real`, or where the policy
            discloses the account.
        auditor: what audits (default: `privacy_audit`).
        today: the date that is written (default: that of the clock, UTC).

    Returns:
        The certificate; its `passed` says whether the release may leave the house.

    Raises:
        BundleError: the bundle is missing, damaged, holds files that nobody released, or was drawn by foreign code
            whose claim is known not to stand.
        InputError: the policy, key, table or holdout cannot be used.
        LedgerError: the ledger does not know this release.
        OutputError: the certificate cannot be written; what stood there is as it was.

    Guarantee: the bundle holds post-processing and the gates' words only; figures on real rows are written beside it.
    """
    opened = bundle if isinstance(bundle, Bundle) else read_bundle(bundle)
    _refuse_unsupported(opened)
    asked = policy if isinstance(policy, Policy) else read_policy(policy)
    key = _key(sign)
    if holdout is not None and real is None:
        raise InputError("A holdout was given without the real table.\nGive both: --real TABLE --holdout TABLE.")
    _refuse_strangers(opened)
    answers = read_answers(opened)
    account: Look | None = None
    if real is not None or asked.disclose_account:
        account = find_account(opened.facts, ledger)
    evidence = None
    if real is not None and account is not None:
        evidence = _audit(opened, Path(real), None if holdout is None else Path(holdout), account, auditor)
    known = None if account is None else account_of(account)
    facts = _facts(opened, asked, answers, evidence, known, key is not None, today or datetime.now(UTC).date())
    return _write(opened, facts, answers, evidence, known, key)


def internal_folder(bundle: Bundle | Path) -> Path:
    """Where the internal record of a bundle goes: beside it, never in it."""
    path = bundle.path if isinstance(bundle, Bundle) else bundle
    return path.parent / f"{path.name}.internal"


def _key(sign: Path | str | None) -> Ed25519PrivateKey | None:
    if sign is None:
        return None
    from dpsynth.certify.keys import read_private_key

    return read_private_key(sign)


def _refuse_unsupported(bundle: Bundle) -> None:
    """No policy and no waiver certifies a claim that is known not to stand."""
    reason = bundle.facts["model"].get("cannot_certify")
    if reason:
        raise BundleError(
            f"Claim not supported: {bundle.path} can never be certified.\n"
            f"The generator's own code refutes it: {reason}.\n"
            "Release again with another generator."
        )


def _refuse_strangers(bundle: Bundle) -> None:
    """A certificate names every file of the folder, so nothing may lie there that was not released."""
    from dpsynth.bundle.reader import FACTS_FILE

    for name in describe_files(bundle.path):
        if name not in bundle.facts["files"] and name != FACTS_FILE and not name.startswith(f"{FOLDER}/"):
            raise BundleError(
                f"{bundle.path / name} is in the bundle, but was not released with it.\n"
                "Move it away, then certify again: a certificate speaks for every file of the folder."
            )


def _audit(bundle: Bundle, real: Path, holdout: Path | None, account: Look, auditor: Auditor | None) -> Evidence:
    from dpsynth.certify.audit import audit_release, check_tables
    from dpsynth.gate import book_non_private

    check_tables(bundle, real, holdout)
    book_non_private(account.ledger, account.name, f"audit of release {bundle.release_id} on real rows: internal page")
    return (auditor or audit_release)(bundle, real, holdout)


def _facts(
    bundle: Bundle,
    policy: Policy,
    answers: tuple[Answer, ...],
    evidence: Evidence | None,
    account: Mapping[str, Any] | None,
    signed: bool,
    today: date,
) -> dict[str, Any]:
    checks = check_structure(bundle.facts, answers)
    replay = None if evidence is None else evidence.replay
    epsilon = float(bundle.facts["guarantee"]["certified"]["epsilon"])
    gates = [
        *gates_of_release(bundle.facts, checks, policy, replay),
        *gates_of_audit(evidence, epsilon, policy, float(bundle.facts["guarantee"]["certified"]["delta"])),
        Gate("G9", "pass", policy.gates["G9"]["required"], _PAGE),
        Gate("G10", "pass", policy.gates["G10"]["required"], "sealed now; `dpsynth verify` repeats it at any time"),
    ]
    return build(
        bundle,
        policy=policy,
        checks=checks,
        gates=waive(gates, policy, today),
        today=today,
        evidence=evidence,
        account=account if policy.disclose_account else None,
        signed=signed,
    )


def _write(
    bundle: Bundle,
    facts: dict[str, Any],
    answers: tuple[Answer, ...],
    evidence: Evidence | None,
    account: Mapping[str, Any] | None,
    key: Ed25519PrivateKey | None,
) -> Certificate:
    from dpsynth.certify.keys import raw_public_key
    from dpsynth.certify.pages.render import internal_page, public_page

    out = bundle.path / FOLDER
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise OutputError(f"Cannot write {out}: a file or link of that name exists.\nMove it away first.")
    contents = {
        CERTIFICATE_FILE: render(facts),
        "public.html": public_page(bundle, facts, answers),
        **exports(bundle, facts),
    }
    others = {n: f["sha256"] for n, f in describe_files(bundle.path).items() if not n.startswith(f"{FOLDER}/")}
    with ExitStack() as stack:
        inside = None
        if evidence is not None:
            inside = stack.enter_context(StagedFolder(internal_folder(bundle)))
        staged = stack.enter_context(StagedFolder(out))
        with output_errors(out, _ADVICE):
            for name, content in contents.items():
                (staged.path / name).write_bytes(content)
            listed = {f"{FOLDER}/{n}": f["sha256"] for n, f in describe_files(staged.path).items()} | others
            public = None if key is None else raw_public_key(key.public_key())
            (staged.path / ENVELOPE_FILE).write_bytes(seal(make_statement(facts, listed, public), key))
            if inside is not None and evidence is not None:
                (inside.path / "internal.json").write_bytes(canonical_json(evidence.to_dict()) + b"\n")
                (inside.path / "internal.html").write_bytes(internal_page(facts, evidence, account))
                inside.path.chmod(0o700)
                inside.publish(replace=True)
            staged.publish(replace=True)
    return Certificate(out, facts)
