"""Keys and envelopes: what is signed verifies, and nothing else does."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from dpsynth.certify.envelope import (
    PAYLOAD_TYPE,
    make_statement,
    open_envelope,
    pre_authentication,
    seal,
    signature_holds,
)
from dpsynth.certify.keys import new_key, raw_public_key, read_private_key, read_public_key
from dpsynth.errors import BundleError, InputError, OutputError


@pytest.fixture
def key(tmp_path: Path) -> Path:
    new_key(tmp_path / "key")
    return tmp_path / "key"


def test_a_pair_of_keys(key: Path, tmp_path: Path) -> None:
    assert key.stat().st_mode & 0o777 == 0o600
    assert raw_public_key(read_private_key(key).public_key()) == raw_public_key(read_public_key(f"{key}.pub"))
    before = key.read_bytes()
    with pytest.raises(OutputError, match="it exists already"):
        new_key(key)
    assert key.read_bytes() == before
    key.unlink()
    with pytest.raises(OutputError, match="it exists already"):
        new_key(key)
    assert not key.exists()
    with pytest.raises(OutputError, match="Cannot write"):
        new_key(tmp_path / "none" / "key")


def _pem(key: Any, password: bytes | None = None) -> bytes:
    lock = serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def _public_pem(key: Any) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_keys_of_another_kind_are_told_apart(key: Path, tmp_path: Path) -> None:
    curve = ec.generate_private_key(ec.SECP256R1())
    other = tmp_path / "other"
    for read, raw, said in [
        (read_private_key, _pem(curve), "a key of another kind"),
        (read_private_key, _pem(ed25519.Ed25519PrivateKey.generate(), b"x"), "locked by a password"),
        (read_private_key, b"nothing", "no private key in PEM form"),
        (read_private_key, Path(f"{key}.pub").read_bytes(), "is a public key; signing needs the private one"),
        (read_public_key, _public_pem(curve), "a key of another kind"),
        (read_public_key, b"nothing", "no public key in PEM form"),
        (read_public_key, key.read_bytes(), "is a private key; verifying needs the public one"),
    ]:
        other.write_bytes(raw)
        with pytest.raises(InputError) as error:
            read(other)
        assert said in str(error.value)
    with pytest.raises(InputError, match="Cannot read the key"):
        read_public_key(tmp_path / "none")


@pytest.fixture
def statement(certificate: dict[str, Any], key: Path) -> dict[str, Any]:
    public = raw_public_key(read_public_key(f"{key}.pub"))
    return make_statement(certificate, {"b": "1" * 64, "a": "0" * 64}, public)


def test_an_envelope_is_dsse_around_in_toto(statement: dict[str, Any], key: Path) -> None:
    raw = seal(statement, read_private_key(key))
    envelope = json.loads(raw)
    assert envelope["payloadType"] == PAYLOAD_TYPE
    payload = base64.b64decode(envelope["payload"])
    assert json.loads(payload)["_type"] == "https://in-toto.io/Statement/v1"
    assert [s["name"] for s in json.loads(payload)["subject"]] == ["a", "b"]
    length = len(payload)
    assert pre_authentication(payload) == f"DSSEv1 28 {PAYLOAD_TYPE} {length} ".encode() + payload
    opened, signatures = open_envelope(raw, "e")
    assert opened == statement
    public = raw_public_key(read_public_key(f"{key}.pub"))
    assert signature_holds(opened, signatures[0][1], public)
    assert not signature_holds({**opened, "subject": []}, signatures[0][1], public)
    assert not signature_holds(opened, signatures[0][1], bytes(32))
    assert not signature_holds(opened, signatures[0][1][:-1], public)


def test_an_envelope_has_one_right_form(statement: dict[str, Any], key: Path) -> None:
    raw = seal(statement, read_private_key(key))
    envelope = json.loads(raw)
    unsigned = seal({**statement, "predicate": {**statement["predicate"], "signer": None}}, None)
    assert open_envelope(unsigned, "e")[1] == []
    spoiled = [
        b"",
        b"{}",
        raw[:-1],
        raw + b"\n",
        raw.replace(b'"payload"', b' "payload"', 1),
        json.dumps({**envelope, "signatures": []}).encode(),
        seal(statement, None),
        json.dumps({**envelope, "more": 1}).encode(),
        raw.replace(b"==", b"=A"),
    ]
    for wrong in spoiled:
        with pytest.raises(BundleError, match="is not the envelope that was sealed"):
            open_envelope(wrong, "e")
