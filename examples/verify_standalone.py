"""Verify a certified bundle with nothing of dpsynth: standard library and dp-accounting (cryptography for a signature).

    python examples/verify_standalone.py BUNDLE [PUBLIC_KEY.pem]

Checks every file's hash against the in-toto statement, the DSSE signature, the certificate's digest and review date,
and recomputes epsilon from the charges. Without arguments it makes and certifies a release (with dpsynth) first.
Exit codes: 0 pass, 1 violation, 3 policy fail, 4 error.
"""

import base64
import datetime
import hashlib
import json
import math
import sys
from pathlib import Path

ENVELOPE = "certificate/certificate.intoto.json"
CERTIFICATE = "certificate/certificate.json"


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def check_files(bundle, statement, problems):
    listed = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    there = {p.relative_to(bundle).as_posix(): p for p in bundle.rglob("*") if p.is_file()}
    there.pop(ENVELOPE)
    for name in sorted(listed.keys() | there.keys()):
        if name not in there or name not in listed:
            problems.append(f"{name} is {'missing' if name in listed else 'not listed'}")
        elif sha256(there[name].read_bytes()) != listed[name]:
            problems.append(f"{name} has another hash")


def check_signature(envelope, payload, statement, key_file, problems):
    signer = statement["predicate"]["signer"]
    if signer is None:
        if envelope["signatures"] or key_file is not None:
            problems.append("not signed, though a key was given")
        return "not signed"
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    raw = bytes.fromhex(signer["public_key"])
    if key_file is not None:
        given = load_pem_public_key(Path(key_file).read_bytes()).public_bytes(Encoding.Raw, PublicFormat.Raw)
        if given != raw:
            problems.append("signed by another key than the one that was given")
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.b64decode(envelope["signatures"][0]["sig"]), signed)
    except (InvalidSignature, IndexError, ValueError):
        problems.append("the signature does not fit")
    return f"signed by {sha256(raw)[:16]}"


def leaves(event, times=1):
    """Elementary events with their counts."""
    if event["kind"] == "composed":
        for part in event["events"]:
            yield from leaves(part, times)
    elif event["kind"] == "repeated":
        yield from leaves(event["event"], times * event["count"])
    else:
        yield event, times


def recompute(charges, delta):
    """Epsilon of all charges at delta: all Gaussians as one, the rest as privacy loss distributions."""
    from dp_accounting.pld import privacy_loss_distribution as pld

    squared_mu, slack, others = 0.0, 0.0, []
    for charge in charges:
        for leaf, times in leaves(charge["event"]):
            match leaf["kind"]:
                case "gaussian":
                    squared_mu += times * leaf["squared_sensitivity"] / leaf["sigma"] ** 2
                case "gaussian_filter":
                    squared_mu += times * leaf["mu"] ** 2
                case "slack":
                    slack += times * leaf["delta"]
                case "laplace":
                    others += [leaf["sensitivity"] / leaf["scale"]] * times
                case "pure_dp" | "bounded_range":
                    others += [leaf["epsilon"]] * times
                case kind:
                    raise SystemExit(f"an event of kind {kind} is beyond this small verifier: use dpsynth verify")
    parts = []
    if squared_mu:
        grid = min(1e-4, math.sqrt(squared_mu) / 1000)
        parts.append(pld.from_gaussian_mechanism(1 / math.sqrt(squared_mu), value_discretization_interval=grid))
    for epsilon in others:  # any pure step is dominated by randomised response
        both = pld.common.DifferentialPrivacyParameters(epsilon)
        parts.append(pld.from_privacy_parameters(both, value_discretization_interval=1e-4))
    if not parts:
        return 0.0
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.compose(part)
    epsilon = whole.get_epsilon_for_delta(delta)
    return whole.get_epsilon_for_delta(delta - slack * (1 + math.exp(epsilon)))  # what the sampler's error costs


def verify(bundle, key_file=None):
    bundle = Path(bundle)
    try:
        raw = (bundle / ENVELOPE).read_bytes()
        envelope = json.loads(raw)
        payload = base64.b64decode(envelope["payload"], validate=True)
        statement = json.loads(payload)
        certificate_raw = (bundle / CERTIFICATE).read_bytes()
        certificate = json.loads(certificate_raw)
        release = json.loads((bundle / "release.json").read_bytes())
    except (OSError, ValueError, KeyError) as error:
        print(f"cannot be read: {type(error).__name__}")
        return 4
    problems = []
    if canonical(envelope) + b"\n" != raw or canonical(statement) != payload:
        problems.append("the envelope is not in canonical form")
    check_files(bundle, statement, problems)
    signed = check_signature(envelope, payload, statement, key_file, problems)
    body = {name: part for name, part in certificate.items() if name != "digest"}
    if canonical(certificate) + b"\n" != certificate_raw or sha256(canonical(body)) != certificate["digest"]:
        problems.append("the certificate's digest differs")
    predicate = statement["predicate"]
    if predicate["certificate_digest"] != certificate["digest"]:
        problems.append("the statement is about another certificate")
    guarantee = certificate["guarantee"]
    epsilon = recompute(release["ledger"]["charges"], guarantee["delta"])
    if epsilon > float(guarantee["epsilon_text"]) * 1.001:
        problems.append(f"epsilon recomputed is {epsilon:.4f}")
    for line in problems:
        print("PROBLEM:", line)
    if problems:
        return 1
    if datetime.date.today() > datetime.date.fromisoformat(certificate["review_by"]):  # noqa: DTZ011
        print("the review date has passed")
        return 3
    decision = certificate["decision"]["overall"]
    print(f"{len(statement['subject'])} files, {signed}, epsilon {guarantee['epsilon_text']}, recomputed {epsilon:.4f}")
    print(f"decision: {decision}")
    return {"pass": 0, "violation": 1, "inconclusive": 2, "policy fail": 3}[decision]


def demonstrate(folder):
    import dpsynth
    from dpsynth.certify import new_key
    from dpsynth.data import demo_domain, demo_table

    where = {"out": folder / "release", "ledger": folder / "people.ledger"}
    bundle = dpsynth.release(demo_table(), domain=demo_domain(), epsilon=1.0, delta=1e-6, **where)
    public = new_key(folder / "office.key")
    bundle.certify(sign=folder / "office.key")
    return verify(bundle.path, public)


if __name__ == "__main__":
    if len(sys.argv) > 1 and (Path(sys.argv[1]) / "release.json").exists():
        sys.exit(verify(*sys.argv[1:3]))
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        sys.exit(demonstrate(Path(sys.argv[1] if len(sys.argv) > 1 else place)))
