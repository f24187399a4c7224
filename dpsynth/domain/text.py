"""Reading and writing domain files as text, without ever leaving half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from dpsynth.errors import DomainError, OutputError

__all__ = ["read_text", "write_text"]


def read_text(path: str | Path) -> str:
    """The UTF-8 text of a domain file.

    Raises:
        DomainError: it is absent, a folder, unreadable or not UTF-8 text.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise DomainError(f"{path}: no such domain file. Write one with `dpsynth domain init TABLE`.") from None
    except IsADirectoryError:
        raise DomainError(f"{path}: this is a folder. Name the domain file in it.") from None
    except UnicodeDecodeError:
        raise DomainError(f"{path}: not UTF-8 text. A domain file is TOML or JSON.") from None
    except OSError as error:
        raise DomainError(f"{path}: cannot be read ({error.strerror}).") from None


def write_text(path: str | Path, text: str, *, overwrite: bool = False) -> None:
    """Write a whole new file or nothing.

    Args:
        path: the file.
        text: its content, written as UTF-8.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputError: the file exists, or its folder is absent, read-only or full; nothing is left half-written.
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"{path}: this is a folder. Name a file in it.")
    if target.exists() and not overwrite:
        raise OutputError(f"{path}: exists already, and may have been edited. Choose another name or say overwrite.")
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({error.strerror}).") from None
