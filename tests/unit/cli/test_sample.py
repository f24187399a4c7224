"""`dpsynth sample`: more rows from a release, at no cost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.unit.cli.conftest import Run


@pytest.fixture
def bundle(run: Run, people: Path, options: list[str], tmp_path: Path) -> Path:
    assert run("release", "people.csv", *options, "--out", "out", "--ledger", "l").code == 0
    return tmp_path / "out"


def test_more_rows(run: Run, bundle: Path, tmp_path: Path) -> None:
    before = (tmp_path / "l").read_bytes()
    result = run("sample", bundle, "--rows", 25, "--out", "more.csv")
    assert (result.code, result.err) == (0, "")
    assert "more.csv  (25 rows, seed " in result.out
    assert len(pd.read_csv("more.csv")) == 25
    assert (tmp_path / "l").read_bytes() == before, "the ledger is not even opened"
    facts = run("sample", bundle, "--rows", 25, "--seed", 4, "--out", "a.parquet", "--json").json
    run("sample", bundle, "--rows", 25, "--seed", 4, "--out", "b.parquet")
    assert facts == {"table": "a.parquet", "rows": 25, "seed": 4, "release_id": facts["release_id"]}
    pd.testing.assert_frame_equal(pd.read_parquet("a.parquet"), pd.read_parquet("b.parquet"))


def test_bad_input(run: Run, bundle: Path, tmp_path: Path) -> None:
    for words, said in [
        (["sample", "nowhere", "--rows", 5, "--out", "o.csv"], "nowhere is not a bundle"),
        (["sample", bundle, "--rows", 0, "--out", "o.csv"], "at least 1"),
        (["sample", bundle, "--rows", 5, "--out", "o.txt"], "Cannot tell the format of o.txt."),
        (["sample", bundle, "--rows", 5, "--out", "people.csv"], "Cannot write people.csv: it exists already."),
        (["sample", bundle, "--rows", 5, "--out", "no/o.csv"], "the folder above it does not exist"),
        (["sample", bundle, "--rows", 5, "--seed", -3, "--out", "o.csv"], "The sampling seed must be"),
    ]:
        result = run(*words)
        assert (result.code, result.out) == (2, ""), words
        assert said in result.err
        assert not (tmp_path / "o.csv").exists()


def test_a_corrupt_bundle(run: Run, bundle: Path, tmp_path: Path) -> None:
    files = [p for p in bundle.rglob("*") if p.is_file()]
    assert len(files) >= 5
    for path in files:
        raw = path.read_bytes()
        for spoiled in (raw[: len(raw) // 2], bytes([raw[0] ^ 1]) + raw[1:], None):
            path.unlink() if spoiled is None else path.write_bytes(spoiled)
            result = run("sample", bundle, "--rows", 5, "--out", "o.csv")
            assert (result.code, result.out) == (2, ""), path
            assert len(result.err.splitlines()) <= 3
            path.write_bytes(raw)
    assert run("sample", bundle, "--rows", 5, "--out", "o.csv").code == 0
