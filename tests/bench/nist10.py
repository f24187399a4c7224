"""The k-marginal score of NIST on the ten demographic columns of national2019 (27,253 rows).

    python -m tests.bench.nist10 [--seeds 3] [--epsilons 1,10] [--generators mst]

k-marginal = 1000 (1 - mean total variation distance of all 45 pairs, on raw values, age by year).
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

from tests.bench.adult import arguments_of, cells_of, cost
from tests.bench.bars import report
from tests.bench.fitting import release
from tests.bench.ruler import NIST10, ROOT, mean_tvds, prepared


def main() -> int:
    """Release, score, and print beside the bars; 1 where one is short."""
    import pandas as pd

    arguments = arguments_of(__doc__, "mst", "1,10").parse_args()
    table, domain = prepared() / "nist10" / "train.csv", ROOT / "tests" / "data_domains" / "nist10.toml"
    real = pd.read_csv(table, dtype=str, keep_default_na=False)
    pairs = {2: list(itertools.combinations(range(len(NIST10)), 2))}
    good = True
    for generator, epsilon in cells_of(arguments):
        runs = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "synthetic.csv"
                fitted = release(table, domain, generator, epsilon, out, seed=seed)
                made = pd.read_csv(out, dtype=str, keep_default_na=False)
            score = 1000 * (1 - mean_tvds(real, made, pairs)[2])
            runs.append({"k_marginal": score, **cost(fitted)})
        good &= report("nist10", generator, epsilon, runs)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
