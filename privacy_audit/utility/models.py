"""The models that utility numbers are read off: gradient boosting and a linear model, for classes and for numbers."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from privacy_audit.utility.views import Grid, View

__all__ = ["MODELS", "Fitted", "Model", "auc", "design", "features", "fit"]

Model = Literal["boosting", "linear"]
MODELS: tuple[Model, ...] = ("boosting", "linear")
ROUNDS = 60
MOST_CATEGORIES = 200
"""Categories with more values are numbered, not split by value."""
MOST_INDICATORS = 100
"""Values of a category beyond these share one indicator."""
MOST_FEATURES = 120
"""Columns beyond these are left out of models."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A model that was fitted on a table.

    Attributes:
        model: of scikit-learn, or None where all rows had one class (or the number was constant).
        classes: int64[classes], codes of the label; empty for numbers.
        constant: the prediction where there is no model.
        scale: means and deviations of the numeric columns of the training table (linear models).
        kind: boosting or linear.
        places: positions of the columns it sees.
    """

    model: Any
    classes: NDArray[np.int64]
    constant: float
    scale: tuple[NDArray[np.float64], NDArray[np.float64]]
    kind: Model
    places: tuple[int, ...]

    def probabilities(self, view: View, grid: Grid, classes: int) -> NDArray[np.float64]:
        """Class probabilities of each row: float64[rows, classes]."""
        found = np.zeros((view.rows, classes))
        if self.model is None:
            found[:, int(self.constant)] = 1.0
        else:
            found[:, self.classes] = self.model.predict_proba(self._matrix(view, grid))
        return found

    def numbers(self, view: View, grid: Grid) -> NDArray[np.float64]:
        """Predicted numbers: float64[rows]."""
        if self.model is None:
            return np.full(view.rows, self.constant)
        return self.model.predict(self._matrix(view, grid))

    def _matrix(self, view: View, grid: Grid) -> Any:
        return (
            features(view, grid, self.places)
            if self.kind == "boosting"
            else design(view, grid, self.places, self.scale)
        )


def features(view: View, grid: Grid, places: tuple[int, ...]) -> NDArray[np.float64]:
    """Codes of categories and plain numbers: float64[rows, places]."""
    matrix = np.empty((view.rows, len(places)))
    for i, place in enumerate(places):
        matrix[:, i] = view.numbers[:, grid.numeric.index(place)] if place in grid.numeric else view.codes[:, place]
    matrix[:, np.isnan(matrix).all(axis=0)] = 0.0  # scikit-learn cannot cut a column that has no number
    return matrix


def design(
    view: View, grid: Grid, places: tuple[int, ...], scale: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Any:
    """Indicators of categories and standardised numbers, as a sparse matrix.

    Args:
        view: the table.
        grid: its grid.
        places: positions of the columns.
        scale: means and deviations, float64[numeric] each.

    Returns:
        scipy CSR matrix, [rows, indicators and numbers].
    """
    from scipy import sparse

    parts = []
    for place in places:
        if place in grid.numeric:
            column = grid.numeric.index(place)
            values = np.where(np.isfinite(view.numbers[:, column]), view.numbers[:, column], scale[0][column])
            standard = np.clip((values - scale[0][column]) / scale[1][column], -10, 10)
            parts.append(sparse.csr_matrix(standard[:, None]))
        else:
            width = int(min(grid.sizes[place], MOST_INDICATORS))
            codes = np.minimum(view.codes[:, place], width - 1)
            rows = np.arange(view.rows)
            parts.append(sparse.csr_matrix((np.ones(view.rows), (rows, codes)), shape=(view.rows, width)))
    return sparse.hstack(parts, format="csr")


def _scale(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    means, deviations = np.zeros(view.numbers.shape[1]), np.ones(view.numbers.shape[1])
    for column in range(view.numbers.shape[1]):
        values = view.numbers[:, column]
        values = values[np.isfinite(values)]
        if len(values):
            means[column], deviations[column] = values.mean(), values.std() or 1.0
    return means, deviations


def fit(
    kind: Model,
    view: View,
    grid: Grid,
    answers: NDArray[Any],
    *,
    classes: bool,
    leave_out: tuple[int, ...] = (),
) -> Fitted:
    """Fit a model.

    Args:
        kind: boosting or linear.
        view: the training rows.
        grid: their grid.
        answers: int64[rows] codes of classes, or float64[rows] numbers.
        classes: which of the two.
        leave_out: positions of columns that the model must not see.

    Returns:
        The model; a constant one where there is nothing to learn.
    """
    places = tuple(place for place in range(len(grid.names)) if place not in leave_out)[:MOST_FEATURES]
    scale = _scale(view)
    found = np.unique(answers)
    labels = found.astype(np.int64) if classes else np.zeros(0, dtype=np.int64)
    if len(found) < 2 or not places:
        constant = float(_commonest(answers)) if classes else (float(answers.mean()) if len(answers) else 0.0)
        return Fitted(None, labels, constant, scale, kind, places)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "boosting":
            model = _boosting(classes, [grid.sizes[p] if p in grid.categorical else 0 for p in places])
            model.fit(features(view, grid, places), answers)
        else:
            model = _linear(classes)
            model.fit(design(view, grid, places, scale), answers)
    return Fitted(model, labels, 0.0, scale, kind, places)


def _commonest(answers: NDArray[Any]) -> int:
    return int(np.bincount(answers).argmax()) if len(answers) else 0


def _boosting(classes: bool, sizes: list[int]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    categorical = [i for i, size in enumerate(sizes) if 0 < size <= MOST_CATEGORIES]
    return kind(max_iter=ROUNDS, early_stopping=False, categorical_features=categorical or None, random_state=0)


def _linear(classes: bool) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return LogisticRegression(max_iter=200) if classes else Ridge()


def auc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> tuple[float, float]:
    """Area under the ROC curve, ties split, and its standard error (Hanley and McNeil).

    Args:
        positive: float64[m], scores of positives.
        negative: float64[k], scores of negatives.

    Returns:
        Area and standard error; NaN where one side is empty.
    """
    m, k = len(positive), len(negative)
    if not m or not k:
        return float("nan"), float("nan")
    order = np.sort(negative)
    below = np.searchsorted(order, positive, "left").sum() + np.searchsorted(order, positive, "right").sum()
    area = float(below) / (2.0 * m * k)
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (m - 1) * (q1 - area**2) + (k - 1) * (q2 - area**2)
    return area, float(np.sqrt(max(0.0, spread) / (m * k)))
