"""A budget and its ledger: several releases of one table under one cap, a refusal, and a check of the whole chain.

    python examples/budget_and_ledger.py [FOLDER]

The first release of a table, or `cap`, fixes what all of its releases may cost together.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import dpsynth
from dpsynth.gate import show, verify

DOMAIN = dpsynth.read_domain(
    {
        "columns": {
            "smoker": {"values": ["yes", "no"]},
            "age": {"kind": "integer", "minimum": 0, "maximum": 99},
        }
    }
)


def main(folder: Path) -> None:
    rng = np.random.default_rng(0)
    people = pd.DataFrame({"smoker": rng.choice(["yes", "no"], 2_000), "age": rng.integers(0, 100, 2_000)})
    ledger = folder / "study.ledger"
    cap = dpsynth.Budget(epsilon=1.0, delta=1e-6)  # the most that all releases of this table may cost together

    def release(epsilon: float, name: str, table: pd.DataFrame = people) -> None:
        try:
            bundle = dpsynth.release(
                table,
                domain=DOMAIN,
                epsilon=epsilon,
                delta=1e-6,
                generator="independent",
                out=folder / name,
                ledger=ledger,
                cap=cap,
            )
            print(f"{name}: epsilon {bundle.facts['guarantee']['certified']['epsilon']}")
        except dpsynth.BudgetRefused as refusal:
            print(f"{name}: {refusal}")

    release(0.6, "first")
    release(0.7, "second")  # 0.6 and 0.7 compose to less than 1.3: Gaussian noise adds up in squares
    release(0.5, "third")  # refused before any row is counted

    # The same job again is no new charge: the ledger gives the stored answers. A copy in another order is the same
    # table, known by a keyed sketch; a table with other rows of the same people is charged to the same account.
    release(0.6, "first-again")
    release(0.6, "first-shuffled", people.sample(frac=1, random_state=1))
    release(0.6, "some-rows-left-out", people.head(1_900))

    account = show(ledger)["accounts"][0]
    print(f"spent epsilon {account['spent_text']} of {account['cap']['epsilon']:g}, left {account['remaining_text']}")
    report = verify(ledger)
    print(f"{report.rows} rows, {report.charges} charges, chain {'verified' if report.ok else 'BROKEN'}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
