"""What the rows of a ledger add up to: accounts, caps, reservations and their draws, folded row by row.

Kinds of rows, in the words of their bodies. A reservation goes reserved -> running (one row per draw, each followed by
its answer) -> done | burned; whatever its state, its whole event stays charged.

    ledger        the first row: relation, versions; its payload is the secret key
    account       a new account: name, unit, whether a person named it
    identity      one more sketch by which the account's table is known (payload)
    cap           a cap of one account, or of the whole ledger (account null)
    reserved      an event is charged: job, purpose, budget, idempotency key
    running       a draw is about to happen: question, mechanism, event, number of draws
    answer        the noisy answer of that draw (payload), by its digest
    done, burned  the end of a reservation
    non_private   a look at rows without noise, booked for the record; never part of a release

Only rows that a person set off carry a time: the time between a draw and its answer would tell the size of the table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dpsynth.accounting.events import AbstractEvent, event_from_json
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.errors import DpsynthError, LedgerError
from dpsynth.gate.chain import GENESIS, Row, chain_hash, sealed_digest
from dpsynth.gate.ledger_schema import LEDGER_VERSION

__all__ = ["Account", "Draw", "LedgerState", "Reservation"]


@dataclass(slots=True)
class Draw:
    """One draw row and, where it exists, its answer row.

    Attributes:
        event_id: hash of the draw row (hex): what measurements quote.
        body: the body of the draw row.
        answer: sequence number of the answer row; None while there is none.
        answer_body: the body of the answer row.
    """

    event_id: str
    body: dict[str, Any]
    event: AbstractEvent
    answer: int | None = None
    answer_body: dict[str, Any] | None = None


@dataclass(slots=True)
class Reservation:
    """One charge. `state` is reserved, running, done or burned; `seq` is the number of its first row."""

    seq: int
    account: str
    event: AbstractEvent
    key: str
    private: bool
    body: dict[str, Any]
    state: str = "reserved"
    draws: list[Draw] = field(default_factory=list)

    @property
    def pending(self) -> bool:
        """Whether a draw row has no answer: noise may have been drawn and lost."""
        return bool(self.draws) and self.draws[-1].answer is None


@dataclass(slots=True)
class Account:
    """One protected table."""

    name: str
    unit: PrivacyUnit
    declared: bool
    cap: Budget | None = None
    reservations: list[Reservation] = field(default_factory=list)
    identities: list[int] = field(default_factory=list)
    non_private: int = 0

    @property
    def events(self) -> tuple[AbstractEvent, ...]:
        """Every charged event, in order, whatever became of it."""
        return tuple(reservation.event for reservation in self.reservations)


class LedgerState:
    """The fold of all rows up to `seq`. Refuses a row that breaks the chain or that cannot follow from those before."""

    __slots__ = ("accounts", "cap", "head", "non_private", "relation", "reservations", "secret", "seq")

    def __init__(self) -> None:
        self.seq = 0
        self.head = GENESIS
        self.relation: NeighbouringRelation | None = None
        self.secret = b""
        self.cap: Budget | None = None
        self.accounts: dict[str, Account] = {}
        self.reservations: dict[int, Reservation] = {}
        self.non_private: list[dict[str, Any]] = []

    @property
    def events(self) -> tuple[AbstractEvent, ...]:
        """Every charged event of every account, in order."""
        return tuple(charge.event for charge in self.reservations.values())

    def apply(self, row: Row) -> None:
        """Take one more row.

        Raises:
            LedgerError: the chain is broken, or the row cannot follow.
        """
        if row.seq != self.seq + 1 or row.hash != chain_hash(self.head, row.text):
            raise LedgerError(
                f"The ledger's chain is broken at row {row.seq}: rows were changed, lost or inserted.\n"
                "Restore a copy of the file; run `dpsynth ledger verify` on it."
            )
        try:
            self._take(row, row.body)
        except (KeyError, ValueError, TypeError, IndexError, DpsynthError) as error:
            found = str(error) if isinstance(error, LedgerError) else type(error).__name__
        else:
            self.seq, self.head = row.seq, row.hash
            return
        raise LedgerError(f"Row {row.seq} of the ledger cannot be read: {found}\nAnother program wrote the file.")

    def _take(self, row: Row, body: dict[str, Any]) -> None:
        kind = body["type"]
        if (kind == "ledger") != (row.seq == 1):
            raise LedgerError("a ledger starts with its own row, once.")
        match kind:
            case "ledger":
                if body["version"] != LEDGER_VERSION:
                    raise LedgerError(f"its version is {body['version']}; this dpsynth reads {LEDGER_VERSION}.")
                self.relation = NeighbouringRelation(body["relation"])
                self.secret = row.payload or b""
                if len(self.secret) != 32 or sealed_digest(self.secret, self.secret) != body["sealed"]:
                    raise LedgerError("the key does not match its digest.")
            case "account":
                if body["name"] in self.accounts:
                    raise LedgerError("the account exists.")
                self.accounts[body["name"]] = Account(body["name"], PrivacyUnit.parse(body["unit"]), body["declared"])
            case "identity":
                self.accounts[body["account"]].identities.append(row.seq)
            case "cap":
                cap = Budget(epsilon=body["epsilon"], delta=body["delta"])
                if body["account"] is None:
                    self.cap = cap
                else:
                    self.accounts[body["account"]].cap = cap
            case "reserved":
                event = event_from_json(body["event"])
                made = Reservation(row.seq, body["account"], event, body["key"], body["private"], body)
                self.accounts[made.account].reservations.append(made)
                self.reservations[row.seq] = made
            case "running":
                charge = self._open(body)
                if body["index"] != len(charge.draws) or charge.pending:
                    raise LedgerError("a draw is out of order.")
                charge.state = "running"
                charge.draws.append(Draw(row.hash.hex(), body, event_from_json(body["event"])))
            case "answer":
                charge = self._open(body)
                if body["index"] != len(charge.draws) - 1 or not charge.pending:
                    raise LedgerError("an answer has no draw.")
                charge.draws[-1].answer, charge.draws[-1].answer_body = row.seq, body
            case "done":
                charge = self._open(body)
                if charge.pending:
                    raise LedgerError("a draw has no answer.")
                charge.state = "done"
            case "burned":
                self._open(body).state = "burned"
            case "non_private":
                self.accounts[body["account"]].non_private += 1
                self.non_private.append(body)
            case _:
                raise LedgerError("its kind is not known to this release of dpsynth.")

    def _open(self, body: dict[str, Any]) -> Reservation:
        charge = self.reservations[body["reservation"]]
        if charge.state not in ("reserved", "running"):
            raise LedgerError("its reservation has ended.")
        return charge

    def find(self, account: str, key: str) -> Reservation | None:
        """The latest reservation of the account with this idempotency key that was not burned."""
        for charge in reversed(self.accounts[account].reservations):
            if charge.key == key and charge.state != "burned":
                return charge
        return None
