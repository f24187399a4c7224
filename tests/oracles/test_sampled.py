"""Epsilon of DP-SGD plans: ours, dp-accounting's and Opacus's PRV agree to .01."""

from __future__ import annotations

import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import Repeated
from dpsynth.accounting.quantities import Delta
from dpsynth.accounting.sampled import poisson_steps
from dpsynth.domain.unit import NeighbouringRelation, rows

CASES = [(0.02, 1.0, 500), (0.0315, 4.86, 800), (0.0157, 10.8, 256), (0.25, 5.0, 1000)]


@pytest.mark.filterwarnings("ignore:Optimal order")
@pytest.mark.parametrize(("q", "noise", "steps"), CASES, ids=str)
def test_three_accountants_agree(q, noise, steps) -> None:
    accounting = pytest.importorskip("dp_accounting", reason="dp-accounting is not here")
    prv = pytest.importorskip("opacus.accountants", reason="Opacus is not here")
    from dp_accounting import pld

    whole = Repeated(poisson_steps(q, noise, steps // 4, rows(1)), 4)
    ours = epsilon_up(whole, Delta(1e-5), NeighbouringRelation.ADD_REMOVE).epsilon
    relation = accounting.NeighboringRelation.ADD_OR_REMOVE_ONE
    step = accounting.PoissonSampledDpEvent(q, accounting.GaussianDpEvent(noise))
    accountant = pld.PLDAccountant(relation, value_discretization_interval=1e-4)
    theirs = accountant.compose(accounting.SelfComposedDpEvent(step, steps)).get_epsilon(1e-5)
    assert ours == pytest.approx(theirs, abs=0.01)
    opacus = prv.PRVAccountant()
    opacus.history = [(noise, q, steps)]
    figure = opacus.get_epsilon(delta=1e-5)
    assert ours == pytest.approx(figure, abs=0.012)  # theirs adds its own error bound of .01
    assert ours <= figure
