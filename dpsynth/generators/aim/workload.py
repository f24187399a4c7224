"""What AIM is asked to preserve: workload cliques, their closure, and how much each marginal of it matters.

The closure holds every non-empty subset of a workload clique. A marginal r weighs w_r = sum over workload cliques s of
c_s |r and s share|, which is the sum over r's columns of how much workload each of them is in.

Source: mckenna2022aim
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from math import comb

from dpsynth.errors import PlanError

__all__ = ["CLOSURE_CAP", "Clique", "check_workload", "closure_of", "default_workload"]

Clique = tuple[str, ...]

CLOSURE_CAP = 20_000
"""Most marginals in a closure: each of them is counted, projected and scored in every round."""
DEFAULT_ORDER = 3
_SCALE = 1000  # column weights that are no small whole numbers are rounded to thousandths of the largest


def check_workload(workload: Mapping[Clique, float] | None) -> None:
    """Refuse a workload that cannot be meant.

    Raises:
        PlanError: no clique, an empty clique, a column twice in one, or a weight that is not above 0 and finite.
    """
    if workload is None:
        return
    if not workload:
        raise PlanError("An empty workload asks for nothing. Leave workload out for all marginals of three columns.")
    for clique, weight in workload.items():
        if not isinstance(clique, tuple) or not clique or len(set(clique)) != len(clique):
            raise PlanError("A workload maps tuples of one or more different column names to weights.")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight < math.inf:
            raise PlanError("Workload weights must be finite numbers above 0.")


def default_workload(names: Sequence[str]) -> dict[Clique, float]:
    """All marginals of three columns; of two, where the closure would be too large (more than about 48 columns).

    Raises:
        PlanError: even pairs are too many.
    """
    for order in range(DEFAULT_ORDER, 1, -1):
        order = min(order, len(names))
        if sum(comb(len(names), size) for size in range(1, order + 1)) <= CLOSURE_CAP:
            return dict.fromkeys(itertools.combinations(names, order), 1.0)
    raise _too_many(len(names))


def closure_of(names: Sequence[str], workload: Mapping[Clique, float]) -> dict[Clique, int]:
    """All subsets of workload cliques and their weights as small whole numbers.

    Args:
        names: modelled columns, in order.
        workload: cliques and how much each matters.

    Returns:
        Whole weights of at least 1 by clique, small cliques first, columns in the order of `names`.

    Raises:
        PlanError: a column that is not modelled, or more marginals than CLOSURE_CAP.

    Guarantee: proportional to w_r exactly where all workload weights are whole and few, else to a thousandth of the
        largest column's.
    """
    unknown = sorted({name for clique in workload for name in clique} - set(names))
    if unknown:
        raise PlanError(f"The workload names columns that are not modelled: {', '.join(unknown[:10])}.")
    place = {name: position for position, name in enumerate(names)}
    mass = dict.fromkeys(names, 0.0)
    found: set[Clique] = set()
    for clique, weight in workload.items():
        for name in clique:
            mass[name] += weight
        if 2 ** len(clique) - 1 > CLOSURE_CAP:
            raise _too_many(len(names))
        ordered = sorted(clique, key=place.__getitem__)
        for size in range(1, len(clique) + 1):
            found.update(itertools.combinations(ordered, size))
        if len(found) > CLOSURE_CAP:
            raise _too_many(len(names))
    whole = _whole({name: value for name, value in mass.items() if value > 0})
    order = sorted(found, key=lambda clique: (len(clique), [place[name] for name in clique]))
    return {clique: sum(whole[name] for name in clique) for clique in order}


def _whole(mass: Mapping[str, float]) -> dict[str, int]:
    """Column weights as small whole numbers, in proportion."""
    values: Iterable[float] = mass.values()
    largest = max(values)
    if all(value == int(value) for value in values) and largest < 2**53:
        divisor = math.gcd(*(int(value) for value in values))
        if largest / divisor <= _SCALE:
            return {name: int(value) // divisor for name, value in mass.items()}
    return {name: max(1, round(value / largest * _SCALE)) for name, value in mass.items()}


def _too_many(columns: int) -> PlanError:
    return PlanError(
        f"AIM was asked for more than {CLOSURE_CAP:,} marginals of {columns} columns, each scored in every round.\n"
        "Name the marginals that matter: AIM(workload={(...): 1.0}), or use another generator."
    )
