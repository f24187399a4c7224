"""Leaks of other synthesisers in what is done with answers, and in what is saved (the rest: test_peer_leaks)."""

from __future__ import annotations

import gc
import json
import math
import struct
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load as load_arrays

from dpsynth.domain.columns import Category, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.engines.base import AbstractEngine
from dpsynth.gate import (
    Marginals,
    RoundedGaussian,
    event_of,
    open_table,
    show,
    with_slack,
)
from dpsynth.gate import grant as grant_module
from dpsynth.generators import AbstractGenerator, Adaptive, load
from dpsynth.pgm import forecast
from tests.gate.peers import RECIPES, Tape, draws_of
from tests.gate.support import ADD_REMOVE, BUDGET
from tests.unit.generators.support import DOMAIN, PLENTY, fit, letters, opened, people


@pytest.fixture(params=list(RECIPES))
def recipe(request: pytest.FixtureRequest) -> AbstractGenerator:
    return RECIPES[request.param]


def _files(folder: Path) -> dict[str, Any]:
    """What a model saved, without the hashes of ledger rows and the digest over them."""

    def scrub(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: scrub(v) for k, v in value.items() if k not in ("event_id", "sha256")}
        return [scrub(v) for v in value] if isinstance(value, list) else value

    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: scrub(json.loads(raw)) if name.endswith(".json") else raw for name, raw in found.items()}


# ------------------------------------------------------------------- nothing but paid answers decides, in any generator


def _other_people() -> pd.DataFrame:
    """Far more rows, constant and empty columns, other extremes: nothing in common with `people()`."""
    source = people(5000, seed=9)
    return source.assign(town="atlantis", age=1e9, score=np.nan, income=-1.0, member=True)


def test_nothing_but_noisy_answers_decides(recipe, tmp_path, monkeypatch) -> None:
    """Everywhere: bounds, bins, iteration counts, sample sizes, known totals, privacy parameters, early stopping, the
    choice of weights by private validation loss. Two tables with nothing in common give the same model, byte by byte,
    if the same noisy answers come back. Fails if any step after, between or before releases looks at rows.
    """
    tape = Tape()
    monkeypatch.setattr(grant_module, "add_noise", tape)
    plan = recipe.plan(DOMAIN, budget=BUDGET)
    told: dict[str, Any] = {}
    for name, source in (("a", people()), ("b", _other_people()), ("control", _other_people())):
        stages: list[tuple[str, float]] = []
        if name == "control":
            tape.place = None
        model = plan.fit(opened(tmp_path / f"{name}.ledger", source), lambda *stage, to=stages: to.append(stage))
        tape.place = 0
        model.save(tmp_path / name)
        asked = [(draw["query"], draw["mechanism"], draw["event"]) for draw in draws_of(tmp_path / f"{name}.ledger")]
        made = model.sample(seed=3)  # as many rows as the model thinks there are
        told[name] = (_files(tmp_path / name), asked, stages, model.describe(), model.warnings, made.to_csv())
    assert told["a"] == told["b"]
    assert told["a"][0] != told["control"][0]  # the tape is what made them equal


def test_the_first_question_and_all_noise_are_the_same_for_constant_and_empty_columns(recipe, tmp_path) -> None:
    """dpmm: columns without values and constant columns were found in the data, and the constant was copied.

    Fails if a column is dropped, or skipped, or asked on another grid because of its cells.
    """
    asked, answers = [], []
    for name, source in (("varied", people()), ("constant", _other_people())):
        model = fit(recipe, tmp_path / name, source)
        asked.append(draws_of(tmp_path / name)[0])
        first = model.measurements[: len(asked[-1]["query"]["cliques"])]  # AIM may ask again, on cells it learned
        answers.append({m.clique[0]: m for m in first})
    for fact in ("query", "mechanism", "event", "draws"):
        assert asked[0][fact] == asked[1][fact]
    for name, one in answers[1].items():
        assert one.values.shape == answers[0][name].values.shape
        assert np.count_nonzero(one.values) > 0.5 * one.values.size, name  # cells of other values have noise too


def test_an_outlier_moves_no_bin(recipe, tmp_path) -> None:
    """margnet, smartnoise mwem, dpmm: minimum, maximum, categories and bins came from the data.

    Under the same noise one more row of extremes moves one cell of each one-way by one. Fails if any bound, list or
    grid follows the data.
    """
    whole = people(300)
    extremes = {"town": "mars", "age": 10**12, "income": -1e308, "score": math.inf, "since": pd.Timestamp("2260-01-01")}
    one_ways = []
    for name, source in (("a", whole), ("b", pd.concat([whole, pd.DataFrame([extremes])], ignore_index=True))):
        model = fit(recipe, tmp_path / name, source)
        first = draws_of(tmp_path / name)[0]["query"]
        one_ways.append((first, model.measurements[: len(first["cliques"])]))
    (first, ours), (second, theirs) = one_ways
    assert first == second
    assert [np.abs(b.values - a.values).sum() for a, b in zip(ours, theirs, strict=True)] == [1] * len(ours)


def test_a_missing_cell_is_not_filled_from_the_column(tmp_path) -> None:
    """dpmm: a real cell, drawn at random, stood for NaN and was saved.

    Fails if what a missing cell counts as depends on any other row.
    """
    domain = Domain((Real(name="x", minimum=0.0, maximum=8.0), Integer(name="y", minimum=0, maximum=3, required=True)))
    query, noise = Marginals((("x",), ("y",))), RoundedGaussian((5.0, 5.0))
    event = with_slack(event_of(query, noise, rows(1), ADD_REMOVE))
    moved = []
    for around in (1.0, 7.0):
        values = []
        for gone in (0, 1):
            source = pd.DataFrame({"x": [around] * 40 + [math.nan] * gone, "y": [around / 3] * 40 + [math.nan] * gone})
            table = open_table(source, domain=domain, ledger=tmp_path / f"{around}{gone}", seed_not_private=1)
            with table.reserve(event, job={}, budget=PLENTY) as grant:
                values.append([m.values for m in grant.release(query, noise)])
        moved.append([np.flatnonzero(b - a).tolist() for a, b in zip(*values, strict=True)])
    assert moved[0] == moved[1] == [[0], [0]]


# -------------------------------------------------------------------------------------------------- the fitted artefact


def test_a_saved_model_holds_no_row(recipe, ledger, tmp_path) -> None:
    """dpmm: the saved pipeline held the whole raw column, 2,000 of 2,000 values, and the exact root count.

    Fails if any file holds a value, as text or as binary, or the number of rows.
    """
    n = 2003
    values = np.random.default_rng(5).random(n) * 100
    values[7] = 77.777123
    domain = Domain((Real(name="wage", minimum=0.0, maximum=100.0), Category(name="one", values=("a", "b"))))
    model = fit(recipe, ledger, pd.DataFrame({"wage": values, "one": ["a"] * n}), domain)
    model.save(tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file()]
    blob = b"\n".join(path.read_bytes() for path in files)
    forms: list[Callable[[float], bytes]] = [lambda v: struct.pack("<d", v), lambda v: struct.pack(">d", v)]
    forms.append(lambda v: repr(v).encode())
    assert [v for v in values.tolist() for form in forms if form(v) in blob] == []
    assert struct.pack("<f", 77.777123) not in blob
    arrays = {f"{p}{k}": v for p in files if p.suffix == ".safetensors" for k, v in load_arrays(p.read_bytes()).items()}
    assert [name for name, array in arrays.items() if (np.asarray(array) == n).any()] == []
    assert arrays
    assert model.total != n
    assert struct.pack("<d", model.total) in blob or repr(model.total).encode() in blob  # it would be seen


def test_a_model_keeps_no_table(recipe, ledger) -> None:
    """synthcity aim: the raw table was inside the fitted plugin. Fails if anything in the model still refers to it."""

    def engines() -> int:
        gc.collect()
        return sum(
            issubclass(type(obj), AbstractEngine) for obj in gc.get_objects()
        )  # some objects lie about __class__

    before = engines()
    source = people(200)
    seen = weakref.ref(source)
    table = opened(ledger, source)
    model = recipe.plan(DOMAIN, budget=BUDGET).fit(table)
    assert engines() > before
    del source, table
    assert engines() == before
    assert seen() is None
    assert len(model.sample(10)) == 10


def test_sampling_again_spends_nothing(recipe, ledger, tmp_path, monkeypatch) -> None:
    """synthcity aim: each generate() measured the raw table anew. smartnoise: preprocessing had an epsilon beside it.

    One plan is one charge within its budget, each look at rows has its own draw row, and after that nothing is read or
    charged. Fails if sampling, projecting, saving or loading touches the ledger or the rows.
    """
    looks: list[int] = []
    for name in ("counts", "parity_sums"):
        real = getattr(AbstractEngine, name)
        monkeypatch.setattr(AbstractEngine, name, lambda *a, real=real: looks.append(1) or real(*a))
    model = fit(recipe, ledger)
    book = ledger.read_bytes()
    assert len(looks) == len(draws_of(ledger)) > 0
    (charge,) = show(ledger)["charges"]
    assert charge["state"] == "done"
    assert show(ledger)["accounts"][0]["spent"] <= BUDGET.epsilon
    first, second = model.sample(), model.sample()
    assert not first.equals(second)
    model.project(("class", "town"))
    model.save(tmp_path / "m")
    load(tmp_path / "m").sample(5)
    assert ledger.read_bytes() == book
    assert len(looks) == len(draws_of(ledger))


def test_the_sample_size_is_noisy(recipe, tmp_path) -> None:
    """smartnoise mst and aim: the exact number of rows was the default sample size and the known total.

    Fails if the default size is n, or does not move with the noise.
    """
    n = 700
    sizes = [len(fit(recipe, tmp_path / f"{seed}", people(n), seed=seed).sample()) for seed in (11, 12, 13)]
    assert n not in sizes
    assert len(set(sizes)) == 3
    assert all(abs(size - n) < 250 for size in sizes)


def test_the_planner_stays_below_its_cell_cap(ledger) -> None:
    """The same where pairs are chosen: more pairs are measured than fit, and the fitted tree is below the cap."""
    cap = 300
    domain = letters("abcdef", 4)
    rng = np.random.default_rng(0)
    hidden = rng.integers(0, 4, (4000, 1))
    source = pd.DataFrame(np.where(rng.random((4000, 6)) < 0.7, hidden, rng.integers(0, 4, (4000, 6))).astype(str))
    model = fit(Adaptive(cell_cap=cap), ledger, source.set_axis(list("abcdef"), axis=1), domain, PLENTY)
    measured = [m.clique for m in model.measurements if len(m.clique) == 2]
    assert forecast(model.graph.sizes, measured).cells > cap
    assert sum(math.prod(model.graph.sizes[c] for c in clique) for clique in model.graph.cliques) <= cap
