"""Budgets, events, accountants and calibration: what a plan costs, before anything is read."""

from dpsynth.accounting.calibrate import calibrate, calibrate_mu
from dpsynth.accounting.certify import Certified, CertifiedDelta, delta_up, epsilon_up, fits, profile
from dpsynth.accounting.filters import FilterState, sigma_up
from dpsynth.accounting.quantities import (
    Budget,
    Delta,
    Epsilon,
    Mu,
    Rho,
    Sigma,
    SquaredSensitivity,
    format_epsilon_up,
)

__all__ = [
    "Budget",
    "Certified",
    "CertifiedDelta",
    "Delta",
    "Epsilon",
    "FilterState",
    "Mu",
    "Rho",
    "Sigma",
    "SquaredSensitivity",
    "calibrate",
    "calibrate_mu",
    "delta_up",
    "epsilon_up",
    "fits",
    "format_epsilon_up",
    "profile",
    "sigma_up",
]
