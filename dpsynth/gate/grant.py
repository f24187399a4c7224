"""The right to ask the questions of one reservation; `release` is the only place where rows become numbers."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from dpsynth.accounting.events import AbstractEvent, event_to_json
from dpsynth.domain.columns import AbstractColumn, Grid, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import AccountingError, LedgerError, PlanError
from dpsynth.gate.allowance import Allowance
from dpsynth.gate.answers import (
    add_noise,
    check_query,
    count_draws,
    describe,
    exact_answers,
    lost_answer,
    pack,
    to_measurements,
    unpack,
)
from dpsynth.gate.charges import Charge, draw, finish, store_answer, stored_answer
from dpsynth.gate.foreign import AbstractBridge, ForeignTask, hand_over
from dpsynth.gate.gradients import GradientProgram, parameter_count
from dpsynth.gate.gradients_state import TrainingState, require_torch
from dpsynth.gate.ledger import Ledger
from dpsynth.gate.mechanisms import (
    DRAW_TOTAL_VARIATION,
    AbstractMechanism,
    Claimed,
    Query,
    QueryShape,
    SampledGaussian,
    event_of,
    mechanism_to_json,
)
from dpsynth.gate.opaque import AbstractOpaque, without_words
from dpsynth.measurement import Measurement
from dpsynth.noise.entropy import AbstractEntropy, SeededEntropy, SystemEntropy

if TYPE_CHECKING:
    from dpsynth.engines.base import AbstractEngine

__all__ = ["Grant"]


class Grant(AbstractOpaque):
    """One reservation, open for questions inside a `with` block.

    Answers that an earlier run of the same job stored are given again in order, at no cost; then drawing goes on. At
    the end of the block the reservation is done, whatever was left of it. An exception leaves it to be gone on with
    by the same job, unless a draw was under way: then it is burned.
    """

    __slots__ = (
        "__allowance",
        "__charge",
        "__engine",
        "__grids",
        "__guard",
        "__index",
        "__ledger",
        "__relation",
        "__seed",
        "__state",
        "__unit",
    )

    def __init__(
        self,
        engine: AbstractEngine,
        ledger: Ledger,
        charge: Charge,
        unit: PrivacyUnit,
        relation: NeighbouringRelation,
        seed: int | None,
    ) -> None:
        self.__engine = engine
        self.__ledger = ledger
        self.__charge = charge
        self.__unit = unit
        self.__relation = relation
        self.__seed = seed
        self.__allowance = Allowance(charge.event)
        self.__index = 0
        self.__state = "open"
        self.__grids: Domain | None = None
        self.__guard = threading.Lock()

    def __repr__(self) -> str:
        return f"Grant(reservation {self.__charge.seq} of {self.__ledger.path.name}, {self.__state})"

    @property
    def reservation(self) -> int:
        """Number of the ledger row that charged the event."""
        return self.__charge.seq

    @property
    def event(self) -> AbstractEvent:
        """The event that was charged."""
        return self.__charge.event

    @property
    def replayed(self) -> bool:
        """Whether the job had been run to its end before: every answer is a stored one and nothing was charged."""
        return self.__charge.done

    @property
    def private(self) -> bool:
        """False where a test seed draws the noise."""
        return self.__seed is None

    def __enter__(self) -> Grant:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        was_open, self.__state = self.__state == "open", "closed"
        try:
            if was_open and kind is None and not self.__charge.done:
                finish(self.__ledger, self.__charge.seq, "done")
        finally:
            if self.__charge.lease is not None:
                self.__charge.lease.release()

    def use_grids(self, domain: Domain) -> None:
        """Count what is asked from here on in the cells of other grids; reads no row.

        A row lies in one cell of a column whatever the grid, so no sensitivity depends on it.

        Args:
            domain: the table's domain with other grids of numeric columns: constants with respect to the private
                table, which means public, or built from earlier noisy answers.

        Raises:
            PlanError: anything but grids differs; nothing changed.
        """
        with self.__guard:
            declared = self.__engine.encoder.domain
            if [_without_grid(c) for c in domain] != [_without_grid(c) for c in declared] or replace(
                domain, columns=declared.columns
            ) != declared:
                raise PlanError(
                    "A grant can count on other grids of the same columns only: the domains differ in more."
                )
            self.__engine = self.__engine.on_grids(TableEncoder(domain))
            self.__grids = domain

    def release(self, query: Query, mechanism: AbstractMechanism) -> tuple[Measurement, ...]:
        """Ask one question and get its noisy answer.

        The order is law: the event is computed, files are seen to be the ones that were opened, the event is taken from
        the reservation, a draw row is committed; only then rows are counted and noise is drawn; the noisy answer is
        committed; then it is returned.

        Args:
            query: Total, Marginals, Distances or ParitySums.
            mechanism: the noise.

        Returns:
            One measurement per clique of Marginals, else one.

        Raises:
            PlanError: the question or the mechanism does not fit; nothing was drawn.
            AccountingError: the reservation does not hold the event, or the grant is closed; nothing was drawn.
            BudgetRefused: a filter of the reservation has too little left; nothing was drawn.
            LedgerError: the ledger cannot be written, or the job asked another question than it did before.
            SourceError: a file was changed since the table was opened; nothing was drawn. Or the table could not be
                read to its end; the reservation is burned.

        Guarantee: docs/proofs/gate.md.
        """
        with self.__guard:
            if self.__state != "open":
                raise AccountingError(f"This grant is {self.__state}. Reserve again to ask more.")
            check_query(query, self.__engine.encoder.sizes)
            event = event_of(query, mechanism, self.__unit, self.__relation)
            draws = count_draws(query, mechanism, self.__engine.encoder.sizes)
            facts = describe(query, mechanism) | {
                "event": event_to_json(event),
                "draws": draws,
                "total_variation": DRAW_TOTAL_VARIATION,
                "private": self.private,
            }
            if self.__grids is not None:
                facts["query"]["grids"] = self.__grids.digest()
            if self.__index < self.__charge.stored:
                event_id, noisy = self.__replay(event, draws, facts)
            else:
                event_id, noisy = self.__draw(query, mechanism, event, draws, facts)
            self.__index += 1
            return to_measurements(query, mechanism, noisy, event_id, self.private)

    def train(self, program: GradientProgram, mechanism: SampledGaussian, state: TrainingState) -> TrainingState:
        """Run some steps of DP-SGD and get the state after them. The order is that of `release`.

        Steps that an error or a crash cut off are lost, not burned: the same job goes on from the state before them.

        Args:
            program: the network, its loss, the bound of a row's gradient, the descent: data, not code.
            mechanism: probability, noise and number of steps.
            state: where the training stands: a start that depends on no row, or what this returned before.

        Returns:
            The state after the steps; where they were lost, the given one, that many steps later.

        Raises:
            PlanError: the program, the mechanism or the state does not fit, or PyTorch is missing; nothing was drawn.
            AccountingError: the reservation does not hold the steps, or the grant is closed; nothing was drawn.
            LedgerError: the ledger cannot be written, or the job asked another question than it did before.
            SourceError: a file was changed since the table was opened; nothing was drawn. Or the table could not be
                read to its end; the steps are lost.

        Guarantee: docs/proofs/dp_sgd.md.
        """
        with self.__guard:
            if self.__state != "open":
                raise AccountingError(f"This grant is {self.__state}. Reserve again to ask more.")
            fine = self.__engine.encoder.sizes
            program.check(fine)
            event = event_of(QueryShape("gradients"), mechanism, self.__unit, self.__relation)
            draws = mechanism.steps * parameter_count(program.layers, program.sizes(fine))
            facts = {
                "query": program.describe() | {"step": state.step},
                "mechanism": mechanism_to_json(mechanism),
                "event": event_to_json(event),
                "draws": draws,
                "total_variation": DRAW_TOTAL_VARIATION,
                "private": self.private,
            }
            if self.__grids is not None:
                facts["query"]["grids"] = self.__grids.digest()
            if self.__index < self.__charge.stored:
                words = self.__replay(event, draws, facts)[1]
            else:
                words = self.__train(program, mechanism, state, event, draws, facts)
            self.__index += 1
            return state.after(words, mechanism.steps)

    def foreign(self, task: ForeignTask, bridge: AbstractBridge, claim: Claimed) -> Measurement:
        """Hand coded rows to foreign code under what it claims to spend, and take synthetic rows back.

        The order is that of `release`: charged, seen unchanged, taken, the draw row committed, then rows are read.

        Args:
            task: what is asked; public.
            bridge: the way to the code, which is trusted with the rows and with its claim.
            claim: the whole (epsilon, delta), under the bridge's name.

        Returns:
            int64[rows, columns] of cells, as one measurement. Nothing is noised here.

        Raises:
            PlanError: the task does not fit, or another unit or relation is to be protected; nothing was read.
            AccountingError: the reservation does not hold the claim, or the grant is closed; nothing was read.
            BridgeError: the code could not be run, or gave nothing usable; the charge is burned.
            LedgerError: the ledger cannot be written, or the job asked another question than it did before.
            SourceError: a file was changed since the table was opened; nothing was read.

        Guarantee: the foreign code's own claim, no more.
        """
        with self.__guard:
            if self.__state != "open":
                raise AccountingError(f"This grant is {self.__state}. Reserve again to ask more.")
            task.check(self.__engine.encoder.sizes, bridge, claim)
            event = event_of(QueryShape("foreign"), claim, self.__unit, self.__relation)
            facts = {
                "query": task.describe(),
                "mechanism": mechanism_to_json(claim),
                "event": event_to_json(event),
                "draws": 0,
                "total_variation": 0.0,
                "private": self.private,
            }
            if self.__index < self.__charge.stored:
                event_id, (table,) = self.__replay(event, 0, facts)
            else:
                event_id, table = self.__hand_over(task, bridge, claim, event, facts)
            self.__index += 1
            return Measurement("rows", task.columns, table, 0.0, claim.name, event_id, self.private)

    def __hand_over(
        self, task: ForeignTask, bridge: AbstractBridge, claim: Claimed, event: AbstractEvent, facts: dict
    ) -> tuple[str, np.ndarray]:
        self.__require_open_charge()
        self.__engine.check_unchanged()
        self.__allowance.take(event, 0)
        event_id = draw(self.__ledger, self.__charge.seq, self.__index, facts)
        try:
            table = without_words(lambda: hand_over(self.__engine, task, bridge, claim), "Its charge is burned.")
            shapes, payload = pack([table])
            store_answer(self.__ledger, self.__charge.seq, self.__index, shapes, payload)
        except BaseException:
            self.__burn()
            raise
        return event_id, table

    def __train(
        self,
        program: GradientProgram,
        mechanism: SampledGaussian,
        state: TrainingState,
        event: AbstractEvent,
        draws: int,
        facts: dict,
    ) -> list[np.ndarray]:
        require_torch()
        from dpsynth.gate.gradients_train import Training

        self.__require_open_charge()
        training = Training(program, program.sizes(self.__engine.encoder.sizes), mechanism, state)
        self.__engine.check_unchanged()
        self.__allowance.take(event, draws)
        draw(self.__ledger, self.__charge.seq, self.__index, facts)
        try:
            words = without_words(
                lambda: training.run(self.__engine, self.__entropy()).pack(),
                "Its steps are lost; the same job goes on from the state before them.",
            )
            shapes, payload = pack(words)
            store_answer(self.__ledger, self.__charge.seq, self.__index, shapes, payload)
        except BaseException:
            self.__state = "interrupted"
            try:
                store_answer(self.__ledger, self.__charge.seq, self.__index, *lost_answer())
            except LedgerError:
                pass  # the draw row without an answer says the same to the next run of the job
            raise
        return words

    def __require_open_charge(self) -> None:
        if self.__charge.done:
            raise AccountingError(
                f"Reservation {self.__charge.seq} was finished by an earlier run of this job: it has no more answers.\n"
                "Name the job anew to charge it anew."
            )

    def __replay(self, event: AbstractEvent, draws: int, facts: dict) -> tuple[str, list[np.ndarray]]:
        stored = stored_answer(self.__ledger, self.__charge.seq, self.__index)
        if any(stored.draw.get(name) != facts[name] for name in ("query", "mechanism", "event")):
            raise LedgerError(
                f"The job of reservation {self.__charge.seq} asks another question than it did when it was first run.\n"
                "Its stored answers do not fit. Name the job anew to charge it anew."
            )
        self.__allowance.take(event, draws)
        return stored.event_id, unpack(stored.answer, stored.payload)

    def __draw(
        self, query: Query, mechanism: AbstractMechanism, event: AbstractEvent, draws: int, facts: dict
    ) -> tuple[str, list[np.ndarray]]:
        self.__require_open_charge()
        # Before anything is taken: a file that holds other rows than were charged for is not drawn from.
        self.__engine.check_unchanged()
        self.__allowance.take(event, draws)
        event_id = draw(self.__ledger, self.__charge.seq, self.__index, facts)
        try:
            noisy = self.__cross(query, mechanism)
            shapes, payload = pack(noisy)
            store_answer(self.__ledger, self.__charge.seq, self.__index, shapes, payload)
        except BaseException:
            self.__burn()
            raise
        return event_id, noisy

    def __cross(self, query: Query, mechanism: AbstractMechanism) -> list[np.ndarray]:
        """Count and add noise. The exact counts live in the inner frame only."""

        def cross() -> list[np.ndarray]:
            exact = exact_answers(self.__engine, query)
            return add_noise(exact, query, mechanism, self.__unit, self.__relation, self.__entropy())

        return without_words(cross, "Its charge is burned.")

    def __entropy(self) -> AbstractEntropy:
        if self.__seed is None:
            return SystemEntropy()
        # One stream per draw, so that a run that was interrupted goes on as it would have.
        return SeededEntropy((self.__seed % 2**64) << 64 | self.__charge.seq << 32 | self.__index)

    def __burn(self) -> None:
        self.__state = "burned"
        try:
            finish(self.__ledger, self.__charge.seq, "burned", "a draw has no answer: an error")
        except LedgerError:
            pass  # the draw row without an answer says the same; the next run of the job burns it


def _without_grid(column: AbstractColumn) -> AbstractColumn:
    return replace(column, grid=Grid()) if isinstance(column, (Integer, Real)) else column
