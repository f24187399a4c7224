"""A bundle is read only when it is what was released."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dpsynth.bundle import Bundle, read_bundle, sample_to_file
from dpsynth.bundle.facts import render
from dpsynth.errors import BundleError, InputError, OutputError

Make = Callable[..., Bundle]


def test_a_bundle_reads_back(make: Make) -> None:
    made = make()
    read = read_bundle(str(made.path))
    assert (read.release_id, read.facts, read.format) == (made.release_id, made.facts, "csv")
    assert read.model().sample(4, seed=1).shape == (4, 2)
    assert read.domain() == made.domain()


@pytest.mark.parametrize("name", ["release.json", "domain.toml", "synthetic.csv", "model/model.json"])
def test_a_changed_or_missing_file_is_found(make: Make, name: str) -> None:
    path = make().path / name
    raw = path.read_bytes()
    for spoiled in (raw[:-1], raw + b" ", bytes([raw[0] ^ 1]) + raw[1:], b""):
        path.write_bytes(spoiled)
        with pytest.raises(BundleError) as caught:
            read_bundle(path.parents[1 if "/" in name else 0])
        assert len(str(caught.value).splitlines()) <= 3
    path.unlink()
    with pytest.raises(BundleError):
        read_bundle(path.parents[1 if "/" in name else 0])


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_what_is_no_bundle_says_so(tmp_path: Path, place: str) -> None:
    with pytest.raises(BundleError, match=r"is not a bundle: it has no readable release\.json"):
        read_bundle(tmp_path / place)


def test_a_bundle_without_its_table_is_not_whole(make: Make) -> None:
    path = make().path
    facts = json.loads((path / "release.json").read_text())
    del facts["files"]["synthetic.csv"]
    (path / "release.json").write_bytes(render(facts))
    with pytest.raises(BundleError, match=r"has no synthetic\.csv"):
        read_bundle(path)
    facts["request"]["format"] = "xlsx"
    (path / "release.json").write_bytes(render(facts))
    with pytest.raises(BundleError, match="names no known table format"):
        read_bundle(path)


def test_more_rows_into_a_file(make: Make, tmp_path: Path) -> None:
    bundle = make()
    assert sample_to_file(bundle, tmp_path / "a.csv", rows=9, seed=3) == 3
    assert sample_to_file(bundle, tmp_path / "b.csv", rows=9, seed=3) == 3
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_text().count("\n") == 10
    used = {sample_to_file(bundle, tmp_path / f"{i}.parquet", rows=2) for i in range(3)}
    assert len(used) == 3
    with pytest.raises(OutputError, match="it exists already"):
        sample_to_file(bundle, tmp_path / "a.csv", rows=9)
    with pytest.raises(OutputError, match="the folder above it does not exist"):
        sample_to_file(bundle, tmp_path / "no" / "a.csv", rows=9)
    with pytest.raises(InputError, match="Cannot tell the format"):
        sample_to_file(bundle, tmp_path / "a.xlsx", rows=9)
    with pytest.raises(InputError, match="at least 1"):
        sample_to_file(bundle, tmp_path / "c.csv", rows=0)
    with pytest.raises(InputError, match="seed must be"):
        sample_to_file(bundle, tmp_path / "c.csv", rows=1, seed=-1)
