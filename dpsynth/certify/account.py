"""The ledger account behind a release: who paid, what it has spent and has left. For the owner, unless disclosed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.errors import LedgerError

__all__ = ["Look", "account_of", "find_account"]


@dataclass(frozen=True, slots=True)
class Look:
    """Where a look at the rows of a release is booked: the ledger and the account in it."""

    ledger: Path
    name: str


def find_account(facts: Mapping[str, Any], ledger: Path | str | None) -> Look:
    """The account that holds the draws of a release.

    Args:
        facts: of release.json.
        ledger: the file (default: as in `dpsynth.open`).

    Raises:
        LedgerError: there is no such ledger, or it does not hold this release.
    """
    from dpsynth.gate import default_ledger_path, extract, show

    path = default_ledger_path() if ledger is None else Path(ledger)
    wanted = [made["event_id"] for made in facts["ledger"]["draws"]]
    for account in show(path)["accounts"]:
        try:
            extract(path, account["name"], wanted)
        except LedgerError:
            continue
        return Look(path, account["name"])
    raise LedgerError(
        f"The ledger {path} does not hold this release.\nName the one that it was charged to, with --ledger."
    )


def account_of(look: Look) -> dict[str, Any]:
    """What the account has spent and has left, as text; looks without noise are counted."""
    from dpsynth.gate import show

    (account,) = [known for known in show(look.ledger)["accounts"] if known["name"] == look.name]
    return {
        "spent": account["spent_text"] or "unknown",
        "cap": account["cap"],
        "charges": account["charges"],
        "remaining": account["remaining_text"] or "unknown",
        "unprotected_looks": account["non_private"],
    }
