"""The alarm budget holds over all declarations, and its two tests are what they say."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from tests.statistical import alarms

TESTS = Path(__file__).resolve().parent.parent


def modules_with_declarations() -> list[str]:
    """All test modules that declare an alarm, wherever they are."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        if path != Path(__file__).resolve() and "declare(" in (text := path.read_text()) and "alarms" in text:
            found.append(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))
    return found


def test_all_declared_alarms_fit_into_the_budget() -> None:
    modules = modules_with_declarations()
    assert "tests.statistical.test_noise" in modules
    for name in modules:
        try:
            importlib.import_module(name)
        except pytest.skip.Exception:  # a library is absent: that module's tests do not run either
            continue
    total = sum(alarm.total for alarm in alarms.declared())
    assert 0 < total <= alarms.ALARM_BUDGET, "\n".join(f"{a.name} {a.total:g}" for a in alarms.declared())


def test_every_statistical_module_declares() -> None:
    undeclared = [
        path.name for path in Path(__file__).parent.glob("test_*.py") if path.name != "test_alarms.py"
        and "declare(" not in path.read_text()
    ]  # fmt: skip
    assert undeclared == []


def test_looks_cannot_be_repeated() -> None:
    alarm = alarms.Alarm("x", 1e-9, 1, "finds whatever there is to find")
    assert alarm.spend() == 1e-9
    with pytest.raises(AssertionError, match="nothing is rerun"):
        alarm.spend()


def test_a_name_is_declared_once(monkeypatch) -> None:
    monkeypatch.setattr(alarms, "_REGISTRY", {})
    first = alarms.declare("x", alpha=1e-9, power="finds whatever there is to find")
    assert alarms.declare("x", alpha=1e-9, power="finds whatever there is to find") is first
    with pytest.raises(AssertionError, match="declared twice"):
        alarms.declare("x", alpha=1e-8, power="finds whatever there is to find")
    with pytest.raises(AssertionError, match="above the whole budget"):
        alarms.declare("y", alpha=1e-4, power="finds whatever there is to find")
    with pytest.raises(AssertionError, match="say what the test finds"):
        alarms.declare("y", alpha=1e-9, power="all")
    doubled = alarms.declare("z", alpha=1e-9, looks=3, power="finds whatever there is", chi_square=True)
    assert doubled.total == pytest.approx(6e-9)


def test_chi_square_has_the_level_it_states() -> None:
    """Seeded, not privacy noise: 4,000 histograms of a fair law at a level of 1 in 50."""
    rng = np.random.default_rng(1)
    law = np.array([0.1, 0.2, 0.3, 0.4])
    alarmed = sum(alarms.chi_square_test(rng.multinomial(20_000, law), law, 0.02).rejected for _ in range(4000))
    assert 45 <= alarmed <= 120


def test_chi_square_tail_is_honest_far_out() -> None:
    """At a level of 1e-4, with bins at the least expectation that is allowed, the true rate is below twice the level.

    Seeded: 200,000 histograms; 20 expected alarms, at most 40 allowed (a rate at twice the level would show 40 +- 6).
    """
    rng = np.random.default_rng(2)
    law = np.full(8, 1 / 8)
    draws = int(8 * alarms.LEAST_EXPECTED)
    counts = rng.multinomial(draws, law, size=200_000)
    statistic = ((counts - draws / 8) ** 2 / (draws / 8)).sum(axis=1)
    assert 5 <= (statistic > stats.chi2.isf(1e-4, 7)).sum() <= 34


def test_binomial_is_exact_and_two_sided() -> None:
    law = stats.binom(50, 0.3)
    rejected = [k for k in range(51) if alarms.binomial_test(k, 50, 0.3, 0.01).rejected]
    assert law.pmf(rejected).sum() <= 0.01
    assert min(rejected) == 0
    assert max(rejected) == 50
    assert not alarms.binomial_test(15, 50, 0.3, 0.01).rejected
    assert alarms.binomial_test(0, 50, 0.3, 0.01).rejected
    assert alarms.binomial_test(50, 50, 0.3, 0.01).rejected


def test_pooling_keeps_every_draw_and_every_bin_full() -> None:
    law = 0.5 ** np.arange(1, 30)
    law[-1] *= 2
    counts = np.arange(law.size)
    pooled_counts, pooled_law = alarms.pool(counts, law, 100_000)
    assert pooled_counts.sum() == counts.sum()
    assert pooled_law.sum() == pytest.approx(1)
    assert (pooled_law * 100_000 >= alarms.LEAST_EXPECTED).all()
    with pytest.raises(AssertionError, match="sum to 1"):
        alarms.pool(counts[:3], law[:3], 100)
