"""Subgroups of targets that averages hide: the most exposed rows, rare categories, named columns."""

from __future__ import annotations

import numpy as np

from privacy_audit.attacks.context import Context

__all__ = ["exposure", "strata_of"]

RARE = 0.01
"""A category that fewer of the targets have is rare."""
CLOSE = 5


def exposure(context: Context) -> np.ndarray:
    """How far each target is from other real rows: mean distance to the five nearest members and non-members.

    Returns:
        float64[targets], higher for rows that stand alone. Members and non-members are treated alike.

    Source: meeus2023achilles.
    """
    real, own = context.neighbours("real holdout"), context.neighbours("real real")
    back, theirs = context.neighbours("holdout real"), context.neighbours("holdout holdout")
    first = np.concatenate([real.distances[:, :CLOSE], back.distances[:, :CLOSE]])
    second = [table.distances[:, :CLOSE] for table in (own, theirs)]
    width = min(table.shape[1] for table in second)
    both = np.concatenate([first, np.concatenate([table[:, :width] for table in second])], axis=1)
    return np.sort(both, axis=1)[:, :CLOSE].mean(axis=1)


def strata_of(context: Context) -> dict[str, np.ndarray]:
    """Masks of the targets by the stratum's name.

    Returns:
        bool[targets] each: "most exposed 1 %", "most exposed 5 %", "rare category", and every value of the columns
        named as subgroups.
    """
    found: dict[str, np.ndarray] = {}
    targets = context.targets
    if min(context.tables.real.rows, context.holdout.rows) >= 2:
        order = np.argsort(-exposure(context), kind="stable")
        for share in (0.01, 0.05):
            mask = np.zeros(targets.rows, bool)
            mask[order[: max(1, round(share * targets.rows))]] = True
            found[f"most exposed {share:.0%}".replace("%", " %")] = mask
    rare = np.zeros(targets.rows, bool)
    for j, column in enumerate(targets.categorical):
        counts = np.bincount(targets.codes[:, j], minlength=column.size)
        rare |= (counts < RARE * targets.rows)[targets.codes[:, j]]
        if column.name in context.subgroups:
            for code, value in enumerate((*column.values, "missing")):
                found[f"{column.name} = {value}"] = targets.codes[:, j] == code
    if 0 < rare.mean() < 0.5:
        found["rare category"] = rare
    return found
