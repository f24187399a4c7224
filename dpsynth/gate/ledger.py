"""The persistent ledger: every charge is committed before anything is drawn, and nothing is ever taken back.

Each change is one SQLite transaction under `BEGIN IMMEDIATE`: read the rows that other processes appended, check,
append hash-chained rows, commit with a full sync. No connection outlives its transaction, so that forks and threads
share none.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import LedgerError
from dpsynth.gate.chain import Row, make_row, sealed_digest
from dpsynth.gate.ledger_schema import LEDGER_VERSION, connect, create_file, draft_path, publish, sqlite_failures
from dpsynth.gate.ledger_state import LedgerState

__all__ = ["Appender", "Ledger", "Reader", "now"]

_SQLITE = (
    sqlite3.sqlite_version_info[0] * 1_000_000 + sqlite3.sqlite_version_info[1] * 1000 + sqlite3.sqlite_version_info[2]
)
"""Written into each row, so that the header field in which SQLite notes its version can be checked."""


class Ledger:
    """One ledger file."""

    __slots__ = ("_guard", "_state", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._state = LedgerState()

    # ---------------------------------------------------------------------------------------------- opening

    @classmethod
    def open(cls, path: Path, relation: NeighbouringRelation | None = None) -> Ledger:
        """Open a ledger; make it where it does not exist and a relation is given.

        Raises:
            LedgerError: the file is missing, corrupt, locked, of another version, or of another relation.
        """
        with sqlite_failures(path):
            path = path.expanduser().resolve()
            if relation is not None and not path.exists():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                cls._create(path, relation)
        ledger = cls(path)
        with ledger.reading() as state:
            found = state.relation
        if relation is not None and relation is not found:
            raise LedgerError(
                f"The ledger {path.name} holds charges under {found.value if found else 'nothing'}; "
                f"{relation.value} was asked.\n"
                "One ledger has one neighbouring relation: use its relation, or another ledger."
            )
        if os.name == "posix" and path.stat().st_mode & 0o077 and path.stat().st_uid == os.geteuid():
            path.chmod(0o600)  # a copy made under a loose umask
        return ledger

    @staticmethod
    def _create(path: Path, relation: NeighbouringRelation) -> None:
        draft = draft_path(path)
        connection = create_file(draft)
        try:
            secret = secrets.token_bytes(32)
            body = {
                "type": "ledger",
                "version": LEDGER_VERSION,
                "relation": relation.value,
                "sealed": sealed_digest(secret, secret),
                "schema": connection.execute("PRAGMA schema_version").fetchone()[0],
                "time": now(),
            }
            _append(connection, LedgerState(), body, secret)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            draft.unlink(missing_ok=True)
            raise
        connection.close()
        publish(draft, path)

    # ----------------------------------------------------------------------------------------- transactions

    @contextlib.contextmanager
    def reading(self) -> Iterator[LedgerState]:
        """The state of all committed rows."""
        with self.read_transaction() as reader:
            yield reader.state

    @contextlib.contextmanager
    def read_transaction(self) -> Iterator[Reader]:
        """One transaction that reads rows and payloads as they stand together."""
        with self._guard, sqlite_failures(self.path), contextlib.closing(connect(self.path)) as connection:
            connection.execute("BEGIN")
            yield Reader(connection, self._sync(connection))

    @contextlib.contextmanager
    def writing(self) -> Iterator[Appender]:
        """One transaction: committed at the end of the block, rolled back on any error."""
        with self._guard, sqlite_failures(self.path), contextlib.closing(connect(self.path)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Appender(connection, self._sync(connection))
                connection.execute("COMMIT")
            except BaseException:
                self._state = LedgerState()  # rows that were not committed may be in it: read again
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def _sync(self, connection: sqlite3.Connection) -> LedgerState:
        """Take the rows that were appended since the last look."""
        state = self._state
        if state.seq:
            last = connection.execute("SELECT hash FROM rows WHERE seq = ?", (state.seq,)).fetchone()
            if last is None or last[0] != state.head:
                raise LedgerError(
                    f"The ledger {self.path.name} is not the file that was opened: its rows have changed.\n"
                    "Put the file back, or open the table again."
                )
        found = connection.execute(
            "SELECT seq, body, hash, CASE WHEN seq = 1 THEN payload END FROM rows WHERE seq > ? ORDER BY seq",
            (state.seq,),
        )
        for seq, text, digest, payload in found:
            state.apply(Row(seq, text, digest, payload))
        if not state.seq:
            raise LedgerError(f"The ledger {self.path.name} is empty: it was cut off.\nRestore a copy of it.")
        return state


class Reader:
    """The state and payloads of one transaction."""

    __slots__ = ("_connection", "state")

    def __init__(self, connection: sqlite3.Connection, state: LedgerState) -> None:
        self._connection = connection
        self.state = state

    def payload(self, seq: int) -> bytes:
        """The payload of a row."""
        return self._connection.execute("SELECT payload FROM rows WHERE seq = ?", (seq,)).fetchone()[0]


class Appender(Reader):
    """A transaction that may append rows."""

    __slots__ = ()

    def append(self, body: dict[str, Any], payload: bytes | None = None) -> int:
        """Append one row; its sequence number."""
        return _append(self._connection, self.state, body, payload)


def _append(connection: sqlite3.Connection, state: LedgerState, body: dict[str, Any], payload: bytes | None) -> int:
    row = make_row(state.seq + 1, state.head, body | {"sqlite": _SQLITE}, payload)
    connection.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", (row.seq, row.text, row.hash, row.payload))
    state.apply(row)
    return row.seq


def now() -> str:
    """The time in UTC, to the second: 2026-01-31T23:59:59Z."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
