"""Dirty tables through both engines: no value raises, none shows, none moves another row."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.frames import object_text
from dpsynth.engines.open import open_engine
from tests.gate.dirty_frames import CANARY, Dirty, broken_text_table, csv_lines, dirty, typed_table, writable, write_csv
from tests.laws.plain_csv import plain_fields

QUICK = 400
ALL = 10_000
CHUNK = 50
KEY = b"k" * 32


def codes_of(engine: AbstractEngine) -> np.ndarray:
    """int[n, d] of the whole table."""
    width = len(engine.encoder.names)
    return np.concatenate([np.empty((0, width), int), *(np.stack(batch, 1) for batch in engine.batches())])


def check_counts(engine: AbstractEngine, rows: int) -> np.ndarray:
    """Counts that sum to n in every clique, and an identity without a fuss; returns the codes."""
    names = engine.encoder.names[:4]
    cliques = [(), *((name,) for name in names), *([(names[0], names[1])] if len(names) > 1 else [])]
    for clique, found in zip(cliques, engine.counts(cliques, {}), strict=True):
        assert found.sum() == rows, clique
        assert found.min() >= 0
    if rows % 2:
        assert 1 <= len(engine.fingerprint(KEY).sketch) <= rows
    codes = codes_of(engine)
    assert codes.shape == (rows, len(engine.encoder.names))
    return codes


def check_memory(table: Dirty, seed: int) -> None:
    """Objects in pandas, in records and in polars read alike; typed Arrow columns read at all."""
    wanted = check_counts(open_engine(table.as_pandas(), table.domain), table.rows)
    texts = table.as_pandas().map(object_text).astype("category")
    other = (table.as_records, table.as_polars, lambda: texts)[seed % 3]()
    assert np.array_equal(codes_of(open_engine(other, table.domain)), wanted)
    if table.rows:
        place, j = seed % table.rows, seed % len(table.cells)
        name = list(table.cells)[j]
        values = list(table.cells[name])
        values[place] = (CANARY, -0.0, b"\xff", None, 10**400, [1])[seed % 6]
        after = codes_of(open_engine(replace(table, cells=table.cells | {name: values}).as_pandas(), table.domain))
        assert np.array_equal(np.delete(after, place, 0), np.delete(wanted, place, 0))
        assert np.array_equal(np.delete(after[place], j), np.delete(wanted[place], j))


def check_typed(table: Dirty, seed: int, path: Path) -> None:
    """Columns of random Arrow types: in memory, and through Parquet (bytes that are no UTF-8 included)."""
    arrow = typed_table(seed, table.domain, table.rows)
    check_counts(open_engine(arrow, table.domain), table.rows)
    stored = broken_text_table(writable(arrow)) if seed % 4 else writable(arrow)
    parquet.write_table(stored, path)
    found = check_counts(open_engine(path, table.domain), table.rows)
    assert np.array_equal(found, codes_of(open_engine(parquet.read_table(path), table.domain)))


def check_csv(table: Dirty, seed: int, path: Path) -> None:
    """Lines broken at random: what is read is what each line says alone."""
    rng = np.random.default_rng(seed)
    header, lines = csv_lines(table.cells, rng)
    end = write_csv(path, header, lines, rng)
    ends = [end] * len(lines)
    if lines and not path.read_bytes().endswith(b"\n"):
        ends[-1] = b""  # the file stops without an end of line
    judged = [plain_fields(line + end, b",", len(table.cells)) for line, end in zip(lines, ends, strict=True)]
    kept = [fields for fields in judged if fields is not None]
    found = check_counts(open_engine(path, table.domain), len(kept))
    columns = zip(*kept, strict=True) if kept else ([] for _ in table.cells)
    frame = pd.DataFrame({name: pd.Series(list(c), dtype=object) for name, c in zip(table.cells, columns, strict=True)})
    assert np.array_equal(found, codes_of(open_engine(frame, table.domain)))


def check_seeds(seeds: Iterable[int], folder: Path) -> None:
    """Each table in memory and from a file (CSV or Parquet by turns), any warning being an error."""
    for seed in seeds:
        table = dirty(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                if len(table.cells) < 100:
                    check_memory(table, seed)
                if seed % 2:
                    check_csv(table, seed, folder / "table.csv")
                else:
                    check_typed(table, seed, folder / "table.parquet")
            except Exception as error:
                raise AssertionError(f"dirty table {seed}") from error


@pytest.mark.parametrize("start", range(0, QUICK, CHUNK))
def test_dirty_tables(start: int, tmp_path: Path) -> None:
    check_seeds(range(start, start + CHUNK), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(QUICK, ALL, 16 * CHUNK))
def test_all_dirty_tables(start: int, tmp_path: Path) -> None:
    check_seeds(range(start, min(start + 16 * CHUNK, ALL)), tmp_path)
