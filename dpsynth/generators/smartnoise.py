"""Synthesizers of smartnoise-synth, run out of process under their own claim: `smartnoise-mst` and its siblings.

The whole (epsilon, delta) is charged before the foreign code sees a row. Columns cross as whole numbers of public
cells, so it learns no categories; the number of synthetic rows is chosen beforehand, so none is learned either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dpsynth.accounting.quantities import Budget
from dpsynth.bridges.install import environment_of
from dpsynth.bridges.smartnoise import SYNTHESIZERS, SmartnoiseBridge
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.domain.unit import rows as rows_unit
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.errors import PlanError
from dpsynth.gate import Claimed, ForeignTask, QueryShape, event_of
from dpsynth.generators.base import AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.checks import modelled_encoder, require_planned_for
from dpsynth.generators.foreign_model import ForeignModel

if TYPE_CHECKING:
    from dpsynth.gate import PrivateTable

__all__ = ["PREFIX", "Smartnoise", "SmartnoisePlan", "smartnoise_named"]

PREFIX = "smartnoise-"
"""What the names of these generators start with."""


def smartnoise_named(name: str) -> Smartnoise:
    """The recipe of a name that starts with PREFIX.

    Raises:
        PlanError: there is no such synthesizer; lists the names.
    """
    kind = name.removeprefix(PREFIX)
    if kind not in SYNTHESIZERS:
        raise PlanError(f"There is no generator {name!r}. Known: {', '.join(PREFIX + kind for kind in SYNTHESIZERS)}.")
    return Smartnoise(kind)


@dataclass(frozen=True, slots=True)
class Smartnoise(AbstractGenerator):
    """A synthesizer of smartnoise-synth.

    Attributes:
        synthesizer: "mst", "aim", "mwem", "pacsynth", "dpctgan", "patectgan", "pategan" or "dpgan".
        rows: how many synthetic rows it draws, once; public, never taken from the table.
        cells: most cells of a numeric column that cross; wider grids are merged into about so many.
        settings: hyper-parameters of the synthesizer, plain JSON.
        bridge: how it is run; its time limit is `SmartnoiseBridge(seconds=...)`.
    """

    synthesizer: str = "mst"
    rows: int = 50_000
    cells: int = 32
    settings: Mapping[str, Any] = field(default_factory=dict)
    bridge: SmartnoiseBridge = field(default_factory=SmartnoiseBridge)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The prefix "smartnoise-" and the synthesizer."""
        return PREFIX + self.synthesizer

    def parameters(self) -> dict[str, Any]:
        """The hyper-parameters, and the lock of the environment: other packages are another job."""
        return {
            "synthesizer": self.synthesizer,
            "rows": self.rows,
            "cells": self.cells,
            "settings": {**SYNTHESIZERS[self.synthesizer].settings, **self.settings},
            "lock": environment_of(self.bridge.name).lock_digest(),
        }

    def plan(
        self,
        domain: Domain,
        *,
        budget: Budget,
        unit: PrivacyUnit = rows_unit(1),
        relation: NeighbouringRelation = NeighbouringRelation.ADD_REMOVE,
    ) -> SmartnoisePlan:
        """Charge the whole budget to the foreign claim; reads no row.

        Args:
            domain: public columns.
            budget: handed over whole.
            unit: rows(1) only.
            relation: add/remove only.

        Returns:
            A plan whose event is the claim.

        Raises:
            PlanError: the environment is not installed, there is no such synthesizer, another unit or relation is to be
                protected, or the synthesizer needs a delta.
        """
        if self.synthesizer not in SYNTHESIZERS:
            raise PlanError(f"smartnoise-synth has no {self.synthesizer!r}. Known: {', '.join(SYNTHESIZERS)}.")
        if SYNTHESIZERS[self.synthesizer].takes_delta and not budget.delta > 0:
            raise PlanError(f"{self.name} needs a delta above 0.")
        encoder = modelled_encoder(domain)
        claim = Claimed(self.bridge.name, float(budget.epsilon), float(budget.delta))
        event = event_of(QueryShape("foreign"), claim, unit, relation)
        self.bridge.require()
        groupings: dict[str, Grouping] = {}
        for name in encoder.names:
            column = encoder.by_name(name)
            if column.ordered_from is not None and column.size - column.ordered_from > self.cells:
                groupings[name] = merge_adjacent(column, self.cells)
        task = ForeignTask(
            columns=encoder.names,
            rows=self.rows,
            groupings=groupings,
            parameters={k: v for k, v in self.parameters().items() if k in ("synthesizer", "settings", "lock")},
        )
        sizes = task.sizes(encoder.sizes)
        said = "foreign code, trusted with the rows and with its claim"
        return SmartnoisePlan(
            generator=self,
            domain=domain,
            budget=budget,
            unit=unit,
            relation=relation,
            event=event,
            steps=(Step(self.name, 1.0, self.rows * len(sizes), said),),
            forecast=Forecast(sum(sizes), 2**31, self.bridge.seconds),
            task=task,
            claim=claim,
            bridge=self.bridge,
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SmartnoisePlan(AbstractPlan):
    """A claim that is ready to be charged."""

    task: ForeignTask
    claim: Claimed
    bridge: SmartnoiseBridge

    def fit(self, table: PrivateTable, progress: Progress | None = None) -> ForeignModel:
        """Charge the claim, hand the coded rows over, keep the synthetic ones.

        Args:
            table: an opened private table with this plan's domain, unit and relation.
            progress: called with public stage names.

        Returns:
            The fitted model: the foreign rows.

        Raises:
            PlanError: the table was opened with another domain, unit or relation; nothing was charged.
            BudgetRefused: the ledger has less left than the claim; nothing was read.
            BridgeError: the foreign code failed; the charge is kept.

        Guarantee: the foreign code's own claim, no more.
        """
        require_planned_for(self, table)
        report = progress or (lambda stage, done: None)
        report(self.generator.name, 0.0)
        with table.reserve(self.event, job=self.job(), purpose=self.generator.name, budget=self.budget) as grant:
            answer = grant.foreign(self.task, self.bridge, self.claim)
        report("done", 1.0)
        kind = SYNTHESIZERS[str(self.task.parameters["synthesizer"])]
        warnings = [f"{self.generator.name} is foreign code: {self.budget} is its own claim, not checked here."]
        if kind.unsupported:
            warnings.append(f"Claim not supported: can never certify. In smartnoise-synth 1.0.8 {kind.unsupported}.")
        elif kind.caveat:
            warnings.append(f"Known of {self.generator.name} in smartnoise-synth 1.0.8: {kind.caveat}.")
        return ForeignModel(
            domain=self.domain,
            generator={"name": self.generator.name, "parameters": self.generator.parameters()},
            total=float(self.task.rows),
            grids={name: self.task.groupings[name] for name in self.task.groupings},
            measurements=(answer,),
            warnings=tuple(warnings),
            private=answer.private,
            cannot_certify=kind.unsupported,
        )
