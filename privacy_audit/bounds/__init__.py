"""From attack results to lower bounds on epsilon, each with a stated and measured false-alarm rate."""

from privacy_audit.bounds.base import EpsilonBound
from privacy_audit.bounds.clopper_pearson import clopper_pearson, clopper_pearson_at, clopper_pearson_split
from privacy_audit.bounds.clopper_pearson_band import clopper_pearson_band
from privacy_audit.bounds.corrections import best_of, holm, multiply_e_values, share_alpha
from privacy_audit.bounds.curves import GaussianCurve, PointsCurve, approximate_curve, gaussian_ladder, laplace_curve
from privacy_audit.bounds.group_canaries import group_canaries
from privacy_audit.bounds.joint_beta import joint_beta
from privacy_audit.bounds.label_walk import label_walk
from privacy_audit.bounds.mu_gdp import mu_gdp
from privacy_audit.bounds.one_run_epsilon_delta import count_correct, one_run_epsilon_delta
from privacy_audit.bounds.one_run_f_dp import one_run_f_dp
from privacy_audit.bounds.power import PowerForecast, power
from privacy_audit.bounds.rank_test import rank_test
from privacy_audit.bounds.registry import BOUNDS, BoundMethod, Request
from privacy_audit.bounds.sequential.claimed_law import claimed_law
from privacy_audit.bounds.sequential.event_betting import event_betting
from privacy_audit.bounds.sequential.order_betting import order_betting
from privacy_audit.bounds.sequential.residual_chi_square import residual_chi_square

__all__ = [
    "BOUNDS",
    "BoundMethod",
    "EpsilonBound",
    "GaussianCurve",
    "PointsCurve",
    "PowerForecast",
    "Request",
    "approximate_curve",
    "best_of",
    "claimed_law",
    "clopper_pearson",
    "clopper_pearson_at",
    "clopper_pearson_band",
    "clopper_pearson_split",
    "count_correct",
    "event_betting",
    "gaussian_ladder",
    "group_canaries",
    "holm",
    "joint_beta",
    "label_walk",
    "laplace_curve",
    "mu_gdp",
    "multiply_e_values",
    "one_run_epsilon_delta",
    "one_run_f_dp",
    "order_betting",
    "power",
    "rank_test",
    "residual_chi_square",
    "share_alpha",
]
