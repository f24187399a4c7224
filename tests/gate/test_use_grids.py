"""Counting on other grids of the same columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import Composed, Gaussian
from dpsynth.domain.columns import Category, Grid, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.errors import LedgerError, PlanError
from dpsynth.gate import Marginals, RoundedGaussian, ledger_extract, open_table, with_slack
from tests.gate.support import BUDGET

DOMAIN = Domain((Integer(name="pay", minimum=0, maximum=99_999, required=True), Category(name="k", values=("a", "b"))))
OTHER = replace(
    DOMAIN, columns=(replace(DOMAIN["pay"], grid=Grid("edges", edges=(0, 499.5, 500.5, 99_999))), DOMAIN["k"])
)
TABLE = pd.DataFrame({"pay": [500] * 4000 + [499, 501] * 1000, "k": ["a", "b", None] * 2000})
QUERY = Marginals((("pay",),))
NOISE = RoundedGaussian((12.0,))


def _opened(source, ledger, engine="auto"):
    return open_table(source, domain=DOMAIN, ledger=ledger, unit=rows(1), engine=engine)


def _event():
    return with_slack(Composed((Gaussian(12.0, rows(1).squared_l2(NeighbouringRelation.ADD_REMOVE)),)))


@pytest.mark.parametrize("kind", ["frame", "parquet", "parquet in memory", "csv"])
def test_a_spike_gets_the_cell_it_is_given(tmp_path, kind) -> None:
    source, engine = TABLE, "auto"
    if kind != "frame":
        source = tmp_path / ("t.csv" if kind == "csv" else "t.parquet")
        TABLE.to_csv(source, index=False) if kind == "csv" else TABLE.to_parquet(source)
        engine = "memory" if kind.endswith("memory") else "auto"
    table = _opened(source, tmp_path / "a.ledger", engine)
    with table.reserve(_event(), job={"name": "job"}, purpose="test", budget=BUDGET) as grant:
        grant.use_grids(OTHER)
        (answer,) = grant.release(QUERY, NOISE)
    assert np.abs(answer.values - [1000, 4000, 1000]).max() < 100
    assert ledger_extract(table)["draws"][-1]["query"]["grids"] == OTHER.digest()


def test_grids_of_one_grant_are_not_those_of_the_next(tmp_path) -> None:
    table = _opened(TABLE, tmp_path / "a.ledger")
    with table.reserve(_event(), job={"name": "one"}, purpose="test", budget=BUDGET) as grant:
        grant.use_grids(OTHER)
        grant.release(QUERY, NOISE)
    with table.reserve(_event(), job={"name": "two"}, purpose="test", budget=BUDGET) as grant:
        assert len(grant.release(QUERY, NOISE)[0].values) == 1024


@pytest.mark.parametrize(
    "domain",
    [
        Domain(DOMAIN.columns[:1]),
        replace(DOMAIN, label="k"),
        replace(DOMAIN, columns=(replace(DOMAIN["pay"], maximum=5), DOMAIN["k"])),
        replace(DOMAIN, columns=(replace(DOMAIN["pay"], special=(3,)), DOMAIN["k"])),
        replace(DOMAIN, columns=(DOMAIN["pay"], Category(name="k", values=("a", "c")))),
        replace(DOMAIN, columns=DOMAIN.columns[::-1]),
    ],
)
def test_nothing_but_grids_may_differ(tmp_path, domain) -> None:
    table = _opened(TABLE, tmp_path / "a.ledger")
    with table.reserve(_event(), job={"name": "job"}, purpose="test", budget=BUDGET) as grant:
        with pytest.raises(PlanError, match="other grids of the same columns only"):
            grant.use_grids(domain)
        assert len(grant.release(QUERY, NOISE)[0].values) == 1024


def test_a_replay_on_other_grids_is_another_question(tmp_path) -> None:
    table = _opened(TABLE, tmp_path / "a.ledger")
    with table.reserve(_event(), job={"name": "job"}, purpose="test", budget=BUDGET) as grant:
        grant.use_grids(OTHER)
        (answer,) = grant.release(QUERY, NOISE)
    with table.reserve(_event(), job={"name": "job"}, purpose="test", budget=BUDGET) as grant:
        with pytest.raises(LedgerError, match="another question"):
            grant.release(QUERY, NOISE)
        grant.use_grids(OTHER)
        assert np.array_equal(grant.release(QUERY, NOISE)[0].values, answer.values)
