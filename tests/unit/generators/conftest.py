"""Fitted models that tests may look at but not change."""

from __future__ import annotations

import pytest

from dpsynth.generators.marginal_model import MarginalModel
from tests.unit.generators.support import RECIPES, fit, people


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MarginalModel]:
    """One fit of 2,000 people per recipe."""
    folder = tmp_path_factory.mktemp("ledgers")
    return {name: fit(recipe, folder / name, people(2000)) for name, recipe in RECIPES.items()}


@pytest.fixture(params=list(RECIPES))
def model(request: pytest.FixtureRequest, models: dict[str, MarginalModel]) -> MarginalModel:
    """Each of them in turn."""
    return models[request.param]
