"""Training through a grant: charges, stored states, replays, interruptions, crashes, refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.accounting.events import event_from_json
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.errors import AccountingError, LedgerError, PlanError
from dpsynth.gate import (
    Descent,
    GradientProgram,
    PrivateTable,
    QueryShape,
    RoundedGaussian,
    SampledGaussian,
    Total,
    TrainingState,
    event_of,
    ledger_extract,
    open_table,
    show,
    verify,
    with_slack,
)
from dpsynth.gate.gradients import Embed, Linear, parameter_count
from tests.gate.support import kinds_of
from tests.unit.generators.support import chain, letters

pytest.importorskip("torch", reason="PyTorch is not here").set_num_threads(1)

LAYERS = (Embed(4), Linear(0, 12))
PROGRAM = GradientProgram(("a", "b", "c", "d"), LAYERS, Descent(rate=0.01, steps=15, divisor=100.0))
NOISE = SampledGaussian(0.1, 3.0, 5)
START = TrainingState.start(np.random.default_rng(0).normal(size=parameter_count(LAYERS, (3,) * 4)))
BUDGET = Budget(epsilon=2.0, delta=1e-5)


def opened(ledger: Path, **more: Any) -> PrivateTable:
    return open_table(chain(400), domain=letters(), ledger=ledger, **more)


def reserving(table: PrivateTable, pieces: int = 3) -> Any:
    step = event_of(QueryShape("gradients"), NOISE, table.unit, table.relation)
    return table.reserve(with_slack(*[step] * pieces), job={"what": "train"}, budget=BUDGET)


def trained(ledger: Path, pieces: int = 3, **more: Any) -> list[TrainingState]:
    states = [START]
    with reserving(opened(ledger, **more), pieces) as grant:
        for _ in range(pieces):
            states.append(grant.train(PROGRAM, NOISE, states[-1]))
    return states


def test_the_charge_and_the_draw_stand_before_the_rows_are_read(ledger, monkeypatch) -> None:
    from dpsynth.engines.memory import MemoryEngine

    seen: list[list[str]] = []
    real = MemoryEngine.batches

    def batches(self: Any, names: Any = None) -> Any:
        if names == PROGRAM.columns:
            seen.append(kinds_of(ledger))
        return real(self, names)

    monkeypatch.setattr(MemoryEngine, "batches", batches)
    trained(ledger)
    assert [kinds.count("reserved") for kinds in seen] == [1, 1, 1]
    assert all(kinds[-1] == "running" for kinds in seen)
    assert kinds_of(ledger)[-1] == "done"


def test_each_piece_is_its_event_and_the_ledger_is_sound(ledger) -> None:
    table = opened(ledger)
    trained(ledger)
    draws = ledger_extract(table)["draws"]
    step = event_of(QueryShape("gradients"), NOISE, rows(1), NeighbouringRelation.ADD_REMOVE)
    assert [event_from_json(made["event"]) for made in draws] == [step] * 3
    assert [made["query"]["step"] for made in draws] == [0, 5, 10]
    assert verify(ledger).problems == ()


def test_a_replay_gives_the_same_states_and_reads_nothing(ledger, monkeypatch) -> None:
    first = trained(ledger)
    spent = show(ledger)["accounts"][0]["spent"]
    monkeypatch.setattr("dpsynth.gate.gradients_train.Training.run", lambda *_: pytest.fail("rows were read"))
    again = trained(ledger)
    for one, two in zip(first, again, strict=True):
        assert one.step == two.step
        assert np.array_equal(one.parameters, two.parameters)
    assert show(ledger)["accounts"][0]["spent"] == spent


def test_more_steps_than_were_reserved_are_refused(ledger) -> None:
    with reserving(opened(ledger), 1) as grant:
        state = grant.train(PROGRAM, NOISE, START)
        with pytest.raises(AccountingError, match="does not hold this poisson_gaussian event"):
            grant.train(PROGRAM, NOISE, state)


def test_less_noise_than_was_reserved_is_refused(ledger) -> None:
    with reserving(opened(ledger), 1) as grant:
        with pytest.raises(AccountingError, match="does not hold"):
            grant.train(PROGRAM, SampledGaussian(0.1, 2.9, 5), START)
        with pytest.raises(AccountingError, match="does not hold"):
            grant.train(PROGRAM, SampledGaussian(0.11, 3.0, 5), START)
    assert "running" not in kinds_of(ledger)


def test_a_replay_of_another_program_is_refused(ledger) -> None:
    trained(ledger)
    other = GradientProgram(PROGRAM.columns, (Embed(5), Linear(0, 12)), PROGRAM.descent)
    start = TrainingState.start(np.zeros(parameter_count(other.layers, (3,) * 4)))
    with reserving(opened(ledger)) as grant, pytest.raises(LedgerError, match="asks another question"):
        grant.train(other, NOISE, start)


def test_programs_and_questions_do_not_answer_for_each_other(ledger) -> None:
    for query, mechanism in ((QueryShape("gradients"), RoundedGaussian((1.0,))), (Total(), NOISE)):
        with pytest.raises(PlanError, match="answered by SampledGaussian, and by nothing else"):
            event_of(query, mechanism, rows(1), NeighbouringRelation.ADD_REMOVE)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
def test_interrupted_steps_are_lost_and_the_job_goes_on(ledger, monkeypatch, error) -> None:
    from dpsynth.gate import gradients_train

    real, calls = gradients_train.Training.run, [0]

    def run(self: Any, *given: Any) -> TrainingState:
        calls[0] += 1
        if calls[0] == 2:
            raise error("row 17 is 39, Bachelors")
        return real(self, *given)

    monkeypatch.setattr(gradients_train.Training, "run", run)
    with pytest.raises((KeyboardInterrupt, Exception)) as caught:
        trained(ledger)
    assert "Bachelors" not in str(caught.value)
    states = trained(ledger)
    assert [s.step for s in states] == [0, 5, 10, 15]
    assert states[2].parameters is states[1].parameters  # the second piece is lost, and skipped
    assert not np.array_equal(states[3].parameters, states[2].parameters)
    charges = show(ledger)["charges"]
    assert [charge["state"] for charge in charges] == ["done"]
    assert verify(ledger).problems == ()


def test_a_crash_between_draw_and_state_costs_nothing_more(ledger, monkeypatch) -> None:
    """As by kill -9: the draw row has no answer at all. The same job goes on after the lost piece, at the same price."""

    def dies(*_: Any) -> None:
        raise LedgerError("the power is off")

    monkeypatch.setattr("dpsynth.gate.grant.store_answer", dies)
    with pytest.raises(LedgerError):
        trained(ledger)
    assert kinds_of(ledger)[-1] == "running"
    spent = show(ledger)["accounts"][0]["spent"]
    monkeypatch.undo()
    states = trained(ledger)
    assert states[1].parameters is states[0].parameters
    assert states[3].step == 15
    assert kinds_of(ledger).count("running") == 3  # the lost piece is not drawn again
    assert "burned" not in kinds_of(ledger)
    assert show(ledger)["accounts"][0]["spent"] == spent
    assert verify(ledger).problems == ()


def test_lost_pieces_are_told_in_the_ledger(ledger, monkeypatch) -> None:
    monkeypatch.setattr("dpsynth.gate.gradients_train.Training.run", lambda *_: (_ for _ in ()).throw(MemoryError()))
    with pytest.raises(Exception, match="Its steps are lost"):
        trained(ledger)
    import sqlite3

    with sqlite3.connect(ledger) as connection:
        bodies = [json.loads(text) for (text,) in connection.execute("SELECT body FROM rows ORDER BY seq")]
    assert bodies[-1]["type"] == "answer"
    assert bodies[-1]["lost"] is True


def test_a_seeded_training_repeats_and_is_stamped(tmp_path) -> None:
    one, two = (trained(tmp_path / name, seed_not_private=3) for name in "ab")
    assert np.array_equal(one[-1].parameters, two[-1].parameters)
    assert show(tmp_path / "a")["charges"][0]["private"] is False


def test_without_torch_nothing_is_drawn(ledger, monkeypatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    with reserving(opened(ledger)) as grant, pytest.raises(PlanError, match=r"pip install 'dpsynth\[neural\]'"):
        grant.train(PROGRAM, NOISE, START)
    assert "running" not in kinds_of(ledger)


def test_errors_keep_no_row(ledger, monkeypatch) -> None:
    """No frame of what saw rows hangs on the error."""
    from dpsynth.gate import gradients_sum

    monkeypatch.setattr(gradients_sum.ClippedSums, "total", lambda *_: 1 / 0)
    with pytest.raises(Exception, match="Its steps are lost") as caught:
        trained(ledger)
    frames, trace = [], caught.value.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert "run" not in frames
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
