"""MST: the plan, the tree, and what a fit asks of the gate."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import GaussianFilter, Slack, event_from_json, leaves
from dpsynth.accounting.quantities import Delta
from dpsynth.domain.columns import Category, Identifier
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.errors import PlanError
from dpsynth.gate import DRAW_SLACK, ledger_extract, show
from dpsynth.generators import MST
from dpsynth.generators.mst import LABEL_WEIGHT, SCORE_SHARE, choose_tree
from dpsynth.generators.pairs import Pair, all_pairs
from tests.unit.generators.support import (
    ADD_REMOVE,
    BUDGET,
    DOMAIN,
    PLENTY,
    REPLACE_ONE,
    chain,
    filter_of,
    fit,
    letters,
    opened,
    people,
    squared_mu,
)


def heaviest_forest(weights: dict[Pair, float]) -> float:
    """By trying every set of edges without a cycle."""
    best = 0.0
    for size in range(1, len(weights) + 1):
        for edges in itertools.combinations(weights, size):
            parts = {name: {name} for pair in edges for name in pair}
            for a, b in edges:
                if parts[a] is parts[b]:
                    break
                joined = parts[a] | parts[b]
                for name in joined:
                    parts[name] = joined
            else:
                best = max(best, sum(weights[edge] for edge in edges))
    return best


# ------------------------------------------------------------------------------------------------------------- the plan


@pytest.mark.parametrize("relation", [ADD_REMOVE, REPLACE_ONE])
@pytest.mark.parametrize("size", [1, 3])
def test_the_event_is_one_filter_whatever_the_unit_and_the_noise_follows_the_unit(relation, size) -> None:
    plan = MST().plan(DOMAIN, budget=BUDGET, unit=rows(size), relation=relation)
    purse, slack = [leaf for leaf, _ in leaves(plan.event)]
    assert isinstance(purse, GaussianFilter)
    assert purse.mu == plan.shares.mu == pytest.approx(0.26805, rel=1e-4)
    assert slack == Slack(DRAW_SLACK)
    factor = size * (1 if relation is ADD_REMOVE else 2**0.5)
    plain = MST().plan(DOMAIN, budget=BUDGET)
    assert plan.shares.marginal_sigma_up(0.5) == pytest.approx(factor * plain.shares.marginal_sigma_up(0.5), rel=1e-6)


def test_all_of_the_budget_is_used_and_not_more() -> None:
    plan = MST().plan(DOMAIN, budget=BUDGET)
    cost = epsilon_up(plan.event, Delta(BUDGET.delta), ADD_REMOVE).epsilon
    assert 0.9999 * BUDGET.epsilon <= cost <= BUDGET.epsilon


def test_the_waterfall_adds_up_and_says_what_is_measured() -> None:
    plan = MST().plan(DOMAIN, budget=BUDGET)
    assert [step.name for step in plan.steps] == ["one-ways", "scores", "tree"]
    assert sum(step.share for step in plan.steps) == pytest.approx(1.0)
    assert plan.steps[1].share == SCORE_SHARE
    assert plan.steps[1].answers == 21
    assert [step.detail.partition(",")[0] for step in plan.steps] == [
        "7 columns",
        "distance of 21 pairs to independence",
        "6 pairs",
    ]
    assert plan.forecast.seconds > 0


def test_one_column_takes_all_of_the_budget() -> None:
    plan = MST().plan(letters("a"), budget=BUDGET)
    assert [(step.name, step.share) for step in plan.steps] == [("one-ways", 1.0)]


def test_what_cannot_be_planned_is_told() -> None:
    with pytest.raises(PlanError, match="MST knows the selections gaussian and exponential; found 'random'"):
        MST(selection="random")
    with pytest.raises(PlanError, match="nothing to model"):
        MST().plan(Domain((Identifier(name="key"),)), budget=BUDGET)


# ------------------------------------------------------------------------------------------------------------- the tree

SCORES = st.lists(st.integers(-50, 400), min_size=6, max_size=6)


@given(SCORES)
def test_the_tree_is_the_heaviest_of_all(scores: list[int]) -> None:
    pairs = all_pairs("abcd")
    chosen = choose_tree(pairs, np.array(scores), 50.0, None)
    weights = {pair: float(score) for pair, score in zip(pairs, scores, strict=True) if score > 40}
    assert set(chosen) <= set(weights)
    assert sum(weights[pair] for pair in chosen) == pytest.approx(heaviest_forest(weights))


def test_scores_that_noise_alone_would_give_are_left_out() -> None:
    pairs = all_pairs("abc")
    assert choose_tree(pairs, np.array([79, 80, -300]), 100.0, None) == []
    assert choose_tree(pairs, np.array([79, 81, -300]), 100.0, None) == [("a", "c")]


def test_pairs_with_the_label_count_more() -> None:
    pairs = all_pairs("abc")
    scores = np.array([100, 100 // LABEL_WEIGHT + 3, 95], dtype=np.int64)  # ab, ac, bc
    assert choose_tree(pairs, scores, 1.0, None) == [("a", "b"), ("b", "c")]
    assert set(choose_tree(pairs, scores, 1.0, "c")) == {("a", "c"), ("b", "c")}


# --------------------------------------------------------------------------------------------------------------- a fit


def test_a_chain_is_found_and_reproduced(ledger) -> None:
    source = chain(5000)
    model = fit(MST(), ledger, source, letters(), PLENTY)
    assert {m.clique for m in model.measurements if len(m.clique) == 2} == {("a", "b"), ("b", "c"), ("c", "d")}
    exact = np.zeros((3, 3))
    np.add.at(exact, (source["b"].astype(int), source["c"].astype(int)), 1)
    assert np.abs(model.project(("b", "c")) - exact).sum() < 0.01 * 5000
    made = model.sample(5000, seed=0)
    assert (made["a"] == made["b"]).mean() == pytest.approx((source["a"] == source["b"]).mean(), abs=0.01)
    # a and d are conditionally independent in a tree: .8^3 of the copies survive, the rest agrees by chance
    assert (made["a"] == made["d"]).mean() == pytest.approx((source["a"] == source["d"]).mean(), abs=0.03)


def test_without_dependence_the_model_has_hardly_any(ledger) -> None:
    """Every combination equally often. A pair may still be measured: its reference is noisy, too."""
    combinations = np.array(list(itertools.product("012", repeat=4)), dtype=object).repeat(40, axis=0)
    model = fit(MST(), ledger, pd.DataFrame(combinations, columns=list("abcd")), letters(), BUDGET)
    for pair in all_pairs("abcd"):
        product = np.outer(*(model.project((name,)) for name in pair)) / model.total
        assert 0.5 * np.abs(model.project(pair) - product).sum() < 0.04 * model.total
    assert sorted(model.graph.names) == list("abcd")


def test_what_is_drawn_stays_within_the_filter_exactly(ledger) -> None:
    table = opened(ledger)
    plan = MST().plan(DOMAIN, budget=BUDGET)
    plan.fit(table)
    drawn = [event_from_json(made["event"]) for made in ledger_extract(table)["draws"]]
    limit = Fraction(filter_of(plan.event).mu) ** 2
    assert (1 - Fraction(1, 10**9)) * limit < squared_mu(drawn) <= limit


def test_the_label_pulls_the_tree_toward_it(tmp_path) -> None:
    """b and c both copy a; with c the label, the pair of b and c is a little weaker but counts more."""
    rng = np.random.default_rng(1)
    a = rng.integers(0, 2, 20_000)
    noisy = {name: np.where(rng.random(20_000) < 0.9, a, 1 - a) for name in "bc"}
    noisy["b"] = np.where(rng.random(20_000) < 0.95, noisy["b"], noisy["c"])
    source = chain(0, "abc").reindex(range(20_000))
    for name, codes in {"a": a, **noisy}.items():
        source[name] = codes.astype(str)
    plain = letters("abc", 2)
    labelled = Domain(plain.columns, label="c")
    trees = {}
    for domain in (plain, labelled):
        model = fit(MST(), tmp_path / f"{domain.label}", source, domain, PLENTY)
        trees[domain.label] = {m.clique for m in model.measurements if len(m.clique) == 2}
    assert trees[None] == {("a", "b"), ("a", "c")}
    assert ("a", "c") in trees["c"]


def test_an_interrupted_fit_goes_on_without_paying_again(ledger) -> None:
    class Stop(Exception):
        pass

    def stop(stage: str, done: float) -> None:
        if stage == "tree":
            raise Stop

    plan = MST().plan(DOMAIN, budget=BUDGET)
    with pytest.raises(Stop):
        plan.fit(opened(ledger, seed=None), progress=stop)
    (charge,) = show(ledger)["charges"]
    assert (charge["state"], charge["draws"]) == ("running", 2)
    model = plan.fit(opened(ledger, seed=None))
    (charge,) = show(ledger)["charges"]
    assert (charge["state"], charge["draws"]) == ("done", 3)
    again = plan.fit(opened(ledger, seed=None))
    assert again.sample(50, seed=1).equals(model.sample(50, seed=1))
    assert show(ledger)["accounts"][0]["spent"] <= BUDGET.epsilon


def test_stages_are_told_in_public_words(ledger) -> None:
    told: list[str] = []
    MST().plan(DOMAIN, budget=BUDGET).fit(opened(ledger), progress=lambda stage, done: told.append(f"{stage} {done}"))
    assert told == ["one-ways 0.0", "scores 0.25", "tree 0.5", "estimate 0.75", "done 1.0"]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_tiny_tables_are_fitted_like_any_other(ledger, n: int) -> None:
    model = fit(MST(), ledger, people(n))
    assert model.total >= 1
    assert len(model.sample(7, seed=0)) == 7
    assert model.describe()["converged"]


def test_an_all_null_column_is_missing(ledger) -> None:
    source = people(4000)
    source["town"] = None
    source["age"] = np.nan
    made = fit(MST(), ledger, source, budget=PLENTY).sample(4000, seed=0)
    assert made["town"].isna().mean() > 0.99
    assert made["age"].isna().mean() > 0.99
    assert made["class"].notna().all()


def test_a_wide_category_takes_little_memory_and_keeps_its_common_values(ledger) -> None:
    import tracemalloc

    values = tuple(f"v{i}" for i in range(10_000))
    domain = Domain((Category(name="code", values=values), Category(name="half", values=("0", "1"))))
    rng = np.random.default_rng(0)
    codes = np.where(rng.random(20_000) < 0.5, 7, rng.integers(0, 10_000, 20_000))
    source = chain(0, "ab").rename(columns={"a": "code", "b": "half"}).reindex(range(20_000))
    source["code"], source["half"] = np.array(values, dtype=object)[codes], (codes == 7).astype(int).astype(str)
    plan = MST().plan(domain, budget=BUDGET)
    table = opened(ledger, source, domain)
    tracemalloc.start()
    model = plan.fit(table)
    made = model.sample(20_000, seed=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60e6
    assert (made["code"] == "v7").mean() == pytest.approx(0.5, abs=0.02)
    assert (made.loc[made["code"] == "v7", "half"] == "1").mean() > 0.95


@pytest.mark.slow
def test_three_hundred_columns(ledger) -> None:
    from dpsynth.domain.columns import Integer

    names = [f"c{i}" for i in range(300)]
    rng = np.random.default_rng(0)
    base = rng.integers(0, 100, (5000, 300))
    base[:, 1::2] = np.where(rng.random((5000, 150)) < 0.9, base[:, ::2], base[:, 1::2])
    domain = Domain(tuple(Integer(name=name, minimum=0, maximum=99) for name in names))
    plan = MST().plan(domain, budget=PLENTY)
    model = plan.fit(opened(ledger, pd.DataFrame(base, columns=names), domain))
    twins = {(names[i], names[i + 1]) for i in range(0, 300, 2)}
    assert twins <= {m.clique for m in model.measurements if len(m.clique) == 2}
    assert model.sample(1000, seed=0).shape == (1000, 300)
    assert model.describe()["memory_bytes"] <= plan.forecast.memory_bytes


def test_the_model_and_the_fit_stay_within_the_forecast(ledger) -> None:
    """Beside what Python and numpy take to be there (20 MB)."""
    import tracemalloc

    source, domain = chain(3000, "abcdefgh", 40), letters("abcdefgh", 40)
    plan = MST().plan(domain, budget=PLENTY)
    table = opened(ledger, source, domain)
    tracemalloc.start()
    model = plan.fit(table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert model.describe()["memory_bytes"] <= plan.forecast.memory_bytes
    assert sum(np.prod(m.values.shape) for m in model.measurements if len(m.clique) == 2) <= plan.forecast.cells
    assert peak < plan.forecast.memory_bytes + 20e6
