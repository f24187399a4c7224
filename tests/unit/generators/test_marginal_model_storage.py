"""Saving and loading a fitted model: the same model, or an error; damage of every kind is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError, OutputError
from dpsynth.generators.marginal_model import MarginalModel
from dpsynth.generators.store import _digest
from dpsynth.pgm import rake

Change = Callable[[dict[str, Any], dict[str, np.ndarray]], None]
"""What a forger does to facts and arrays."""


def test_a_loaded_model_is_the_saved_one(model: MarginalModel, tmp_path) -> None:
    model.save(tmp_path / "m")
    again = MarginalModel.load(tmp_path / "m")
    assert again.sample(500, seed=4).equals(model.sample(500, seed=4))
    assert again.sample(seed=4).equals(model.sample(seed=4))
    assert np.array_equal(again.project(("class", "town")), model.project(("class", "town")))
    assert again.describe() == model.describe()
    for name in ("domain", "total", "warnings", "private"):
        assert getattr(again, name) == getattr(model, name)
    for one, two in zip(again.measurements, model.measurements, strict=True):
        assert np.array_equal(one.values, two.values)
        for name in ("name", "clique", "sigma", "mechanism", "event_id", "private", "groupings"):
            assert getattr(one, name) == getattr(two, name)


def test_saving_twice_gives_the_same_bytes(models, tmp_path) -> None:
    for name in ("a", "b"):
        models["mst"].save(tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert [str(path) for path in files] == [
        "arrays.safetensors",
        "graph/graphical_model.json",
        "graph/graphical_model.safetensors",
        "model.json",
    ]
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)


def test_a_folder_that_holds_something_is_left_alone(models, tmp_path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="The folder 'm' is not empty. Name a new one for the model."):
        models["mst"].save(tmp_path / "m")
    assert (tmp_path / "m" / "mine.txt").read_text() == "keep"


def rewrite(folder: Path, change: Change) -> None:
    """Change a saved model as a careful forger would: with the right hash over the changed parts."""
    from safetensors.numpy import load, save

    facts = json.loads((folder / "model.json").read_bytes())
    facts.pop("sha256")
    arrays = dict(load((folder / "arrays.safetensors").read_bytes()))
    change(facts, arrays)
    content = save(arrays)
    (folder / "arrays.safetensors").write_bytes(content)
    (folder / "model.json").write_bytes(canonical_json(facts | {"sha256": _digest(facts, content)}))


def _set(name: str, value: Any) -> Change:
    def change(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        facts[name] = value

    return change


def _array(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Change:
    def change(facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        arrays[name] = np.ascontiguousarray(make(arrays[name]))

    return change


FORGERIES: dict[str, Change] = {
    "no domain": lambda facts, arrays: facts.pop("domain"),
    "domain of one column": lambda facts, arrays: facts["domain"].update(columns=facts["domain"]["columns"][:1]),
    "a domain that is none": _set("domain", {"columns": [{"name": "a", "kind": "nonsense"}]}),
    "a domain that is a text": _set("domain", "town"),
    "columns in another order": lambda facts, arrays: facts["columns"].reverse(),
    "columns that are a number": _set("columns", 3),
    "columns that are lists": _set("columns", [["town"]] * 7),
    "no total": lambda facts, arrays: facts.pop("total"),
    "a negative total": _set("total", -5.0),
    "another total": _set("total", 7.0),
    "a total that is a text": _set("total", "many"),
    "no measurements": lambda facts, arrays: facts.pop("measurements"),
    "measurements that are texts": _set("measurements", ["a"]),
    "a measurement without values": lambda facts, arrays: arrays.pop("measurement.0"),
    "no warnings": _set("warnings", None),
    "no array of counts": lambda facts, arrays: arrays.pop("cells.0.counts"),
    "counts of another length": _array("cells.0.counts", lambda a: a[1:]),
    "counts of another type": _array("cells.0.counts", lambda a: a.astype(np.int64)),
    "counts that are NaN": _array("cells.0.counts", lambda a: a * np.nan),
    "negative counts": _array("cells.0.counts", lambda a: a - 1e9),
    "a grid of another length": _array("cells.2.grid", lambda a: a[:-1]),
    "a grid with a hole": _array("cells.2.grid", lambda a: a * 2),
    "a negative cell": _array("cells.2.groups", lambda a: a - 1),
    "an empty grid": _array("cells.2.grid", lambda a: a[:0]),
    "groups of another size": _array("cells.2.groups", lambda a: np.arange(len(a)) if a.max() + 1 < len(a) else a * 0),
    "an edit of an unknown column": lambda facts, arrays: (
        facts.update(edits=[["height"]]),
        arrays.update({"edits.0": np.ones(3)}),
    ),
    "an edit of the wrong shape": lambda facts, arrays: (
        facts.update(edits=[["class"]]),
        arrays.update({"edits.0": np.ones(3)}),
    ),
    "an edit that is negative": lambda facts, arrays: (
        facts.update(edits=[["class"]]),
        arrays.update({"edits.0": -np.ones(2)}),
    ),
}


@pytest.fixture(scope="module")
def saved(models, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "m"
    models["mst"].save(folder)
    return folder


@pytest.mark.parametrize("forgery", FORGERIES)
def test_parts_that_do_not_fit_are_refused(saved: Path, tmp_path, forgery: str) -> None:
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    rewrite(folder, FORGERIES[forgery])
    with pytest.raises(BundleError, match="The model in 'm' is corrupt. Restore it or release again.") as caught:
        MarginalModel.load(folder)
    assert caught.value.__cause__ is None
    assert "\n" not in str(caught.value)


def test_a_forgery_that_changes_nothing_is_read(saved: Path, tmp_path) -> None:
    """Negative control of `rewrite`."""
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    rewrite(folder, lambda facts, arrays: None)
    assert MarginalModel.load(folder).total > 0


@pytest.mark.parametrize("name", ["graph", "graph/graphical_model.json", "graph/graphical_model.safetensors"])
def test_a_missing_graph_is_told(saved: Path, tmp_path, name: str) -> None:
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()
    with pytest.raises(BundleError):
        MarginalModel.load(folder)


def test_the_graph_of_another_model_is_refused(saved: Path, tmp_path) -> None:
    folder = tmp_path / "m"
    shutil.copytree(saved, folder)
    shutil.rmtree(folder / "graph")
    rake({"a": 2}, {("a",): np.ones(2)}).save(folder / "graph")
    with pytest.raises(BundleError, match="The model in 'm' is corrupt"):
        MarginalModel.load(folder)
