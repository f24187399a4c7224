"""Judging what callers hand to a bound: every refusal is an InputError that names the argument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from privacy_audit.errors import InputError

__all__ = ["read_alpha", "read_count", "read_curve_flag", "read_delta", "read_epsilon", "read_labels", "read_scores"]


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise InputError(f"{name} is not a number.\nGive a finite number.")
    return number


def read_alpha(alpha: Any) -> float:
    """The false-alarm rate, inside (0, 1).

    Raises:
        InputError: it lies outside.
    """
    number = _number("alpha", alpha)
    if not 0 < number < 1:
        raise InputError(
            f"alpha is {number:g}, which is no false-alarm rate.\nGive a number between 0 and 1, like 0.05."
        )
    return number


def read_delta(delta: Any) -> float:
    """The delta of the claim, inside [0, 1).

    Raises:
        InputError: it lies outside.
    """
    number = _number("delta", delta)
    if not 0 <= number < 1:
        raise InputError(f"delta is {number:g}, which bounds nothing.\nGive a number of at least 0 and below 1.")
    return number


def read_epsilon(epsilon: Any, name: str = "epsilon") -> float:
    """An epsilon (or mu, or rho): at least 0, finite.

    Raises:
        InputError: it is negative or not finite.
    """
    number = _number(name, epsilon)
    if not 0 <= number < math.inf:
        raise InputError(f"{name} is {number:g}.\nGive a finite number of at least 0.")
    return number


def read_count(name: str, value: Any, *, least: int = 0, most: int | None = None) -> int:
    """A whole number between two ends.

    Args:
        name: of the argument, for the message.
        value: what was given.
        least: smallest count that makes sense.
        most: largest, or None.

    Raises:
        InputError: it is no whole number or lies outside.
    """
    number = _number(name, value)
    if number != math.floor(number) or number < least or (most is not None and number > most):
        ends = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"{name} is {number:g}.\nGive a whole number, {ends}.")
    return int(number)


def read_scores(name: str, values: Any) -> np.ndarray:
    """A vector of scores without NaN; infinite scores are fine, since only their order counts.

    Args:
        name: of the argument, for the message.
        values: anything numpy reads as numbers.

    Returns:
        float64[n], n >= 1.

    Raises:
        InputError: no numbers, not one-dimensional, empty, or NaN among them.
    """
    try:
        scores = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: the scores are not numbers.\nGive a vector of numbers.") from None
    if scores.ndim != 1 or scores.size == 0:
        raise InputError(
            f"{name}: an empty or many-dimensional array of scores.\nGive a vector with one score per run."
        )
    if np.isnan(scores).any():
        raise InputError(f"{name}: NaN among the scores.\nGive each run a number; a failed run needs the worst score.")
    return scores


def read_labels(labels: Any, size: int) -> np.ndarray:
    """Labels of runs or canaries: 0 or 1, one per score.

    Args:
        labels: anything numpy reads.
        size: how many there must be.

    Returns:
        bool[size].

    Raises:
        InputError: other values, or another number of them.
    """
    found = np.asarray(labels)
    if found.shape != (size,) or not np.isin(found, (0, 1)).all():
        raise InputError(f"labels: not {size} zeros and ones.\nGive 1 where the record was in, 0 where it was out.")
    return found.astype(bool)


def read_curve_flag(gaussian_mechanism: bool, what: str) -> None:
    """Refuse a Gaussian curve for a mechanism that nobody declared to be Gaussian.

    Args:
        gaussian_mechanism: what the caller declares.
        what: the bound, for the message.

    Raises:
        InputError: not declared.
    """
    if gaussian_mechanism is not True:
        raise InputError(
            f"{what} with a Gaussian curve holds for Gaussian mechanisms only.\n"
            "Declare gaussian_mechanism=True if it is one, else give the curve of the mechanism's own accountant."
        )
