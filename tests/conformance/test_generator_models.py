"""What every fitted model must do: stamps, saving, projecting, tiny and strange tables, output in the domain."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Category
from dpsynth.domain.table import Domain
from dpsynth.generators import load
from tests.conformance.generators import RECIPES, check_in_domain
from tests.gate.dirty_frames import CELLS
from tests.unit.domain.strategies import domains
from tests.unit.generators.support import (
    BUDGET,
    DOMAIN,
    PLENTY,
    chain,
    fit,
    letters,
    opened,
    people,
)

# ----------------------------------------------------------------------------------------------------------- the model


def test_a_test_seed_is_stamped_through_to_the_saved_model(recipe, tmp_path) -> None:
    for seed, private in ((3, False), (None, True)):
        model = fit(recipe, tmp_path / f"{seed}.ledger", seed=seed)
        model.save(tmp_path / f"{seed}")
        for one in (model, load(tmp_path / f"{seed}")):
            assert one.private is private
            assert {m.private for m in one.measurements} == {private}


def test_a_test_seed_repeats_and_the_default_does_not(recipe, tmp_path) -> None:
    made = [
        fit(recipe, tmp_path / f"{i}", seed=seed).sample(100, seed=0) for i, seed in enumerate([5, 5, 6, None, None])
    ]
    assert made[0].equals(made[1])
    assert not made[0].equals(made[2])
    assert not made[3].equals(made[4])


def test_a_saved_model_is_the_model(recipe, ledger, tmp_path) -> None:
    model = fit(recipe, ledger)
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.sample(300, seed=2).equals(model.sample(300, seed=2))
    assert again.describe() == model.describe()
    assert json.loads(json.dumps(model.describe())) == model.describe()


def test_projections_sum_to_the_total(recipe, ledger) -> None:
    model = fit(recipe, ledger)
    for columns in (("class",), ("age", "town"), ("member", "class", "town")):
        table = model.project(columns)
        assert table.sum() == pytest.approx(model.total)
        assert (table >= 0).all()


@pytest.mark.parametrize("n", [0, 1, 2])
def test_tiny_tables_go_the_same_way(recipe, ledger, n: int) -> None:
    model = fit(recipe, ledger, people(n))
    check_in_domain(model.sample(50, seed=0), DOMAIN, 50)
    check_in_domain(model.sample(0, seed=0), DOMAIN, 0)


def test_one_column(recipe, ledger) -> None:
    source = chain(900, "a")
    model = fit(recipe, ledger, source, letters("a"), PLENTY)
    wanted, found = (
        frame["a"].value_counts(normalize=True).sort_index() for frame in (source, model.sample(900, seed=0))
    )
    assert found.to_numpy() == pytest.approx(wanted.to_numpy(), abs=0.01)


def test_an_all_null_column_comes_out_missing(recipe, ledger) -> None:
    source = people(4000)
    source["town"], source["age"] = None, np.nan
    made = fit(recipe, ledger, source, budget=Budget(epsilon=5, delta=1e-5)).sample(4000, seed=0)
    assert made["town"].isna().mean() > 0.97
    assert made["age"].isna().mean() > 0.97


def test_a_wide_category_is_carried(recipe, ledger) -> None:
    values = tuple(f"v{i}" for i in range(10_000))
    domain = Domain((Category(name="code", values=values), Category(name="half", values=("0", "1"), required=True)))
    rng = np.random.default_rng(0)
    codes = np.where(rng.random(5000) < 0.5, 7, rng.integers(0, 10_000, 5000))
    source = pd.DataFrame({"code": np.array(values, dtype=object)[codes], "half": (codes % 2).astype(str)})
    made = fit(recipe, ledger, source, domain).sample(5000, seed=0)
    check_in_domain(made, domain, 5000)
    assert (made["code"] == "v7").mean() > 0.3


@pytest.mark.parametrize("n", [0, 900])
def test_progress_rises_to_its_end(recipe, ledger, n: int) -> None:
    """That stages depend on paid answers only is for tests/gate/test_generator_privacy.py."""
    told: list[tuple[str, float]] = []
    recipe.plan(DOMAIN, budget=BUDGET).fit(opened(ledger, people(n)), progress=lambda *stage: told.append(stage))
    done = [share for _, share in told]
    assert done == sorted(done)
    assert 0 <= done[0] < done[-1] == 1.0
    assert all(stage and stage == stage.strip() for stage, _ in told)


def test_how_rows_are_counted_changes_nothing(recipe, tmp_path) -> None:
    """The same table as a frame, in another order and another form, and as a file: one model."""
    source = people(500)
    shuffled = source.sample(frac=1, random_state=1).astype(object)
    source.to_csv(tmp_path / "t.csv", index=False)
    made = []
    for i, table in enumerate((source, shuffled, tmp_path / "t.csv")):
        made.append(fit(recipe, tmp_path / f"{i}.ledger", table).sample(200, seed=0))
    assert made[0].equals(made[1])
    assert made[0].equals(made[2])


# ------------------------------------------------------------------------------------------------------- what comes out


def test_a_cell_outside_the_domain_would_be_seen(ledger) -> None:
    """Negative control of check_in_domain."""
    good = fit(RECIPES["independent"], ledger).sample(9, seed=0)
    check_in_domain(good, DOMAIN, 9)
    for column, cell in (
        ("town", "atlantis"),
        ("class", None),
        ("age", 91),
        ("income", -2),
        ("score", 1.1),
        ("key", "x"),
    ):
        bad = good.astype(object)
        bad.loc[4, column] = cell
        with pytest.raises(AssertionError, match=column):
            check_in_domain(bad, DOMAIN, 9)
    with pytest.raises(AssertionError):
        check_in_domain(good[["key", *reversed(DOMAIN.names[1:])]], DOMAIN, 9)


@pytest.mark.parametrize("name", RECIPES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(domain=domains(), seed=st.integers(0, 2**32 - 1))
def test_output_is_in_the_domain_whatever_the_domain_and_the_rows(tmp_path_factory, name, domain, seed) -> None:
    assume(domain.modelled)
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 40))
    cells = {column: [CELLS[i] for i in rng.integers(0, len(CELLS), n)] for column in domain.names}
    frame = pd.DataFrame({column: pd.Series(values, dtype=object) for column, values in cells.items()})
    ledger = tmp_path_factory.mktemp("fuzz") / "l"
    model = fit(RECIPES[name], ledger, frame, domain, Budget(epsilon=float(rng.choice([0.01, 1.0])), delta=1e-5))
    check_in_domain(model.sample(30, seed=0), domain, 30)
    names = tuple(column.name for column in domain.modelled)[:1]
    assert model.project(names).sum() == pytest.approx(model.total)
