"""The betting process: parts against the whole, storage, Ville's bound. Proof: docs/proofs/sequential.md."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from privacy_audit.bounds.sequential.process import EProcess, log_wealth_path, start
from privacy_audit.errors import InputError


def test_parts_make_the_whole() -> None:
    gains = np.random.default_rng(0).choice([-0.6, 0.4], 300)
    bets = np.array([0.1, 0.5, 1.2])
    whole = start(bets).after(gains)
    parts = start(bets)
    for part in np.split(gains, [7, 7, 120]):
        parts = EProcess.from_dict(json.loads(json.dumps(parts.after(part).to_dict())))
    path = log_wealth_path(gains, bets)
    assert parts.steps == whole.steps == 300
    assert parts.log_e == pytest.approx(whole.log_e)
    assert whole.log_e == pytest.approx(path[-1])
    assert parts.log_peak == pytest.approx(max(0.0, path.max()))


def test_wealth_by_hand() -> None:
    found = start([0.5, 1.0]).after([1.0, -0.5])
    assert math.exp(found.log_e) == pytest.approx((1.5 * 0.75 + 2.0 * 0.5) / 2)
    assert math.exp(found.log_peak) == pytest.approx((1.5 + 2.0) / 2)
    assert found.rejects(0.6)
    assert not found.rejects(0.05)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="NaN among the gains"):
        start([0.5]).after([0.1, float("nan")])
