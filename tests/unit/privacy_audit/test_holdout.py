from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privacy_audit.errors import HoldoutError, InputError
from privacy_audit.holdout import check_holdout, split_holdout


def visits(people: int = 60, seed: int = 0) -> pd.DataFrame:
    """Several rows per person."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), rng.integers(1, 6, people))
    return pd.DataFrame(
        {"person": person, "day": rng.integers(0, 365, len(person)), "ward": rng.choice(list("abc"), len(person))}
    )


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.99])
def test_no_unit_is_on_both_sides(share: float) -> None:
    table = visits()
    members, holdout = split_holdout(table, unit="person", share=share, seed=1)
    assert not set(members["person"]) & set(holdout["person"])
    assert len(members) + len(holdout) == len(table)
    assert holdout["person"].nunique() == min(59, max(1, round(share * 60)))


def test_a_split_by_row_would_share_units() -> None:
    table = visits()
    members, holdout = split_holdout(table, share=0.5, keep_twins_together=False)
    assert set(members["person"]) & set(holdout["person"])


def test_units_of_two_columns() -> None:
    table = visits().assign(site=lambda f: f["person"] % 2)
    members, holdout = split_holdout(table, unit=["person", "site"], seed=2)
    assert not set(zip(members["person"], members["site"], strict=True)) & set(
        zip(holdout["person"], holdout["site"], strict=True)
    )


def test_order_of_rows_does_not_matter() -> None:
    table = visits()
    first = split_holdout(table, unit="person", seed=3)
    second = split_holdout(table.sample(frac=1, random_state=0), unit="person", seed=3)
    assert set(first.holdout["person"]) == set(second.holdout["person"])
    assert set(first.holdout["person"]) != set(split_holdout(table, unit="person", seed=4).holdout["person"])


def test_rows_without_a_name_are_units_of_their_own() -> None:
    table = visits().assign(person=lambda f: f["person"].astype(float).where(f.index >= 40))
    members, holdout = split_holdout(table, unit="person", share=0.5, seed=0)
    assert members["person"].isna().any()
    assert holdout["person"].isna().any()


def test_equal_rows_stay_together() -> None:
    table = pd.DataFrame({"x": np.repeat(np.arange(20), 5)})
    members, holdout = split_holdout(table)
    assert not set(members["x"]) & set(holdout["x"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"share": 0.0}, "between 0 and 1; got 0"),
        ({"share": 1.0}, "between 0 and 1; got 1"),
        ({"unit": "nobody"}, "no column 'nobody'"),
    ],
)
def test_impossible_splits_are_refused(options: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        split_holdout(visits(), **options)


def test_one_unit_cannot_be_split() -> None:
    with pytest.raises(InputError, match="at least two different units"):
        split_holdout(visits().assign(person=1), unit="person")


def test_overlap_by_unit_is_refused() -> None:
    table = visits()
    half = len(table) // 2
    with pytest.raises(HoldoutError, match="shares 1 unit with the members"):
        check_holdout(table[table["person"] <= 30], table[table["person"] >= 30], unit="person")
    with pytest.raises(HoldoutError, match="Split by unit"):
        check_holdout(table.sample(half, random_state=0), table.sample(half, random_state=1), unit="person")
    check_holdout(*split_holdout(table, unit="person"), unit="person")
    nameless = table.assign(person=None)
    check_holdout(nameless[:10], nameless[10:], unit="person")


def test_overlap_by_row_is_refused() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(size=200), "y": rng.normal(size=200)})
    with pytest.raises(HoldoutError, match="share 50 rows"):
        check_holdout(table[:150], table[100:])
    check_holdout(table[:150], table[150:])


def test_columns_must_agree() -> None:
    with pytest.raises(InputError, match="other columns"):
        check_holdout(pd.DataFrame({"x": [1.5, 2.5]}), pd.DataFrame({"y": [1.5, 2.5]}))
