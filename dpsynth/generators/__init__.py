"""Generators: recipe -> plan -> fitted model. `GENERATORS` names every recipe; `load` reads a saved model."""

from __future__ import annotations

from pathlib import Path

from dpsynth.errors import PlanError
from dpsynth.generators.adaptive import Adaptive
from dpsynth.generators.aim import AIM
from dpsynth.generators.auto import Auto
from dpsynth.generators.base import AbstractFittedModel, AbstractGenerator, AbstractPlan, Forecast, Progress, Step
from dpsynth.generators.binary.model import SCHEMA as BINARY_SCHEMA
from dpsynth.generators.binary.model import BinaryModel
from dpsynth.generators.foreign_model import SCHEMA as FOREIGN_SCHEMA
from dpsynth.generators.foreign_model import ForeignModel
from dpsynth.generators.independent import Independent
from dpsynth.generators.marginal_model import MarginalModel
from dpsynth.generators.mst import MST
from dpsynth.generators.neural import Autoregressive, Hybrid, NeuralModel
from dpsynth.generators.neural.model import SCHEMA as NEURAL_SCHEMA
from dpsynth.generators.store import model_schema

__all__ = [
    "AIM",
    "GENERATORS",
    "MST",
    "Adaptive",
    "Auto",
    "Autoregressive",
    "AbstractFittedModel",
    "AbstractGenerator",
    "AbstractPlan",
    "Forecast",
    "Hybrid",
    "Independent",
    "Progress",
    "Step",
    "generator_named",
    "load",
]

GENERATORS: dict[str, type[AbstractGenerator]] = {
    "auto": Auto,
    "adaptive": Adaptive,
    "aim": AIM,
    "autoregressive": Autoregressive,
    "hybrid": Hybrid,
    "independent": Independent,
    "mst": MST,
}


def generator_named(name: str) -> AbstractGenerator:
    """The recipe of that name with its default hyper-parameters.

    Raises:
        PlanError: there is no such recipe; lists the names.

    Names that start with "smartnoise-" are foreign synthesizers (docs/bridges.md); they are not in GENERATORS.
    """
    if name.startswith("smartnoise-"):
        from dpsynth.generators.smartnoise import smartnoise_named

        return smartnoise_named(name)
    if name not in GENERATORS:
        raise PlanError(f"There is no generator {name!r}. Known: {', '.join(sorted(GENERATORS))}.")
    return GENERATORS[name]()


def load(folder: Path | str) -> AbstractFittedModel:
    """Read a model that `save` wrote; BundleError where it is missing, corrupt or of another version."""
    models: dict[str, type[BinaryModel | NeuralModel | ForeignModel]] = {
        BINARY_SCHEMA: BinaryModel,
        NEURAL_SCHEMA: NeuralModel,
        FOREIGN_SCHEMA: ForeignModel,
    }
    return models.get(model_schema(Path(folder)), MarginalModel).load(folder)
