"""Neural generators: trained by DP-SGD behind the gate. PyTorch is imported where one is planned, not before."""

from dpsynth.generators.neural.autoregressive import Autoregressive
from dpsynth.generators.neural.hybrid import Hybrid
from dpsynth.generators.neural.model import NeuralModel

__all__ = ["Autoregressive", "Hybrid", "NeuralModel"]
