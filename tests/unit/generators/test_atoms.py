"""The search for spikes of wide columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

import dpsynth
from dpsynth.accounting.calibrate import calibrate_mu
from dpsynth.domain.columns import Category, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, rows
from dpsynth.encoding.refine import lattice_edges
from dpsynth.encoding.table import TableEncoder
from dpsynth.engines.open import open_engine
from dpsynth.gate.answers import exact_answers, to_measurements
from dpsynth.generators.atoms import _combine_looks, look_again, search_depths
from dpsynth.generators.one_ways import grid_of, one_way_query, read_one_ways
from dpsynth.generators.shares import GaussianShares

ADD_REMOVE = NeighbouringRelation.ADD_REMOVE
BUDGET = dpsynth.Budget(epsilon=1, delta=1e-6)
DOMAIN = Domain(
    (
        Integer(name="gain", minimum=0, maximum=99_999),
        Integer(name="age", minimum=0, maximum=99, required=True),
        Real(name="density", minimum=0, maximum=60_000, decimals=1, required=True),
        Integer(name="account", minimum=0, maximum=10**9, required=True),
        Real(name="height", minimum=0, maximum=3),
        Category(name="town", values=("a", "b")),
    )
)
ENCODER = TableEncoder(DOMAIN)
SHARES = GaussianShares(calibrate_mu(BUDGET, relation=ADD_REMOVE), rows(1), ADD_REMOVE)
GRIDS = {name: grid_of(ENCODER.by_name(name), SHARES) for name in ENCODER.names}
DEPTHS = search_depths(ENCODER, GRIDS)
SPIKES = {"gain": [15_024, 99_999], "density": [17.3, 2310.4, 59_000.3], "account": [123_456_789]}


def people(n: int = 20_000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "gain": rng.integers(0, 100_000, n),
            "age": rng.integers(0, 100, n),
            "density": np.round(rng.random(n) * 60_000, 1),
            "account": rng.integers(0, 10**9, n),
            "height": rng.random(n),
            "town": "a",
        }
    )
    for name, values in SPIKES.items():
        for i, value in enumerate(values):
            table.loc[i * 1500 : i * 1500 + 999, name] = value
    return table


@dataclass
class Oracle:
    """A grant that answers with fixed noise, and keeps what was asked."""

    engine: object
    scale: float = 1.0
    cost: dict[str, float] = field(default_factory=dict)

    def use_grids(self, domain: Domain) -> None:
        self.engine = self.engine.on_grids(TableEncoder(domain))

    def release(self, query, mechanism):
        rng = np.random.default_rng(1)
        exact = exact_answers(self.engine, query)
        noisy = [
            e + np.rint(self.scale * s * rng.normal(size=e.shape)).astype(int)
            for e, s in zip(exact, mechanism.sigmas, strict=True)
        ]
        for (name,), sigma in zip(query.cliques, mechanism.sigmas, strict=True):
            self.cost[name] = self.cost.get(name, 0.0) + (1 / (sigma * SHARES.mu)) ** 2
        return to_measurements(query, mechanism, noisy, "event", False)


SEARCH = dict.fromkeys(DEPTHS, 0.017)
SECOND = dict.fromkeys(GRIDS, 0.016)


def search(table: pd.DataFrame, scale: float = 1.0):
    grant = Oracle(open_engine(table, DOMAIN), scale)
    sigma = SHARES.marginal_sigma_up(0.017)
    look = grant.release(one_way_query(GRIDS), dpsynth.gate.RoundedGaussian((sigma,) * len(GRIDS)))
    first = read_one_ways(ENCODER, GRIDS, look)
    grant.cost.clear()
    return grant, *look_again(grant, ENCODER, first, DEPTHS, SHARES, SEARCH, SECOND)


def test_depths_follow_the_width_of_the_cells() -> None:
    assert DEPTHS == {"gain": 2, "density": 2, "account": 4}


def test_every_planted_spike_is_found_and_nothing_else() -> None:
    grant, encoder, one_ways, _ = search(people())
    for name, values in SPIKES.items():
        edges = lattice_edges(encoder.by_name(name))
        scale = 10 if name == "density" else 1
        alone = edges[:-1][np.diff(edges) == 1]
        assert alone.tolist() == [round(value * scale) for value in values], name
        column = encoder.by_name(name)
        for step in alone:
            cell = column.ordered_from + int(np.searchsorted(edges, step))
            assert one_ways.counts[name][cell] == pytest.approx(1000, abs=150)
    for name, cost in grant.cost.items():
        assert cost == pytest.approx(SECOND[name] + SEARCH.get(name, 0.0), rel=1e-6)


def test_other_columns_keep_their_grids() -> None:
    _, encoder, one_ways, _ = search(people())
    for name in ("age", "height", "town"):
        assert encoder.domain[name] == DOMAIN[name]
        assert one_ways.grids[name] is GRIDS[name]


def test_a_table_without_spikes_has_none() -> None:
    rng = np.random.default_rng(2)
    table = people()
    for name in SPIKES:
        alone = np.sort(rng.permutation(table.loc[~table[name].isin(SPIKES[name]), name].to_numpy()))
        table[name] = rng.permutation(np.resize(alone, len(table)))
    _, encoder, _, _ = search(table)
    assert all((np.diff(lattice_edges(encoder.by_name(name))) > 1).all() for name in DEPTHS)


def test_pure_noise_finds_nothing() -> None:
    _, encoder, _, answers = search(people(3), scale=1.0)
    assert all((np.diff(lattice_edges(encoder.by_name(name))) > 1).all() for name in DEPTHS)
    assert len(answers) == len(GRIDS)  # no heavy cell, so the second look is all that was asked


def test_there_are_never_more_spikes_than_the_rule_allows() -> None:
    table = people(60_000)
    table["gain"] = np.arange(len(table)) % 200 * 499
    _, _, one_ways, _ = search(table, scale=0.01)
    assert 0 < one_ways.spikes["gain"].sum() <= 128


def test_without_wide_columns_there_is_a_second_look_only() -> None:
    grant = Oracle(open_engine(people(), DOMAIN))
    look = grant.release(one_way_query(GRIDS), dpsynth.gate.RoundedGaussian((50.0,) * len(GRIDS)))
    first = read_one_ways(ENCODER, GRIDS, look)
    encoder, one_ways, answers = look_again(grant, ENCODER, first, {}, SHARES, {}, SECOND)
    assert encoder is ENCODER
    assert len(answers) == len(GRIDS)
    assert all(one_ways.sigmas[name] < first.sigmas[name] for name in GRIDS)


def test_two_looks_are_combined_as_least_squares_does() -> None:
    rng = np.random.default_rng(0)
    parents = np.array([0, 0, 0, 1, 2, 2])
    groups = np.zeros((3, 6))
    groups[parents, np.arange(6)] = 1
    first, second, s, t = rng.normal(size=3), rng.normal(size=6), 2.0, 3.0
    matrix = np.vstack([groups / s, np.eye(6) / t])
    wanted = np.linalg.lstsq(matrix, np.concatenate([first / s, second / t]), rcond=None)[0]
    found, sigma = _combine_looks(first, s, second, t, parents)
    assert found == pytest.approx(wanted)
    assert sigma == pytest.approx(np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix)).mean()))


def test_the_release_keeps_the_spikes(tmp_path) -> None:
    table = people()
    plan = dpsynth.Adaptive().plan(DOMAIN, budget=BUDGET)
    assert [step.name for step in plan.steps] == ["one-ways", "spikes", "scores", "second scores", "one-ways and pairs"]
    assert sum(step.share for step in plan.steps) == pytest.approx(1)
    model = plan.fit(dpsynth.open(table, domain=DOMAIN, ledger=tmp_path / "a.ledger"))
    made = model.sample(seed=0)
    for name, values in SPIKES.items():
        for value in values:
            assert (made[name] == value).sum() == pytest.approx(1000, abs=200), (name, value)
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(dpsynth.load(tmp_path / "model").sample(seed=0), made)
