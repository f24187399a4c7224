"""Utility and cost on the raw Adult table (32,561 x 15), by the shared ruler.

    python -m tests.bench.adult [--seeds 3] [--epsilons 1] [--generators mst,independent] [--quick]

Each run is a release with fresh private noise in a process of its own. TVD is the mean total variation distance of all
1-, 2- and 3-way marginals to the private table (w32: numbers in 32 equal cells; q20: in twentieths of it; label: triples
with the label); C2ST tells synthetic from held-out rows (0.5 is best); TSTR is the AUC of a model trained on the
synthetic and tested on the held-out table. Bars: tests/bench/bars.py. --quick leaves out C2ST and TSTR.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.bars import report
from tests.bench.fitting import Fitted, release
from tests.bench.ruler import ROOT, prepared, scorer

FIGURES = {
    "tvd1_w32": "tvd1_w32",
    "tvd2_w32": "tvd2_w32",
    "tvd3_w32": "tvd3_w32",
    "tvd2_q20": "tvd2_q20",
    "tvd3_q20": "tvd3_q20",
    "tvd3_label": "tvd3label_q20",
    "c2st": "c2st_auc",
    "tstr": "tstr_lgb_auc",
}
"""Our names of figures -> the ruler's."""


def cost(fitted: Fitted) -> dict[str, float]:
    """Figures of what a release took."""
    stages = {f"cpu {name}": seconds for name, seconds in fitted.stages.items()}
    return {"cpu": fitted.cpu, **stages, "cpu imports": fitted.imports, "megabytes": fitted.megabytes}


def arguments_of(description: str | None, generators: str, epsilons: str) -> argparse.ArgumentParser:
    """The options that all utility benchmarks share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="runs, each with fresh noise")
    parser.add_argument("--epsilons", default=epsilons)
    parser.add_argument("--generators", default=generators)
    return parser


def cells_of(arguments: argparse.Namespace) -> list[tuple[str, float]]:
    """Generators and epsilons to run."""
    epsilons = [float(text) for text in arguments.epsilons.split(",")]
    return [(name, epsilon) for name in arguments.generators.split(",") for epsilon in epsilons]


def run(bench: str, domain: Path, description: str | None, generators: str, epsilons: str) -> int:
    """Release, score, and print beside the bars; 1 where one is short."""
    parser = arguments_of(description, generators, epsilons)
    parser.add_argument("--quick", action="store_true", help="leave out the trained models")
    arguments = parser.parse_args()
    skip = ("dcr", "c2st", "ml") if arguments.quick else ("dcr",)
    measured = scorer(bench)
    good = True
    for generator, epsilon in cells_of(arguments):
        runs: list[dict[str, Any]] = []
        for seed in range(arguments.seeds):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "synthetic.csv"
                fitted = release(prepared() / bench / "train.csv", domain, generator, epsilon, out, seed=seed)
                scores = measured.score(str(out), skip=skip)
            runs.append({ours: scores[theirs] for ours, theirs in FIGURES.items() if theirs in scores} | cost(fitted))
        good &= report(bench, generator, epsilon, runs)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(run("adult", ROOT / "dpsynth" / "data" / "adult.toml", __doc__, "mst,independent", "1"))
