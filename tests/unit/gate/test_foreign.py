"""What the gate hands to a bridge, and what it takes back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dpsynth.accounting.events import Composed, ForeignClaim, PureDP
from dpsynth.accounting.quantities import Budget
from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import AccountingError, BridgeError, PlanError, SourceError
from dpsynth.gate import AbstractBridge, Claimed, ForeignTask, show
from dpsynth.gate.caps import check_reservable
from dpsynth.gate.foreign import check_rows
from tests.unit.generators.support import chain, letters, opened

SIZES = (3, 2)
TASK = ForeignTask(("a", "b"), 4, {"b": Grouping(np.array([0, 1, 1]), 2)}, {"synthesizer": "none"})
CLAIM = Claimed("here", 0.5, 1e-6)


class Here(AbstractBridge):
    """Runs in this process, for tests."""

    name = "here"

    def __init__(self, answer: object = None) -> None:
        self.answer = np.zeros((4, 2), np.int32) if answer is None else answer
        self.seen: list[np.ndarray] = []

    def run(self, task, sizes, columns, epsilon, delta):
        assert (sizes, epsilon, delta) == (SIZES, 0.5, 1e-6)
        self.seen = columns
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def _grant(tmp_path: Path):
    table = opened(tmp_path / "ledger", chain(40), letters(), seed=None)
    return table.reserve(ForeignClaim(0.5, 1e-6), job={"a": 1}, budget=Budget(epsilon=0.5, delta=1e-6))


def test_grouped_codes_cross_and_rows_come_back(tmp_path: Path) -> None:
    bridge = Here()
    with _grant(tmp_path) as grant:
        answer = grant.foreign(TASK, bridge, CLAIM)
        with pytest.raises(AccountingError, match="does not hold this foreign_claim event"):
            grant.foreign(TASK, bridge, CLAIM)
    rows = chain(40)
    assert np.array_equal(bridge.seen[0], rows["a"].astype(int))
    assert np.array_equal(bridge.seen[1], np.minimum(rows["b"].astype(int), 1))
    assert (answer.name, answer.clique, answer.mechanism) == ("rows", ("a", "b"), "claimed")
    assert answer.values.shape == (4, 2)


@pytest.mark.parametrize(
    "given",
    [
        np.zeros((3, 2), np.int32),
        np.zeros((4, 3), np.int32),
        np.zeros(8, np.int32),
        np.zeros((4, 2)),
        np.zeros((4, 2), bool),
        None,
        "rows",
    ],
)
def test_what_is_no_table_is_refused(given: object) -> None:
    with pytest.raises(BridgeError, match="gave no table of the asked number of rows, columns and whole numbers"):
        check_rows(given, TASK, SIZES)


def test_cells_outside_the_domain_are_refused() -> None:
    good = np.zeros((4, 2), np.uint8)
    assert check_rows(good, TASK, SIZES).dtype == np.int64
    for row, column, value in ((0, 0, 3), (3, 1, 2), (1, 1, -1)):
        bad = good.astype(np.int32)
        bad[row, column] = value
        with pytest.raises(BridgeError, match="rows outside the domain.\nNothing of it is used; its charge is kept"):
            check_rows(bad, TASK, SIZES)


@pytest.mark.parametrize("error", [BridgeError("It died."), ValueError("secret-cell"), MemoryError()])
def test_an_error_burns_the_charge_and_says_no_value(error: Exception, tmp_path: Path) -> None:
    with pytest.raises((BridgeError, SourceError)) as caught:
        with _grant(tmp_path) as grant:
            grant.foreign(TASK, Here(error), CLAIM)
    assert "secret-cell" not in str(caught.value)
    assert caught.value.__context__ is None
    assert [charge["state"] for charge in show(tmp_path / "ledger")["charges"]] == ["burned"]


def test_tasks_that_do_not_fit() -> None:
    fine, bridge = {"a": 3, "b": 3}, Here()
    for task, words in (
        (ForeignTask(("a", "z"), 4), "needs different columns that the domain models"),
        (ForeignTask((), 4), "needs different columns"),
        (ForeignTask(("a", "a"), 4), "needs different columns"),
        (ForeignTask(("a",), 4, {"a": Grouping.identity(2)}), "The grouping of column 'a' does not fit"),
        (ForeignTask(("a",), 0), "gives from 1 to 10,000,000 rows"),
        (ForeignTask(("a",), True), "gives from 1 to 10,000,000 rows"),
    ):
        with pytest.raises(PlanError, match=words):
            task.check(fine, bridge, CLAIM)


def test_a_claim_alone_needs_no_slack() -> None:
    check_reservable(ForeignClaim(1.0, 1e-6))
    for event in (Composed(()), Composed((ForeignClaim(1.0, 1e-6), PureDP(0.1)))):
        with pytest.raises(AccountingError, match="must hold Slack"):
            check_reservable(event)


@pytest.mark.parametrize(
    ("bridge", "epsilon", "delta"), [("", 1.0, 0.1), ("a", 0.0, 0.1), ("a", 1.0, 1.0), ("a", 1.0, -0.1)]
)
def test_impossible_claims(bridge: str, epsilon: float, delta: float) -> None:
    with pytest.raises(PlanError):
        Claimed(bridge, epsilon, delta)
