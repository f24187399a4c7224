"""A process is killed at twenty points of a release: what was spent never goes down, and the job can be run again.

A child runs one job whose every SQL statement, file call, count and draw of noise is a numbered point; the parent kills
it at a point and looks at what is left. The child tells through a pipe, before each noise is drawn, that it draws.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dpsynth.gate import show, verify
from tests.gate.support import FakeEngine, behind_gate, kinds_of, python, rows_of, run_job

CHILD = """
import os, signal, sqlite3, sys
from pathlib import Path
from tests.gate.support import *
import dpsynth.gate.grant as grant_module
import dpsynth.gate.ledger as ledger_module

path, last = Path(sys.argv[1]), int(sys.argv[2])
points = 0

def point():
    global points
    points += 1
    if points == last:
        os.kill(os.getpid(), signal.SIGKILL)

class Watched(sqlite3.Connection):
    def execute(self, statement, *arguments):
        point()
        result = super().execute(statement, *arguments)
        if statement.startswith(("INSERT", "COMMIT")):
            point()
        return result

connect = ledger_module.connect
def watched(path):
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=60, factory=Watched)
    for pragma in ("synchronous = EXTRA", "secure_delete = ON"):
        sqlite3.Connection.execute(connection, "PRAGMA " + pragma).fetchall()
    return connection
ledger_module.connect = watched

noise = grant_module.add_noise
def telling(*arguments):
    point()
    os.write(1, b"DRAWN\\n")
    result = noise(*arguments)
    point()
    return result
grant_module.add_noise = telling

run_job(behind_gate(path, FakeEngine(during=point)))
os.write(1, f"POINTS {points}\\n".encode())
"""


@pytest.fixture(scope="module")
def points(tmp_path_factory) -> int:
    """How many points one whole job has."""
    done = python(CHILD, str(tmp_path_factory.mktemp("whole") / "l.ledger"), "0")
    return int(done.stdout.split("POINTS ")[1])


def test_the_job_has_many_points(points) -> None:
    assert points > 60


def _spent(ledger: Path) -> float:
    return sum(account["spent"] or 0.0 for account in show(ledger)["accounts"])


@pytest.mark.parametrize("share", [i / 20 for i in range(20)])
def test_a_kill_never_lowers_what_is_spent(ledger, points, share) -> None:
    whole = run_job(behind_gate(ledger, FakeEngine(identity=9)))  # another table's earlier release
    before, head = _spent(ledger), rows_of(ledger)
    place = 1 + int(share * points)
    killed = python(CHILD, str(ledger), str(place), expect=-9)
    drawn = killed.stdout.count("DRAWN")

    assert rows_of(ledger)[: len(head)] == head
    assert verify(ledger).ok, verify(ledger).problems
    assert _spent(ledger) >= before
    kinds = kinds_of(ledger)[len(head) :]
    assert kinds.count("running") >= drawn  # each draw was committed before its noise
    if drawn:
        assert _spent(ledger) > before

    table = behind_gate(ledger, FakeEngine())
    after_kill = _spent(ledger)
    pending = kinds.count("running") > kinds.count("answer")
    answers = run_job(table)
    assert len(answers) == len(whole) == 3
    if pending:
        assert kinds_of(ledger).count("burned") == 1
        assert _spent(ledger) > after_kill
    elif "reserved" in kinds:
        assert _spent(ledger) == after_kill  # gone on with, or replayed, at no cost
    assert kinds_of(ledger).count("done") == 2
    assert verify(ledger).ok


def test_a_ledger_that_forgot_to_commit_would_be_caught(ledger, points) -> None:
    """Negative control: the same kill with the draw row committed after the noise leaves fewer draw rows than draws."""
    careless = CHILD.replace(
        "run_job(behind_gate",
        "grant_module.draw = lambda *a: 'no row'\ngrant_module.store_answer = lambda *a: None\nrun_job(behind_gate",
    )
    killed = python(careless, str(ledger), str(points // 2), expect=None)
    assert killed.stdout.count("DRAWN") > kinds_of(ledger).count("running")
