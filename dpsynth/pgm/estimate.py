"""Fit a graphical model to noisy marginals by weighted least squares over distributions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.eliminate import CELL_CAP
from dpsynth.pgm.factor import expand, marginalize
from dpsynth.pgm.forecast import MEMORY_CAP_BYTES, forecast, require_fits
from dpsynth.pgm.junction_tree import JunctionTree
from dpsynth.pgm.least_squares import LeastSquares, QuadraticTerm
from dpsynth.pgm.model import Diagnostics, GraphicalModel
from dpsynth.pgm.observation import Observation
from dpsynth.pgm.propagation import Propagation
from dpsynth.pgm.rake import Target, fit_targets

__all__ = ["estimate", "estimate_total"]

RAKE_TOLERANCE = 5e-5  # total variation distance; where the optimum has zeros, raking converges like 1 / sweeps only
RAKE_ITERATIONS = 500
RAKE_SHARE = 4  # raking takes at most max_iterations / RAKE_SHARE sweeps
START_FLOOR = 1e-4  # mass that a start lends to the cells where it has none, so that they can be reached
SUPPORT_FACTOR = 10.0  # how far the gradients may be off, in residuals of the fit
SUPPORT_LEAST = 1e-3


def estimate_total(observations: Iterable[Observation]) -> float:
    """The inverse-variance weighted mean of the observations' sums, at least 1 (1 when there is none).

    Args:
        observations: noisy marginals; those with an unobserved cell say nothing about the total.

    Returns:
        Estimated number of rows.

    Guarantee: unbiased before the floor, of least variance among weighted means of the sums; post-processing.
    """
    weight = weighted = 0.0
    for observation in observations:
        variance = float(np.sum(np.broadcast_to(observation.variance, observation.values.shape)))
        if np.isfinite(variance):
            weight += 1 / variance
            weighted += float(observation.values.sum()) / variance
    return max(1.0, weighted / weight) if weight else 1.0


def estimate(
    sizes: Mapping[str, int],
    observations: Sequence[Observation],
    *,
    cliques: Iterable[Sequence[str]] = (),
    total: float | None = None,
    impossible: Mapping[tuple[str, ...], np.ndarray] | None = None,
    tolerance: float = 1e-3,
    rake_tolerance: float = RAKE_TOLERANCE,
    max_iterations: int = 2000,
    start: GraphicalModel | None = None,
    memory_cap_bytes: int = MEMORY_CAP_BYTES,
) -> GraphicalModel:
    """The maximum-entropy distribution among those that fit noisy marginals best.

    Minimises the sum over observations of ||marginal - values||^2 / (2 variance) over all distributions times `total`;
    among the minimisers, which all have the same observed marginals, takes the one of greatest entropy, which is a
    graphical model on the observed cliques.

    Args:
        sizes: cells of each column; the model's columns are in this order.
        observations: noisy marginals. Columns in none of them come out uniform and independent.
        cliques: further sets of columns that a node must hold.
        total: number of rows, if known; otherwise `estimate_total(observations)`.
        impossible: bool table per clique; True cells get probability 0.
        tolerance: stop when the optimality residual is below this many standard deviations of the noise, over all
            cells together.
        rake_tolerance: what least squares leaves undecided is settled to this total variation distance.
        max_iterations: hard cap, a quarter of it in the second step; hitting it shows in the model's diagnostics.
        start: a model over the same columns to begin at, for instance a fit of all observations but the newest. The
            observed marginals are the same; the rest tends to the distribution that is closest to the start instead of
            the uniform one, which is the same for a start that was fitted to some of the observations.
        memory_cap_bytes: most memory that the fit may take.

    Returns:
        GraphicalModel with diagnostics.

    Raises:
        PlanError: shapes that do not agree, a total that is not above 0, nothing possible, a start over other columns
            or cells, or a model above the cap.

    Guarantee: marginals within the tolerance of the unique optimum where `diagnostics.converged`; equal input gives
        equal output; post-processing.
    Source: mckenna2019graphical
    """
    sizes = {name: int(size) for name, size in sizes.items()}
    observations = tuple(observations)
    impossible = {tuple(c): np.asarray(mask, dtype=bool) for c, mask in (impossible or {}).items()}
    for clique, values in [*((o.clique, o.values) for o in observations), *impossible.items()]:
        _check_shape(sizes, clique, values)
    count = estimate_total(observations) if total is None else float(total)
    if not (np.isfinite(count) and count > 0):
        raise PlanError(
            f"A total of {count} rows was asked for.\nIt must be a number above 0; leave it out to estimate it."
        )
    plan = forecast(sizes, [*(o.clique for o in observations), *impossible, *map(tuple, cliques)])
    require_fits(plan, memory_cap_bytes)
    tree = plan.tree
    terms = _merge(sizes, observations)
    order = {name: position for position, name in enumerate(sizes)}
    nodes = [tuple(sorted(clique, key=order.__getitem__)) for clique in tree.cliques]
    propagation = Propagation(tree)
    possible = _possible(tree, nodes, propagation, impossible)
    problem = LeastSquares(sizes, nodes, tree.separators, terms, count, possible)
    prior = None if start is None else _prior(sizes, nodes, start)
    solution = problem.solve(tolerance, max_iterations, None if prior is None else [table * count for table in prior])
    allowed = [possible.get(node, np.ones(_shape(sizes, clique))) for node, clique in enumerate(nodes)]
    tables = [expand(table, c, node) for table, c, node in zip(solution.tables, nodes, tree.cliques, strict=True)]
    allowed = [expand(table, c, node) for table, c, node in zip(allowed, nodes, tree.cliques, strict=True)]
    marginals = _distribution(tree, propagation, tables, allowed)
    iterations, converged = solution.iterations, solution.converged
    if {term.clique for term in terms} != set(nodes):
        # Least squares leaves what no observation sees undecided; the maximum-entropy choice is found by raking, on the
        # cells that an optimum can reach: raking toward zeros that it has to find itself would take for ever.
        allowed = _support(tree, propagation, terms, marginals, count, solution.residual, allowed)
        tables = [table * mask for table, mask in zip(tables, allowed, strict=True)]
        marginals = _distribution(tree, propagation, tables, allowed)
        targets = []
        for term in terms:
            if not any(set(term.clique) < set(other.clique) for other in terms):
                node = _home(tree, term.clique)
                targets.append(Target(term.clique, marginalize(marginals[node], tree.cliques[node], term.clique)))
        if prior is not None:
            allowed = _conditionals(tree, nodes, prior, allowed)
        sweeps = min(RAKE_ITERATIONS, max(1, max_iterations // RAKE_SHARE))
        marginals, raked = fit_targets(tree, allowed, targets, rake_tolerance, sweeps)
        iterations += raked.iterations
        converged = converged and raked.converged
    diagnostics = Diagnostics("estimate", iterations, solution.residual, converged)
    return GraphicalModel(tree, tuple(marginals), count, diagnostics)


def _check_shape(sizes: Mapping[str, int], clique: tuple[str, ...], values: np.ndarray) -> None:
    expected = tuple(sizes.get(name, -1) for name in clique)
    if expected != values.shape:
        raise PlanError(
            f"An observation of {', '.join(clique)} has shape {values.shape}.\n"
            f"The columns' sizes are {expected} (-1: not in the model).\nGive sizes and values that agree."
        )


def _shape(sizes: Mapping[str, int], clique: Iterable[str]) -> tuple[int, ...]:
    return tuple(sizes[name] for name in clique)


def _home(tree: JunctionTree, clique: Sequence[str]) -> int:
    node = tree.home(clique)
    if node is None:
        raise ValueError("a clique lies in no node of the tree")
    return node


def _merge(sizes: Mapping[str, int], observations: Sequence[Observation]) -> list[QuadraticTerm]:
    """One term per observed clique, columns in the order of the model; repeated observations are averaged."""
    precision: dict[tuple[str, ...], np.ndarray] = {}
    weighted: dict[tuple[str, ...], np.ndarray] = {}
    for observation in observations:
        clique = tuple(name for name in sizes if name in observation.clique)
        if not clique:
            continue
        p = expand(observation.precision, observation.clique, clique)
        precision[clique] = precision.get(clique, 0.0) + p
        weighted[clique] = weighted.get(clique, 0.0) + p * expand(observation.values, observation.clique, clique)
    terms = []
    for clique, p in precision.items():
        if not p.any():
            continue
        target = np.divide(weighted[clique], p, out=np.zeros(p.shape), where=p > 0)
        first = float(p.flat[0])
        terms.append(QuadraticTerm(clique, target, first if (p == first).all() else p))
    return terms


def _prior(sizes: Mapping[str, int], nodes: Sequence[tuple[str, ...]], start: GraphicalModel) -> list[np.ndarray]:
    """Probabilities of the start on the nodes; axes in the order of the model's columns."""
    if start.sizes != sizes:
        raise PlanError("A fit was asked to start at a model over other columns or cells.\nLeave start out.")
    cap = max(CELL_CAP, *(prod(_shape(sizes, clique)) for clique in nodes))
    return [start.project(clique, cell_cap=cap) / start.total for clique in nodes]


def _conditionals(
    tree: JunctionTree, nodes: Sequence[tuple[str, ...]], prior: Sequence[np.ndarray], allowed: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Tables whose product is the start, on the allowed cells: conditionals of its marginals."""
    tables = []
    for node, (table, clique, mask) in enumerate(zip(prior, nodes, allowed, strict=True)):
        full = expand(table, clique, tree.cliques[node]) + START_FLOOR / table.size
        flat = full.reshape(tree.clique_cells(tree.separators[node]), -1)
        tables.append((flat / flat.sum(axis=1, keepdims=True)).reshape(tree.shape(node)) * mask)
    return tables


def _possible(
    tree: JunctionTree,
    nodes: Sequence[tuple[str, ...]],
    propagation: Propagation,
    impossible: Mapping[tuple[str, ...], np.ndarray],
) -> dict[int, np.ndarray]:
    """Which cells of each node some possible row can reach (1 or 0); nothing when no cell was declared impossible."""
    if not impossible:
        return {}
    allowed = [np.ones(tree.shape(node)) for node in range(len(nodes))]
    for clique, mask in impossible.items():
        node = _home(tree, clique)
        allowed[node] *= expand(~mask, clique, tree.cliques[node])
    with np.errstate(divide="ignore"):
        reached = propagation.calibrate([np.log(table) for table in allowed])
    return {
        node: expand((table > 0).astype(np.float64), tree.cliques[node], nodes[node])
        for node, table in enumerate(reached)
    }


def _distribution(
    tree: JunctionTree, propagation: Propagation, tables: Sequence[np.ndarray], fallback: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Exactly consistent probabilities: conditionals of the (almost consistent) tables, chained from the roots."""
    conditionals = []
    for node, (table, spare) in enumerate(zip(tables, fallback, strict=True)):
        cells = tree.clique_cells(tree.separators[node])
        flat, uniform = table.reshape(cells, -1), spare.reshape(cells, -1)
        flat = np.where(flat.sum(axis=1, keepdims=True) > 0, flat, uniform)
        mass = flat.sum(axis=1, keepdims=True)
        conditionals.append((flat / np.where(mass > 0, mass, 1.0)).reshape(tree.shape(node)))
    return propagation.downward(conditionals)


def _support(
    tree: JunctionTree,
    propagation: Propagation,
    terms: Sequence[QuadraticTerm],
    marginals: Sequence[np.ndarray],
    total: float,
    residual: float,
    allowed: Sequence[np.ndarray],
) -> list[np.ndarray]:
    """Which cells an optimum can reach (1 or 0).

    At the optimum every row of positive probability has the least possible sum of gradients. Cells whose best row is
    dearer than that, by more than the error of the gradients, are 0 in all optima.
    """
    with np.errstate(divide="ignore"):
        costs = [-np.log(table) for table in allowed]
    error = 0.0
    for term in terms:
        node = _home(tree, term.clique)
        columns = tree.cliques[node]
        gradient = term.weight * (marginalize(marginals[node], columns, term.clique) * total - term.target)
        costs[node] = costs[node] + expand(gradient, term.clique, columns)
        error += float(np.sqrt(np.max(term.weight)))
    threshold = error * max(SUPPORT_FACTOR * residual, SUPPORT_LEAST)
    return [(table <= threshold).astype(np.float64) for table in propagation.slack(costs)]
