"""What a ledger tells its owner (`show`), and what a release publishes of it (`extract`).

No sketch, no key and no idempotency key leaves the file either way. `show` is for whoever runs jobs: names of accounts,
numbers of rows and what an account spent depend on which tables were recognised, and so on the rows. `extract` is for
everybody: it tells of one release's own charge only what its plan and its noisy answers tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dpsynth.accounting.events import event_to_json
from dpsynth.accounting.quantities import Budget, format_epsilon_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import LedgerError
from dpsynth.gate.accounts import account_named, set_cap
from dpsynth.gate.accounts import book_non_private as append_look
from dpsynth.gate.caps import format_epsilon_down
from dpsynth.gate.ledger import Ledger
from dpsynth.gate.ledger_state import Account, Draw, LedgerState, Reservation
from dpsynth.gate.sequence import spent_up
from dpsynth.gate.table import PrivateTable

__all__ = ["book_non_private", "extract", "ledger_extract", "raise_cap", "show"]


def show(path: Path | str) -> dict[str, Any]:
    """The whole ledger as plain JSON: its accounts, what they have spent and have left, and every charge.

    It is not for publication: which account a table was charged to depends on its rows.

    Raises:
        LedgerError: the ledger is missing or cannot be used.
    """
    with _open(path).reading() as state:
        return {
            "ledger": _ledger_facts(state) | {"path": str(path), "cap": _cap(state.cap)},
            "accounts": [_account_facts(account, state) for account in state.accounts.values()],
            "charges": [_charge_facts(charge) for charge in state.reservations.values()],
            "non_private": [_look_facts(look) for look in state.non_private],
        }


def extract(path: Path | str, account: str, event_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """What a release publishes of the ledger: its own charge, and the draws behind it.

    Args:
        path: the ledger.
        account: the account that holds the draws; its name is not published.
        event_ids: the draws of the release (as measurements quote them); None lists all of the account, which is for
            the ledger's owner.

    Returns:
        Plain JSON. `charges` are those that hold the draws, counted from 0; `draws` name their charge by that number.

    Raises:
        InputError: there is no such account.
        LedgerError: the ledger cannot be used, or does not hold one of the draws.

    Guarantee: post-processing of the plan and the noisy answers, up to a date, hashes, and what a replay tells
        (docs/threat-model.md). No account, row number, spent budget or other charge is in it: which tables the ledger
        knows depends on rows. A date says nothing of how long a job ran.
    """
    with _open(path).reading() as state:
        holder = account_named(state, account)
        draws = {made.event_id: (charge, made) for charge in holder.reservations for made in charge.draws}
        wanted = list(draws) if event_ids is None else list(event_ids)
        if not set(wanted) <= set(draws):
            raise LedgerError(
                f"The account {account} does not hold one of the draws asked for.\nName the ledger they are in."
            )
        held = {draws[event_id][0].seq for event_id in wanted}
        charges = [charge for charge in holder.reservations if charge.seq in held]
        place = {charge.seq: i for i, charge in enumerate(charges)}
        relation = _relation(state)
        return {
            "relation": relation.value,
            "unit": str(holder.unit),
            "charges": [_published_charge(charge, relation) for charge in charges],
            "draws": [_draw_facts(place[draws[name][0].seq], draws[name][1]) for name in wanted],
        }


def ledger_extract(table: PrivateTable, event_ids: Sequence[str] | None = None) -> dict[str, Any]:
    """`extract` for the account of an open table."""
    return extract(table.ledger_path, table.account, event_ids)


def raise_cap(path: Path | str, account: str | None, cap: Budget, reason: str = "by hand") -> None:
    """Set a new cap: an explicit row of the ledger. It may also be lower than the last.

    Args:
        path: the ledger.
        account: the account, or None for the whole ledger.
        cap: the new cap.
        reason: a word for people.

    Raises:
        InputError: there is no such account.
        LedgerError: the ledger cannot be used.
    """
    set_cap(_open(path), account, cap, reason)


def book_non_private(path: Path | str, account: str, reason: str) -> None:
    """Book that rows were looked at without noise, for an internal report that is not part of any release."""
    append_look(_open(path), account, reason)


def _open(path: Path | str) -> Ledger:
    found = Path(path).expanduser()
    if not found.is_file():
        raise LedgerError(f"There is no ledger {path}.\nName the file, or set DPSYNTH_LEDGER.")
    return Ledger.open(found)


def _relation(state: LedgerState) -> NeighbouringRelation:
    return state.relation or NeighbouringRelation.ADD_REMOVE


def _ledger_facts(state: LedgerState) -> dict[str, Any]:
    return {"relation": _relation(state).value, "rows": state.seq, "head": state.head.hex()}


def _cap(cap: Budget | None) -> dict[str, float] | None:
    return None if cap is None else {"epsilon": float(cap.epsilon), "delta": float(cap.delta)}


def _account_facts(account: Account, state: LedgerState) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "name": account.name,
        "unit": str(account.unit),
        "declared": account.declared,
        "cap": _cap(account.cap),
        "charges": len(account.reservations),
        "non_private": account.non_private,
        "private": all(charge.private for charge in account.reservations),
    }
    if account.cap is None:
        return facts | {"spent": None, "spent_text": "", "remaining_text": ""}
    spent = spent_up(account.events, account.cap.delta, _relation(state))
    left = max(0.0, account.cap.epsilon - spent)
    return facts | {
        "spent": spent if spent < float("inf") else None,
        "spent_text": format_epsilon_up(spent),
        "remaining_text": format_epsilon_down(left),
    }


def _charge_facts(charge: Reservation) -> dict[str, Any]:
    body = charge.body
    return {
        "row": charge.seq,
        "account": charge.account,
        "state": charge.state,
        "purpose": body["purpose"],
        "job": body["job"],
        "budget": body["budget"],
        "event": event_to_json(charge.event),
        "draws": len(charge.draws),
        "private": charge.private,
        "time": body["time"],
        "dpsynth": body["dpsynth"],
    }


def _published_charge(charge: Reservation, relation: NeighbouringRelation) -> dict[str, Any]:
    body, certified = charge.body, None
    if body["budget"] is not None:
        cost = spent_up((charge.event,), body["budget"]["delta"], relation)
        certified = {"epsilon": format_epsilon_up(cost), "delta": body["budget"]["delta"]}
    return {
        "purpose": body["purpose"],
        "job": body["job"],
        "budget": body["budget"],
        "certified": certified,
        "event": event_to_json(charge.event),
        "draws": len(charge.draws),
        "private": charge.private,
        "date": body["time"][:10],
        "dpsynth": body["dpsynth"],
    }


def _draw_facts(place: int, made: Draw) -> dict[str, Any]:
    body = made.body
    named = ("index", "query", "mechanism", "event", "draws", "total_variation", "private")
    answer = None if made.answer_body is None else made.answer_body["digest"]
    return {"event_id": made.event_id, "charge": place, **{name: body[name] for name in named}, "answer": answer}


def _look_facts(look: dict[str, Any]) -> dict[str, Any]:
    return {name: look[name] for name in ("account", "reason", "time")}
