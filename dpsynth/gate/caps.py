"""Whether one more event fits under a cap: the certified epsilon of everything charged, composed with the new event."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import AbstractEvent, Composed, NonPrivate, Repeated, Slack, leaves
from dpsynth.accounting.quantities import Budget, Delta, format_epsilon_up
from dpsynth.domain.unit import NeighbouringRelation
from dpsynth.errors import AccountingError, BudgetRefused
from dpsynth.gate.mechanisms import DRAW_SLACK

__all__ = ["check_reservable", "compose", "format_epsilon_down", "require_within", "spent_up"]


def compose(events: Sequence[AbstractEvent]) -> AbstractEvent:
    """All events as one; a single event is itself, so that a plan and the ledger certify the same object."""
    if len(events) == 1:
        return events[0]
    counted = Counter(events)  # equal events once: a thousand equal charges are certified as fast as one
    return Composed(tuple(event if count == 1 else Repeated(event, count) for event, count in counted.items()))


@lru_cache(maxsize=256)
def _certified(event: AbstractEvent, delta: float, relation: NeighbouringRelation) -> float:
    return float(epsilon_up(event, Delta(delta), relation).epsilon)


def spent_up(events: Sequence[AbstractEvent], delta: float, relation: NeighbouringRelation) -> float:
    """Certified epsilon at delta of all events together (0 for none; infinity where nothing finite is sound).

    Guarantee: an upper bound that the accountants certify; equal events give equal figures.
    """
    return _certified(compose(events), delta, relation) if events else 0.0


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
        AccountingError: it holds a look without noise, or not the slack of the exact sampler.
    """
    slack = 0.0
    for leaf, count in leaves(event):
        if isinstance(leaf, NonPrivate):
            raise AccountingError("A reservation cannot hold a NonPrivate event. Book it with book_non_private.")
        if isinstance(leaf, Slack):
            slack += leaf.delta * count
    if slack < DRAW_SLACK:
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
