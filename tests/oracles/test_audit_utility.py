"""Marginals and associations of the audit against the shared ruler, which scores the benchmarks of the generators."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.data import demo_holdout, demo_table
from privacy_audit.frames import align
from privacy_audit.utility.registry import measure
from tests.conftest import SHARED


@pytest.fixture(scope="module")
def ruler() -> ModuleType:
    path = SHARED / "bench" / "ruler.py"
    if not path.is_file():
        pytest.skip("the shared ruler is not there")
    spec = importlib.util.spec_from_file_location("ruler_of_the_audit", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ruler_of_the_audit"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return json.loads((Path(SHARED) / "bench" / "adult_domain.json").read_text())


def _domain(spec: dict[str, Any]) -> dict[str, Any]:
    return {
        c["name"]: [str(v) for v in c["values"]] if c["type"] == "categorical" else (c["min"], c["max"])
        for c in spec["columns"]
    }


@pytest.mark.parametrize("kind", ["shuffled", "bootstrap"])
def test_definitions_agree(ruler: ModuleType, spec: dict[str, Any], kind: str) -> None:
    names = [column["name"] for column in spec["columns"]]
    real, holdout = demo_table()[names].head(4000), demo_holdout()[names].head(2000)
    rng = np.random.default_rng(0)
    if kind == "shuffled":
        made = pd.DataFrame({name: rng.permutation(real[name].to_numpy()) for name in names})
    else:
        made = real.sample(5000, replace=True, random_state=1).reset_index(drop=True)
    theirs = ruler.Ruler(real, holdout, spec).score(made, skip=("c2st", "ml", "dcr"))
    tables = align(real, made, holdout=holdout, domain=_domain(spec))
    only = ("one_way", "marginals", "twentieths", "association", "k_marginal")
    ours = {score.name: score.value for score in measure(tables, only=only)}
    pairs = {
        "tvd1_mean": "tvd1_w32",
        "tvd2_mean": "tvd2_w32",
        "tvd3_mean": "tvd3_w32",
        "tvd3_max": "tvd3_w32_max",
        "tvd2_q20_mean": "tvd2_q20",
        "tvd3_q20_mean": "tvd3_q20",
        "k_marginal": "kmarginal_w32",
        "association_mean": "corr_diff",
        "association_max": "corr_diff_max",
    }
    assert {name: ours[name] for name in pairs} == pytest.approx(
        {name: theirs[other] for name, other in pairs.items()}, abs=1e-9
    )
