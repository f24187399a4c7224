"""Whether a ledger can be trusted: every byte, every hash, every answer, and every cap at the time it was used."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.accounting.quantities import Budget, format_epsilon_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import DpsynthError, LedgerError
from dpsynth.gate.allowance import Allowance
from dpsynth.gate.answers import unpack
from dpsynth.gate.caps import check_reservable
from dpsynth.gate.chain import Row, sealed_digest, stored_digest
from dpsynth.gate.ledger_schema import connect, sqlite_failures
from dpsynth.gate.ledger_state import LedgerState, Reservation
from dpsynth.gate.mechanisms import QueryShape, event_of, mechanism_from_json
from dpsynth.gate.pages import Scan, scan
from dpsynth.gate.sequence import spent_up

__all__ = ["VerifyReport", "verify"]


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification found.

    Attributes:
        path: the file.
        problems: sentences, none of them with private facts; empty for a sound ledger.
        warnings: what is sound but worth knowing.
        rows: number of rows.
        charges: number of charges.
        head: hash of the last row (hex); keep it elsewhere to notice a ledger that was set back.
    """

    path: Path
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    rows: int
    charges: int
    head: str

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def verify(path: Path | str) -> VerifyReport:
    """Check a ledger file from its bytes up. Nothing is written.

    Raises:
        LedgerError: the file is missing, cannot be read, or stays locked.

    Guarantee: a change of any one byte is reported, but for the gaps that dpsynth.gate.pages names. A file that was
        replaced by an older copy of itself is sound; only its head, kept elsewhere, tells.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise LedgerError(f"There is no ledger {path}.\nName the file, or set DPSYNTH_LEDGER.")
    problems: list[str] = []
    warnings: list[str] = []
    state = LedgerState()
    image = _image(path, problems)
    if image:
        try:
            found = scan(image)
            _check_rows(found, state, problems)
            problems += _check_draws(state)
            problems += _check_caps(found.rows)
        except LedgerError as error:
            problems.append(str(error))
        except DpsynthError as error:
            problems.append(f"A row cannot be accounted for: {error}")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            problems.append(f"A row lacks what its kind needs, or holds it in another form ({type(error).__name__}).")
    if path.stat().st_mode & 0o077:
        warnings.append("Other users may read the file: its mode should be 0600.")
    if any(not charge.private for charge in state.reservations.values()):
        warnings.append("Some charges were made with a test seed and are NOT PRIVATE.")
    return VerifyReport(path, tuple(problems), tuple(warnings), state.seq, len(state.reservations), state.head.hex())


def _image(path: Path, problems: list[str]) -> bytes:
    """The bytes of the file as one reader sees them, after SQLite's own check.

    Read through SQLite: opening the file beside it would drop the locks of this process.
    """
    with sqlite_failures(path):
        try:
            with contextlib.closing(connect(path)) as connection:
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
                image = connection.serialize()
                if [text for (text,) in connection.execute("PRAGMA integrity_check(10)")] != ["ok"]:
                    problems.append("SQLite's integrity check fails.")
                if path.stat().st_size != len(image):
                    problems.append("The file is longer or shorter than its header says.")
                return image
        except sqlite3.DatabaseError as error:
            if any(word in str(error) for word in ("locked", "unable to open", "readonly")):
                raise
            problems.append("SQLite cannot read the file.")
            return b""


def _check_rows(found: Scan, state: LedgerState, problems: list[str]) -> None:
    for row in found.rows:
        state.apply(row)
        if not _payload_fits(row, state.secret):
            problems.append(f"What is stored beside row {row.seq} has been changed.")
    first, last = found.rows[0].body, found.rows[-1].body
    if found.schema_cookie != first.get("schema") or found.writer != last.get("sqlite"):
        problems.append("The header of the ledger file has been changed.")


def _payload_fits(row: Row, secret: bytes) -> bool:
    body = row.body
    if body["type"] == "answer":
        if row.payload is None or stored_digest(row.payload) != body["stored"]:
            return False
        unpack(body, row.payload)
        return True
    if body["type"] in ("ledger", "identity"):
        return row.payload is not None and sealed_digest(secret, row.payload) == body["sealed"]
    return row.payload is None


def _check_draws(state: LedgerState) -> list[str]:
    """Each draw must be the event of its question, and all of them together what was reserved."""
    problems = []
    for charge in state.reservations.values():
        check_reservable(charge.event)
        if not _draws_fit(charge, state):
            problems.append(f"The draws of reservation {charge.seq} are not what was reserved.")
    return problems


def _draws_fit(charge: Reservation, state: LedgerState) -> bool:
    allowance = Allowance(charge.event)
    unit = state.accounts[charge.account].unit
    for made in charge.draws:
        mechanism = mechanism_from_json(made.body["mechanism"])
        event = event_of(_shape(made.body["query"]), mechanism, unit, _relation(state))
        if made.event != event or made.body["private"] != charge.private:
            return False
        try:
            allowance.take(made.event, made.body["draws"])
        except DpsynthError:
            return False
    return True


def _shape(query: Any) -> QueryShape:
    """The shape of a question as a draw row describes it."""
    if query["kind"] == "paritysums":
        return QueryShape("parities", sum(count for _, count in query["orders"]))
    return QueryShape(query["kind"], len(query["cliques"]), tuple(query.get("weights", ())))


def _check_caps(rows: tuple[Row, ...]) -> list[str]:
    """Certify every account, and the whole ledger, against each cap as it stood at the last charge under it."""
    problems: list[str] = []
    state = LedgerState()
    due: dict[str | None, Budget] = {}
    for row in rows:
        body = row.body
        if body["type"] == "cap":
            problems += _over(state, due, body["account"])
        state.apply(row)
        if body["type"] == "reserved":
            account = state.accounts[body["account"]]
            if account.cap is None:
                problems.append(f"Row {row.seq} charges an account that has no cap.")
            else:
                due[account.name] = account.cap
            if state.cap is not None:
                due[None] = state.cap
    for name in list(due):
        problems += _over(state, due, name)
    return problems


def _over(state: LedgerState, due: dict[str | None, Budget], name: str | None) -> list[str]:
    cap = due.pop(name, None)
    if cap is None:
        return []
    events = state.events if name is None else state.accounts[name].events
    spent = spent_up(events, cap.delta, _relation(state))
    if spent <= cap.epsilon:
        return []
    holder = "whole ledger" if name is None else f"account {name}"
    return [f"The {holder} has spent epsilon {format_epsilon_up(spent)}, above its cap {cap}."]


def _relation(state: LedgerState) -> NeighbouringRelation:
    if state.relation is None:
        raise LedgerError("The ledger has no first row.")
    return state.relation
