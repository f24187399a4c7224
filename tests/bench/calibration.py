"""How well Adaptive predicts its own error: predicted against realised total variation distance of pairs.

    python -m tests.bench.calibration [--seeds 3]

The realised distance is that of the fitted targets (measured pairs) or of the fitted tree (the others) to the exact
table, on the coarse cells. Reading exact tables is allowed here: the demo table is public.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from dpsynth.accounting.quantities import Budget
from dpsynth.data import demo_domain, demo_table
from dpsynth.engines.open import open_engine
from dpsynth.gate import open_table
from dpsynth.generators import Adaptive

BAR = 2.0  # predicted and realised means are within this factor of each other


def one_fit(epsilon: float, folder: Path, seed: int) -> dict[str, tuple[int, float, float]]:
    """Pairs, mean predicted and mean realised distance, for measured and unmeasured pairs."""
    domain, table = demo_domain(), demo_table()
    ledger = folder / f"{epsilon}-{seed}.ledger"
    private = open_table(table, domain=domain, ledger=ledger)
    model = Adaptive().plan(domain, budget=Budget(epsilon=epsilon, delta=1e-5)).fit(private)
    groupings = {name: cells.fine_to_coarse for name, cells in model.cells.items()}
    pairs = list(model.errors)
    exact = dict(zip(pairs, open_engine(table, domain).counts(pairs, groupings), strict=True))
    found: dict[str, list[tuple[float, float]]] = {"measured": [], "unmeasured": []}
    for pair in pairs:
        fitted = model.edits.get(pair, None)
        shares = model.graph.project(pair) / model.total if fitted is None else fitted / fitted.sum()
        realised = 0.5 * float(np.abs(shares - exact[pair] / exact[pair].sum()).sum())
        found["unmeasured" if fitted is None else "measured"].append((model.errors[pair], realised))
    return {name: (len(v), *np.mean(v or [(np.nan, np.nan)], axis=0).tolist()) for name, v in found.items()}


def main() -> int:
    """Print the table; non-zero where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    write, missed = sys.stdout.write, False
    write("epsilon  pairs                predicted  realised   ratio\n")
    with tempfile.TemporaryDirectory() as name:
        for epsilon in (0.1, 0.3, 1.0, 3.0, 10.0):
            runs = [one_fit(epsilon, Path(name), seed) for seed in range(seeds)]
            for kind in ("measured", "unmeasured"):
                count, predicted, realised = np.nanmean([run[kind] for run in runs], axis=0)
                ratio = predicted / realised
                good = 1 / BAR <= ratio <= BAR
                missed |= not good
                verdict = "PASS" if good else "SHORT"
                write(
                    f"{epsilon:<8} {count:5.1f} {kind:<12} {predicted:11.4f} {realised:9.4f} {ratio:8.2f}  {verdict}\n"
                )
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
