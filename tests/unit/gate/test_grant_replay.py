"""What a replay compares before it gives a stored answer again."""

from __future__ import annotations

import pytest

from dpsynth.domain.unit import rows
from dpsynth.errors import LedgerError
from dpsynth.gate import Marginals, RoundedGaussian, event_of, with_slack
from tests.gate.support import ADD_REMOVE, BUDGET, PAIR, PAIR_NOISE, opened


@pytest.mark.parametrize(
    ("query", "noise"),
    [(Marginals((("size",), ("size", "colour"))), PAIR_NOISE), (PAIR, RoundedGaussian((15.0, 12.0)))],
    ids=["other cliques", "other sigmas"],
)
def test_a_replay_never_gives_the_answer_of_another_question(ledger, query, noise) -> None:
    """One thing alone is other than in the first run: what was asked, with equal noise, or the noise."""
    event = with_slack(event_of(query, noise, rows(1), ADD_REMOVE), event_of(PAIR, PAIR_NOISE, rows(1), ADD_REMOVE))
    table = opened(ledger)
    with table.reserve(event, job={}, budget=BUDGET) as grant:
        grant.release(PAIR, PAIR_NOISE)
    with table.reserve(event, job={}, budget=BUDGET) as grant:
        with pytest.raises(LedgerError, match=r"asks another question"):
            grant.release(query, noise)
