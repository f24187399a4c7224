"""A model on disk."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from dpsynth.errors import BundleError, OutputError
from dpsynth.pgm import GraphicalModel, load
from tests.unit.pgm.test_model import STRUCTURES, random_model

STRUCTURE, TABLES = "graphical_model.json", "graphical_model.safetensors"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    random_model(STRUCTURES[2], zeros=0.2).save(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("cliques", STRUCTURES)
def test_a_model_comes_back_bit_for_bit(tmp_path: Path, cliques) -> None:
    model = random_model(cliques, zeros=0.2)
    model.save(tmp_path / "new" / "folder")
    back = load(tmp_path / "new" / "folder")
    assert (back.names, back.sizes, back.cliques, back.total) == (model.names, model.sizes, model.cliques, model.total)
    assert back.tree.parents == model.tree.parents
    assert back.diagnostics == model.diagnostics
    assert all(np.array_equal(a, b) for a, b in zip(back.marginals, model.marginals, strict=True))
    rows = [m.sample(50, np.random.default_rng(1)) for m in (model, back)]
    assert np.array_equal(*rows)
    assert sorted(p.name for p in (tmp_path / "new" / "folder").iterdir()) == [STRUCTURE, TABLES]


def test_column_names_may_be_any_text(tmp_path: Path) -> None:
    sizes = {"straße 'x'\n\"y\"": 2, "": 3, "../../etc": 2}
    random_model([tuple(sizes)], sizes=sizes).save(tmp_path / "m")
    assert load(tmp_path / "m").sizes == sizes


def test_equal_models_give_equal_files(tmp_path: Path) -> None:
    for name in "xy":
        random_model(STRUCTURES[0]).save(tmp_path / name)
    for file in (STRUCTURE, TABLES):
        assert (tmp_path / "x" / file).read_bytes() == (tmp_path / "y" / file).read_bytes()


def test_a_second_model_is_refused_and_the_first_one_kept(saved: Path) -> None:
    before = (saved / TABLES).read_bytes()
    with pytest.raises(OutputError, match="which holds one already"):
        random_model(STRUCTURES[0]).save(saved)
    assert (saved / TABLES).read_bytes() == before


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="could not be saved"):
        random_model(STRUCTURES[0]).save(tmp_path / "file" / "model")


def test_a_crash_before_the_end_leaves_nothing_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def crash(self: Path, content: bytes) -> int:
        calls.append(self.name)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        with self.open("wb") as file:
            return file.write(content)

    monkeypatch.setattr(Path, "write_bytes", crash)
    with pytest.raises(OutputError, match="No space left on device"):
        random_model(STRUCTURES[0]).save(tmp_path / "m")
    with pytest.raises(BundleError, match="No readable model"):
        load(tmp_path / "m")
    assert [p.name for p in (tmp_path / "m").iterdir()] == []


@pytest.mark.parametrize("file", [STRUCTURE, TABLES])
def test_every_flipped_byte_of_a_sample_is_found(saved: Path, file: str) -> None:
    content = (saved / file).read_bytes()
    model = GraphicalModel.load(saved)
    rng = np.random.default_rng(0)
    for position in rng.choice(len(content), size=60, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        (saved / file).write_bytes(bytes(damaged))
        try:
            other = load(saved)
        except BundleError:
            continue
        # A change inside a name, a number of the diagnostics, or white space keeps a valid model: never other tables.
        assert file == STRUCTURE
        assert all(np.array_equal(a, b) for a, b in zip(other.marginals, model.marginals, strict=True))


@pytest.mark.parametrize("file", [STRUCTURE, TABLES])
def test_a_missing_or_cut_file_is_an_error(saved: Path, file: str) -> None:
    content = (saved / file).read_bytes()
    (saved / file).write_bytes(content[:-5])
    with pytest.raises(BundleError):
        load(saved)
    (saved / file).unlink()
    with pytest.raises(BundleError, match="damaged"):
        load(saved)


def rewrite(folder: Path, change) -> None:
    document = json.loads((folder / STRUCTURE).read_text())
    change(document)
    (folder / STRUCTURE).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema="dpsynth-graphical-model/2"), "not of the version that this program reads"),
        (lambda d: d.pop("schema"), "not of the version"),
        (lambda d: d.pop("nodes"), "the entry 'nodes' is missing"),
        (lambda d: d["columns"].append(d["columns"][0]), "is there twice"),
        (lambda d: d["columns"][0].update(cells=0), "has no name or no cells"),
        (lambda d: d["columns"][0].update(cells=7), "does not have the shape of its columns"),
        (lambda d: d["columns"][0].update(cells=True), "has no name or no cells"),
        (lambda d: d["nodes"][1].update(parent=5), "parents come before"),
        (lambda d: d["nodes"][1].update(parent=0.0), "a parent is not a whole number"),
        (lambda d: d["nodes"].pop(), "do not|covers every column|one table per node"),
        (lambda d: d["facts"].update(total=-3), "the total is not a number above 0"),
        (lambda d: d["facts"].update(total="x"), "damaged"),
        (lambda d: d["facts"].update(fit=[]), "damaged"),
        (lambda d: d["facts"]["fit"].pop("residual"), "the entry 'residual' is missing"),
        (lambda d: d["tables"].update(sha256="0" * 64), "does not have the recorded hash"),
        (lambda d: d.update(columns=3), "damaged"),
    ],
)
def test_a_damaged_structure_is_an_error(saved: Path, change, message: str) -> None:
    rewrite(saved, change)
    with pytest.raises(BundleError, match=message):
        load(saved)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"{" * 100_000, b'{"schema": NaN}'])
def test_a_file_that_is_no_structure_is_an_error(saved: Path, content: bytes) -> None:
    (saved / STRUCTURE).write_bytes(content)
    with pytest.raises(BundleError):
        load(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.update(node_0=t["node_0"] * 2), "does not hold probabilities"),
        (lambda t: t.update(node_0=-t["node_0"]), "does not hold probabilities"),
        (lambda t: t["node_0"].fill(np.nan), "does not hold probabilities"),
        (lambda t: t.update(node_0=t["node_0"].astype(np.float32)), "does not have the shape"),
        (lambda t: t.update(node_0=t["node_0"].ravel()), "does not have the shape"),
        (lambda t: t.update(node_0=t["node_0"][::-1].copy()), "neighbouring tables do not agree"),
        (lambda t: t.update(other=t["node_0"]), "not one table per node"),
    ],
)
def test_tables_that_are_no_model_are_refused_even_with_a_right_hash(saved: Path, change, message: str) -> None:
    from safetensors.numpy import load_file, save

    tables = load_file(saved / TABLES)
    change(tables)
    content = save(tables)
    (saved / TABLES).write_bytes(content)
    rewrite(saved, lambda d: d["tables"].update(sha256=hashlib.sha256(content).hexdigest()))
    with pytest.raises(BundleError, match=message):
        load(saved)


def test_tables_that_are_not_safetensors_are_refused(saved: Path) -> None:
    (saved / TABLES).write_bytes(b"nonsense")
    rewrite(saved, lambda d: d["tables"].update(sha256=hashlib.sha256(b"nonsense").hexdigest()))
    with pytest.raises(BundleError, match="is not a safetensors file"):
        load(saved)
