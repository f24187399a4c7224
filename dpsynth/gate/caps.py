"""Whether one more event fits under a cap: the certified epsilon of everything charged, composed with the new event."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from dpsynth.accounting.events import AbstractEvent, ForeignClaim, NonPrivate, Slack, leaves
from dpsynth.accounting.quantities import Budget, format_epsilon_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError, BudgetRefused
from dpsynth.gate.mechanisms import DRAW_SLACK
from dpsynth.gate.sequence import spent_up

__all__ = ["check_reservable", "format_epsilon_down", "require_within"]


def require_within(
    what: str, events: Sequence[AbstractEvent], new: AbstractEvent, cap: Budget, relation: NeighbouringRelation
) -> None:
    """Refuse an event that would take the certified epsilon over a cap.

    Args:
        what: the cap in words, for the message.
        events: everything charged so far, whatever its state.
        new: the event asked for.
        cap: the cap; epsilon is certified at the cap's delta.
        relation: the ledger's neighbouring relation.

    Raises:
        BudgetRefused: it does not fit.
    """
    after = spent_up((*events, new), cap.delta, relation)
    if after <= cap.epsilon:  # written so that a figure that is not a number is refused
        return
    requested = spent_up((new,), cap.delta, relation)
    before = spent_up(events, cap.delta, relation)
    raise BudgetRefused(
        f"epsilon {format_epsilon_up(requested)} at delta {cap.delta:g}",
        f"epsilon {format_epsilon_down(max(0.0, cap.epsilon - before))} of {format_epsilon_up(cap.epsilon)}",
        f"epsilon {format_epsilon_up(after - cap.epsilon)}",
        f"{what}. Ask for less, or raise the cap on purpose: dpsynth ledger cap.",
    )


def check_reservable(event: AbstractEvent) -> None:
    """Refuse an event that may not be reserved.

    Raises:
        AccountingError: it holds a look without noise, or not the slack of the exact sampler. Foreign claims alone
            need none: the gate draws nothing for them.
    """
    slack, drawn = 0.0, False
    for leaf, count in leaves(event):
        if isinstance(leaf, NonPrivate):
            raise AccountingError("A reservation cannot hold a NonPrivate event. Book it with book_non_private.")
        if isinstance(leaf, Slack):
            slack += leaf.delta * count
        drawn = drawn or not isinstance(leaf, ForeignClaim)
    if slack < DRAW_SLACK and (drawn or not any(True for _ in leaves(event))):
        raise AccountingError(
            "A reserved event must hold Slack(DRAW_SLACK) for the tables of the exact sampler.\n"
            "Build it with dpsynth.gate.with_slack(...)."
        )


def format_epsilon_down(epsilon: float, digits: int = 4) -> str:
    """Decimal text that is never above `epsilon`."""
    if not math.isfinite(epsilon):
        return "infinite"
    text = format(Decimal(epsilon).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_FLOOR), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
