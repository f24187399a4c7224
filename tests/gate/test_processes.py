"""Eight processes reserve at once: together they never pass the cap, and none is refused what was left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import Composed, Gaussian
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.unit import rows
from dpsynth.gate import show, verify, with_slack
from dpsynth.gate.accounts import account_for
from dpsynth.gate.ledger import Ledger
from tests.gate.support import ADD_REMOVE, ROOT, identity, kinds_of

CHILD = """
import sys
from pathlib import Path
from tests.gate.support import *
from dpsynth.accounting.events import Gaussian
from dpsynth.errors import BudgetRefused
book = Ledger(Path(sys.argv[1]))
event = with_slack(Gaussian(40.0, 1))
granted = 0
for i in range(int(sys.argv[3])):
    try:
        charge(book, name=f"{sys.argv[2]}-{i}", event=event, budget=None).lease.release()
        granted += 1
    except BudgetRefused:
        pass
print(granted)
"""


def _race(ledger: Path, processes: int, each: int, cap: Budget) -> int:
    """How many reservations were granted in all."""
    account_for(Ledger.open(ledger, ADD_REMOVE), identity(1), rows(1), cap=cap)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(ledger), str(k), str(each)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for k in range(processes)
    ]
    return sum(int(child.communicate(timeout=280)[0]) for child in running)


def _check(ledger: Path, granted: int, asked: int, cap: Budget) -> None:
    event = with_slack(Gaussian(40.0, 1))
    most = next(n for n in range(1, asked + 1) if not _fits(event, n + 1, cap))
    assert granted == kinds_of(ledger).count("reserved") == most < asked
    assert show(ledger)["accounts"][0]["spent"] <= cap.epsilon
    assert verify(ledger).ok


def _fits(event: Composed, count: int, cap: Budget) -> bool:
    return epsilon_up(Composed((event,) * count), Delta(cap.delta), ADD_REMOVE).epsilon <= cap.epsilon


def test_four_processes_of_twelve(ledger) -> None:
    cap = Budget(epsilon=0.6, delta=1e-5)
    _check(ledger, _race(ledger, 4, 12, cap), 48, cap)


@pytest.mark.slow
def test_eight_processes_of_a_hundred(ledger) -> None:
    cap = Budget(epsilon=2.5, delta=1e-5)
    _check(ledger, _race(ledger, 8, 100, cap), 800, cap)
