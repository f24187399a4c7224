"""How many rows break a rule."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, final

import numpy as np

from privacy_audit.errors import InputError
from privacy_audit.utility.base import AbstractMeasure, Reading
from privacy_audit.utility.bench import Bench, Constraint
from privacy_audit.utility.expressions import holds
from privacy_audit.utility.views import View

__all__ = ["Constraints", "violations"]


@final
class Constraints(AbstractMeasure):
    """Share of rows that break each given rule, and that break any."""

    name: ClassVar[str] = "constraints"

    def read(self, bench: Bench, candidate: View) -> Iterable[Reading]:
        if not bench.constraints:
            return []
        broken = {name: violations(rule, candidate, bench) for name, rule in bench.constraints.items()}
        found = [
            Reading(f"violations[{name}]", float(bad.mean()), note="share of rows that break the rule")
            for name, bad in broken.items()
        ]
        anything = np.logical_or.reduce(list(broken.values()))
        return [*found, Reading("violations_any", float(anything.mean()), note="share of rows that break any rule")]


def violations(rule: Constraint, view: View, bench: Bench) -> np.ndarray:
    """Where a rule is broken.

    Args:
        rule: words, or a function from a frame to booleans (True: the row is good).
        view: the rows.
        bench: whose grid names the columns.

    Returns:
        bool[rows].

    Raises:
        InputError: the function does not return one boolean per row.
    """
    frame = view.frame(bench.grid)
    if isinstance(rule, str):
        return ~holds(rule, frame)
    good = np.asarray(rule(frame))
    if good.shape != (view.rows,) or good.dtype != bool:
        raise InputError("A rule must return one boolean for each row.")
    return ~good
