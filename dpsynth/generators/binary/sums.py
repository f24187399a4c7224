"""What has been measured so far: noisy parity sums by set, with the variance of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dpsynth.generators.binary.shrinkage import Prior, fit_prior
from dpsynth.generators.binary.walsh import all_sets, products, shift

__all__ = ["Centred", "Sums"]

MARGIN = (1e-5, 1e-3)  # how far mean signs stay from +-1: half their noise, within these; no column is constant
SIGN_VARIANCE = 1 / 3  # of a mean sign about which nothing is known


@dataclass(frozen=True, slots=True, eq=False)
class Centred:
    """The sums in the basis of centred signs, orders 1 and up.

    Attributes:
        total: n.
        centres: float64[columns], mean sign of each column.
        sets: intp[m, order] by order.
        sums: float64[m] by order, noisy sums of products of centred signs.
        noise: float64[m] by order, variances.
        scale: float64[m] by order, variance of each product in independent columns.
    """

    total: float
    centres: np.ndarray
    sets: Mapping[int, np.ndarray]
    sums: Mapping[int, np.ndarray]
    noise: Mapping[int, np.ndarray]
    scale: Mapping[int, np.ndarray]

    def prior(self, order: int, predicted: np.ndarray | float, closeness: np.ndarray | None = None) -> Prior:
        """The prior of what a model without this order leaves, from the sums that it predicts."""
        unit = self.total * np.sqrt(self.scale[order])
        return fit_prior((self.sums[order] - predicted) / unit, self.noise[order] / unit**2, closeness)

    def ridge(self, order: int, prior: Prior) -> np.ndarray:
        """float64[m]: noise over (n x prior variance), the penalty on natural parameters."""
        return self.noise[order] / (self.total * prior.variance)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Noisy sums of products of signs; every order that is there has all its sets.

    Attributes:
        columns: number of columns.
        values: float64[m] by order 0, 1, 2, ..., sets in lexicographic order.
        variances: float64[m] by order.
    """

    columns: int
    values: Mapping[int, np.ndarray]
    variances: Mapping[int, np.ndarray]

    @property
    def total(self) -> float:
        """The estimated number of rows, at least 1."""
        return max(float(self.values[0][0]), 1.0)

    def with_measured(self, order: int, places: np.ndarray, noisy: np.ndarray, variance: float) -> Sums:
        """The inverse-variance mean of what is known and a new answer for the sets at `places` of an order."""
        if order in self.values:
            values, variances = self.values[order].copy(), self.variances[order].copy()
            weight = variances[places] / (variances[places] + variance)
            values[places] += weight * (noisy - values[places])
            variances[places] *= 1 - weight
        else:
            values, variances = noisy.astype(np.float64), np.full(len(noisy), variance)
        return Sums(self.columns, {**self.values, order: values}, {**self.variances, order: variances})

    def bounded(self) -> dict[int, np.ndarray]:
        """The values, none larger than the number of rows, and those of columns drawn to 0 where noise drowns them."""
        total = self.total
        found = {order: np.clip(values, -total, total) for order, values in self.values.items()}
        found[0] = np.array([total])
        if 1 in found:
            known = SIGN_VARIANCE / (SIGN_VARIANCE + self.variances[1] / total**2)
            most = total * (1 - np.clip(0.5 * np.sqrt(self.variances[1]) / total, *MARGIN))
            found[1] = np.clip(self.values[1] * known, -most, most)
        return found

    def centred(self, centres: np.ndarray | None = None) -> Centred:
        """The same in the basis of signs centred at `centres` (default: the measured mean signs)."""
        values = self.bounded()
        total = self.total
        centres = values[1] / total if centres is None else centres
        sets = {order: all_sets(self.columns, order) for order in values}
        sums, noise = shift(values, sets, -centres), shift(self.variances, sets, centres**2)
        variance = 1 - centres**2
        orders = [order for order in values if order > 0]
        return Centred(
            total,
            centres,
            {order: sets[order] for order in orders},
            {order: sums[order] for order in orders},
            {order: noise[order] for order in orders},
            {order: products(variance, sets[order]) for order in orders},
        )
