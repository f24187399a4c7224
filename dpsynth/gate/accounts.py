"""Accounts of a ledger: which one a table is charged to, their caps, and looks without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import PrivacyUnit
from dpsynth.errors import InputError, LedgerError
from dpsynth.gate.chain import sealed_digest
from dpsynth.gate.identity import overlap, pack_fingerprint, unpack_fingerprint
from dpsynth.gate.ledger import Ledger, Reader, now
from dpsynth.gate.ledger_state import Account, LedgerState

if TYPE_CHECKING:
    from dpsynth.engines.base import Fingerprint

__all__ = ["account_for", "account_named", "book_non_private", "cap_body", "set_cap"]


def account_for(
    book: Ledger, fingerprint: Fingerprint, unit: PrivacyUnit, declared: str | None = None, cap: Budget | None = None
) -> str:
    """The account of a table: the declared one, else the one that knows at least half of its rows, else a new one.

    Every state of a table that an account has seen counts, so a window that slides over time stays with its account as
    long as it is opened before half of it has changed. A small sample of a large table is not found by its rows
    (`dpsynth.gate.identity` says how small): declare its account.

    Args:
        book: the ledger.
        fingerprint: keyed identity of the table; what is new of it is stored.
        unit: the unit of protection; an account keeps the unit it was made with.
        declared: an account name that overrides the search; that is recorded.
        cap: the cap of the account, where it has none yet.

    Raises:
        LedgerError: the account protects another unit, or has another cap.
    """
    with book.writing() as ledger:
        found, exact = _recognise(ledger, fingerprint)
        name = declared or found or _new_name(ledger.state)
        overrides = found if declared and found != declared else None
        account = ledger.state.accounts.get(name)
        if account is None:
            body = {"type": "account", "name": name, "unit": str(unit), "declared": declared is not None}
            ledger.append(body | {"overrides": overrides, "time": now()})
            account = ledger.state.accounts[name]
        elif account.unit != unit:
            raise LedgerError(
                f"The account {name} of this table protects {account.unit}; {unit} was asked.\n"
                "Use the unit of the account, or declare another account."
            )
        if name not in exact:  # every state is kept, so that a table that changes bit by bit stays with its account
            sealed = pack_fingerprint(fingerprint)
            digest = sealed_digest(ledger.state.secret, sealed)
            ledger.append({"type": "identity", "account": name, "overrides": overrides, "sealed": digest}, sealed)
        if cap is not None and account.cap != cap:
            if account.cap is not None:
                raise LedgerError(
                    f"The account {name} has the cap {account.cap}; {cap} was asked.\n"
                    "Leave the cap out, or change it on purpose: dpsynth ledger cap."
                )
            ledger.append(cap_body(name, cap, "declared"))
        return name


def _recognise(ledger: Reader, fingerprint: Fingerprint) -> tuple[str | None, set[str]]:
    """(the account that knows most of the table, at least half; the accounts that know this very table)."""
    best, best_share, exact = None, 0.0, set()
    for account in ledger.state.accounts.values():
        for seq in account.identities:
            sketch, digest = unpack_fingerprint(ledger.payload(seq))
            share = overlap(sketch, fingerprint.sketch)
            if digest == fingerprint.digest:
                exact.add(account.name)
                share = 2.0
            if share >= 0.5 and share > best_share:
                best, best_share = account.name, share
    return best, exact


def _new_name(state: LedgerState) -> str:
    number = len(state.accounts) + 1
    while f"table-{number}" in state.accounts:
        number += 1
    return f"table-{number}"


def set_cap(book: Ledger, account: str | None, cap: Budget, reason: str = "by hand") -> None:
    """Append a new cap; it may be higher or lower than the last.

    Args:
        book: the ledger.
        account: the account, or None for the whole ledger.
        cap: the new cap.
        reason: a word for people.
    """
    with book.writing() as ledger:
        if account is not None:
            account_named(ledger.state, account)
        ledger.append(cap_body(account, cap, reason))


def book_non_private(book: Ledger, account: str, reason: str) -> None:
    """Append that rows were looked at without noise (an internal report). It is never part of a release."""
    with book.writing() as ledger:
        account_named(ledger.state, account)
        ledger.append({"type": "non_private", "account": account, "reason": reason, "time": now()})


def account_named(state: LedgerState, name: str) -> Account:
    """The account of that name.

    Raises:
        InputError: there is none.
    """
    if name not in state.accounts:
        known = ", ".join(sorted(state.accounts)[:10]) or "none"
        raise InputError(f"The ledger has no account {name!r}.\nAccounts: {known}.")
    return state.accounts[name]


def cap_body(account: str | None, cap: Budget, reason: str) -> dict[str, Any]:
    """The body of a cap row."""
    return {
        "type": "cap",
        "account": account,
        "epsilon": float(cap.epsilon),
        "delta": float(cap.delta),
        "reason": reason,
        "time": now(),
    }
