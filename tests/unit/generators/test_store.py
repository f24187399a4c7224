"""Model folders: what is read is what was written, or an error; never a part of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.errors import BundleError, OutputError
from dpsynth.generators.store import (
    corrupt,
    pack_measurements,
    read_model_folder,
    unpack_measurements,
    write_model_folder,
)
from dpsynth.measurement import Measurement

SCHEMA = "test/1"
FACTS = {"schema": SCHEMA, "total": 12.5, "names": ["a", "b"], "text": "ümlaut"}
ARRAYS = {"counts": np.array([1.5, 2.5, 3.5]), "cells": np.arange(6).reshape(2, 3)}
FILES = ("model.json", "arrays.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_model_folder(tmp_path / "m", FACTS, ARRAYS)
    return tmp_path / "m"


def test_what_is_read_is_what_was_written(folder: Path) -> None:
    facts, arrays = read_model_folder(folder, SCHEMA)
    assert facts == FACTS
    assert set(arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert np.array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


def test_only_json_and_safetensors_are_written(folder: Path) -> None:
    from safetensors.numpy import load

    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert set(json.loads((folder / "model.json").read_bytes())) == {*FACTS, "sha256"}
    assert set(load((folder / "arrays.safetensors").read_bytes())) == set(ARRAYS)


def test_views_and_orders_of_arrays_do_not_matter(tmp_path: Path) -> None:
    square = np.arange(9.0).reshape(3, 3)
    write_model_folder(
        tmp_path / "m", FACTS, {"f": np.asfortranarray(square), "half": square[::2, 1], "empty": square[:0]}
    )
    _, arrays = read_model_folder(tmp_path / "m", SCHEMA)
    assert np.array_equal(arrays["f"], square)
    assert np.array_equal(arrays["half"], [1.0, 7.0])
    assert arrays["empty"].shape == (0, 3)


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_anywhere_is_found(folder: Path, name: str) -> None:
    """Every byte of both files, one bit each."""
    whole = (folder / name).read_bytes()
    for place in range(len(whole.rstrip(b"\n"))):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        (folder / name).write_bytes(damaged)
        with pytest.raises(BundleError, match=r"corrupt|does not know") as caught:
            read_model_folder(folder, SCHEMA)
        assert caught.value.__cause__ is None
    (folder / name).write_bytes(whole)
    assert read_model_folder(folder, SCHEMA)[0] == FACTS


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_cut_off_is_found(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes().rstrip(b"\n")
    for length in range(0, len(whole), 7):
        (folder / name).write_bytes(whole[:length])
        with pytest.raises(BundleError, match="The model in 'm' is corrupt. Restore it or release again."):
            read_model_folder(folder, SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BundleError, match=f"The model in 'm' lacks {name}."):
        read_model_folder(folder, SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_file_is_corrupt(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(BundleError, match="The model in 'm' is corrupt"):
        read_model_folder(folder, SCHEMA)


def test_a_schema_of_another_release_is_told(folder: Path) -> None:
    with pytest.raises(BundleError, match="The model in 'm' has a schema that this release of dpsynth does not know."):
        read_model_folder(folder, "test/2")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "3", "{", '{"schema": "test/1"}', '{"schema": "test/1", "total": NaN}', "[" * 100_000, "\ud800"],
    ids=lambda text: ascii(text[:20]),
)
def test_json_that_is_no_model_is_refused(folder: Path, text: str) -> None:
    (folder / "model.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(BundleError, match=r"corrupt|does not know"):
        read_model_folder(folder, SCHEMA)


@given(st.binary(max_size=200))
def test_arrays_that_are_trash_are_corrupt(tmp_path_factory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("trash") / "m"
    write_model_folder(folder, FACTS, ARRAYS)
    (folder / "arrays.safetensors").write_bytes(content)
    with pytest.raises(BundleError, match="corrupt"):
        read_model_folder(folder, SCHEMA)


def test_a_pickle_is_not_opened(folder: Path) -> None:
    # What a pickle that makes a file when it is read would begin with.
    (folder / "arrays.safetensors").write_bytes(b"\x80\x04cposix\nsystem\n(Vtouch opened\ntR.")
    with pytest.raises(BundleError, match="corrupt"):
        read_model_folder(folder, SCHEMA)
    assert not Path("opened").exists()


def test_a_folder_that_holds_something_is_refused(folder: Path) -> None:
    before = (folder / "model.json").read_bytes()
    with pytest.raises(OutputError, match="The folder 'm' is not empty. Name a new one for the model."):
        write_model_folder(folder, FACTS | {"total": 1.0}, ARRAYS)
    assert (folder / "model.json").read_bytes() == before


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    write_model_folder(tmp_path / "m", FACTS, ARRAYS)
    assert read_model_folder(tmp_path / "m", SCHEMA)[0] == FACTS


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="The model cannot be written to 'm': Not a directory."):
        write_model_folder(tmp_path / "file" / "m", FACTS, ARRAYS)
    with pytest.raises(OutputError, match="The model cannot be written to 'file': File exists."):
        write_model_folder(tmp_path / "file", FACTS, ARRAYS)


def test_a_full_disk_is_told_and_leaves_nothing_readable(tmp_path: Path, monkeypatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="The model cannot be written to 'm': No space left on device."):
        write_model_folder(tmp_path / "m", FACTS, ARRAYS)
    monkeypatch.undo()
    with pytest.raises(BundleError, match="lacks model.json"):
        read_model_folder(tmp_path / "m", SCHEMA)


MEASUREMENTS = (
    Measurement("marginal", ("a", "b"), np.arange(6).reshape(2, 3), 2.5, "rounded_gaussian", "ff", True, ("", "d1")),
    Measurement("selection", ("a",), np.array([3]), 0.0, "exponential", "fe", False),
    Measurement("total", (), np.asarray(7), 1.0, "discrete_laplace", ""),
)


def test_measurements_survive_the_folder(tmp_path: Path) -> None:
    facts, arrays = pack_measurements(MEASUREMENTS)
    write_model_folder(tmp_path / "m", {"schema": SCHEMA, "measurements": facts}, arrays)
    read, read_arrays = read_model_folder(tmp_path / "m", SCHEMA)
    for one, two in zip(unpack_measurements(read["measurements"], read_arrays), MEASUREMENTS, strict=True):
        assert np.array_equal(one.values, two.values)
        assert one.values.shape == two.values.shape
        for name in ("name", "clique", "sigma", "mechanism", "event_id", "private", "groupings"):
            assert getattr(one, name) == getattr(two, name)


@pytest.mark.parametrize("gone", ["name", "clique", "sigma", "mechanism", "event_id", "private", "groupings"])
def test_a_measurement_needs_all_its_facts(gone: str) -> None:
    facts, arrays = pack_measurements(MEASUREMENTS)
    del facts[1][gone]
    with pytest.raises(KeyError, match=gone):
        unpack_measurements(facts, arrays)


def test_the_error_names_the_folder_and_no_path(tmp_path: Path) -> None:
    assert str(corrupt(tmp_path / "m")) == "The model in 'm' is corrupt. Restore it or release again."
