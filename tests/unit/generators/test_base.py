"""What identifies a release: the job of a plan."""

from __future__ import annotations

import json

import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.generators import MST, Independent
from dpsynth.version import __version__
from tests.unit.generators.support import BUDGET, DOMAIN, letters


def test_a_job_is_plain_json_with_all_that_shapes_a_release() -> None:
    job = MST().plan(DOMAIN, budget=BUDGET).job()
    assert json.loads(json.dumps(job)) == job
    assert job == {
        "dpsynth": __version__,
        "generator": "mst",
        "parameters": {"selection": "gaussian"},
        "domain": DOMAIN.digest(),
        "epsilon": 1.0,
        "delta": 1e-5,
    }


@pytest.mark.parametrize(
    "other",
    [
        lambda: Independent().plan(DOMAIN, budget=BUDGET),
        lambda: MST(selection="exponential").plan(DOMAIN, budget=BUDGET),
        lambda: MST().plan(letters(), budget=BUDGET),
        lambda: MST().plan(Domain(DOMAIN.columns), budget=BUDGET),  # without its label
        lambda: MST().plan(DOMAIN, budget=Budget(epsilon=1.1, delta=1e-5)),
        lambda: MST().plan(DOMAIN, budget=Budget(epsilon=1.0, delta=1e-6)),
    ],
)
def test_whatever_changes_makes_another_job(other) -> None:
    assert other().job() != MST().plan(DOMAIN, budget=BUDGET).job()


def test_equal_plans_are_equal_jobs() -> None:
    assert MST().plan(DOMAIN, budget=BUDGET).job() == MST().plan(DOMAIN, budget=BUDGET).job()
