"""Slow, obvious twins: everything on the full joint table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import nnls

from dpsynth.pgm import Observation
from dpsynth.pgm.factor import marginalize


def marginal_of(joint: np.ndarray, sizes: dict[str, int], clique: Sequence[str]) -> np.ndarray:
    return marginalize(joint, tuple(sizes), tuple(clique))


def random_joint(sizes: dict[str, int], rows: float, seed: int, concentration: float = 0.3) -> np.ndarray:
    cells = int(np.prod(list(sizes.values())))
    joint = np.random.default_rng(seed).dirichlet(np.full(cells, concentration))
    return joint.reshape(tuple(sizes.values())) * rows


def observe(
    sizes: dict[str, int], joint: np.ndarray, cliques: Sequence[tuple[str, ...]], sigma: float, seed: int
) -> list[Observation]:
    rng = np.random.default_rng(seed)
    found = []
    for clique in cliques:
        values = marginal_of(joint, sizes, clique)
        found.append(Observation(clique, values + rng.normal(0, sigma, values.shape), sigma**2))
    return found


def least_squares(
    sizes: dict[str, int], observations: Sequence[Observation], total: float, possible: np.ndarray | None = None
) -> np.ndarray:
    """A joint of counts that minimises the loss, by non-negative least squares on all cells."""
    shape = tuple(sizes.values())
    cells = int(np.prod(shape))
    eye = np.eye(cells).reshape(cells, *shape)
    rows, right = [], []
    for observation in observations:
        root = np.sqrt(observation.precision).ravel()
        matrix = np.stack([marginal_of(eye[cell], sizes, observation.clique).ravel() for cell in range(cells)], axis=1)
        rows.append(root[:, None] * matrix)
        right.append(root * observation.values.ravel())
    heavy = 1e5 * max(float(np.abs(block).max()) for block in rows)
    rows.append(np.full((1, cells), heavy))
    right.append(np.array([heavy * total]))
    matrix = np.vstack(rows)
    keep = np.ones(cells, dtype=bool) if possible is None else possible.ravel()
    joint = np.zeros(cells)
    joint[keep] = nnls(matrix[:, keep], np.concatenate(right), maxiter=100 * cells)[0]
    return joint.reshape(shape)


def loss(sizes: dict[str, int], observations: Sequence[Observation], project) -> float:
    return sum(0.5 * float((o.precision * (project(o.clique) - o.values) ** 2).sum()) for o in observations)


def maximum_entropy(
    sizes: dict[str, int],
    targets: dict[tuple[str, ...], np.ndarray],
    sweeps: int = 3000,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Iterative proportional fitting on the joint."""
    joint = np.ones(tuple(sizes.values())) if start is None else start.copy()
    joint /= joint.sum()
    names = tuple(sizes)
    for _ in range(sweeps):
        for clique, target in targets.items():
            now = marginal_of(joint, sizes, clique)
            ratio = np.divide(target, now, out=np.zeros(now.shape), where=now > 0)
            order = sorted(range(len(clique)), key=lambda i: names.index(clique[i]))
            joint *= ratio.transpose(order).reshape([sizes[n] if n in clique else 1 for n in names])
    return joint
