"""A DSSE envelope around an in-toto statement: the hash of every file of the bundle, and optionally who says so.

    statement   in-toto v1: subject = every file (name, SHA-256); predicate = id, epsilon, decision, dates, signer
    envelope    DSSE v1: base64 of the statement, and Ed25519 over PAE("DSSEv1", type, statement)

The envelope is the only file of a bundle that no hash covers. It has one right form: canonical JSON of a canonical
statement that follows from the certificate and the files, so a changed byte is found without a signature too. Only a
signature, checked under a key that came another way, tells a consistent forgery.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

__all__ = ["PAYLOAD_TYPE", "key_id", "make_statement", "open_envelope", "pre_authentication", "seal", "signature_holds"]

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:dpsynth:certificate:1"


def make_statement(
    certificate: Mapping[str, Any], files: Mapping[str, str], public_key: bytes | None
) -> dict[str, Any]:
    """The in-toto statement of a certified bundle.

    Args:
        certificate: what certificate.json says.
        files: name of every file but the envelope -> SHA-256 (hex).
        public_key: bytes[32] of the signer, or None.
    """
    guarantee, decision = certificate["guarantee"], certificate["decision"]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": files[name]}} for name in sorted(files)],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "certificate": certificate["id"],
            "certificate_digest": certificate["digest"],
            "release": certificate["identity"]["release_id"],
            "epsilon": guarantee["epsilon_text"],
            "delta": guarantee["delta"],
            "unit": guarantee["unit"],
            "relation": guarantee["relation"],
            "decision": decision["overall"],
            "policy": decision["policy_digest"],
            "created": certificate["created"],
            "review_by": certificate["review_by"],
            "signer": None if public_key is None else {"algorithm": "ed25519", "public_key": public_key.hex()},
        },
    }


def pre_authentication(payload: bytes) -> bytes:
    """What DSSE signs: PAE of the payload's type and bytes."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def key_id(public_key: bytes) -> str:
    """Names a key: SHA-256 (hex) of its 32 raw bytes."""
    return hashlib.sha256(public_key).hexdigest()


def seal(statement: Mapping[str, Any], key: Ed25519PrivateKey | None) -> bytes:
    """The bytes of the envelope, signed where there is a key.

    Args:
        statement: from `make_statement`, with the signer that the key belongs to.
        key: the private key, or None.
    """
    from dpsynth.certify.keys import raw_public_key

    payload = canonical_json(statement)
    signatures = []
    if key is not None:
        name = key_id(raw_public_key(key.public_key()))
        signatures.append({"keyid": name, "sig": _base64(key.sign(pre_authentication(payload)))})
    return canonical_json({"payload": _base64(payload), "payloadType": PAYLOAD_TYPE, "signatures": signatures}) + b"\n"


def open_envelope(raw: bytes, where: str) -> tuple[dict[str, Any], list[tuple[str, bytes]]]:
    """Read an envelope strictly.

    Args:
        raw: its bytes.
        where: its name for messages.

    Returns:
        The statement, and (key id, signature) pairs: none or one.

    Raises:
        BundleError: not byte for byte an envelope that `seal` could have written.
    """
    damaged = BundleError(f"{where} is not the envelope that was sealed.\nCertify the bundle again, or restore it.")
    try:
        envelope = json.loads(raw)
        payload = _unbase64(envelope["payload"])
        statement = json.loads(payload)
        signatures = [(str(s["keyid"]), _unbase64(s["sig"])) for s in envelope["signatures"]]
        again = {
            "payload": _base64(canonical_json(statement)),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": name, "sig": _base64(signature)} for name, signature in signatures],
        }
        whole = canonical_json(again) + b"\n" == raw
        signer = statement["predicate"]["signer"]
        fits = len(signatures) == (0 if signer is None else 1)
        if signer is not None:
            fits = fits and signatures[0][0] == key_id(bytes.fromhex(signer["public_key"]))
    except (ValueError, KeyError, TypeError, RecursionError, AttributeError):
        raise damaged from None
    if not whole or not fits or statement.get("_type") != STATEMENT_TYPE:
        raise damaged
    return statement, signatures


def signature_holds(statement: Mapping[str, Any], signature: bytes, public_key: bytes) -> bool:
    """Whether a signature over the statement is of this key (bytes[32])."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signature, pre_authentication(canonical_json(statement)))
    except (InvalidSignature, ValueError):
        return False
    return True


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
