"""Small tables with known dependence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from privacy_audit.frames import AlignedTables, align
from privacy_audit.utility.bench import Bench, make_bench

DOMAIN: dict[str, Any] = {
    "age": (0, 80),
    "wage": (-10.0, 60.0),
    "job": ["a", "b", "c", "d"],
    "sex": ["f", "m"],
    "rich": ["no", "yes"],
}


def people(rows: int, seed: int) -> pd.DataFrame:
    """Wage grows with age, job depends on age, rich on wage and job."""
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 81, rows)
    wage = np.round(np.clip(0.4 * age + rng.normal(0, 6, rows), -10, 60), 3)
    job = np.array(list("abcd"))[np.minimum(3, (age // 25 + (rng.random(rows) < 0.3)).astype(int))]
    rich = np.where(wage + 8 * (job == "d") + rng.normal(0, 4, rows) > 22, "yes", "no")
    return pd.DataFrame({"age": age, "wage": wage, "job": job, "sex": rng.choice(["f", "m"], rows), "rich": rich})


def shuffled(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every column drawn by itself."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.permutation(frame[name].to_numpy()) for name in frame})


def aligned(synthetic: pd.DataFrame, rows: int = 1500, holdout: bool = True) -> AlignedTables:
    """The real people, a holdout of as many others, and the synthetic table."""
    other = people(rows, 2) if holdout else None
    return align(people(rows, 1), synthetic, holdout=other, domain=DOMAIN)


def bench_of(synthetic: pd.DataFrame, rows: int = 1500, **options: Any) -> Bench:
    return make_bench(aligned(synthetic, rows), **options)
