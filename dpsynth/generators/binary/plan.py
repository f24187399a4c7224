"""Tables of two-valued columns: which parities are measured, how finely, and what is made of them.

Noise goes on sums of parities, not on cells of marginals: m sums with equal noise cost what m marginals would, but each
interaction is paid for once, however many marginals hold it. Written rules, of public or paid quantities only:

    first answers    .07 / sqrt(columns) of the budget on the number of rows, .08 on all columns, .25 on all pairs, .10
                     on all triples, .05 on all fours; the third and fourth order only where the noise of one sum is at
                     most .08 and .045 (more than 16 columns: .03) of the noisy number of rows
    second wave      what is left, split among the orders, and among the sets of an order by what the first answers say
                     (allocation.py)
    model            the whole joint up to 16 columns, Gibbs particles from 17 to 40
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.accounting.calibrate import calibrate_mu
from dpsynth.accounting.events import GaussianFilter
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import PlanError
from dpsynth.gate import ParitySums, RoundedGaussian, with_slack
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.binary.allocation import Order, plan_wave, predicted_error
from dpsynth.generators.binary.explicit import climb, posterior_mode
from dpsynth.generators.binary.law import AbstractLaw, JointLaw, RowsLaw
from dpsynth.generators.binary.model import BinaryModel
from dpsynth.generators.binary.sampled import Look, finish, look
from dpsynth.generators.binary.shrinkage import Prior
from dpsynth.generators.binary.sums import Sums
from dpsynth.generators.binary.walsh import all_sets
from dpsynth.generators.checks import budget_warnings, require_planned_for
from dpsynth.generators.shares import GaussianShares

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable
    from dpsynth.gate.grant import Grant
    from dpsynth.measurement import Measurement

__all__ = ["MOST_COLUMNS", "is_binary", "plan_binary"]

MOST_COLUMNS = 40
JOINT_COLUMNS = 16
ROWS_SHARE = 0.07  # over the root of the number of columns; one column: 0.3
SHARES = {1: 0.08, 2: 0.25, 3: 0.10, 4: 0.05}
LARGEST_NOISE = {3: 0.08, 4: 0.045}
LARGEST_NOISE_OF_MANY = {3: 0.08, 4: 0.03}  # more columns than a joint holds: particles need clearer fours
WAVE = "second wave"
METHOD = "parities/1"
HARDLY = 0.05  # of the rows that a column is off
FLOOR = 0.3  # of the variance 1/n that drawing rows would add


def is_binary(domain: Domain) -> bool:
    """Whether every modelled column has exactly two cells (a missing or other state is one of them), and few enough.

    Args:
        domain: public columns.

    Guarantee: depends on the domain only.
    """
    if not 1 <= len(domain.modelled) <= MOST_COLUMNS:
        return False
    return all(column.size == 2 for column in TableEncoder(domain).columns)


def plan_binary(
    generator: AbstractGenerator,
    domain: Domain,
    *,
    budget: Budget,
    unit: PrivacyUnit = rows(1),
    relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
) -> BinaryPlan:
    """Fix the whole privacy event for a table of two-valued columns; reads no row.

    Args:
        generator: the recipe in whose name it is planned.
        domain: public columns.
        budget: target (epsilon, delta).
        unit: unit of protection.
        relation: neighbouring relation.

    Returns:
        A plan whose event costs at most the budget.

    Raises:
        PlanError: the domain is not binary.
        BudgetError: a delta too small for Gaussian noise.

    Guarantee:
        Depends on public arguments only.

    Source:
        barak2007privacy, for noise on parities.
    """
    if not is_binary(domain):
        raise PlanError(
            f"Parities need 1 to {MOST_COLUMNS} columns of exactly two cells; a missing state is a cell.\n"
            "Plan this domain with another generator, or declare its columns required and two-valued."
        )
    shares = GaussianShares(calibrate_mu(budget, relation=relation), unit, relation)
    columns = len(domain.modelled)
    top = min(columns, max(SHARES))
    first = 0.3 if top == 1 else ROWS_SHARE / math.sqrt(columns)
    steps = [Step("rows", first, 1, "the number of rows")]
    names = {1: "columns", 2: "pairs", 3: "triples", 4: "fours"}
    for order in range(1, top + 1):
        share = 1.0 - first if top == 1 else SHARES[order]
        often = "; goes to the second wave where the table is small" if order in LARGEST_NOISE else ""
        steps.append(Step(names[order], share, math.comb(columns, order), f"parities of all {names[order]}{often}"))
    if top > 1:
        rest = 1.0 - sum(step.share for step in steps)
        steps.append(Step(WAVE, rest, sum(step.answers for step in steps), "the parities that are worth it once more"))
    return BinaryPlan(
        generator=generator,
        domain=domain,
        budget=budget,
        unit=unit,
        relation=relation,
        event=with_slack(GaussianFilter(shares.mu)),
        steps=tuple(steps),
        forecast=_forecast(columns, top),
        shares=shares,
    )


def _forecast(columns: int, top: int) -> Forecast:
    sets = sum(math.comb(columns, order) for order in range(1, top + 1))
    if columns <= JOINT_COLUMNS:
        return Forecast(2**columns, 8 * 2**columns + 40 * sets**2 + 2**24, 0.3 + sets**2 * 6e-7)
    parameters = sum(min(math.comb(columns, order), 5000) for order in (1, 2, 3))
    return Forecast(parameters, 2**28 + 48_000 * parameters, 2.0 + 0.001 * columns**3)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class BinaryPlan(AbstractPlan):
    """A calibrated plan of parity sums under one GDP filter."""

    shares: GaussianShares

    def parameters(self) -> dict[str, Any]:
        """Those of the recipe, and that parities were measured."""
        return {**self.generator.parameters(), "method": METHOD}

    def job(self) -> dict[str, Any]:
        """As of any plan, with the method: the same recipe measures other tables in other ways."""
        return {**super(BinaryPlan, self).job(), "parameters": self.parameters()}

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> BinaryModel:
        """Measure parities in two waves through the gate; shrink; join.

        Args:
            table: an opened private table with this plan's domain, unit and relation.
            progress: called with public stage names.

        Returns:
            The fitted model.

        Raises:
            PlanError: the table was opened with another domain, unit or relation; nothing was charged.
            BudgetRefused: the ledger has less left than the plan costs; nothing was read.

        Guarantee:
            Reads the table through `grant.release` only, under this plan's event.
        """
        require_planned_for(self, table)
        report = progress or (lambda stage, done: None)
        names = TableEncoder(self.domain).names
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            asker = _Asker(grant, names, self.shares)
            report("parities", 0.0)
            sums = self._first_answers(asker)
            seen: Look | None = None
            if WAVE in {step.name for step in self.steps}:
                report("first look", 0.1)
                seen, priors = _look(sums)
                report("second wave", 0.3)
                sums = self._second_wave(asker, sums, priors)
        report("estimate", 0.4)
        law, priors = _law(sums, seen)
        report("done", 1.0)
        total = sums.total
        errors = predicted_error(_orders(sums, priors), FLOOR / total)
        return BinaryModel(
            domain=self.domain,
            generator={"name": self.generator.name, "parameters": self.parameters()},
            total=total,
            law=law,
            sets=tuple(asker.sets),
            errors=errors,
            measurements=tuple(asker.answers),
            warnings=(*budget_warnings(self.budget, total), *_carried(errors)),
            private=all(answer.private for answer in asker.answers),
        )

    def _first_answers(self, asker: _Asker) -> Sums:
        """All sets of each order that the table is large enough for."""
        columns = len(asker.names)
        sums = Sums(columns, {}, {})
        largest = LARGEST_NOISE if columns <= JOINT_COLUMNS else LARGEST_NOISE_OF_MANY
        for order, step in enumerate(s for s in self.steps if s.name != WAVE):
            if order in LARGEST_NOISE:
                noise = self.shares.distances_sigma_up(step.share, step.answers)
                if order - 1 not in sums.values or noise > largest[order] * sums.total:
                    break
            sets = all_sets(columns, order)
            sums = asker.ask(sums, order, np.arange(len(sets)), step.share)
        return sums

    def _second_wave(self, asker: _Asker, sums: Sums, priors: Mapping[int, Prior]) -> Sums:
        """Spend what is left where the first answers say."""
        unit_noise = (self.shares.distances_sigma_up(1.0, 1) / sums.total) ** 2
        wave = plan_wave(_orders(sums, priors), 1.0 - asker.spent, unit_noise, FLOOR / sums.total)
        for order, share in wave.shares.items():
            sums = asker.ask(sums, order, wave.chosen[order], share)
        return sums


class _Asker:
    """Asks for parity sums and keeps account of shares, answers and sets."""

    def __init__(self, grant: Grant, names: tuple[str, ...], shares: GaussianShares) -> None:
        self.grant, self.names, self.shares = grant, names, shares
        self.spent = 0.0
        self.answers: list[Measurement] = []
        self.sets: list[np.ndarray] = []

    def ask(self, sums: Sums, order: int, places: np.ndarray, share: float) -> Sums:
        """Measure the sets at some places of an order in one vector that takes `share` of the budget."""
        sets = all_sets(len(self.names), order)[places]
        query = ParitySums(tuple(tuple(self.names[j] for j in s) for s in sets.tolist()))
        sigma = self.shares.distances_sigma_up(share, len(sets))
        (answer,) = self.grant.release(query, RoundedGaussian((sigma,)))
        self.spent += share
        self.answers.append(answer)
        self.sets.append(sets.astype(np.int16))
        return sums.with_measured(order, places, answer.values, answer.sigma**2)


def _carried(errors: Mapping[int, float]) -> tuple[str, ...]:
    """A warning where the noise is about as large as the table."""
    if errors[1] < HARDLY:
        return ()
    return (
        f"This budget hardly carries this table: each column is expected to be off by {errors[1]:.0%} of the rows. "
        "Use a larger epsilon, more rows or fewer columns.",
    )


def _orders(sums: Sums, priors: Mapping[int, Prior]) -> dict[int, Order]:
    scale = sums.centred().scale
    return {order: Order(prior, scale[order], whole=order < 3) for order, prior in priors.items()}


def _look(sums: Sums) -> tuple[Look | None, dict[int, Prior]]:
    if sums.columns <= JOINT_COLUMNS:
        return None, climb(sums, last=False).priors
    seen = look(sums)
    return seen, seen.priors


def _law(sums: Sums, seen: Look | None) -> tuple[AbstractLaw, dict[int, Prior]]:
    if seen is None:
        start = climb(sums, last=True)
        return JointLaw(posterior_mode(sums, start)), start.priors
    base, priors = finish(sums, seen)
    return RowsLaw(base), priors
