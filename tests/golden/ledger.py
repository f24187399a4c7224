"""Makes the golden ledger: `python -m tests.golden.ledger`, once per ledger version and never again for the same one.

(Until version 0.1 is released, a change of the format deletes both files and runs this again.)
"""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import numpy as np

from dpsynth.accounting.events import PureDP
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import rows
from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import SourceError
from dpsynth.gate import (
    Distances,
    Exponential,
    PrivateTable,
    RoundedGaussian,
    book_non_private,
    event_of,
    raise_cap,
    show,
    with_slack,
)
from tests.gate.support import (
    ADD_REMOVE,
    BUDGET,
    EVENT,
    PAIR,
    PAIR_NOISE,
    FakeEngine,
    behind_gate,
    frame,
    opened,
    run_job,
)

FOLDER = Path(__file__).parent
FILE, FACTS = FOLDER / "ledger_v1.gz", FOLDER / "ledger_v1.json"
SCORES = Distances(
    {("colour",): np.array([5, 5, 5, 5]), ("size",): np.array([1, 2])},
    {"size": Grouping(np.array([0, 0, 0, 1, 1, 1]), 2)},
)
SCORES_NOISE, CHOICE = RoundedGaussian((60.0,)), Exponential(0.2)
CHOICE_EVENT = with_slack(
    event_of(SCORES, SCORES_NOISE, rows(1), ADD_REMOVE), event_of(SCORES, CHOICE, rows(1), ADD_REMOVE), PureDP(0.01)
)


def replay(table: PrivateTable) -> dict[str, list]:
    """The answers of both jobs of the golden table."""
    answers = {"pair": [v.tolist() for v in run_job(table, "pair")]}
    with table.reserve(CHOICE_EVENT, job={"name": "choice"}, purpose="test") as grant:
        measured = (*grant.release(SCORES, SCORES_NOISE), *grant.release(SCORES, CHOICE))
    return answers | {"choice": [[list(m.clique), m.values.tolist(), m.event_id] for m in measured]}


def make(path: Path) -> dict:
    """Every kind of row, and what the file says."""
    table = opened(path, cap=Budget(epsilon=2.0, delta=1e-5))
    answers = replay(table)
    opened(path, frame().iloc[:150])  # a known variant: one more identity
    other = behind_gate(path, FakeEngine(during=_fail), seed=4)
    try:
        with other.reserve(EVENT, job={"name": "lost"}, purpose="test", budget=BUDGET) as grant:
            grant.release(PAIR, PAIR_NOISE)
    except SourceError:
        pass
    other.reserve(EVENT, job={"name": "open"}, purpose="test")
    raise_cap(path, None, Budget(epsilon=5.0, delta=1e-5))
    book_non_private(path, "table-1", "an internal look")
    return {"answers": answers, "show": show(path)}


def _fail() -> None:
    raise ValueError("lost on purpose")


def main() -> None:
    """Write both files."""
    if FILE.exists():
        raise SystemExit(f"{FILE.name} is golden: it is never made again.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "golden.ledger"
        facts = make(path)
        facts["show"]["ledger"].pop("path")
        FILE.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
        FACTS.write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
