"""Golden model folders: what version 0.1 saved must load for as long as its schema is read.

`python -m tests.golden.models` adds the folders that are missing; what exists is never rewritten. `--rows` writes the
sampled rows beside each model anew, for when the sampler has changed on purpose (with a line in the changelog).
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Boolean, Category, Grid, Identifier, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.gate import open_table
from dpsynth.generators import MST, Independent
from dpsynth.generators.marginal_model import MarginalModel

HERE = Path(__file__).parent / "models"
NAMES = ("independent", "mst", "edited")
ROWS, SEED = 40, 7

DOMAIN = Domain(
    (
        Identifier(name="key", prefix="k"),
        Category(name="town", values=("north", "south", "östlich")),
        Integer(name="age", minimum=0, maximum=40, special=(99,)),
        Integer(name="income", minimum=0, maximum=9999, grid=Grid(cells=24)),
        Real(name="share", minimum=0.0, maximum=1.0, grid=Grid(cells=8), decimals=3),
        Boolean(name="member", required=True),
    ),
    label="member",
    title="a made-up table",
)


def made_up(n: int = 400) -> pd.DataFrame:
    """Rows of DOMAIN from a fixed generator."""
    rng = np.random.default_rng(1)
    member = rng.random(n) < 0.5
    return pd.DataFrame(
        {
            "key": range(n),
            "town": rng.choice(np.array(["north", "south", "östlich", None], dtype=object), n),
            "age": np.where(rng.random(n) < 0.1, 99, rng.integers(0, 20, n) + 20 * member),
            "income": rng.integers(0, 5000, n) + 4999 * member,
            "share": rng.random(n),
            "member": member,
        }
    )


def make(name: str) -> MarginalModel:
    """A model fitted under a test seed: NOT PRIVATE, and stamped so."""
    recipe = Independent() if name == "independent" else MST()
    plan = recipe.plan(DOMAIN, budget=Budget(epsilon=20.0, delta=1e-5))
    with tempfile.TemporaryDirectory() as folder:
        model = plan.fit(open_table(made_up(), domain=DOMAIN, ledger=Path(folder) / "l", seed_not_private=1))
    if name == "edited":
        shape = tuple(model.graph.sizes[column] for column in ("town", "member"))
        return replace(model, edits={("town", "member"): np.arange(np.prod(shape), dtype=np.float64).reshape(shape)})
    return model


def rows_of(name: str) -> str:
    """What the saved model samples, as CSV."""
    return MarginalModel.load(HERE / name / "model").sample(ROWS, seed=SEED).to_csv(index=False, lineterminator="\n")


def main() -> None:
    """Add what is missing; with --rows, write all rows anew."""
    for name in NAMES:
        if not (HERE / name / "model").exists():
            (HERE / name).mkdir(parents=True)
            make(name).save(HERE / name / "model")
            (HERE / name / "projection.csv").write_text(projection_of(name), encoding="utf-8")
        if "--rows" in sys.argv or not (HERE / name / "rows.csv").exists():
            (HERE / name / "rows.csv").write_text(rows_of(name), encoding="utf-8")
        sys.stdout.write(f"{name}: there\n")


def projection_of(name: str) -> str:
    """Expected counts of towns and members, as CSV."""
    table = MarginalModel.load(HERE / name / "model").project(("town", "member"))
    return pd.DataFrame(table).to_csv(index=False, header=False, lineterminator="\n")


if __name__ == "__main__":
    main()
