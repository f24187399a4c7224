"""2-, 3-, 4- and 5-way error on made binary tables of 20 to 30 columns.

    python -m tests.bench.binary [--tables bn25,weak23] [--epsilons .8] [--seeds 1] [--pairs] [--peer]

Random networks of yes / no columns: 3 or 4 parents among the 8 columns before, logits with terms of one to four
parents. Errors as in tests/bench/nltcs.py. --pairs also fits the path of pairs on the same table; --peer the shared
prototype, where it is there (its table A was measured on tables of the same law but other draws). Bars: 1.05 x table A.
One run of everything takes about 200 CPU seconds without --pairs and --peer; a table takes 30 to 80.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import math
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.bench.ruler import SHARED

MOST, WAYS, DELTA, SLACK, SECONDS = 300, (2, 3, 4, 5), 1e-5, 1.05, 60.0


class Law(NamedTuple):
    """What a made table is drawn from: mean and spread of logits, spread of terms by number of parents."""

    columns: int
    rows: int
    base: tuple[float, float]
    terms: tuple[float, ...]
    seed: int


STRONG = (0.72, 0.54, 0.42, 0.30)
TABLES = {
    "bn20": Law(20, 50_000, (-0.8, 1.0), STRONG, 0),
    "bn25": Law(25, 50_000, (-0.8, 1.0), STRONG, 0),
    "bn30": Law(30, 50_000, (-0.8, 1.0), STRONG, 1),
    "weak23": Law(23, 47_000, (-2.3, 1.2), (0.5, 0.25, 0.1), 6),
}
TABLE_A = {
    ("bn20", 0.2): (0.0036, 0.0068, 0.0118, 0.0186),
    ("bn20", 0.8): (0.0012, 0.0024, 0.0048, 0.0083),
    ("bn20", 3.2): (0.0004, 0.0009, 0.0019, 0.0040),
    ("bn25", 0.2): (0.0044, 0.0077, 0.0130, 0.0205),
    ("bn25", 0.8): (0.0014, 0.0027, 0.0055, 0.0101),
    ("bn25", 3.2): (0.0005, 0.0011, 0.0024, 0.0047),
    ("bn30", 0.2): (0.0047, 0.0085, 0.0137, 0.0202),
    ("bn30", 0.8): (0.0014, 0.0029, 0.0052, 0.0088),
    ("bn30", 3.2): (0.0007, 0.0014, 0.0029, 0.0052),
    ("weak23", 0.2): (0.0040, 0.0065, 0.0099, 0.0140),
    ("weak23", 0.8): (0.0011, 0.0021, 0.0037, 0.0058),
    ("weak23", 3.2): (0.0006, 0.0011, 0.0018, 0.0030),
}
"""The prototype on its own draws of the same laws."""


def made(law: Law) -> np.ndarray:
    """int64[rows, columns] of 0 and 1."""
    rng = np.random.default_rng(law.seed)
    bits = np.zeros((law.rows, law.columns), np.int64)
    for column in range(law.columns):
        logit = np.full(law.rows, rng.normal(*law.base))
        count = min(column, int(rng.integers(3, 5)))
        parents = rng.choice(np.arange(max(0, column - 8), column), count, replace=False) if count else []
        signs = 1.0 - 2.0 * bits[:, parents]
        for order, spread in enumerate(law.terms, 1):
            for subset in itertools.combinations(range(count), order):
                logit += rng.normal(0, spread) * np.prod(signs[:, subset], axis=1)
        bits[:, column] = rng.random(law.rows) < 1 / (1 + np.exp(-logit))
    return bits


def errors(real: np.ndarray, found: np.ndarray) -> list[float]:
    """Mean total variation distance of some marginals of each order, the same ones in every run."""
    rng, means = np.random.default_rng(0), []
    for order in WAYS:
        every = list(itertools.combinations(range(real.shape[1]), order))
        if len(every) > MOST:
            every = [every[i] for i in rng.choice(len(every), MOST, replace=False)]
        places = 1 << np.arange(order)
        one, two = ([np.bincount(t[:, c] @ places, minlength=2**order) / len(t) for c in every] for t in (real, found))
        means.append(float(np.mean([0.5 * np.abs(a - b).sum() for a, b in zip(one, two, strict=True)])))
    return means


def ours(bits: np.ndarray, epsilon: float, *, pairs: bool) -> tuple[np.ndarray, float]:
    """A release with fresh private noise: its rows, and its CPU seconds."""
    import pandas as pd

    import dpsynth
    from dpsynth.domain.columns import Category
    from dpsynth.domain.table import Domain
    from dpsynth.generators import Adaptive

    names = [f"c{j:02}" for j in range(bits.shape[1])]
    domain = Domain(tuple(Category(name=name, values=("0", "1"), required=True) for name in names))
    source = pd.DataFrame({name: bits[:, j].astype(str) for j, name in enumerate(names)})
    # A workload takes the path of pairs.
    recipe = Adaptive(workload=dict.fromkeys(itertools.combinations(names, 2), 1.0) if pairs else None)
    with tempfile.TemporaryDirectory() as folder:
        table = dpsynth.open(source, domain=domain, ledger=Path(folder) / "l")
        start = time.process_time()
        model = recipe.plan(domain, budget=dpsynth.Budget(epsilon=epsilon, delta=DELTA)).fit(table)
        rows = model.sample(seed=0)
        return rows.to_numpy().astype(np.int64), time.process_time() - start


def peer(bits: np.ndarray, epsilon: float, seed: int) -> tuple[np.ndarray, float]:
    """The shared prototype."""
    folder = str(SHARED / "prototypes")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module: Any = importlib.import_module("dptriples")
    start = time.process_time()
    rows = module.fit_wide_binary(bits, module.gdp_mu(epsilon, DELTA) ** 2 / 2, seed)
    return rows.astype(np.int64), time.process_time() - start


def main() -> int:
    """Release, score, and print beside the bars; 1 where one is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--epsilons", default="0.2,0.8,3.2")
    parser.add_argument("--seeds", type=int, default=1, help="runs, each with fresh noise")
    parser.add_argument("--pairs", action="store_true")
    parser.add_argument("--peer", action="store_true")
    arguments = parser.parse_args()
    good = True
    for name in arguments.tables.split(","):
        bits = made(TABLES[name])
        for epsilon in map(float, arguments.epsilons.split(",")):
            kinds = {"parities": lambda seed, e=epsilon, b=bits: ours(b, e, pairs=False)}
            if arguments.pairs:
                kinds["pairs"] = lambda seed, e=epsilon, b=bits: ours(b, e, pairs=True)
            if arguments.peer:
                kinds["peer"] = lambda seed, e=epsilon, b=bits: peer(b, e, 11 + seed)
            means = {}
            for kind, run in kinds.items():
                runs = [run(seed) for seed in range(arguments.seeds)]
                means[kind] = np.mean([[*errors(bits, rows), seconds] for rows, seconds in runs], axis=0)
                print(f"{name} {epsilon:g} {kind:9s} {_line(means[kind])}", flush=True)
            bars = np.array([*(SLACK * np.array(TABLE_A.get((name, epsilon), (math.nan,) * 4))), SECONDS])
            ratios = means["parities"] / bars
            print(f"{name} {epsilon:g} {'x bar':9s} {_line(ratios)} {'PASS' if (ratios <= 1).all() else 'SHORT'}")
            for other in means.keys() - {"parities"}:
                print(f"{name} {epsilon:g} {'x ' + other:9s} {_line(means['parities'] / means[other])}", flush=True)
            good &= bool((ratios <= 1).all())
    return 0 if good else 1


def _line(values: np.ndarray) -> str:
    return "  ".join(f"{value:.4f}" for value in values[:-1]) + f"  cpu {values[-1]:.2f}"


if __name__ == "__main__":
    sys.exit(main())
