"""How the error of a release grows as a table shrinks: n random rows of Adult, epsilon 1, delta 1e-6.

    python -m tests.bench.small_tables

Mean total variation distance of all 1-column and 2-column marginals, between the n rows and as many synthetic ones. The
figures of docs/known-limits.md come from here; the bar is that the error falls as the table grows.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import dpsynth
from dpsynth.cli.demo_utility import compare
from dpsynth.data import demo_domain, demo_table

SIZES = (300, 1_000, 3_000, 10_000, 32_561)


def main() -> int:
    """Print one line per size."""
    domain, whole = demo_domain(), demo_table()
    plan = dpsynth.Auto().plan(domain, budget=dpsynth.Budget(epsilon=1, delta=1e-6))
    errors = []
    print("   rows   1 column   2 columns   2 columns, had the columns been independent and without noise")
    for size in SIZES:
        part = whole.sample(size, random_state=0)
        with tempfile.TemporaryDirectory() as folder:
            table = dpsynth.open(part, domain=domain, ledger=Path(folder) / "bench.ledger")
            made = plan.fit(table).sample(size, seed=0)
        found, independent, *_ = compare(part, made, domain)
        errors.append(found.two)
        print(f"{size:7,d}   {found.one:8.3f}   {found.two:9.3f}   {independent.two:9.3f}")
    falls = all(b < a for a, b in zip(errors, errors[1:], strict=False))
    print(f"the error falls as the table grows: {'PASS' if falls else 'SHORT'}")
    return 0 if falls else 1


if __name__ == "__main__":
    sys.exit(main())
