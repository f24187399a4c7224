"""What each part of Adaptive buys, and how errors of all marginal generators fall with epsilon (raw Adult, delta 1e-5).

    python -m tests.bench.ablations [parts] [curves] [--seeds 3] [--epsilon 1] [--write]

parts: Adaptive with one part switched off at a time, on Adult and national2019. curves: Adaptive, AIM, MST and Independent
over epsilon, beside a bootstrap of the private table (floor) and independent columns without noise. --write puts the
tables into docs/how-to-choose.md and the picture into docs/errors-by-epsilon.svg. TVD3 as in tests/bench/adult.py (w32).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

import dpsynth
from dpsynth.generators import marginal_model
from tests.bench.fitting import DELTA
from tests.bench.ruler import ROOT, prepared, scorer

DOMAINS = {
    "adult": ROOT / "dpsynth" / "data" / "adult.toml",
    "national2019": ROOT / "tests" / "data_domains" / "national2019.toml",
}
EPSILONS = (0.1, 0.3, 1.0, 3.0, 10.0)
AIM_UP_TO = 1.0  # beyond that its rounds take many minutes
FIGURES = ("tvd3_w32", "tvd3_q20", "tvd3label_q20")
PARTS: dict[str, dict[str, Any]] = {
    "everything": {},
    "no search for spikes": {"dpsynth.generators.adaptive.recipe.search_depths": lambda *_: {}},
    "no skeleton: all pairs in one wave": {
        "dpsynth.generators.adaptive.waves.spanning_forest": lambda pairs, _: tuple(pairs)
    },
    "no sparse picture of pairs": {"dpsynth.generators.pairs.LARGE_CELLS": ()},
    "no shrinkage of singular values": {
        "dpsynth.generators.pairs.shrink_singular_values": lambda residual, _: residual
    },
    "no row edits": {"edits": {}},
}
PAGE = ROOT / "docs" / "how-to-choose.md"
PICTURE = ROOT / "docs" / "errors-by-epsilon.svg"


def score(bench: str, measured: Any, make: Callable[[int], pd.DataFrame], seeds: int) -> np.ndarray:
    """Mean figures over tables that `make` gives by seed."""
    found = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "made.csv"
            make(seed).to_csv(path, index=False)
            scores = measured.score(str(path), skip=("dcr", "c2st", "ml"))
        found.append([scores[name] for name in FIGURES])
    return np.mean(found, axis=0)


def fit(bench: str, recipe: Any, epsilon: float) -> Any:
    """A model with fresh noise."""
    domain = dpsynth.read_domain(DOMAINS[bench])
    plan = recipe.plan(domain, budget=dpsynth.Budget(epsilon=epsilon, delta=DELTA))
    with tempfile.TemporaryDirectory() as folder:
        return plan.fit(
            dpsynth.open(prepared() / bench / "train.csv", domain=domain, ledger=Path(folder) / "bench.ledger")
        )


def parts(seeds: int, epsilon: float) -> list[str]:
    """A table in Markdown."""
    benches = list(DOMAINS)
    lines = [
        f"| `adaptive` at epsilon {epsilon:g} | " + " | ".join(f"{b}: TVD3 w32 / q20 / label" for b in benches) + " |",
        "| --- |" + " ---: |" * len(benches),
    ]
    for part, patches in PARTS.items():
        cells = []
        for bench in benches:
            with ExitStack() as stack:
                for place, other in patches.items():
                    if place != "edits":
                        stack.enter_context(patch(place, other))

                def make(seed: int, bench: str = bench, patches: dict[str, Any] = patches) -> pd.DataFrame:
                    model = fit(bench, dpsynth.Adaptive(), epsilon)
                    assert isinstance(model, marginal_model.MarginalModel)
                    return (replace(model, edits={}) if "edits" in patches else model).sample(seed=seed)

                cells.append(" / ".join(_short(x) for x in score(bench, scorer(bench), make, seeds)))
        lines.append(f"| {part} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    return lines


def curves(seeds: int) -> tuple[list[str], dict[str, list[float]]]:
    """A table in Markdown, and TVD3 w32 by generator and epsilon."""
    measured = scorer("adult")
    real = pd.read_csv(prepared() / "adult" / "train.csv")
    found: dict[str, list[float]] = {}
    for name, recipe, runs in (
        ("adaptive", dpsynth.Adaptive(), seeds),
        ("aim", dpsynth.AIM(), 1),
        ("mst", dpsynth.MST(), seeds),
        ("independent", dpsynth.Independent(), seeds),
    ):
        found[name] = []
        for epsilon in EPSILONS:
            if name == "aim" and epsilon > AIM_UP_TO:
                continue
            mean = score("adult", measured, lambda seed: fit("adult", recipe, epsilon).sample(seed=seed), runs)  # noqa: B023
            found[name].append(float(mean[0]))
            print(f"{name} at epsilon {epsilon:g}: {mean[0]:.4f}", flush=True)
    floor = score("adult", measured, lambda s: real.sample(len(real), replace=True, random_state=s), seeds)[0]
    shuffled = score(
        "adult",
        measured,
        lambda s: real.apply(lambda c: c.sample(frac=1, random_state=s + hash(c.name) % 1000).to_numpy()),
        1,
    )[0]
    found["independent, without noise"] = [float(shuffled)] * len(EPSILONS)
    found["bootstrap of the private table"] = [float(floor)] * len(EPSILONS)
    lines = [
        "| TVD3 w32, Adult | " + " | ".join(f"{e:g}" for e in EPSILONS) + " |",
        "| --- |" + " ---: |" * len(EPSILONS),
    ]
    lines += [
        f"| {name} | " + " | ".join([*map(_short, values), *[""] * (len(EPSILONS) - len(values))]) + " |"
        for name, values in found.items()
    ]
    return lines, found


def draw(found: dict[str, list[float]]) -> str:
    """The curves as SVG: both axes logarithmic."""
    wide, high, left, top = 640, 400, 60, 20
    values = [v for curve in found.values() for v in curve]
    low, most = np.log10(min(values) * 0.9), np.log10(max(values) * 1.1)
    first, last = np.log10(EPSILONS[0]), np.log10(EPSILONS[-1])

    def at(epsilon: float, value: float) -> str:
        x = left + (np.log10(epsilon) - first) / (last - first) * (wide - left - 190)
        y = top + (most - np.log10(value)) / (most - low) * (high - top - 50)
        return f"{x:.1f},{y:.1f}"

    colours = ("#0b6e4f", "#c2410c", "#1d4ed8", "#7c3aed", "#6b7280", "#111827")
    body = []
    for (name, curve), colour in zip(found.items(), colours, strict=True):
        points = " ".join(at(e, v) for e, v in zip(EPSILONS, curve, strict=False))
        dash = ' stroke-dasharray="5 4"' if "without" in name or "bootstrap" in name else ""
        body.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        x, y = at(EPSILONS[len(curve) - 1], curve[-1]).split(",")
        y = float(y) + (18 if name == "independent" else 4)  # beside its own line without noise
        body.append(f'<text x="{float(x) + 6:.1f}" y="{y:.1f}" fill="{colour}">{name}</text>')
    for epsilon in EPSILONS:
        x = at(epsilon, 10**low).split(",")[0]
        body.append(f'<text x="{x}" y="{high - 30}" text-anchor="middle" fill="#374151">{epsilon:g}</text>')
    for value in (0.02, 0.05, 0.1, 0.2):
        if 10**low < value < 10**most:
            y = at(EPSILONS[0], value).split(",")[1]
            body.append(
                f'<text x="{left - 8}" y="{float(y) + 4:.1f}" text-anchor="end" fill="#374151">{value:g}</text>'
            )
            body.append(f'<line x1="{left}" x2="{wide - 190}" y1="{y}" y2="{y}" stroke="#e5e7eb"/>')
    body.append(f'<text x="{(wide - 130) / 2}" y="{high - 8}" text-anchor="middle" fill="#374151">epsilon</text>')
    title = "Mean error of 3-way marginals of Adult against epsilon"
    style = 'font-family="system-ui, sans-serif" font-size="12"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" {style} role="img">'
    return "\n".join(
        [head, f"<title>{title}</title>", f'<rect width="{wide}" height="{high}" fill="#fff"/>', *body, "</svg>"]
    )


def _short(value: float) -> str:
    return f"{value:.4f}".lstrip("0")


def _write(marker: str, lines: list[str]) -> None:
    text = PAGE.read_text()
    start, end = f"<!-- {marker} -->", f"<!-- end of {marker} -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    PAGE.write_text(before + start + "\n" + "\n".join(lines) + "\n" + end + after)


def main() -> int:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["parts", "curves"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if "parts" in arguments.what:
        lines = parts(arguments.seeds, arguments.epsilon)
        print("\n".join(lines))
        if arguments.write:
            _write("parts", lines)
    if "curves" in arguments.what:
        lines, found = curves(arguments.seeds)
        print("\n".join(lines))
        if arguments.write:
            _write("curves", lines)
            PICTURE.write_text(draw(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
