"""Utility and cost on the NIST ACS excerpt (national2019, 19 columns, 80 % of its rows), by the shared ruler.

    python -m tests.bench.national2019 [--seeds 3] [--epsilons 1] [--generators mst,adaptive] [--quick]

Figures as in tests/bench/adult.py.
"""

from __future__ import annotations

import sys

from tests.bench.adult import run
from tests.bench.ruler import ROOT

if __name__ == "__main__":
    domain = ROOT / "tests" / "data_domains" / "national2019.toml"
    sys.exit(run("national2019", domain, __doc__, "mst,adaptive", "1"))
