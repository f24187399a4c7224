"""A domain of your own: every kind of column in one file (own_domain.toml), a plan, and a release under it.

    python examples/own_domain.py [FOLDER]

The table is made up; the domain file shows a line for every kind of column.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

import dpsynth


def made_up_visits(count: int) -> pd.DataFrame:
    """A table such as a clinic might have, with the dirt that such tables have."""
    rng = np.random.default_rng(0)
    age = rng.integers(0, 108, count)
    bill = np.where(rng.random(count) < 0.6, 0.0, rng.lognormal(6, 1.5, count).round(2))
    return pd.DataFrame(
        {
            "visit_id": [f"case-{i}" for i in range(count)],
            "sex": rng.choice(["female", "male ", "unknown", "F"], count, p=[0.5, 0.4, 0.05, 0.05]),
            "ward": rng.choice(["surgery", "medicine", "maternity", "children", "night ward"], count),
            "age": age,
            "bill": bill,
            "admitted": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 365, count), unit="D"),
            "readmitted": rng.random(count) < age / 300,
            "doctors_notes": "never read: the domain does not name this column",
        }
    )


def main(folder: Path) -> None:
    file = Path(__file__).with_name("own_domain.toml")
    domain = dpsynth.read_domain(file)
    print("columns:", ", ".join(domain.names))

    # A plan shows the cost before any row is read.
    plan = dpsynth.MST().plan(domain, budget=dpsynth.Budget(epsilon=2.0, delta=1e-6))
    for step in plan.steps:
        print(f"  {step.share:6.1%}  {step.name}: {step.detail}")
    print(f"  takes about {plan.forecast.seconds:.1f} s and {plan.forecast.memory_bytes / 2**20:.0f} MiB")

    bundle = dpsynth.release(
        made_up_visits(5_000),
        domain=file,
        epsilon=2.0,
        delta=1e-6,
        out=folder / "visits",
        ledger=folder / "clinic.ledger",
    )
    print(bundle.synthetic().head(5).to_string())
    for warning in bundle.warnings:
        print("warning:", warning)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
