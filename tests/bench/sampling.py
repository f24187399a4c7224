"""CPU seconds to sample a million rows of Adult's 15 columns from a fitted model.

    python -m tests.bench.sampling [--seeds 3] [--rows 1000000] [--generators mst,independent]

Bar: 10 CPU seconds for 1,000,000 rows (15 for those that edit rows), on one thread, decoding to values included.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.fitting import release
from tests.bench.ruler import ROOT, prepared

SECONDS = {"adaptive": 15.0, "auto": 15.0}
USUAL_SECONDS = 10.0


def main() -> int:
    """Print the mean over the runs and the bar; 1 where one is short."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--generators", default="mst,independent")
    arguments = parser.parse_args()
    table, domain = prepared() / "adult" / "train.csv", ROOT / "dpsynth" / "data" / "adult.toml"
    good = True
    for generator in arguments.generators.split(","):
        seconds, megabytes = [], []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "synthetic.csv"
                fitted = release(table, domain, generator, 1.0, out, rows=arguments.rows, seed=seed)
            seconds.append(fitted.stages["sample"])
            megabytes.append(fitted.megabytes)
        mean, bar = statistics.fmean(seconds), SECONDS.get(generator, USUAL_SECONDS) * arguments.rows / 1e6
        good &= mean <= bar
        print(
            f"{generator}: {arguments.rows:,} x 15 rows in {mean:.2f} CPU s (best {min(seconds):.2f}), "
            f"bar {bar:g}: {'PASS' if mean <= bar else 'SHORT'} ({mean / bar:.2f} x bar); peak {max(megabytes):.0f} MB"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
