"""Ed25519 keys as PEM files: made, read, told apart from keys of another kind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dpsynth.errors import InputError, OutputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["new_key", "raw_public_key", "read_private_key", "read_public_key"]

_ADVICE = "Make a pair with `dpsynth certify --new-key NAME`: NAME signs, NAME.pub verifies."


def new_key(path: Path | str) -> Path:
    """Write a new private key (mode 0600) and, beside it, NAME.pub.

    Returns:
        The path of the public key.

    Raises:
        OutputError: one of the files exists or cannot be written; no half of a pair is left.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = Path(path), Path(f"{path}.pub")
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    for file in (private, public):
        if file.exists() or file.is_symlink():
            raise OutputError(f"Cannot write {file}: it exists already.\nChoose another name; a key is never replaced.")
    try:
        handle = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
        try:
            public.write_bytes(shown)
        except OSError:
            private.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"Cannot write {error.filename or private}.\nChoose a folder that can be written.") from None
    return public


def read_private_key(path: Path | str) -> Ed25519PrivateKey:
    """The key that signs.

    Raises:
        InputError: no such file, no private key, a locked key, or one of another kind.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    raw = _read(path)
    if b"BEGIN PUBLIC KEY" in raw:
        raise InputError(f"{path} is a public key; signing needs the private one.\n{_ADVICE}")
    try:
        key = load_pem_private_key(raw, password=None)
    except TypeError:
        raise InputError(f"The key {path} is locked by a password.\nGive an unlocked Ed25519 key. {_ADVICE}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{path} is no private key in PEM form.\n{_ADVICE}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path} is a key of another kind; certificates are signed with Ed25519.\n{_ADVICE}")
    return key


def read_public_key(path: Path | str) -> Ed25519PublicKey:
    """The key that verifies.

    Raises:
        InputError: no such file, no public key, or one of another kind.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    raw = _read(path)
    if b"PRIVATE KEY" in raw:
        raise InputError(f"{path} is a private key; verifying needs the public one, NAME.pub.\n{_ADVICE}")
    try:
        key = load_pem_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{path} is no public key in PEM form.\n{_ADVICE}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path} is a key of another kind; certificates are signed with Ed25519.\n{_ADVICE}")
    return key


def raw_public_key(key: Ed25519PublicKey) -> bytes:
    """bytes[32] of a public key."""
    from cryptography.hazmat.primitives import serialization

    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _read(path: Path | str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        raise InputError(f"Cannot read the key {path}.\n{_ADVICE}") from None
