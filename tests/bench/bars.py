"""All bars on utility and cost, in one table, and how figures are printed beside them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BENCHES = ("adult", "national2019", "nist10", "nltcs")


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure that a generator must reach on a table at an epsilon (delta 1e-5)."""

    bench: str
    generator: str
    epsilon: float
    figure: str
    limit: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value is on the good side."""
        return value >= self.limit if self.at_least else value <= self.limit


def _rows(bench: str, generator: str, epsilon: float, **limits: float) -> list[Bar]:
    at_least = ("tstr", "k_marginal")
    return [Bar(bench, generator, epsilon, name, limit, name in at_least) for name, limit in limits.items()]


def _utility(epsilon: float, w32: float, q20: float, label: float, c2st: float, tstr: float) -> list[Bar]:
    limits = {"tvd3_w32": w32, "tvd3_q20": q20, "tvd3_label": label, "c2st": c2st, "tstr": tstr}
    return _rows("adult", "adaptive", epsilon, **limits)


def _ways(generator: str, epsilon: float, **limits: float) -> list[Bar]:
    return _rows("nltcs", generator, epsilon, **limits)


def _neural(generator: str, epsilon: float, *limits: float) -> list[Bar]:
    names = ("tvd1_w32", "tvd2_w32", "tvd3_w32", "tvd3_label", "c2st", "tstr", "cpu")
    return _rows("adult", generator, epsilon, **dict(zip(names, limits, strict=True)))


BARS: list[Bar] = [
    # The foundation: MST, beside mbi 2.0.0 (.0426 / .0939 / .1091 / .834 in 73 CPU s and 2 GB).
    *_rows("adult", "mst", 1, tvd2_w32=0.042, tvd3_w32=0.092, tvd3_q20=0.105, tstr=0.835, cpu=5.0, megabytes=500),
    *_rows("nist10", "mst", 1, k_marginal=958),
    *_rows("nist10", "mst", 10, k_marginal=965),
    # Within 5 % of mbi's MST on the same file: all of it is the bias of a tree.
    *_ways("mst", 0.8, way2=1.05 * 0.0878, way3=1.05 * 0.1447, way4=1.05 * 0.1865, way5=1.05 * 0.2168),
    # The flagship.
    *_utility(0.1, 0.130, 0.118, 0.088, 0.885, 0.865),
    *_utility(0.3, 0.086, 0.078, 0.052, 0.785, 0.892),
    *_utility(1, 0.0585, 0.0532, 0.0312, 0.67, 0.905),
    *_utility(3, 0.0450, 0.0415, 0.0228, 0.625, 0.9135),
    *_utility(10, 0.0360, 0.0340, 0.0170, 0.60, 0.919),
    *_rows("adult", "adaptive", 1, cpu=1.5, megabytes=300),
    *_rows("national2019", "adaptive", 1, tvd3_w32=0.062, tvd3_q20=0.075, tstr=0.81, c2st=0.75),
    *_rows("nist10", "adaptive", 0.1, k_marginal=944),
    *_rows("nist10", "adaptive", 1, k_marginal=980),
    *_rows("nist10", "adaptive", 10, k_marginal=990),
    *_ways("adaptive", 0.2, way3=0.0105, way4=0.0165, way5=0.0230),
    *_ways("adaptive", 0.8, way3=0.0035, way4=0.0061, way5=0.0099),
    *_ways("adaptive", 3.2, way3=0.0014, way4=0.0029, way5=0.0052),
    # The neural generators.
    *_neural("autoregressive", 1, 0.0145, 0.0380, 0.0765, 0.049, 0.75, 0.902, 35.0),
    *_neural("hybrid", 0.1, 0.030, 0.080, 0.147, 0.108, 0.915, 0.85, 15.0),
    *_neural("hybrid", 1, 0.0070, 0.0290, 0.0667, 0.042, 0.71, 0.902, 40.0),
    *_neural("hybrid", 10, 0.0030, 0.0130, 0.0385, 0.0215, 0.57, 0.916, 80.0),
    # AIM as the baseline of papers.
    *_rows("nist10", "aim", 1, k_marginal=976),
    *_rows("adult", "aim", 1, cpu=60.0, tvd3_w32=0.095, tstr=0.90),
]


def report(bench: str, generator: str, epsilon: float, runs: Sequence[Mapping[str, Any]]) -> bool:
    """Print the mean of each figure over the runs, its spread, and its bar where it has one; whether all bars hold."""
    bars = {bar.figure: bar for bar in BARS if (bar.bench, bar.generator, bar.epsilon) == (bench, generator, epsilon)}
    print(f"{bench}: {generator}, epsilon {epsilon:g}, {len(runs)} runs with fresh noise")
    print("    figure         mean   spread      bar")
    good = True
    for name in runs[0]:
        values = [float(run[name]) for run in runs]
        mean, spread = statistics.fmean(values), max(values) - min(values)
        line = f"    {name:11s} {_number(mean)} {_number(spread)}"
        bar = bars.get(name)
        if bar is not None:
            good &= bar.holds(mean)
            sign, verdict = ">=" if bar.at_least else "<=", "PASS" if bar.holds(mean) else "SHORT"
            line += f"  {sign}{_number(bar.limit)} {verdict} ({mean / bar.limit:.3f} x bar)"
        print(line)
    for name in bars.keys() - runs[0].keys():
        print(f"    {name:11s} not measured in this run")
    return good


def _number(value: float) -> str:
    return f"{value:8.1f}" if value >= 100 else f"{value:8.4f}"
