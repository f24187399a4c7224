"""Up to 16 columns: the model is the whole joint, fitted by Newton steps with exact moments.

    p(x) ~ exp(sum theta_S prod_{j in S} z_j)

`climb` adds one order after the other by penalised maximum entropy

    maximise   sum theta_S y_S - n log Z(theta) - 1/2 sum lambda_S theta_S^2

which is concave; what each order's sums say beyond the model of the orders below gives the prior of that order, and so
its penalty. `posterior_mode` then goes from there to the mode of the posterior itself,

    minimise   1/2 sum (c_S - n E_p[prod_{j in S} s_j])^2 / var_S + 1/2 sum R_S theta_S^2

with the noise where it is, independent on sums of plain signs. The two differ where the covariance of the features is
far from diagonal: directions in which the model hardly moves are set by noise, and only the posterior shrinks them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dpsynth.generators.binary.joint import Joint
from dpsynth.generators.binary.shrinkage import Prior
from dpsynth.generators.binary.sums import Centred, Sums
from dpsynth.generators.binary.walsh import shift_matrix

__all__ = ["Climb", "climb", "posterior_mode"]

NEWTON_STEPS = 60
NEWTON_TOLERANCE = 1e-2  # in log-likelihood
GAUSS_NEWTON_STEPS = 15
GAUSS_NEWTON_TOLERANCE = 0.05
CONJUGATE_STEPS = 40
SHORTEST = 1e-4
FIRST_DAMPING, SMALLEST_DAMPING = 1e-4, 1e-7
WORN = 30  # conjugate steps that say that the diagonal does not precondition
STALE = 12  # conjugate steps that say that the preconditioner is of another model
FIRST_ORDER_VARIANCE = 1.0  # prior variance of standardised first-order parameters: next to nothing


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """A fitted joint.

    Attributes:
        theta: float64[sets], orders 1, 2, ... one after the other.
        probabilities: float64[2^d].
        priors: by order; the last one may belong to an order that is not in the model yet.
    """

    theta: np.ndarray
    probabilities: np.ndarray
    priors: dict[int, Prior]


def climb(sums: Sums, *, last: bool) -> Climb:
    """Fit order after order.

    Args:
        sums: what was measured.
        last: fit the highest order too; otherwise its prior is found and nothing more.

    Guarantee: post-processing; deterministic.
    """
    centred = sums.centred()
    joint = Joint(centred.centres)
    top = max(centred.sums)
    theta = np.arctanh(centred.centres)
    probabilities = _Model(joint, joint.places_of(centred.sets[1])).probabilities(theta)[0]
    priors = {1: Prior.flat(centred.noise[1] / (centred.total**2 * centred.scale[1]))}
    ridge, wanted, scale = np.zeros(len(theta)), centred.sums[1], centred.scale[1]
    places = joint.places_of(centred.sets[1])
    for order in range(2, top + 1):
        mine = joint.places_of(centred.sets[order])
        priors[order] = centred.prior(order, centred.total * joint.moments(probabilities)[mine])
        if order == top and not last:
            break
        places, wanted = np.concatenate([places, mine]), np.concatenate([wanted, centred.sums[order]])
        ridge = np.concatenate([ridge, centred.ridge(order, priors[order])])
        scale = np.concatenate([scale, centred.scale[order]])
        theta = np.concatenate([theta, np.zeros(len(mine))])
        covariance = _covariance(centred, order, places)
        theta, probabilities = _maximum_entropy(
            _Model(joint, places), wanted, ridge, scale, centred.total, theta, covariance
        )
    return Climb(theta, probabilities, priors)


class _Model:
    """Natural parameters of the sets at some places of a joint."""

    def __init__(self, joint: Joint, places: np.ndarray) -> None:
        self.joint, self.places = joint, places

    def spread(self, values: np.ndarray) -> np.ndarray:
        full = np.zeros(1 << self.joint.columns)
        full[self.places] = values
        return full

    def probabilities(self, theta: np.ndarray) -> tuple[np.ndarray, float]:
        """float64[2^d] and log Z."""
        energy = self.joint.expand(self.spread(theta))
        top = float(energy.max())
        weights = np.exp(energy - top)
        whole = float(weights.sum())
        return weights / whole, top + math.log(whole)

    def covariance(self, p: np.ndarray, x: np.ndarray, outcome: Joint) -> np.ndarray:
        """float64[sets]: covariance under p of the function with coefficients x and each product of `outcome`."""
        function = self.joint.expand(self.spread(x))
        return outcome.moments(p * (function - p @ function))[self.places]


def _covariance(centred: Centred, top: int, places: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """From probabilities to the covariances float64[sets, sets] of the centred products of orders 1 to `top`."""
    change = shift_matrix({k: sets for k, sets in centred.sets.items() if k <= top}, -centred.centres)
    plain = Joint(np.zeros(len(centred.centres)))

    def covariance(p: np.ndarray) -> np.ndarray:
        half = np.asarray(change @ _plain_covariance(plain.moments(p), places))
        return np.asarray(change @ half.T)

    return covariance


def _plain_covariance(moments: np.ndarray, places: np.ndarray) -> np.ndarray:
    return moments[places[:, None] ^ places[None, :]] - np.outer(moments[places], moments[places])


def _conjugate_gradients(
    product: Callable[[np.ndarray], np.ndarray],
    precondition: Callable[[np.ndarray], np.ndarray],
    gradient: np.ndarray,
    tolerance: float,
) -> tuple[np.ndarray, int]:
    x, r = np.zeros(len(gradient)), gradient.copy()
    z = precondition(r)
    q, rz = z.copy(), float(r @ z)
    goal, step = tolerance * rz, 0
    if rz <= 0:  # nothing to climb
        return x, step
    for step in range(1, CONJUGATE_STEPS + 1):
        along = product(q)
        length = rz / float(q @ along)
        x += length * q
        r -= length * along
        z = precondition(r)
        rz, before = float(r @ z), rz
        if rz <= goal:
            break
        q = z + rz / before * q
    return x, step


def _maximum_entropy(
    model: _Model,
    wanted: np.ndarray,
    ridge: np.ndarray,
    scale: np.ndarray,
    total: float,
    theta: np.ndarray,
    covariance: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Newton's method on the concave dual: theta and probabilities.

    Conjugate gradients start with the diagonal. Where columns repeat each other that takes them nowhere; from the first
    step that shows it, the whole matrix of covariances (by `covariance`, of probabilities) preconditions them. There
    the likelihood is also all but flat in many directions; steps that have to be cut short are damped from then on.
    """
    joint = model.joint
    factor: Callable[[np.ndarray], np.ndarray] | None = None
    whole, damping = False, 0.0

    def evaluate(theta: np.ndarray) -> tuple[float, np.ndarray]:
        p, log_normaliser = model.probabilities(theta)
        return float(theta @ wanted - total * log_normaliser - 0.5 * (ridge * theta) @ theta), p

    value, p = evaluate(theta)
    for _ in range(NEWTON_STEPS):
        gradient = wanted - total * joint.moments(p)[model.places] - ridge * theta
        here, penalty = p, ridge + damping * total * scale
        if whole and factor is None:
            factor = _solver(total * covariance(p), penalty)
        diagonal = total * scale + penalty
        move, taken = _conjugate_gradients(
            lambda x, here=here, penalty=penalty: total * model.covariance(here, x, joint) + penalty * x,
            factor or (lambda r, diagonal=diagonal: r / diagonal),
            gradient,
            1e-4,
        )
        promised = float(gradient @ move)
        if promised < NEWTON_TOLERANCE:
            break
        length = 1.0
        while length > SHORTEST:
            new, q = evaluate(theta + length * move)
            if new >= value + 0.1 * length * promised:
                break
            length *= 0.5
        else:
            break
        theta, value, p = theta + length * move, new, q
        before, damping = damping, _damped(damping, length)
        if taken > (STALE if whole else WORN) or (whole and damping != before):
            whole, factor = True, None
    return theta, p


def _damped(damping: float, length: float) -> float:
    """The damping of the next step, from how much of this one could be taken."""
    if length < 0.3:
        return max(damping, FIRST_DAMPING) / length
    if length == 1.0:
        return damping / 4 if damping > SMALLEST_DAMPING else 0.0
    return damping


def posterior_mode(sums: Sums, start: Climb) -> np.ndarray:
    """Gauss-Newton from a fitted climb to the mode of the posterior.

    Args:
        sums: what was measured.
        start: `climb(sums, last=True)`.

    Returns:
        float64[2^d] probabilities.

    Guarantee: post-processing; deterministic.
    """
    centred = sums.centred()
    orders = sorted(centred.sums)
    plain, joint = Joint(np.zeros(sums.columns)), Joint(centred.centres)
    places = np.concatenate([joint.places_of(centred.sets[order]) for order in orders])
    model, bounded = _Model(joint, places), sums.bounded()
    values = np.concatenate([bounded[order] for order in orders])
    weight = 1 / np.concatenate([sums.variances[order] for order in orders])
    precision = np.concatenate([_precision(centred, order, start.priors[order]) for order in orders])
    change = shift_matrix(centred.sets, -centred.centres)
    plain_model = _Model(plain, places)
    total = centred.total

    def evaluate(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        p, _ = model.probabilities(theta)
        left = values - total * plain.moments(p)[places]
        return 0.5 * float((left * weight) @ left + (precision * theta) @ theta), p, left

    unit = np.concatenate([(total * centred.scale[order]) ** 2 / centred.noise[order] for order in orders])
    theta, damping = start.theta, 0.0
    value, p, left = evaluate(theta)
    factor = None
    for _ in range(GAUSS_NEWTON_STEPS):
        if factor is None:
            slope = np.asarray(total * (change @ _plain_covariance(plain.moments(p), places)))
            factor = _solver((slope * weight) @ slope.T, precision + damping * unit)

        def curvature(x: np.ndarray, p: np.ndarray = p, penalty: np.ndarray = precision + damping * unit) -> np.ndarray:
            outcome = total * model.covariance(p, x, plain)
            return total * plain_model.covariance(p, weight * outcome, joint) + penalty * x

        gradient = total * plain_model.covariance(p, weight * left, joint) - precision * theta
        move, taken = _conjugate_gradients(curvature, factor, gradient, 1e-3)
        promised = float(gradient @ move)
        if promised < GAUSS_NEWTON_TOLERANCE:
            break
        length = 1.0
        while length > SHORTEST:
            new, q, rest = evaluate(theta + length * move)
            if new <= value - 0.1 * length * promised:
                break
            length *= 0.5
        else:
            break
        theta, value, p, left = theta + length * move, new, q, rest
        damping = _damped(damping, length)
        if taken > STALE:
            factor = None
    return p


def _precision(centred: Centred, order: int, prior: Prior) -> np.ndarray:
    variance = FIRST_ORDER_VARIANCE if order == 1 else prior.variance
    return centred.scale[order] / variance


def _solver(matrix: np.ndarray, precision: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Solves with matrix + diag(precision), however close to singular rounding leaves it."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    diagonal = np.diag_indices(len(matrix))
    matrix[diagonal] += precision
    size = float(np.mean(matrix[diagonal]))
    for jitter in (0.0, 1e-10, 1e-7, 1e-4):
        try:
            shifted = matrix.copy()
            shifted[diagonal] += jitter * size
            factor = cho_factor(shifted, overwrite_a=True)
        except LinAlgError:
            continue
        return lambda r, factor=factor: np.asarray(cho_solve(factor, r))
    scale = matrix[diagonal]
    return lambda r: r / scale
