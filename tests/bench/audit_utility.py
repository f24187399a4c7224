"""What all utility measures take on Adult (32,561 real and synthetic rows, 16,281 held-out ones, 15 columns).

    python -m tests.bench.audit_utility

CPU seconds of this process, floor and ceiling included. Bar: 30.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
import pandas as pd

from dpsynth.data import adult_paths, demo_holdout, demo_table
from privacy_audit.frames import align
from privacy_audit.utility.bench import make_bench
from privacy_audit.utility.registry import MEASURES

BAR = 30.0


def main() -> int:
    """Measure, print, and return 1 where it takes too long."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    real = demo_table()
    rng = np.random.default_rng(0)
    made = pd.DataFrame({name: rng.permutation(real[name].to_numpy()) for name in real})
    started = time.process_time()
    tables = align(real, made, holdout=demo_holdout(), domain=adult_paths().domain)
    bench = make_bench(tables)
    print(f"{'align':16s} {time.process_time() - started:6.2f}")
    count = 0
    for name, kind in MEASURES.items():
        before = time.process_time()
        count += len(kind.scores(bench))
        print(f"{name:16s} {time.process_time() - before:6.2f}")
    total = time.process_time() - started
    good = total < BAR
    print(f"{count} scores in {total:.1f} CPU s; bar {BAR:g}: {'PASS' if good else 'SHORT'} ({total / BAR:.2f})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
