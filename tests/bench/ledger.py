"""The ledger's speed: `python -m tests.bench.ledger`.

Bars: a ledger of 1,000 releases (charge, draw row, stored answer, end: 4,000 rows) is verified in less than 2 s; opening
a table of that ledger, and charging it once more, take less than 0.5 s each.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dpsynth.gate import Marginals, PrivateTable, RoundedGaussian, event_of, verify, with_slack
from tests.gate.support import BUDGET, FakeEngine, behind_gate

RELEASES = 1000
VERIFY_BAR = 2.0
STEP_BAR = 0.5
QUERY, NOISE = Marginals((("colour", "size"),)), RoundedGaussian((2000.0,))


def _release(table: PrivateTable, name: str) -> None:
    event = with_slack(event_of(QUERY, NOISE, table.unit, table.relation))
    with table.reserve(event, job={"name": name}, purpose="bench", budget=BUDGET) as grant:
        grant.release(QUERY, NOISE)


def _reserve(table: PrivateTable, name: str) -> None:
    event = with_slack(event_of(QUERY, NOISE, table.unit, table.relation))
    table.reserve(event, job={"name": name}, purpose="bench", budget=BUDGET)


def _seconds(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _line(what: str, seconds: float, bar: float) -> bool:
    print(f"{what}: {seconds:.3f} s, bar {bar:g} s: {'PASS' if seconds < bar else 'SHORT'} ({seconds / bar:.2f})")
    return seconds < bar


def main() -> int:
    """Print each figure, its bar and their ratio; 0 where every bar is met."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.ledger"
        table = behind_gate(path, FakeEngine())
        seconds = _seconds(lambda: [_reserve(table, f"only reserved {i}") for i in range(RELEASES // 5)])
        print(f"reservations: {RELEASES / 5 / seconds:.0f} per second")
        path.unlink()
        table = behind_gate(path, FakeEngine())
        seconds = _seconds(lambda: [_release(table, f"{i}") for i in range(RELEASES)])
        print(f"releases (charge, draw, answer, end): {RELEASES / seconds:.0f} per second")
        reports = []
        seconds = _seconds(lambda: reports.append(verify(path)))
        (report,) = reports
        if not report.ok or report.charges != RELEASES:
            raise SystemExit(f"the bench's own ledger is not sound: {report.problems}")
        passed = _line(f"verify {report.charges} releases, {report.rows} rows", seconds, VERIFY_BAR)
        print(f"file: {path.stat().st_size / 1e6:.2f} MB")
        opened: list[PrivateTable] = []
        passed &= _line(
            "open a table of that ledger", _seconds(lambda: opened.append(behind_gate(path, FakeEngine()))), STEP_BAR
        )
        passed &= _line("one more charge", _seconds(lambda: _reserve(opened[0], "one more")), STEP_BAR)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
