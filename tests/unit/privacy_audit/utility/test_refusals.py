"""Odd tables and wrong names: a clear message, or a number that says why it is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from privacy_audit.errors import InputError
from privacy_audit.frames import align
from privacy_audit.utility.bench import make_bench
from privacy_audit.utility.constraints import violations
from privacy_audit.utility.expressions import holds
from privacy_audit.utility.registry import measure
from tests.unit.privacy_audit.utility.support import aligned, bench_of, people


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"label": "nobody"}, "no column 'nobody'"),
        ({"label": "age", "target": "wage"}, "'age' cannot be the label: a category is needed"),
        ({"target": "job"}, "'job' cannot be the target: a number is needed"),
        ({"subgroups": ["wage"]}, "'wage' cannot be the subgroup"),
        ({"measured": [("age", "nobody")]}, "no column 'nobody'"),
        ({"only": ["nothing"]}, "no measure 'nothing'"),
    ],
)
def test_wrong_names_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        measure(aligned(people(60, 9), 60), **options)


def _odd() -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    rng = np.random.default_rng(0)
    base = people(80, 1)
    return {
        "one row": (base.head(1), people(1, 9)),
        "two rows": (base.head(2), people(2, 9)),
        "few synthetic rows": (base, people(3, 9)),
        "one column": (base[["job"]], people(80, 9)[["job"]]),
        "one number": (base[["wage"]], people(80, 9)[["wage"]]),
        "constant columns": (base.assign(age=1, job="a", rich="no"), people(80, 9).assign(age=1, job="a", rich="no")),
        "nothing but missing": (base.assign(age=np.nan, job=None), people(80, 9).assign(age=np.nan, job=None)),
        "missing in one table": (base.assign(age=np.nan), people(80, 9)),
        "infinite": (base.assign(wage=np.inf), people(80, 9).assign(wage=-np.inf)),
        "constant in the synthetic": (base, people(80, 9).assign(rich="no", wage=3.0)),
        "one name per row": (base.assign(job=[f"n{i}" for i in range(80)]), people(80, 9).assign(job="z")),
        "equal rows": (
            base.iloc[np.zeros(80, int)].reset_index(drop=True),
            base.iloc[np.zeros(80, int)].reset_index(drop=True),
        ),
        "many columns": (
            pd.DataFrame(rng.integers(0, 3, (60, 130)).astype(str)).add_prefix("c"),
            pd.DataFrame(rng.integers(0, 3, (60, 130)).astype(str)).add_prefix("c"),
        ),
    }


@pytest.mark.parametrize("name", list(_odd()))
def test_odd_tables_give_numbers_or_reasons(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy_audit.utility.models.ROUNDS", 4)
    real, synthetic = _odd()[name]
    only = ["marginals", "association", "categories", "entropy"] if name == "many columns" else None
    for score in measure(align(real, synthetic, check_disjoint=False), only=only):
        assert score.note, score
        assert math.isnan(score.value) or math.isfinite(score.value)
        assert score.better in ("lower", "higher")


def test_too_few_rows_are_said_to_be_too_few() -> None:
    scores = {s.name: s for s in measure(aligned(people(5, 9), 80), only=["detection", "manifold"])}
    assert math.isnan(scores["c2st_boosting"].value)
    assert "fewer than 30 rows" in scores["c2st_boosting"].note
    assert "5 neighbours" in scores["coverage"].note


def test_empty_bench_is_refused() -> None:
    tables = aligned(people(20, 9), 20)
    none = tables.synthetic.select(np.zeros(0, dtype=int))
    empty = type(tables)(tables.columns, tables.real, none, tables.holdout, None)
    with pytest.raises(InputError, match="one synthetic row"):
        make_bench(empty)


# ---------------------------------------------------------------------------------------------------------------- rules

FRAME = pd.DataFrame({"age": [1.0, 20.0, np.nan], "hours-per-week": [3.0, 70.0, 5.0], "sex": ["m", "f", None]})


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("age >= 18", [False, True, False]),
        ("not age >= 18", [True, False, True]),
        ("`hours-per-week` <= 60 and age < 5", [True, False, False]),
        ("1 <= age < 20", [True, False, False]),
        ("sex in ('m', 'x')", [True, False, False]),
        ("sex not in ('m', 'x')", [False, True, False]),
        ("sex == 'f' or age == 1", [True, True, False]),
        ("age * 2 + 1 - -1 > `hours-per-week` / 1 % 100", [True, False, False]),
        ("age != 20", [True, False, False]),
        ("age in [1, 20]", [True, True, False]),
        ("True", [True, True, True]),
    ],
)
def test_rules_hold_where_they_should(rule: str, wanted: list[bool]) -> None:
    assert holds(rule, FRAME).tolist() == wanted


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("age >=", "cannot be read"),
        ("weight > 3", "not there: 'weight'"),
        ("sex > 3", "text and numbers"),
        ("sex + 3 > 2", "text and numbers"),
        ("age + 1", "yes-or-no"),
        ("__import__('os')", r"do not know \(Call\)"),
        ("age.real > 1", r"do not know \(Attribute\)"),
        ("(lambda: age)", r"do not know \(Lambda\)"),
        ("age is 3", r"do not know \(Is\)"),
        ("age ** 9 > 1", r"do not know \(BinOp\)"),
    ],
)
def test_rules_that_are_none_are_refused(rule: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        holds(rule, FRAME)


def test_rule_functions_must_answer_for_every_row() -> None:
    bench = bench_of(people(20, 9), 20)
    with pytest.raises(InputError, match="one boolean for each row"):
        violations(lambda frame: frame["age"], bench.synthetic, bench)
