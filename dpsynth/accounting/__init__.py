"""Budgets, events, accountants and calibration: what a plan costs, before anything is read."""

from dpsynth.accounting.calibrate import calibrate, calibrate_mu
from dpsynth.accounting.certify import Certified, delta_up, epsilon_up, fits
from dpsynth.accounting.quantities import Budget, Delta, Epsilon, Mu, Rho, Sigma, SquaredSensitivity

__all__ = [
    "Budget",
    "Certified",
    "Delta",
    "Epsilon",
    "Mu",
    "Rho",
    "Sigma",
    "SquaredSensitivity",
    "calibrate",
    "calibrate_mu",
    "delta_up",
    "epsilon_up",
    "fits",
]
