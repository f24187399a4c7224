"""What all tests share: where the real tables are, deterministic hypothesis, marks by folder, skips told by reason."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    import pandas as pd

    from dpsynth.domain.table import Domain
    from dpsynth.noise.entropy import SeededEntropy

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("DPSYNTH_SHARED", ROOT.parent / "shared"))
MARK_OF_FOLDER = {"statistical": "statistical", "oracles": "oracle"}

hypothesis.settings.register_profile("dpsynth", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("dpsynth")


# ------------------------------------------------------------------------------------------------ collecting, summing up


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of a folder as what the folder is for."""
    for item in items:
        parts = item.path.relative_to(ROOT).parts if item.path.is_relative_to(ROOT) else ()
        for folder, mark in MARK_OF_FOLDER.items():
            if folder in parts:
                item.add_marker(mark)


def skip_reasons(skipped: list[pytest.TestReport]) -> Counter[str]:
    """How many tests were skipped for each reason."""
    reasons: Counter[str] = Counter()
    for report in skipped:
        where_and_why = report.longrepr
        text = where_and_why[2] if isinstance(where_and_why, tuple) else str(where_and_why)
        reasons[text.removeprefix("Skipped: ")] += 1
    return reasons


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skipped test is no passed test: say how many were skipped, and why."""
    reasons = skip_reasons(terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section(f"{sum(reasons.values())} skipped, by reason")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count:5d}  {reason}")


# ----------------------------------------------------------------------------------------------------------- real tables


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real tables that are not part of the repository."""
    if not SHARED.is_dir():
        pytest.skip("the real tables are not here (set DPSYNTH_SHARED to their folder)")
    return SHARED


@pytest.fixture(scope="session")
def shared_file(shared: Path) -> Callable[[str], Path]:
    """A file below the folder of real tables, by its path there: `shared_file("data/nltcs/nltcs.csv")`."""

    def find(relative: str) -> Path:
        path = shared / relative
        if not path.exists():
            pytest.skip(f"the real table {relative} is not here")
        return path

    return find


@pytest.fixture(scope="session")
def adult_domain() -> Domain:
    """The public domain of the demo table."""
    from dpsynth.data import demo_domain

    return demo_domain()


@pytest.fixture(scope="session")
def _adult_rows() -> pd.DataFrame:
    from dpsynth.data import demo_table

    return demo_table()


@pytest.fixture
def adult(_adult_rows: pd.DataFrame) -> pd.DataFrame:
    """The demo table (UCI Adult), a fresh copy for every test."""
    return _adult_rows.copy()


@pytest.fixture(autouse=True)
def _default_ledger(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test, and no program that a test starts, writes to the ledger of the person who runs the tests."""
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path_factory.mktemp("ledger") / "default.ledger"))


# ------------------------------------------------------------------------------------------------- entropy and ledgers


@pytest.fixture
def seeded() -> Callable[[int], SeededEntropy]:
    """Reproducible, NOT PRIVATE entropy: `seeded(7)`."""
    from dpsynth.noise.entropy import SeededEntropy

    return SeededEntropy


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """The path of a ledger that does not exist yet."""
    return tmp_path / "test.ledger"
