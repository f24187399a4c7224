"""One private release in a process of its own, for benchmarks: CPU seconds by stage, and peak memory.

CPU seconds are of the whole process, all threads, from opening the file to the last sampled row; interpreter start and
imports are left out, as they are in the figures of the peers, and told apart.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.ruler import ROOT

DELTA = 1e-5


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a release took.

    Attributes:
        table: the synthetic table, as CSV.
        rows: its rows.
        stages: CPU seconds of open, plan, fit, sample.
        imports: CPU seconds of the interpreter and the imports.
        megabytes: peak resident memory of the process.
    """

    table: Path
    rows: int
    stages: dict[str, float]
    imports: float
    megabytes: float

    @property
    def cpu(self) -> float:
        """CPU seconds of all stages."""
        return sum(self.stages.values())


def release(
    table: Path, domain: Path, generator: str, epsilon: float, out: Path, *, rows: int = 0, seed: int = 0
) -> Fitted:
    """Fit with fresh private noise and sample in a child process.

    Args:
        table: the private table.
        domain: its public domain.
        generator: a name in GENERATORS, or "mst-published".
        epsilon: the budget, with delta 1e-5.
        out: the CSV to write.
        rows: how many rows to sample; 0 means the noisy number of rows.
        seed: of the sampling.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    words = [str(table), str(domain), generator, str(epsilon), str(out), str(rows), str(seed)]
    command = [sys.executable, "-m", "tests.bench.fitting", *words]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT).stdout)
    return Fitted(out, **found)


def peak_megabytes() -> float:
    """Peak resident memory of this process (the kernel's figure of this program alone, where it tells it)."""
    status = Path("/proc/self/status")
    if status.is_file():  # ru_maxrss starts at what the parent held
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1000 * 1.024
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def main() -> int:
    """Fit, sample, write, and print the figures as JSON."""
    parser = argparse.ArgumentParser()
    for name, kind in (("table", Path), ("domain", Path), ("generator", str), ("epsilon", float), ("out", Path)):
        parser.add_argument(name, type=kind)
    parser.add_argument("rows", type=int)
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    import duckdb  # noqa: F401  (imports are not part of the work)
    import pandas as pd  # noqa: F401
    import pyarrow.compute  # noqa: F401
    import scipy.special  # noqa: F401

    import dpsynth
    from dpsynth.generators import MST, generator_named

    imports = time.process_time()
    clock = [time.process_time()]
    domain = dpsynth.read_domain(arguments.domain)
    recipe = (
        MST(selection="exponential") if arguments.generator == "mst-published" else generator_named(arguments.generator)
    )
    with tempfile.TemporaryDirectory() as folder:
        table = dpsynth.open(arguments.table, domain=domain, ledger=Path(folder) / "bench.ledger")
        clock.append(time.process_time())
        plan = recipe.plan(domain, budget=dpsynth.Budget(epsilon=arguments.epsilon, delta=DELTA))
        clock.append(time.process_time())
        model = plan.fit(table)
        clock.append(time.process_time())
        made = model.sample(arguments.rows or None, seed=arguments.seed)
        clock.append(time.process_time())
    stages = {name: b - a for name, a, b in zip(("open", "plan", "fit", "sample"), clock[:-1], clock[1:], strict=True)}
    megabytes = peak_megabytes()  # before the table is written out, which is not part of it
    made.to_csv(arguments.out, index=False)
    print(json.dumps({"rows": len(made), "stages": stages, "imports": imports, "megabytes": megabytes}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
