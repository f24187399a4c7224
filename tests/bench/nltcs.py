"""2-, 3-, 4- and 5-way error on nltcs (21,574 x 16 yes / no items).

    python -m tests.bench.nltcs [--seeds 3] [--epsilons .8] [--generators mst]

Mean total variation distance over 300 random marginals of each order (all 120 pairs), drawn by default_rng(0).
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from pathlib import Path

from tests.bench.adult import arguments_of, cells_of, cost
from tests.bench.bars import report
from tests.bench.fitting import release
from tests.bench.ruler import ROOT, mean_tvds, prepared

COLUMNS, MOST, ORDERS = 16, 300, (2, 3, 4, 5)


def cliques() -> dict[int, list[tuple[int, ...]]]:
    """The marginals of each order."""
    import numpy as np

    rng = np.random.default_rng(0)
    chosen = {}
    for order in ORDERS:
        every = list(itertools.combinations(range(COLUMNS), order))
        if len(every) > MOST:
            every = [every[i] for i in rng.choice(len(every), MOST, replace=False)]
        chosen[order] = every
    return chosen


def main() -> int:
    """Release, score, and print beside the bars; 1 where one is short."""
    import pandas as pd

    arguments = arguments_of(__doc__, "mst", "0.8").parse_args()
    table, domain = prepared() / "nltcs" / "train.csv", ROOT / "tests" / "data_domains" / "nltcs.toml"
    real, chosen = pd.read_csv(table, dtype=str), cliques()
    good = True
    for generator, epsilon in cells_of(arguments):
        runs = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "synthetic.csv"
                fitted = release(table, domain, generator, epsilon, out, seed=seed)
                errors = mean_tvds(real, pd.read_csv(out, dtype=str), chosen)
            runs.append({**{f"way{order}": error for order, error in errors.items()}, **cost(fitted)})
        good &= report("nltcs", generator, epsilon, runs)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
