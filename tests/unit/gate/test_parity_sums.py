"""Parity sums through the gate: what is asked, refused, written down and given back."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import Gaussian, GaussianFilter
from dpsynth.domain.columns import Boolean, Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import rows
from dpsynth.engines.open import open_engine
from dpsynth.errors import PlanError
from dpsynth.gate import ParitySums, RoundedGaussian, event_of, open_table, with_slack
from dpsynth.gate.answers import check_query, count_draws, describe, exact_answers
from dpsynth.noise.rounded_gaussian import rounded_gaussian
from tests.gate.support import ADD_REMOVE, BUDGET, REPLACE_ONE

DOMAIN = Domain(
    (
        Boolean(name="flag", required=True),
        Integer(name="bit", minimum=0, maximum=1, required=True),
        Category(name="word", values=("a", "b")),
    )
)
SIZES = {"flag": 2, "bit": 2, "word": 3}
SIGNS = {"word": np.array([1, 1, -1])}
SETS = ((), ("flag",), ("bit", "flag"), ("word",), ("flag", "bit", "word"))
NOISE = RoundedGaussian((30.0,))


def frame(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    words = np.array(["a", "b", "plaid", None], dtype=object)
    return pd.DataFrame({"flag": rng.random(n) < 0.3, "bit": rng.integers(0, 2, n), "word": rng.choice(words, n)})


def expected(table: pd.DataFrame) -> list[int]:
    flag = np.where(table["flag"], -1, 1)
    bit = np.where(table["bit"] == 1, -1, 1)
    word = np.where(table["word"] == "b", -1, 1)
    return [len(table), flag.sum(), (flag * bit).sum(), word.sum(), (flag * bit * word).sum()]


def test_the_first_cell_is_plus_one() -> None:
    table = frame()
    (found,) = exact_answers(open_engine(table, DOMAIN), ParitySums(SETS, SIGNS))
    assert found.tolist() == expected(table)


def test_a_table_of_another_engine_gives_equal_sums(tmp_path: Path) -> None:
    table = frame()
    table.to_csv(tmp_path / "t.csv", index=False)
    (found,) = exact_answers(open_engine(tmp_path / "t.csv", DOMAIN), ParitySums(SETS, SIGNS))
    assert found.tolist() == expected(table)


def test_what_comes_back(tmp_path: Path) -> None:
    table = open_table(frame(), domain=DOMAIN, ledger=tmp_path / "ledger", seed_not_private=7)
    query = ParitySums(SETS, SIGNS)
    with table.reserve(
        with_slack(GaussianFilter(0.2)), job={"name": "parities"}, purpose="test", budget=BUDGET
    ) as grant:
        (one,) = grant.release(query, NOISE)
    assert (one.name, one.clique, one.sigma, one.values.shape) == ("parities", (), 30.0, (5,))
    assert one.values.dtype == np.int64
    assert np.abs(one.values - expected(frame())).max() < 200
    with table.reserve(
        with_slack(GaussianFilter(0.2)), job={"name": "parities"}, purpose="test", budget=BUDGET
    ) as grant:
        assert np.array_equal(grant.release(query, NOISE)[0].values, one.values)


def test_noise_is_that_of_the_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    from dpsynth.gate.answers import add_noise
    from dpsynth.noise.entropy import SeededEntropy

    query = ParitySums(SETS, SIGNS)
    exact = exact_answers(open_engine(frame(), DOMAIN), query)
    (noisy,) = add_noise(exact, query, NOISE, rows(1), ADD_REMOVE, SeededEntropy(3))
    assert np.array_equal(noisy - exact[0], rounded_gaussian(30.0, (5,), SeededEntropy(3)))


def test_events_count_the_sets() -> None:
    query = ParitySums(SETS, SIGNS)
    assert event_of(query, NOISE, rows(1), ADD_REMOVE) == Gaussian(30.0, 5)
    assert event_of(query, NOISE, rows(3), ADD_REMOVE) == Gaussian(30.0, 45)
    assert event_of(query, NOISE, rows(1), REPLACE_ONE) == Gaussian(30.0, 20)
    assert count_draws(query, NOISE, SIZES) == 5


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (ParitySums((("flag", "shoe"),)), "names the column 'shoe', which the domain does not model"),
        (ParitySums((("flag", "flag"),)), "names a column twice: flag, flag"),
        (ParitySums((("flag", "word"),)), "'word' has not exactly two cells. Give its signs"),
        (ParitySums((("word",),), {"word": np.array([1, -1])}), "signs of column 'word' must be one whole number"),
        (ParitySums((("word",),), {"word": np.array([1, 0, -1])}), "signs of column 'word' must be"),
        (ParitySums((("word",),), {"word": np.array([1.0, 1.0, -1.0])}), "signs of column 'word' must be"),
        (ParitySums((("flag",),), {"shoe": np.array([1, -1])}), "signs of column 'shoe' must be"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_it_is_charged(query: ParitySums, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        check_query(query, SIZES)


def test_no_set_is_no_question() -> None:
    with pytest.raises(PlanError, match="at least one answer"):
        event_of(ParitySums(()), NOISE, rows(1), ADD_REMOVE)


def test_a_selection_does_not_choose_among_parities() -> None:
    from dpsynth.gate import Exponential

    with pytest.raises(PlanError, match="A selection chooses among distances; parities was asked"):
        event_of(ParitySums(SETS, SIGNS), Exponential(1.0), rows(1), ADD_REMOVE)


def test_a_description_is_short_and_tells_questions_apart() -> None:
    names = [f"column number {i}" for i in range(25)]
    many = ParitySums(tuple(itertools.combinations(names, 3)))
    text = describe(many, NOISE)
    assert len(str(text)) < 1500
    assert text["query"]["orders"] == [[3, 2300]]
    seen = [
        text,
        describe(ParitySums(many.sets[:-1]), NOISE),
        describe(ParitySums(many.sets[::-1]), NOISE),
        describe(ParitySums(many.sets, {names[0]: np.array([-1, 1])}), NOISE),
        describe(ParitySums(many.sets), RoundedGaussian((31.0,))),
    ]
    assert all(one != two for i, one in enumerate(seen) for two in seen[:i])


def test_a_weight_on_a_sign_is_a_larger_move() -> None:
    """Negative control: were signs of +-2 let through, one row would move a sum further than its event says."""
    table = frame(1)
    heavy = ParitySums((("flag",),), {"flag": np.array([2, -2])})
    with pytest.raises(PlanError, match="signs of column 'flag'"):
        check_query(heavy, SIZES)
    assert abs(int(exact_answers(open_engine(table, DOMAIN), ParitySums((("flag",),)))[0][0])) == 1
