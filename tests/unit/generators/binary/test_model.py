"""The fitted model: sampling, projecting, errors, saving."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError, InputError, PlanError
from dpsynth.generators import Adaptive, load
from dpsynth.generators.binary import BinaryModel
from dpsynth.generators.binary.plan import JOINT_COLUMNS
from dpsynth.generators.store import _digest
from tests.unit.generators.binary.support import bits, domain, frame
from tests.unit.generators.support import fit


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, BinaryModel]:
    """A joint of five columns and base rows of seventeen."""
    folder = tmp_path_factory.mktemp("ledgers")
    return {
        kind: fit(Adaptive(), folder / kind, frame(bits(3000, columns)), domain(columns))
        for kind, columns in (("joint", 5), ("rows", JOINT_COLUMNS + 1))
    }


@pytest.fixture(params=["joint", "rows"])
def model(request, models) -> BinaryModel:
    """Each of them in turn."""
    assert models[request.param].law.kind == request.param
    return models[request.param]


def test_samples_follow_projections(model: BinaryModel) -> None:
    made = model.sample(seed=1)
    assert len(made) == round(model.total)
    for columns in (("a",), ("c", "a"), ("b", "d", "e")):
        wanted = model.project(columns)
        found = np.zeros(wanted.shape)
        np.add.at(found, tuple(made[c].astype(int).to_numpy() for c in columns), 1)
        assert wanted.sum() == pytest.approx(model.total)
        assert np.abs(found - wanted).sum() < 0.02 * model.total


def test_equal_seeds_give_equal_rows_and_others_do_not(model: BinaryModel) -> None:
    assert model.sample(400, seed=3).equals(model.sample(400, seed=3))
    assert not model.sample(400, seed=3).equals(model.sample(400, seed=4))
    assert len(model.sample(0)) == 0
    for wrong in ({"n": -1}, {"n": 1.5}, {"seed": -1}, {"n": True}):
        with pytest.raises(InputError, match="sample needs a whole"):
            model.sample(**wrong)


def test_errors_are_predicted_by_number_of_columns(model: BinaryModel) -> None:
    assert 0 < model.error(("a",)) < model.error(("a", "b")) < model.error(("c", "b", "a")) < 0.2
    with pytest.raises(PlanError, match="Errors are predicted for 1 to 5 columns."):
        model.error(())
    for wrong in (("a", "nothing"), ("a", "a")):
        with pytest.raises(PlanError, match="different modelled columns"):
            model.error(wrong)
        with pytest.raises(PlanError, match="different modelled columns"):
            model.project(wrong)


def test_what_is_described_can_be_written_down(model: BinaryModel) -> None:
    facts = model.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["model"] == model.law.kind
    assert facts["generator"]["parameters"]["method"] == "parities/1"
    assert sum(facts["measured"].values()) == sum(len(m.values) for m in model.measurements)


def test_a_loaded_model_is_the_saved_one(model: BinaryModel, tmp_path) -> None:
    model.save(tmp_path / "m")
    for again in (load(tmp_path / "m"), BinaryModel.load(tmp_path / "m")):
        assert isinstance(again, BinaryModel)
        assert again.sample(700, seed=4).equals(model.sample(700, seed=4))
        assert again.describe() == model.describe()
        assert np.array_equal(again.project(("b", "a")), model.project(("b", "a")))
        assert all(np.array_equal(a, b) for a, b in zip(again.sets, model.sets, strict=True))
        for one, two in zip(again.measurements, model.measurements, strict=True):
            assert np.array_equal(one.values, two.values)
            assert one.sigma == two.sigma


def _rewrite(folder: Path, change: Callable[[dict[str, Any], dict[str, np.ndarray]], None]) -> None:
    """As a careful forger would: with the right hash."""
    from safetensors.numpy import load as load_arrays
    from safetensors.numpy import save

    facts = json.loads((folder / "model.json").read_bytes())
    facts.pop("sha256")
    arrays = dict(load_arrays((folder / "arrays.safetensors").read_bytes()))
    change(facts, arrays)
    content = save(arrays)
    (folder / "arrays.safetensors").write_bytes(content)
    (folder / "model.json").write_bytes(canonical_json(facts | {"sha256": _digest(facts, content)}))


@pytest.mark.parametrize(
    "change",
    [
        lambda facts, arrays: facts.pop("law"),
        lambda facts, arrays: facts.update(law="other"),
        lambda facts, arrays: facts.update(columns=4),
        lambda facts, arrays: facts.update(total=-1.0),
        lambda facts, arrays: facts.update(errors=[[2, -1.0]]),
        lambda facts, arrays: arrays.update({"law.probabilities": np.ones(16)}),
        lambda facts, arrays: arrays.update({"sets.1": arrays["sets.1"] + np.int16(9)}),
        lambda facts, arrays: arrays.update({"sets.1": arrays["sets.1"][1:]}),
        lambda facts, arrays: arrays.pop("sets.1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(models, tmp_path, change) -> None:
    models["joint"].save(tmp_path / "m")
    _rewrite(tmp_path / "m", change)
    with pytest.raises(BundleError, match="is corrupt"):
        load(tmp_path / "m")


def test_a_schema_that_nobody_knows_is_refused(models, tmp_path) -> None:
    models["joint"].save(tmp_path / "m")
    _rewrite(tmp_path / "m", lambda facts, arrays: facts.update(schema="dpsynth.binary_model/99"))
    with pytest.raises(BundleError, match="schema that this release of dpsynth does not know"):
        load(tmp_path / "m")
    (tmp_path / "m" / "model.json").unlink()
    with pytest.raises(BundleError, match="lacks model.json"):
        load(tmp_path / "m")
