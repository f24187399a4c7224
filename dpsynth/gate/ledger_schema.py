"""The ledger's SQLite file: how it is made, opened, and what each failure of SQLite means to a person."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from dpsynth.errors import LedgerError

__all__ = [
    "APPLICATION_ID",
    "LEDGER_VERSION",
    "PAGE_SIZE",
    "SCHEMA",
    "connect",
    "create_file",
    "default_ledger_path",
    "sqlite_failures",
]

APPLICATION_ID = 0x64707379
"""Marks the file as a dpsynth ledger ("dpsy")."""
LEDGER_VERSION = 1
"""The meaning of rows; append-only, never changed once released."""
PAGE_SIZE = 32768
"""Large, so that the tree of pages keeps one interior level and no free gap holds left-over bytes (see pages.py)."""
BUSY_SECONDS = 60.0
"""How long to wait for another process that is writing."""

SCHEMA: tuple[tuple[str, str, str, str], ...] = (
    (
        "table",
        "rows",
        "rows",
        "CREATE TABLE rows (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, hash BLOB NOT NULL, payload BLOB)",
    ),
    (
        "trigger",
        "rows_never_change",
        "rows",
        "CREATE TRIGGER rows_never_change BEFORE UPDATE ON rows"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    ),
    (
        "trigger",
        "rows_never_leave",
        "rows",
        "CREATE TRIGGER rows_never_leave BEFORE DELETE ON rows"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END",
    ),
)
"""(type, name, table, SQL) of everything in the file, in order."""


def default_ledger_path() -> Path:
    """DPSYNTH_LEDGER, or ledger.sqlite in the user's data folder."""
    named = os.environ.get("DPSYNTH_LEDGER", "").strip()
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_DATA_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".local" / "share") / "dpsynth" / "ledger.sqlite"


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits nothing by itself and syncs everything it commits.

    EXTRA also syncs the folder after the journal is removed; with FULL alone a power cut could bring the journal back
    and roll a committed charge back after its noise was drawn.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA secure_delete = ON").fetchone()
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def create_file(path: Path) -> sqlite3.Connection:
    """A new, empty ledger file with mode 0600 from its first byte on, inside an open transaction.

    The caller appends the first row, commits, closes, and publishes the file under its final name with `publish`.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    os.close(os.open(path, flags, 0o600))
    connection = connect(path)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA auto_vacuum = NONE")
        connection.execute("PRAGMA encoding = 'UTF-8'")
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {LEDGER_VERSION}")
        for _, _, _, sql in SCHEMA:
            connection.execute(sql)
    except BaseException:
        connection.close()
        raise
    return connection


def draft_path(path: Path) -> Path:
    """A name beside the ledger for the file while it is being made."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")


def publish(draft: Path, path: Path) -> bool:
    """Give a finished file its final name unless that name is taken; the draft's name is gone afterwards.

    Returns:
        Whether this file became the ledger (False: another process was first).
    """
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        return _publish_by_copy(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _publish_by_copy(draft: Path, path: Path) -> bool:
    content = draft.read_bytes()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return True


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def sqlite_failures(path: Path) -> Iterator[None]:
    """Turn every failure of SQLite or of the file system into one clear LedgerError.

    Raises:
        LedgerError: always where the block fails with sqlite3.Error or OSError; nothing else is caught.
    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        text = _explain(path, error)
    else:
        return
    raise LedgerError(text)


def _explain(path: Path, error: Exception) -> str:
    name = f"The ledger {path.name}"
    low = str(error).lower()
    if isinstance(error, PermissionError) or "readonly" in low or "read-only" in low or "permission" in low:
        return f"{name} cannot be written: it or its folder is read-only.\nGive write access, or name another ledger."
    if "locked" in low or "busy" in low:
        return (
            f"{name} is locked: another process has been writing to it for {BUSY_SECONDS:.0f} seconds.\n"
            "Nothing was charged. Wait for that process to end and run again."
        )
    if "full" in low or "no space" in low or "too large" in low:
        return f"{name} cannot grow: the disk is full.\nWhat was charged stays charged. Free some space and run again."
    if "not a database" in low or "malformed" in low or "corrupt" in low or "no such table" in low:
        return f"{name} is corrupt or not a ledger.\nRestore a copy of it, or name another ledger."
    if "append-only" in low:
        return f"{name} is append-only: rows never change and never leave."
    if isinstance(error, FileNotFoundError) or "unable to open" in low:
        return f"{name} cannot be opened in {path.parent}.\nCheck the path and the access rights of the folder."
    return f"{name} cannot be used: the file system failed ({type(error).__name__}).\nCheck the disk and run again."
