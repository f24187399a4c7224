"""The fold refuses rows that cannot follow, even where their hashes are right."""

from __future__ import annotations

import pytest

from dpsynth.accounting.events import event_to_json
from dpsynth.errors import LedgerError
from dpsynth.gate.chain import GENESIS, Row, make_row, sealed_digest
from dpsynth.gate.ledger_state import LedgerState
from tests.gate.support import EVENT, TINY

SECRET = bytes(range(32))
LEDGER = {"type": "ledger", "version": 1, "relation": "add_remove", "sealed": sealed_digest(SECRET, SECRET)}
ACCOUNT = {"type": "account", "name": "a", "unit": "rows(1)", "declared": False}
CAP = {"type": "cap", "account": "a", "epsilon": 1.0, "delta": 1e-5}
RESERVED = {"type": "reserved", "account": "a", "event": event_to_json(EVENT), "key": "k", "private": True}
RUNNING = {"type": "running", "reservation": 4, "index": 0, "event": event_to_json(TINY)}
ANSWER = {"type": "answer", "reservation": 4, "index": 0}
DONE, BURNED = {"type": "done", "reservation": 4}, {"type": "burned", "reservation": 4}
SOUND = [LEDGER, ACCOUNT, CAP, RESERVED]


def _fold(bodies: list[dict]) -> LedgerState:
    state = LedgerState()
    for body in bodies:
        state.apply(make_row(state.seq + 1, state.head, body, SECRET if body["type"] == "ledger" else None))
    return state


def test_a_sound_story() -> None:
    state = _fold([*SOUND, RUNNING, ANSWER, DONE])
    (charge,) = state.accounts["a"].reservations
    assert (charge.state, charge.seq, len(charge.draws), charge.pending) == ("done", 4, 1, False)
    assert state.events == state.accounts["a"].events == (EVENT,)
    assert state.find("a", "k") is charge
    assert state.find("a", "other") is None


def test_a_burned_charge_is_not_found_again_but_stays_charged() -> None:
    state = _fold([*SOUND, RUNNING, BURNED])
    assert state.find("a", "k") is None
    assert state.events == (EVENT,)


@pytest.mark.parametrize(
    ("tail", "message"),
    [
        ([LEDGER], "a ledger starts with its own row, once"),
        ([ACCOUNT], "the account exists"),
        ([CAP | {"account": "b"}], "KeyError"),
        ([CAP | {"epsilon": -1.0}], "BudgetError"),
        ([RESERVED | {"event": {"kind": "new", "version": 1}}], "AccountingError"),
        ([RESERVED | {"account": "b"}], "KeyError"),
        ([RUNNING | {"reservation": 3}], "KeyError"),
        ([RUNNING | {"index": 1}], "a draw is out of order"),
        ([RUNNING, RUNNING | {"index": 1}], "a draw is out of order"),
        ([ANSWER], "an answer has no draw"),
        ([RUNNING, ANSWER, ANSWER], "an answer has no draw"),
        ([RUNNING, DONE], "a draw has no answer"),
        ([DONE, RUNNING], "its reservation has ended"),
        ([DONE, BURNED], "its reservation has ended"),
        ([BURNED, DONE], "its reservation has ended"),
        ([{"type": "refund", "reservation": 4}], "its kind is not known to this release of dpsynth"),
        ([{"kind": "cap"}], "KeyError"),
    ],
)
def test_rows_that_cannot_follow(tail, message) -> None:
    state = _fold(SOUND)
    for body in tail[:-1]:
        state.apply(make_row(state.seq + 1, state.head, body))
    before = (state.seq, state.head)
    with pytest.raises(LedgerError, match=message):
        state.apply(make_row(state.seq + 1, state.head, tail[-1]))
    assert (state.seq, state.head) == before


def test_a_broken_chain() -> None:
    state = _fold(SOUND)
    good = make_row(5, state.head, DONE)
    for bad in (
        Row(5, good.text.replace("4", "3"), good.hash),
        Row(6, good.text, good.hash),
        make_row(5, GENESIS, DONE),
    ):
        with pytest.raises(LedgerError, match="chain is broken at row"):
            state.apply(bad)
    state.apply(good)


def test_a_wrong_key() -> None:
    state = LedgerState()
    with pytest.raises(LedgerError, match="the key does not match its digest"):
        state.apply(make_row(1, GENESIS, LEDGER, bytes(32)))
