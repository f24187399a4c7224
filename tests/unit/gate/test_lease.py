"""A lease lives as long as its process, and nothing rests on its file."""

from __future__ import annotations

import os
import subprocess
import sys

from dpsynth.gate.lease import Lease
from tests.gate.support import ROOT


def test_one_holder_at_a_time(ledger) -> None:
    first = Lease.acquire(ledger, 5)
    assert first is not None
    assert Lease.acquire(ledger, 5) is None
    other = Lease.acquire(ledger, 6)
    assert other is not None
    first.release()
    first.release()
    again = Lease.acquire(ledger, 5)
    assert again is not None
    again.release()
    other.release()
    assert os.listdir(ledger.parent) == []


def test_a_lease_that_is_forgotten_is_given_back(ledger) -> None:
    assert Lease.acquire(ledger, 5) is not None  # and dropped at once
    again = Lease.acquire(ledger, 5)
    assert again is not None
    again.release()


def test_a_killed_holder_holds_nothing(ledger) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dpsynth.gate.lease import Lease\n"
        "lease = Lease.acquire(Path(sys.argv[1]), 5); print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(ledger)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    assert Lease.acquire(ledger, 5) is None
    child.kill()
    child.wait()
    child.stdout.close()
    lease = Lease.acquire(ledger, 5)
    assert lease is not None
    lease.release()


def test_a_forked_child_does_not_remove_the_file(ledger, monkeypatch) -> None:
    lease = Lease.acquire(ledger, 5)
    assert lease is not None
    copy = Lease(os.dup(lease._descriptor), lease._path)
    copy._owner = -1  # what a child sees: another process made it
    copy.release()
    assert Lease.acquire(ledger, 5) is None
    lease.release()


def test_a_file_that_vanished_between_open_and_lock_is_made_again(ledger, monkeypatch) -> None:
    import dpsynth.gate.lease as module

    lock, calls = module._lock, []

    def racing(descriptor: int) -> bool:
        calls.append(descriptor)
        if len(calls) == 1:
            ledger.with_name(f"{ledger.name}.run-5").unlink()
        return lock(descriptor)

    monkeypatch.setattr(module, "_lock", racing)
    lease = Lease.acquire(ledger, 5)
    assert lease is not None
    assert len(calls) == 2
    lease.release()
