"""The life of a reservation: charged, drawn from, answered, done or burned. Each step is one committed transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dpsynth.accounting.events import AbstractEvent, event_to_json
from dpsynth.accounting.quantities import Budget, format_epsilon_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError, InputError, LedgerError
from dpsynth.gate.accounts import account_named, cap_body
from dpsynth.gate.answers import lost_answer
from dpsynth.gate.caps import check_reservable, require_within
from dpsynth.gate.chain import stored_digest
from dpsynth.gate.identity import job_key
from dpsynth.gate.lease import Lease
from dpsynth.gate.ledger import Appender, Ledger, now
from dpsynth.gate.ledger_state import Account, LedgerState, Reservation
from dpsynth.gate.sequence import spent_up
from dpsynth.version import __version__

if TYPE_CHECKING:
    from dpsynth.engines.base import Fingerprint

__all__ = ["Charge", "StoredAnswer", "Wish", "draw", "finish", "reserve", "store_answer", "stored_answer"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks to have reserved.

    Attributes:
        event: the whole privacy event.
        job: plain JSON that names the work: the same job on the same table is replayed.
        purpose: a word for people.
        budget: the (epsilon, delta) that the event must fit in; the cap of an account that has none yet.
        seed: the seed of a test that is not private, or None.
    """

    event: AbstractEvent
    job: dict[str, Any]
    purpose: str
    budget: Budget | None
    seed: int | None


@dataclass(frozen=True, slots=True)
class Charge:
    """A reservation as a grant sees it.

    Attributes:
        seq: number of its first row.
        event: what was charged.
        stored: how many answers it has already; they are replayed first.
        done: whether it has ended: then it only replays.
        lease: the hold of this process on it; None where it is done.
    """

    seq: int
    event: AbstractEvent
    stored: int
    done: bool
    lease: Lease | None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """A draw and its answer as they were committed."""

    event_id: str
    draw: dict[str, Any]
    answer: dict[str, Any]
    payload: bytes


def reserve(book: Ledger, account: str, fingerprint: Fingerprint, wish: Wish) -> Charge:
    """Charge an event, or find the same job's earlier charge; one transaction.

    Args:
        book: the ledger.
        account: who pays.
        fingerprint: keyed identity of the very table.
        wish: what is asked for.

    Raises:
        AccountingError: the event may not be reserved, or costs more than the budget given with it.
        BudgetRefused: the cap of the account or of the ledger does not hold it; nothing was charged.
        InputError: the account has no cap and no budget was given.
        LedgerError: the same job is being run by a living process.
    """
    check_reservable(wish.event)
    with book.reading() as state:
        key = _key(state, account, fingerprint, wish)
        earlier = state.find(account, key)
        if earlier is None or (earlier.pending and not _goes_on(earlier)):
            # What costs time is computed before the lock is taken; inside it the figures are looked up.
            _require_within_budget(wish, _relation(state))
            _figures(state, account, wish)
    with book.writing() as ledger:
        earlier = ledger.state.find(account, key)
        if earlier is not None:
            found = _take_up(book, ledger, earlier)
            if found is not None:
                return found
        return _charge(book, ledger, account, key, wish)


def _key(state: LedgerState, account: str, fingerprint: Fingerprint, wish: Wish) -> str:
    facts = {
        "job": wish.job,
        "event": event_to_json(wish.event),
        "unit": str(account_named(state, account).unit),
        "relation": _relation(state).value,
        "seed": wish.seed,
    }
    return job_key(state.secret, fingerprint, facts)


def _take_up(book: Ledger, ledger: Appender, earlier: Reservation) -> Charge | None:
    """The earlier charge of the same job, to be replayed or gone on with; None where a crash burned it."""
    if earlier.state == "done":
        return Charge(earlier.seq, earlier.event, len(earlier.draws), True, None)
    lease = Lease.acquire(book.path, earlier.seq)
    if lease is None:
        raise LedgerError(
            f"The same job is being run by another process (reservation {earlier.seq}).\n"
            "Wait for it to end and run again: its answers are then replayed at no cost."
        )
    if not earlier.pending:
        return Charge(earlier.seq, earlier.event, len(earlier.draws), False, lease)
    if _goes_on(earlier):
        # The cut-off steps saw noise that nobody has; they stay charged, and the job goes on from the state before.
        facts, payload = lost_answer()
        body = {"type": "answer", "reservation": earlier.seq, "index": len(earlier.draws) - 1, **facts}
        ledger.append(body | {"stored": stored_digest(payload)}, payload)
        return Charge(earlier.seq, earlier.event, len(earlier.draws), False, lease)
    ledger.append({"type": "burned", "reservation": earlier.seq, "why": "a draw has no answer: a crash"})
    lease.release()
    return None


def _goes_on(earlier: Reservation) -> bool:
    """Whether the draw without an answer is a piece of a training, which the same job skips."""
    return earlier.draws[-1].body["query"]["kind"] == "gradients"


def _charge(book: Ledger, ledger: Appender, account: str, key: str, wish: Wish) -> Charge:
    holder = account_named(ledger.state, account)
    cap = _cap(holder, wish)
    relation = _relation(ledger.state)
    require_within(f"The cap of the account {account} is {cap}", holder.events, wish.event, cap, relation)
    if (whole := ledger.state.cap) is not None:
        require_within(f"The cap of the whole ledger is {whole}", ledger.state.events, wish.event, whole, relation)
    if holder.cap is None:
        ledger.append(cap_body(account, cap, "first release"))
    body = {
        "type": "reserved",
        "account": account,
        "event": event_to_json(wish.event),
        "job": wish.job,
        "purpose": wish.purpose,
        "budget": None if wish.budget is None else {"epsilon": wish.budget.epsilon, "delta": wish.budget.delta},
        "key": key,
        "private": wish.seed is None,
        "dpsynth": __version__,
        "time": now(),
    }
    seq = ledger.append(body)
    return Charge(seq, wish.event, 0, False, Lease.acquire(book.path, seq))


def _require_within_budget(wish: Wish, relation: NeighbouringRelation) -> None:
    if wish.budget is None:
        return
    cost = spent_up((wish.event,), wish.budget.delta, relation)
    if not cost <= wish.budget.epsilon:
        raise AccountingError(
            f"The event costs epsilon {format_epsilon_up(cost)} at delta {wish.budget.delta:g}; "
            f"its budget is {wish.budget}.\nNothing was charged. Calibrate the plan again."
        )


def _figures(state: LedgerState, account: str, wish: Wish) -> None:
    """Certify what `_charge` will need; the results are remembered."""
    holder = account_named(state, account)
    spent_up((*holder.events, wish.event), _cap(holder, wish).delta, _relation(state))
    if state.cap is not None:
        spent_up((*state.events, wish.event), state.cap.delta, _relation(state))


def _cap(holder: Account, wish: Wish) -> Budget:
    cap = holder.cap or wish.budget
    if cap is None:
        raise InputError(
            f"The account {holder.name} has no cap yet, and no budget was given.\n"
            "Give the reservation a budget, or open the table with a cap."
        )
    return cap


def _relation(state: LedgerState) -> NeighbouringRelation:
    if state.relation is None:
        raise LedgerError("The ledger has no first row. Restore a copy of the file.")
    return state.relation


def draw(book: Ledger, reservation: int, index: int, facts: dict[str, Any]) -> str:
    """Commit that a draw is about to happen.

    Args:
        book: the ledger.
        reservation: number of the charge.
        index: the draw's place among the draws of the charge.
        facts: question, mechanism, event, number of draws: public.

    Returns:
        The event id: the hash of the row (hex).

    Raises:
        LedgerError: the charge has ended, or another process draws under it.
    """
    with book.writing() as ledger:
        _expect(ledger.state, reservation, index)
        ledger.append({"type": "running", "reservation": reservation, "index": index, **facts})
        return ledger.state.head.hex()


def store_answer(book: Ledger, reservation: int, index: int, facts: dict[str, Any], payload: bytes) -> None:
    """Commit the noisy answer of a draw.

    Args:
        book: the ledger.
        reservation: number of the charge.
        index: the draw's place among the draws of the charge.
        facts: shapes and digest of the answer.
        payload: the answer, packed.

    Raises:
        LedgerError: the charge has ended meanwhile, or the file cannot take the answer.
    """
    with book.writing() as ledger:
        _expect(ledger.state, reservation, index + 1)
        body = {"type": "answer", "reservation": reservation, "index": index, **facts}
        ledger.append(body | {"stored": stored_digest(payload)}, payload)


def finish(book: Ledger, reservation: int, state: str, why: str = "") -> None:
    """End a charge; what has ended already stays as it is.

    Args:
        book: the ledger.
        reservation: number of the charge.
        state: "done" or "burned".
        why: a word for people.
    """
    with book.writing() as ledger:
        if ledger.state.reservations[reservation].state in ("reserved", "running"):
            body = {"type": state, "reservation": reservation}
            ledger.append(body | {"why": why} if why else body)


def stored_answer(book: Ledger, reservation: int, index: int) -> StoredAnswer:
    """A draw that has its answer.

    Raises:
        LedgerError: the stored bytes do not match their digest.
    """
    with book.read_transaction() as reader:
        made = reader.state.reservations[reservation].draws[index]
        payload = reader.payload(made.answer) if made.answer is not None else b""
    if made.answer_body is None or stored_digest(payload) != made.answer_body["stored"]:
        raise LedgerError(f"An answer stored in the ledger {book.path.name} is corrupt.\nRestore a copy of the file.")
    return StoredAnswer(made.event_id, made.body, made.answer_body, payload)


def _expect(state: LedgerState, reservation: int, draws: int) -> None:
    found = state.reservations.get(reservation)
    if found is None or found.state not in ("reserved", "running") or len(found.draws) != draws:
        raise LedgerError(
            f"Reservation {reservation} was ended or taken on by another process.\n"
            "Nothing was released here. Run the job again."
        )
