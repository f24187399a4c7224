"""AIM, both selections, at epsilon 1 on the raw Adult table and on NIST's ten columns, beside its bars.

    python -m tests.bench.aim [--seeds 3] [--tables adult,nist10] [--selections exponential,gaussian]

Each run is a release with fresh private noise. CPU seconds are from opening the file to the last sampled row, all
threads. Rounds, cells of the junction tree and its part of the cap are those of the fitted model. Bars:
tests/bench/bars.py.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import dpsynth
from dpsynth.generators.aim import AIM
from tests.bench.bars import report
from tests.bench.ruler import NIST10, ROOT, mean_tvds, prepared, scorer

EPSILON = 1.0
DOMAINS = {
    "adult": ROOT / "dpsynth" / "data" / "adult.toml",
    "nist10": ROOT / "tests" / "data_domains" / "nist10.toml",
}


def release(table: str, recipe: AIM, out: Path, seed: int) -> dict[str, float]:
    """Fit with fresh noise, sample as many rows as the noisy total says, write them; what it took."""
    domain = dpsynth.read_domain(DOMAINS[table])
    budget = dpsynth.Budget(epsilon=EPSILON, delta=1e-5)
    with tempfile.TemporaryDirectory() as folder:
        start = time.process_time()
        source = dpsynth.open(prepared() / table / "train.csv", domain=domain, ledger=Path(folder) / "bench.ledger")
        model: Any = recipe.plan(domain, budget=budget).fit(source)
        made = model.sample(seed=seed)
        cpu = time.process_time() - start
    made.to_csv(out, index=False)
    marginals = sum(m.name == "marginal" for m in model.measurements)
    return {
        "cpu": cpu,
        "rounds": marginals - len(model.graph.names),
        "cells": model.graph.tree.cells,
        "cap share": model.graph.memory_bytes / (recipe.model_megabytes * 2**20),
    }


def score_adult(out: Path) -> dict[str, float]:
    """The shared ruler, without its distances to single rows."""
    scores = scorer("adult").score(str(out), skip=("dcr", "c2st"))
    names = {"tvd1_w32": "tvd1_w32", "tvd2_w32": "tvd2_w32", "tvd3_w32": "tvd3_w32", "tvd3_q20": "tvd3_q20"}
    names |= {"tvd3_label": "tvd3label_q20", "tstr": "tstr_lgb_auc"}
    return {ours: scores[theirs] for ours, theirs in names.items()}


def score_nist10(out: Path) -> dict[str, float]:
    """k-marginal: 1000 (1 - mean total variation distance of all pairs), on raw values."""
    import pandas as pd

    real, made = (
        pd.read_csv(path, dtype=str, keep_default_na=False) for path in (prepared() / "nist10" / "train.csv", out)
    )
    cliques = {size: list(itertools.combinations(range(len(NIST10)), size)) for size in (2, 3)}
    found = mean_tvds(real, made, cliques)
    return {"k_marginal": 1000 * (1 - found[2]), "tvd3": found[3]}


SCORES = {"adult": score_adult, "nist10": score_nist10}


def main() -> int:
    """Release, score, and print beside the bars; 1 where one is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="runs, each with fresh noise")
    parser.add_argument("--tables", default="nist10,adult")
    parser.add_argument("--selections", default="exponential,gaussian")
    arguments = parser.parse_args()
    good = True
    for table, selection in itertools.product(arguments.tables.split(","), arguments.selections.split(",")):
        runs = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "synthetic.csv"
                cost = release(table, AIM(selection=selection), out, seed)
                runs.append(SCORES[table](out) | cost)
        print(f"selection {selection}")
        good &= report(table, "aim", EPSILON, runs)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
