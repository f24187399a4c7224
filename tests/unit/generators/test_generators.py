"""The room's front: recipes by name, and loading what was saved."""

from __future__ import annotations

import dataclasses

import pytest

from dpsynth.errors import BundleError, PlanError
from dpsynth.generators import GENERATORS, MST, Independent, generator_named, load
from tests.unit.generators.support import fit


@pytest.mark.parametrize("name", GENERATORS)
def test_recipes_go_by_their_names(name: str) -> None:
    recipe = generator_named(name)
    assert recipe.name == name
    assert dataclasses.is_dataclass(recipe)
    assert recipe == generator_named(name)


def test_the_first_recipes() -> None:
    assert generator_named("mst") == MST()
    assert generator_named("independent") == Independent()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(PlanError, match="There is no generator 'nst'. Known: ") as caught:
        generator_named("nst")
    assert all(name in str(caught.value) for name in GENERATORS)


def test_load_reads_what_a_model_saved(ledger, tmp_path) -> None:
    model = fit(MST(), ledger)
    model.save(tmp_path / "model")
    for folder in (tmp_path / "model", str(tmp_path / "model")):
        assert load(folder).sample(20, seed=3).equals(model.sample(20, seed=3))


def test_load_of_nothing_is_an_error(tmp_path) -> None:
    with pytest.raises(BundleError, match="The model in 'nowhere' lacks model.json"):
        load(tmp_path / "nowhere")
