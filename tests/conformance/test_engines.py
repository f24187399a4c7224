"""What every engine must do. A new engine joins by one line in ENGINES."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.domain.columns import Boolean, Category, Grid, Identifier, Integer, Outside, Real
from dpsynth.domain.table import Domain
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.engines.base import AbstractEngine
from dpsynth.engines.open import open_engine
from dpsynth.errors import DomainError, PlanError, SourceError

DOMAIN = Domain(
    (
        Identifier(name="key"),
        Category(name="word", values=("a", "b", "c"), outside=Outside.OTHER),
        Boolean(name="flag", required=True),
        Integer(name="age", minimum=0, maximum=50, special=(-1,)),
        Real(name="share", minimum=0, maximum=1, grid=Grid(cells=10)),
        Integer(name="wide", minimum=0, maximum=10**6, grid=Grid(cells=100_000)),
    )
)
KEY = b"conformance"

Opener = Callable[[pd.DataFrame, Path], AbstractEngine]


def _polars(frame: pd.DataFrame, folder: Path) -> AbstractEngine:
    import polars as pl

    return open_engine(pl.from_pandas(frame), DOMAIN)


def _arrow(frame: pd.DataFrame, folder: Path) -> AbstractEngine:
    import pyarrow as pa

    return open_engine(pa.Table.from_pandas(frame, preserve_index=False), DOMAIN)


def _csv(frame: pd.DataFrame, folder: Path) -> AbstractEngine:
    frame.to_csv(folder / "t.csv", index=False)
    return open_engine(folder / "t.csv", DOMAIN)


def _parquet(frame: pd.DataFrame, folder: Path) -> AbstractEngine:
    frame.to_parquet(folder / "t.parquet")
    return open_engine(folder / "t.parquet", DOMAIN)


def _several(frame: pd.DataFrame, folder: Path) -> AbstractEngine:
    for i in range(3):
        frame[i::3].to_parquet(folder / f"{i}.parquet")
    return open_engine(folder / "*.parquet", DOMAIN)


def _held(frame: pd.DataFrame, folder: Path) -> AbstractEngine:
    frame.to_csv(folder / "t.csv.gz", index=False)
    return open_engine(folder / "t.csv.gz", DOMAIN, "memory")


ENGINES: dict[str, Opener] = {
    "memory, pandas": lambda frame, folder: open_engine(frame, DOMAIN),
    "memory, pyarrow": _arrow,
    "memory, polars": _polars,
    "memory, records": lambda frame, folder: open_engine(frame.to_dict("records"), DOMAIN),
    "memory, file": _held,
    "duckdb, csv": _csv,
    "duckdb, parquet": _parquet,
    "duckdb, several": _several,
}


def table(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "more": ["canary"] * rows,
            "word": rng.choice(np.array(["a", "b", " c ", "z", None], dtype=object), rows),
            "flag": rng.choice(np.array([True, False]), rows),
            "age": rng.integers(-2, 55, rows),
            "share": rng.uniform(-0.1, 1.1, rows),
            "wide": rng.integers(0, 10**6, rows),
        }
    )


@pytest.fixture(params=list(ENGINES))
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[pd.DataFrame], AbstractEngine]:
    return lambda frame: ENGINES[request.param](frame, tmp_path)


Opened = Callable[[pd.DataFrame], AbstractEngine]


def naive(engine: AbstractEngine, frame: pd.DataFrame, clique: tuple[str, ...]) -> np.ndarray:
    """Counts by a loop over rows, from codes of one cell at a time."""
    import pyarrow as pa

    found = np.zeros([engine.encoder.sizes[name] for name in clique], np.int64)
    for row in frame.to_dict("records"):
        cells = [engine.encoder.by_name(name).encode(pa.array([row[name]], from_pandas=True))[0] for name in clique]
        found[tuple(cells)] += 1
    return found


def test_counts_equal_a_loop_over_rows(opened: Opened) -> None:
    frame = table(60)
    engine = opened(frame)
    cliques = [(), ("word",), ("age",), ("share", "flag"), ("flag", "word", "age"), ("wide",)]
    for clique, found in zip(cliques, engine.counts(cliques, {}), strict=True):
        assert found.dtype == np.int64
        assert np.array_equal(found, naive(engine, frame, clique)), clique


def test_groupings_coarsen_the_counts(opened: Opened) -> None:
    engine = opened(table(200))
    groupings = {name: merge_adjacent(engine.encoder.by_name(name), 4) for name in ("age", "wide")}
    fine, coarse, mixed = *engine.counts([("age",)], {}), *engine.counts([("age",), ("word", "wide")], groupings)
    assert np.array_equal(coarse, groupings["age"].aggregate(fine))
    assert mixed.shape == (5, groupings["wide"].size)
    assert mixed.sum() == 200


def test_parity_sums_equal_a_loop_over_rows(opened: Opened) -> None:
    frame = table(60)
    engine = opened(frame)
    signs = {"word": np.array([1, 1, -1, 1, -1]), "age": np.where(np.arange(engine.encoder.sizes["age"]) % 3, 1, -1)}
    (joint,) = engine.counts([("word", "flag", "age")], {})
    flags = np.array([1, -1])
    wanted = {
        (): joint.sum(),
        ("flag",): (joint * flags[:, None]).sum(),
        ("age", "word"): (joint * signs["word"][:, None, None] * signs["age"]).sum(),
        ("word", "flag", "age"): (joint * signs["word"][:, None, None] * flags[:, None] * signs["age"]).sum(),
    }
    found = engine.parity_sums(list(wanted), signs)
    assert found.dtype == np.int64
    assert found.tolist() == [int(value) for value in wanted.values()]


def test_batches_are_codes_of_all_rows(opened: Opened) -> None:
    engine = opened(table(50))
    batches = list(engine.batches())
    assert sum(len(batch[0]) for batch in batches) == 50
    for batch in batches:
        for codes, name in zip(batch, engine.encoder.names, strict=True):
            assert codes.dtype.kind in "iu"
            assert codes.min() >= 0
            assert codes.max() < engine.encoder.sizes[name]
    some = list(engine.batches(["share", "word"]))
    assert [len(batch) for batch in some] == [2] * len(some)
    assert sorted(np.concatenate([batch[1] for batch in some])) == sorted(
        np.concatenate([batch[0] for batch in batches])
    )
    assert sum(len(batch[0]) for batch in engine.batches([])) == 50


def test_every_pass_is_the_same(opened: Opened) -> None:
    engine = opened(table(50))
    one, two = (engine.counts([("word", "age")], {})[0] for _ in range(2))
    assert np.array_equal(one, two)
    assert engine.fingerprint(KEY).digest == engine.fingerprint(KEY).digest


def test_identity_is_that_of_the_rows(opened: Opened, tmp_path: Path) -> None:
    frame = table(30)
    wanted = open_engine(frame, DOMAIN).fingerprint(KEY)
    found = opened(frame.sample(frac=1, random_state=0)).fingerprint(KEY)
    assert found.digest == wanted.digest
    assert np.array_equal(found.sketch, wanted.sketch)
    assert opened(table(30, seed=1)).fingerprint(KEY).digest != wanted.digest
    assert repr(found) == "Fingerprint(...)"


def test_no_rows(opened: Opened) -> None:
    # A list of no records has no columns either; every other table keeps its header.
    engine = opened(table(3)[:0])
    assert [int(found.sum()) for found in engine.counts([(), ("word", "age")], {})] == [0, 0]
    assert len(engine.fingerprint(KEY).sketch) == 0


def test_refusals_name_public_things_only(opened: Opened) -> None:
    engine = opened(table(5))
    with pytest.raises(DomainError, match="no modelled column 'key'"):
        engine.counts([("key",)], {})
    with pytest.raises(DomainError, match="no modelled column 'more'"):
        engine.counts([("more",)], {})
    with pytest.raises(PlanError, match="A marginal over 2 columns has"):
        engine.counts([("wide", "age"), ("wide", "wide")], {})


@pytest.mark.parametrize("name", [name for name in ENGINES if name != "memory, records"])
def test_a_column_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="The table has no column 'age'") as caught:
        ENGINES[name](table(5).drop(columns="age"), tmp_path)
    assert "canary" not in str(caught.value)


def test_what_an_engine_is_says_nothing(opened: Opened) -> None:
    text: Any = repr(opened(table(5))) + str(opened(table(5)))
    assert "canary" not in text
    assert "rows" not in text
