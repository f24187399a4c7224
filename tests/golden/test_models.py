"""Saved models stay readable, and equal seeds give equal rows on every machine."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from dpsynth.generators import load
from dpsynth.generators.marginal_model import SCHEMA
from tests.golden.models import DOMAIN, HERE, NAMES, make, rows_of


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_version_0_1_loads(name: str) -> None:
    model = load(HERE / name / "model")
    assert model.domain == DOMAIN
    assert model.private is False
    assert model.total == pytest.approx(400, abs=20)
    assert len(model.measurements) >= 5
    assert json.loads((HERE / name / "model" / "model.json").read_bytes())["schema"] == "dpsynth.marginal_model/1"


@pytest.mark.parametrize("name", NAMES)
def test_its_projection_is_what_it_was(name: str) -> None:
    wanted = pd.read_csv(HERE / name / "projection.csv", header=None).to_numpy()
    assert np.allclose(load(HERE / name / "model").project(("town", "member")), wanted)


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_give_the_rows_they_gave_elsewhere(name: str) -> None:
    wanted = (HERE / name / "rows.csv").read_text(encoding="utf-8")
    assert rows_of(name) == wanted, "the sampler has changed; if on purpose: python -m tests.golden.models --rows"


def test_todays_models_have_the_same_files_and_keys(tmp_path) -> None:
    for name in NAMES:
        make(name).save(tmp_path / name)
        old, new = HERE / name / "model", tmp_path / name
        assert {p.relative_to(old) for p in old.rglob("*")} == {p.relative_to(new) for p in new.rglob("*")}
        for path in (p.relative_to(old) for p in old.rglob("*.json")):
            assert json.loads((old / path).read_bytes()).keys() == json.loads((new / path).read_bytes()).keys()
    assert SCHEMA == "dpsynth.marginal_model/1"  # a new schema needs golden folders of its own beside these
