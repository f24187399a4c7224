"""The fitted model: what it samples is what it projects, and what it loads is what it saved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.encoding.grouping import Grouping
from dpsynth.encoding.table import TableEncoder
from dpsynth.errors import InputError, PlanError
from dpsynth.generators import MST, Independent
from dpsynth.generators.marginal_model import CellMap, MarginalModel, _measured_cells
from tests.unit.generators.support import DOMAIN, PLENTY, answer, chain, fit, letters, people


def codes_of(model: MarginalModel, made: pd.DataFrame) -> dict[str, np.ndarray]:
    """Fine cells of a table, by the encoder."""
    encoder = TableEncoder(model.domain)
    columns = encoder.encode(pa.RecordBatch.from_pandas(made, preserve_index=False))
    return dict(zip(encoder.names, columns, strict=True))


def counted(model: MarginalModel, made: pd.DataFrame, columns: tuple[str, ...]) -> np.ndarray:
    """Counts of a table on the fine cells."""
    codes, sizes = codes_of(model, made), TableEncoder(model.domain).sizes
    table = np.zeros([sizes[name] for name in columns])
    np.add.at(table, tuple(codes[name] for name in columns), 1)
    return table


# ----------------------------------------------------------------------------------------------- projecting and sampling


@pytest.mark.parametrize(
    "columns", [("town",), ("income",), ("class", "town"), ("town", "class"), ("class", "member", "town")], ids=",".join
)
def test_projections_are_what_a_huge_sample_counts(model: MarginalModel, columns: tuple[str, ...]) -> None:
    """Total variation between projection and 200,000 rows, against what 200,000 independent rows would leave."""
    n = 200_000
    expected = model.project(columns) / model.total
    found = counted(model, model.sample(n, seed=5), columns) / n
    independent = np.sqrt(2 / np.pi) * np.sqrt(expected * (1 - expected) / n).sum() / 2
    assert 0.5 * np.abs(found - expected).sum() <= 1.3 * independent + 1e-4


def test_a_wrong_projection_would_be_seen(models) -> None:
    """Negative control: the projection of the columns swapped is far from the sample."""
    model = models["mst"]
    found = counted(model, model.sample(200_000, seed=5), ("class", "member")) / 200_000
    shuffled = model.project(("class", "member"))[::-1] / model.total
    assert 0.5 * np.abs(found - shuffled).sum() > 0.1


def test_projections_sum_to_the_total_and_nest(model: MarginalModel) -> None:
    pair = model.project(("class", "age"))
    assert pair.shape == (2, 92)
    assert pair.sum() == pytest.approx(model.total)
    assert (pair >= 0).all()
    assert np.allclose(pair.sum(1), model.project(("class",)))
    assert np.allclose(pair.sum(0), model.project(("age",)))
    assert np.allclose(pair.T, model.project(("age", "class")))
    assert model.project(()).item() == pytest.approx(model.total)
    assert np.array_equal(model.project("age"), model.project(("age",)))


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (("height",), "project needs different modelled columns; not usable: height."),
        (("key",), "not usable: key."),
        (("age", "age"), "not usable: a repeated name."),
        (("age", "income", "score", "since"), "A projection on 4 columns would hold more than 10,000,000 cells."),
    ],
)
def test_projections_that_cannot_be_are_refused(models, columns, told) -> None:
    with pytest.raises(PlanError, match=told):
        models["mst"].project(columns)


def test_rows_are_stratified_far_closer_than_independent_draws(models) -> None:
    """A one-way of n rows is within a few rows per cell of its expectation."""
    model = models["independent"]
    made = counted(model, model.sample(5000, seed=2), ("town",))
    assert np.abs(made - 5000 * model.project(("town",)) / model.total).max() <= 2


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_rows(model: MarginalModel, n: int) -> None:
    made = model.sample(n, seed=1)
    assert made.shape == (n, len(DOMAIN))
    assert tuple(made.columns) == DOMAIN.names


def test_the_number_of_rows_is_the_noisy_total_by_default(model: MarginalModel) -> None:
    assert len(model.sample(seed=0)) == round(model.total)
    assert len(model.sample(np.int64(12), seed=np.int64(1))) == 12


@pytest.mark.parametrize(
    "wrong", [{"n": -1}, {"n": 2.5}, {"n": True}, {"n": "9"}, {"seed": -1}, {"seed": 0.5}, {"seed": False}]
)
def test_rows_and_seeds_that_cannot_be_meant_are_refused(models, wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(InputError, match=f"sample needs a whole {name} of at least 0."):
        models["mst"].sample(**wrong)


def test_equal_seeds_give_equal_rows(model: MarginalModel) -> None:
    first = model.sample(300, seed=9)
    assert first.equals(model.sample(300, seed=9))
    assert not first.equals(model.sample(300, seed=10))
    assert not model.sample(300).equals(model.sample(300))
    assert model.sample(30, seed=2**70).equals(model.sample(30, seed=2**70))


# ----------------------------------------------------------------------------------------------------- what comes out


def test_identifiers_are_surrogates(model: MarginalModel) -> None:
    assert model.sample(4, seed=0)["key"].tolist() == ["person-1", "person-2", "person-3", "person-4"]


def test_missing_and_other_cells_come_out_as_often_as_they_went_in(ledger) -> None:
    source = people(5000)
    made = fit(Independent(), ledger, source, budget=PLENTY).sample(5000, seed=0)
    assert made["town"].isna().mean() == pytest.approx(source["town"].isna().mean(), abs=0.01)
    assert (made["town"] == "elsewhere").mean() == pytest.approx((source["town"] == "atlantis").mean(), abs=0.01)
    assert made["score"].isna().mean() == pytest.approx(source["score"].isna().mean(), abs=0.01)
    assert made["class"].notna().all()
    assert (made["income"] == 0).mean() == pytest.approx((source["income"] == 0).mean(), abs=0.01)


def test_values_are_of_their_kinds_and_within_bounds(model: MarginalModel) -> None:
    made = model.sample(3000, seed=0)
    assert set(made["town"].dropna()) <= {"north", "south", "east", "elsewhere"}
    assert set(made["class"]) == {"low", "high"}
    assert made["age"].dropna().between(0, 90).all()
    assert pd.api.types.is_integer_dtype(made["age"])
    assert (made["income"].dropna().between(0, 100_000) | (made["income"].dropna() == -1)).all()
    assert made["score"].dropna().between(0, 1).all()
    assert set(made["member"].dropna()) <= {True, False}
    assert made["since"].dropna().between(datetime(2000, 1, 1), datetime(2019, 12, 31)).all()


def test_a_description_holds_public_facts(model: MarginalModel) -> None:
    facts = model.describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["generator"]["name"] in ("independent", "mst")
    assert facts["total"] == model.total
    assert set(facts["cells"]) == set(DOMAIN.names) - {"key"}
    assert facts["converged"]
    assert facts["memory_bytes"] > 0


# ------------------------------------------------------------------------------------------------------------ cell maps


def test_a_spread_is_the_share_of_each_fine_cell() -> None:
    maps = CellMap(
        Grouping(np.array([0, 0, 1, 2, 2, 2]), 3), Grouping(np.array([0, 1, 0]), 2), np.array([40.0, 5.0, 60.0])
    )
    assert maps.fine_to_coarse.cells.tolist() == [0, 0, 1, 0, 0, 0]
    assert maps.spread() == pytest.approx([0.2, 0.2, 1.0, 0.2, 0.2, 0.2])


def test_an_empty_coarse_cell_is_spread_evenly() -> None:
    maps = CellMap(Grouping.identity(3), Grouping(np.array([0, 1, 1]), 2), np.array([9.0, 0.0, 0.0]))
    assert maps.spread() == pytest.approx([1.0, 0.5, 0.5])


def test_measured_cells_follow_their_counts_inside_each_coarse_cell() -> None:
    groups = Grouping(np.array([0, 1, 0, 2, 1, 0]), 3)
    maps = CellMap(Grouping.identity(6), groups, np.array([10.0, 30.0, 60.0, 5.0, 90.0, 30.0]))
    coarse = np.repeat([0, 1, 2], [100, 240, 7])
    rng = np.random.default_rng(0)
    found = np.bincount(_measured_cells(maps, coarse, rng.permutation(347), rng), minlength=6)
    assert np.abs(found - [10, 60, 60, 7, 180, 30]).max() <= 1


def test_a_wide_column_needs_no_table_of_its_cells_squared(ledger) -> None:
    import tracemalloc

    domain = Domain((Category(name="code", values=tuple(f"v{i}" for i in range(10_000))),))
    source = pd.DataFrame({"code": [f"v{i}" for i in range(10_000)]})
    model = fit(Independent(), ledger, source, domain, PLENTY)
    tracemalloc.start()
    made = model.sample(10_000, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made["code"].nunique() > 5000
    assert peak < 20e6  # the square of the cells would be 800 MB


# ----------------------------------------------------------------------------------------------------------------- edits


def test_rows_are_edited_toward_marginals_that_the_tree_does_not_hold(tmp_path) -> None:
    """A model of independent columns with a pair to edit toward; more rows than the base are resampled from it."""
    domain = letters("ab", 2)
    model = fit(Independent(), tmp_path / "l", chain(1000, "ab", 2), domain, PLENTY)
    wanted = np.array([[450.0, 50.0], [50.0, 450.0]])
    edited = replace(model, edits={("a", "b"): wanted})
    made = edited.sample(1000, seed=0)
    assert (made["a"] == made["b"]).mean() == pytest.approx(0.9, abs=0.02)
    assert (model.sample(1000, seed=0)["a"] == model.sample(1000, seed=0)["b"]).mean() == pytest.approx(0.5, abs=0.05)
    edited.save(tmp_path / "m")
    assert MarginalModel.load(tmp_path / "m").sample(1000, seed=0).equals(made)


def test_measurements_stay_as_they_were_made(ledger) -> None:
    model = fit(MST(), ledger, chain(500), letters())
    values = model.measurements[0].values
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 7
    assert answer(("a",), [1, 2]).values.flags.writeable is False


def test_integers_of_a_wide_grid_are_spread_over_their_cells(ledger) -> None:
    domain = Domain((Integer(name="n", minimum=0, maximum=99_999, required=True),))
    source = pd.DataFrame({"n": np.random.default_rng(0).integers(20_000, 30_000, 5000)})
    made = fit(Independent(), ledger, source, domain, PLENTY).sample(5000, seed=0)["n"]
    assert made.between(19_000, 31_000).mean() > 0.97
    assert made.nunique() > 1000
