"""The whole report on Adult is right for independent, bootstrap and verbatim-copy tables; read from its JSON."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.data import adult_paths, demo_holdout, demo_table
from privacy_audit import audit
from tests.unit.privacy_audit.report.schema import complaints

ROWS = 3_000
NO_TEST = {"nndr", "nnaa"}
"""Diagnostics that give a figure and its baseline, but no test."""


@cache
def _report(kind: str) -> dict[str, Any]:
    real, holdout = demo_table().head(ROWS), demo_holdout().head(ROWS)
    rng = np.random.default_rng(3)
    if kind == "copy":
        made = real
    elif kind == "bootstrap":
        made = real.sample(ROWS, replace=True, random_state=3)
    else:
        made = pd.DataFrame({name: rng.choice(demo_table()[name].to_numpy(), ROWS) for name in real})
    card = audit(real, made, holdout=holdout, domain=adult_paths().domain, epsilon=1.0, delta=1e-5, splits=3, name=kind)
    page = card.to_html()
    assert len(page.encode()) < 1_000_000
    assert f"Privacy audit: {kind}" in page
    return json.loads(card.to_json())


pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["independent", "bootstrap", "copy"])
def test_form_is_the_published_one(kind: str) -> None:
    report = _report(kind)
    assert complaints(report) == []
    assert report["settings"]["label"] == "income"
    assert {one["name"] for one in report["attacks"]} >= {
        "gan leaks",
        "domias",
        "copies",
        "linkability",
        "singling out",
    }
    for one in report["utility"]:
        assert one["note"]
        assert None not in (one["value"], one["floor"], one["ceiling"]), one


def test_independent_table_leaks_nothing_and_is_useless() -> None:
    report = _report("independent")
    assert report["verdict"] == "pass", report["reasons"]
    assert [one["name"] for one in report["attacks"] if one["verdict"] == "leak"] == []
    assert report["epsilon_lower_bound"]["epsilon"] < 1
    scores = {one["name"]: one for one in report["utility"]}
    for name in ("k_marginal", "tvd2_mean", "tvd3_mean", "association_mean", "c2st_boosting"):
        assert scores[name]["lost"] == pytest.approx(1.0, abs=0.2), name
    assert scores["tvd1_mean"]["lost"] < 0.1
    assert scores["tstr_auc_boosting"]["lost"] > 0.6
    assert math.isclose(scores["tstr_auc_boosting"]["value"], 0.5, abs_tol=0.25)
    apart = np.array(report["distances"]["members"]) - np.array(report["distances"]["holdout"])
    assert np.abs(apart[5:36]).max() < 0.02


def test_bootstrap_table_is_as_good_as_real_and_leaks() -> None:
    report = _report("bootstrap")
    assert report["verdict"] == "violation"
    leaks = {one["name"] for one in report["attacks"] if one["verdict"] == "leak"}
    assert {"copies", "gan leaks", "linkability", "dcr share"} <= leaks
    assert report["epsilon_lower_bound"]["epsilon"] > 2
    scores = {one["name"]: one for one in report["utility"]}
    for name in ("k_marginal", "tvd2_mean", "tvd3_mean", "tstr_auc_boosting"):
        assert abs(scores[name]["lost"]) < 0.1, name
    auc = next(one for one in report["attacks"] if one["name"] == "gan leaks")["figures"]["auc"]
    assert auc["low"] > 0.7


def test_verbatim_copy_is_perfect_and_a_violation() -> None:
    report = _report("copy")
    assert report["exit_code"] == 1
    assert report["epsilon_lower_bound"]["epsilon"] > 4
    copies = next(one for one in report["attacks"] if one["name"] == "copies")
    assert copies["figures"]["exact copies of unique rows"]["value"] == 1.0
    assert {one["name"] for one in report["attacks"] if one["verdict"] == "no leak found"} <= {
        "logan",
        "dpi",
        "singling out",
    }
    scores = {one["name"]: one["value"] for one in report["utility"]}
    assert scores["k_marginal"] == 1000
    assert scores["tvd3_max"] == 0
    assert any("rows may have been copied" in note for note in report["notes"])
    assert max(report["distances"]["members"]) == 0


def test_utility_orders_the_three() -> None:
    reports = {kind: _report(kind) for kind in ("independent", "bootstrap", "copy")}
    k = {kind: next(s for s in report["utility"] if s["name"] == "k_marginal") for kind, report in reports.items()}
    assert k["independent"]["value"] < k["bootstrap"]["value"] < k["copy"]["value"]
    assert {one["name"] for one in _report("copy")["attacks"] if one["p_value"] is None} >= NO_TEST
