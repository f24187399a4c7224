"""The one crossing from private rows to noisy answers, and the ledger that remembers every charge.

`open_table` makes a PrivateTable of rows and their public domain; `PrivateTable.reserve` charges a whole event and
gives a Grant; `Grant.release` asks one question and gives Measurements.
"""

from dpsynth.gate.foreign import AbstractBridge, ForeignTask
from dpsynth.gate.gradients import GradientProgram
from dpsynth.gate.gradients_state import Descent, TrainingState
from dpsynth.gate.grant import Grant
from dpsynth.gate.ledger_schema import default_ledger_path
from dpsynth.gate.mechanisms import (
    DRAW_SLACK,
    AbstractMechanism,
    Claimed,
    DiscreteLaplace,
    Exponential,
    PermuteAndFlip,
    QueryShape,
    RoundedGaussian,
    SampledGaussian,
    event_of,
    shape_of,
    with_slack,
)
from dpsynth.gate.open import open_table
from dpsynth.gate.performance import Performance
from dpsynth.gate.queries import Distances, Marginals, ParitySums, Total
from dpsynth.gate.reports import book_non_private, extract, ledger_extract, raise_cap, show
from dpsynth.gate.table import PrivateTable
from dpsynth.gate.verification import VerifyReport, verify

__all__ = [
    "DRAW_SLACK",
    "AbstractBridge",
    "AbstractMechanism",
    "Claimed",
    "Descent",
    "DiscreteLaplace",
    "Distances",
    "GradientProgram",
    "Exponential",
    "ForeignTask",
    "Grant",
    "Marginals",
    "ParitySums",
    "Performance",
    "PermuteAndFlip",
    "PrivateTable",
    "QueryShape",
    "RoundedGaussian",
    "SampledGaussian",
    "Total",
    "TrainingState",
    "VerifyReport",
    "book_non_private",
    "default_ledger_path",
    "event_of",
    "extract",
    "ledger_extract",
    "open_table",
    "raise_cap",
    "shape_of",
    "show",
    "verify",
    "with_slack",
]
