"""Graphical models: time to fit a spanning tree, to draw a million rows, and how mbi does on the same input.

    python -m tests.bench.pgm [--no-mbi]

The input is like Adult: 15 columns of 2 to 100 cells, 48,842 rows, every column and a spanning tree of pairs measured
with Gaussian noise (standard deviation 30). mbi is timed on its first call (which compiles) and on a second one.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np

from dpsynth.pgm import GraphicalModel, Observation, estimate

CELLS = [16, 42, 7, 100, 16, 16, 7, 15, 6, 5, 2, 27, 40, 90, 42]
ROWS = 48_842
SIGMA = 30.0
SAMPLE_BAR, FIT_BAR = 10.0, 1.0  # CPU seconds


def adult_like(seed: int) -> tuple[dict[str, int], list[Observation]]:
    rng = np.random.default_rng(seed)
    sizes = {f"column{i}": cells for i, cells in enumerate(CELLS)}
    names = list(sizes)
    parents = [-1, *(int(rng.integers(0, i)) for i in range(1, len(CELLS)))]
    rows = np.zeros((ROWS, len(CELLS)), dtype=np.int64)
    for i, cells in enumerate(CELLS):
        base = rng.dirichlet(np.full(cells, 0.15))
        if i == 0:
            rows[:, i] = rng.choice(cells, ROWS, p=base)
            continue
        table = 0.5 * base + 0.5 * rng.dirichlet(np.full(cells, 0.05), size=CELLS[parents[i]])
        cumulative = np.cumsum(table, axis=1)
        cumulative[:, -1] = 1.0
        rows[:, i] = (rng.random(ROWS)[:, None] > cumulative[rows[:, parents[i]]]).sum(axis=1)
    observations = []
    for clique in [*((i,) for i in range(len(CELLS))), *((parents[i], i) for i in range(1, len(CELLS)))]:
        shape = tuple(CELLS[i] for i in clique)
        code = np.ravel_multi_index([rows[:, i] for i in clique], shape)
        counts = np.bincount(code, minlength=int(np.prod(shape))).reshape(shape)
        noisy = counts + np.round(rng.normal(0, SIGMA, shape))
        observations.append(Observation(tuple(names[i] for i in clique), noisy, SIGMA**2))
    return sizes, observations


def cpu(action: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def mbi_seconds(sizes: dict[str, int], observations: list[Observation], total: float) -> tuple[float, float, float]:
    """CPU seconds of a first and a second fit of 1,000 steps, and the loss that they reach."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jax

        jax.config.update("jax_enable_x64", True)
        import mbi

        domain = mbi.Domain(tuple(sizes), tuple(sizes.values()))
        measured = [
            mbi.LinearMeasurement(o.values.ravel(), o.clique, stddev=float(np.sqrt(o.variance))) for o in observations
        ]

        def fit():
            return mbi.estimation.MirrorDescent().estimate(domain, measured, known_total=total, iters=1000)

        first, _ = cpu(fit)
        second, model = cpu(fit)
        loss = sum(
            0.5 * float(((np.asarray(model.project(o.clique).datavector()) - o.values.ravel()) ** 2 / o.variance).sum())
            for o in observations
        )
    return first, second, loss


def loss_of(model: GraphicalModel, observations: list[Observation]) -> float:
    return sum(0.5 * float((o.precision * (model.project(o.clique) - o.values) ** 2).sum()) for o in observations)


def verdict(seconds: float, bar: float) -> str:
    return f"{seconds:8.3f} CPU s   bar {bar:g} s   ratio {seconds / bar:.3f}   {'PASS' if seconds <= bar else 'SHORT'}"


def main(arguments: list[str]) -> int:
    sizes, observations = adult_like(0)
    fits = [cpu(lambda: estimate(sizes, observations)) for _ in range(3)]
    fit_seconds, model = min(fits, key=lambda fit: fit[0])
    assert isinstance(model, GraphicalModel)
    ours = loss_of(model, observations)
    print(f"fit, {len(sizes)} columns, {model.tree.cells:,} cells   {verdict(fit_seconds, FIT_BAR)}")
    print(f"  {model.diagnostics.iterations} iterations, residual {model.diagnostics.residual:.1e}, loss {ours:.3f}")
    sample_seconds, rows = cpu(lambda: model.sample(1_000_000, np.random.default_rng(0)))
    assert isinstance(rows, np.ndarray)
    print(f"sample 1,000,000 x {rows.shape[1]} rows        {verdict(sample_seconds, SAMPLE_BAR)}")
    ok = fit_seconds <= FIT_BAR and sample_seconds <= SAMPLE_BAR
    if "--no-mbi" not in arguments:
        try:
            first, second, theirs = mbi_seconds(sizes, observations, model.total)
        except ImportError:
            print("mbi: not installed, skipped")
        else:
            print(f"mbi, 1,000 steps: first fit {first:.1f} CPU s (x{first / fit_seconds:.0f} of ours), ", end="")
            print(f"again {second:.1f} CPU s (x{second / fit_seconds:.0f}), loss {theirs:.3f}, ours {ours:.3f}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
