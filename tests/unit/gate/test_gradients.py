"""Gradient programs as data: what is refused, and what is written down of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import LedgerError, PlanError
from dpsynth.gate import Descent, GradientProgram, TrainingState
from dpsynth.gate.gradients import (
    AbstractLayer,
    Add,
    Embed,
    GroupMask,
    Join,
    Linear,
    Norm,
    Silu,
    blocks_of,
    parameter_count,
)
from tests.unit.gate.gradients_support import DESCENT, NAMES, NETWORKS, SIZES, TOKENS, kept, program

FINE = dict(zip(NAMES, SIZES, strict=True))


@dataclass(frozen=True, slots=True)
class BatchNorm(AbstractLayer):
    """A layer that looks at other rows."""

    source: int


def with_layers(*layers: Any) -> GradientProgram:
    return GradientProgram(NAMES, layers, DESCENT)


@pytest.mark.parametrize("name", NETWORKS)
def test_known_networks_are_taken(name) -> None:
    program(name).check(FINE)
    assert parameter_count(NETWORKS[name], SIZES) == kept(NETWORKS[name]).sum()


def test_layers_that_mix_rows_do_not_exist() -> None:
    with pytest.raises(PlanError, match="a BatchNorm, which the gate does not know.\nA program is made of Embed"):
        with_layers(Embed(3), BatchNorm(0), Linear(1, TOKENS)).check(FINE)


def test_a_layer_with_code_of_its_own_is_refused() -> None:
    class Spy(Linear):
        def forward(self, rows: Any) -> Any:
            return rows

    with pytest.raises(PlanError, match="does not know"):
        with_layers(Embed(3), Spy(0, TOKENS)).check(FINE)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ((), "needs layers"),
        ((Embed(3), Linear(0, TOKENS + 1)), "15 outputs; the columns have 14 tokens"),
        ((Linear(0, TOKENS),), "no earlier layer"),
        ((Embed(3), Linear(2, TOKENS)), "no earlier layer"),
        ((Embed(0), Linear(0, TOKENS)), "whole width"),
        ((Embed(3), Linear(0, 4, GroupMask((0,), (0,) * 4))), "mask of layer 1 does not fit"),
        ((Embed(1), Linear(0, 2, GroupMask((0, 0, 0, -1), (0, 0)))), "negative group"),
        ((Embed(3), Linear(0, 4), Add(0, 1)), "different widths"),
        ((Embed(3), Join(())), "joins nothing"),
        ((Embed(3), Linear(0, 2**24), Linear(1, TOKENS)), "at most 134,217,728 parameters"),
    ],
)
def test_networks_that_do_not_fit_are_refused(layers, words) -> None:
    with pytest.raises(PlanError, match=words):
        with_layers(*layers).check(FINE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": ("a", "b", "c", "x")}, "different columns that the domain models"),
        ({"columns": ("a", "b", "c", "c")}, "different columns"),
        ({"columns": ()}, "different columns"),
        ({"clip": 0.0}, "clip from 0.01"),
        ({"clip": float("nan")}, "clip from 0.01"),
        ({"softness": 0.0}, "softness from"),
        ({"groupings": {"a": Grouping.identity(9)}}, "grouping of column 'a'"),
    ],
)
def test_bounds_and_columns_that_do_not_fit_are_refused(change, words) -> None:
    with pytest.raises(PlanError, match=words):
        replace(program(), **change).check(FINE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": 0.0}, "positive finite rate"),
        ({"divisor": float("inf")}, "positive finite divisor"),
        ({"steps": 0}, "at least one step"),
        ({"average": 1.0}, r"in \[0, 1\)"),
        ({"last": 2.0}, "0 to 1 times"),
    ],
)
def test_descents_that_cannot_be_meant_are_refused(change, words) -> None:
    with pytest.raises(PlanError, match=words):
        Descent(**({"rate": 0.01, "steps": 10, "divisor": 1.0} | change))


def test_rates_warm_up_and_fall() -> None:
    rates = [DESCENT.rate_at(step) for step in range(DESCENT.steps)]
    assert rates[0] == pytest.approx(0.01 / 20)
    assert max(rates) <= 0.01
    assert rates[-1] == pytest.approx(0.001, rel=0.02)


def test_the_description_tells_programs_apart() -> None:
    one = program().describe()
    assert one["kind"] == "gradients"
    assert one["cliques"] == [list(NAMES)]
    others = [program("norm"), replace(program(), clip=1.0), replace(program(), softness=0.1)]
    assert all(other.describe()["network"] != one["network"] for other in others)
    assert "rate" in one["descent"]


def test_a_mask_is_a_matrix_of_groups() -> None:
    assert GroupMask((0, 1), (0, 1)).matrix().tolist() == [[True, False], [True, True]]
    assert GroupMask((0, 1), (0, 1), strict=True).matrix().tolist() == [[False, False], [True, False]]
    parts = [(b.layer, b.part) for b in blocks_of((Embed(2), Norm(0), Silu(1), Linear(2, TOKENS)), SIZES)]
    assert parts == [(0, "weight"), (1, "weight"), (1, "bias"), (3, "weight"), (3, "bias")]


def test_a_state_survives_the_ledger() -> None:
    rng = np.random.default_rng(0)
    state = TrainingState(7, *(rng.standard_normal(5).astype(np.float32) for _ in range(4)))
    back = TrainingState(2, *(np.zeros(5, np.float32) for _ in range(4))).after(state.pack(), 5)
    assert back.step == 7
    for name in ("parameters", "first", "second", "average"):
        assert np.array_equal(getattr(back, name), getattr(state, name))
    lost = state.after([np.empty(0, np.int64)], 5)
    assert lost.step == 12
    assert lost.parameters is state.parameters
    with pytest.raises(LedgerError, match="not one of this training"):
        state.after(state.pack(), 5)
