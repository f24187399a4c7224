"""Tables of two-valued columns: noise on parity sums, higher orders, maximum entropy."""

from dpsynth.generators.binary.model import BinaryModel
from dpsynth.generators.binary.plan import MOST_COLUMNS, is_binary, plan_binary

__all__ = ["MOST_COLUMNS", "BinaryModel", "is_binary", "plan_binary"]
