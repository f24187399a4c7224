"""What a reservation still holds: its elementary events, each to be taken once, and the purses of its filters."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from dpsynth.accounting.events import AbstractEvent, GaussianFilter, Slack, ZCDPFilter, leaves
from dpsynth.accounting.filters import FilterState
from dpsynth.errors import AccountingError, BudgetRefused
from dpsynth.gate.mechanisms import DRAW_TOTAL_VARIATION

__all__ = ["Allowance"]


class Allowance:
    """The rest of one reserved event."""

    __slots__ = ("_draws_left", "_filters", "_fixed")

    def __init__(self, event: AbstractEvent) -> None:
        self._fixed: Counter[AbstractEvent] = Counter()
        self._filters: list[FilterState] = []
        slack = 0.0
        for leaf, count in leaves(event):
            if isinstance(leaf, (GaussianFilter, ZCDPFilter)):
                self._filters += [FilterState(leaf) for _ in range(count)]
            elif isinstance(leaf, Slack):
                slack += leaf.delta * count
            else:
                self._fixed[leaf] += count
        self._draws_left = int(slack / DRAW_TOTAL_VARIATION)

    def take(self, event: AbstractEvent, draws: int) -> None:
        """Take an event and its draws out: all of it, or nothing.

        Each elementary event is taken from the fixed ones where an equal one is left, else from the first filter that
        can pay for it, in exact fractions.

        Raises:
            AccountingError: the reservation does not hold the event, or not that many draws.
            BudgetRefused: a filter that could pay for such an event has too little left.

        Guarantee: the events taken never cost more than the reserved event.
        """
        if draws > self._draws_left:
            raise AccountingError("The reservation's slack does not cover that many draws. Reserve a larger Slack.")
        fixed = Counter(self._fixed)
        owed: list[tuple[int, AbstractEvent]] = []
        promised = [Fraction(0) for _ in self._filters]
        for leaf, count in leaves(event):
            at_hand = min(count, fixed[leaf])
            fixed[leaf] -= at_hand
            for _ in range(count - at_hand):
                payer = self._payer(leaf, promised)
                promised[payer] += self._filters[payer].cost(leaf)
                owed.append((payer, leaf))
        for payer, leaf in owed:
            self._filters[payer].take(leaf)
        self._fixed = fixed
        self._draws_left -= draws

    def _payer(self, leaf: AbstractEvent, promised: list[Fraction]) -> int:
        """The first filter that can pay for the event beside what it has promised."""
        refusal: BudgetRefused | None = None
        for place, purse in enumerate(self._filters):
            try:
                cost = purse.cost(leaf)
            except AccountingError:
                continue
            left = purse.remaining - promised[place]
            if cost <= left:
                return place
            refusal = refusal or _short(purse, float(cost), float(left))
        raise refusal or AccountingError(
            f"The reservation does not hold this {leaf.kind} event (any more): it was never reserved, or was used up.\n"
            "Reserve the event that event_of() gives for the question."
        )


def _short(purse: FilterState, cost: float, remaining: float) -> BudgetRefused:
    name = "mu^2" if isinstance(purse.event, GaussianFilter) else "rho"
    return BudgetRefused(
        f"{name} {cost:.6g}",
        f"{name} {remaining:.6g}",
        f"{name} {cost - remaining:.6g}",
        "The filter's total was fixed when it was reserved. Use more noise or fewer steps.",
    )
