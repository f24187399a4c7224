"""Caps hold whatever a reservation has come to; the same job is charged once."""

from __future__ import annotations

import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import Composed, Gaussian, NonPrivate, PoissonGaussian, Slack
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.domain.unit import rows
from dpsynth.errors import AccountingError, BudgetRefused, InputError, LedgerError
from dpsynth.gate import show, verify, with_slack
from dpsynth.gate.accounts import account_for, set_cap
from dpsynth.gate.charges import Wish, draw, finish, reserve, store_answer, stored_answer
from dpsynth.gate.ledger import Ledger
from tests.gate.support import ADD_REMOVE, BUDGET, EVENT, TINY, charge, identity, kinds_of, rows_of


@pytest.fixture
def book(ledger) -> Ledger:
    return Ledger.open(ledger, ADD_REMOVE)


FACTS = {
    "query": {"kind": "total", "cliques": [[]], "groupings": {}},
    "mechanism": {"name": "rounded_gaussian", "sigmas": [2000.0]},
    "event": {"kind": "gaussian", "version": 1, "sigma": 2000.0, "squared_sensitivity": 1},
    "draws": 1,
    "private": True,
    "total_variation": 2.0**-120,
}


def test_the_first_budget_is_the_cap_and_is_recorded(book) -> None:
    charge(book)
    cap, reserved = rows_of(book.path)[-2:]
    assert {k: cap[k] for k in ("type", "account", "epsilon", "delta", "reason")} == {
        "type": "cap",
        "account": "table-1",
        "epsilon": 1.0,
        "delta": 1e-5,
        "reason": "first release",
    }
    assert reserved["type"] == "reserved"
    assert reserved["private"] is True
    assert reserved["dpsynth"]


def test_charges_compose_until_the_cap(book) -> None:
    """EVENT costs .41, five of it .98, six of it 1.08."""
    for i in range(5):
        charge(book, name=f"job {i}")
    before = rows_of(book.path)
    with pytest.raises(BudgetRefused) as refusal:
        charge(book, name="one too many")
    assert rows_of(book.path) == before
    spent = epsilon_up(Composed((EVENT,) * 5), Delta(1e-5), ADD_REMOVE).epsilon
    after = epsilon_up(Composed((EVENT,) * 6), Delta(1e-5), ADD_REMOVE).epsilon
    assert spent <= 1 < after
    error = refusal.value
    assert float(error.remaining.split()[1]) == pytest.approx(1 - spent, abs=1e-4)
    assert float(error.remaining.split()[1]) <= 1 - spent
    assert 0 <= float(error.short_by.split()[1]) - (after - 1) <= 1e-4
    assert "The cap of the account table-1 is (epsilon 1, delta 1e-05)." in str(error)
    assert str(error).count("\n") <= 2


def test_whatever_became_of_a_reservation_it_stays_spent(book) -> None:
    states = ["reserved", "done", "burned", "running", "burned"]
    for i, state in enumerate(states):
        made = charge(book, name=f"job {i}")
        if state == "running":
            draw(book, made.seq, 0, FACTS)
        elif state != "reserved":
            finish(book, made.seq, state)
        made.lease.release()
    assert [c["state"] for c in show(book.path)["charges"]] == states
    with pytest.raises(BudgetRefused):
        charge(book, name="job 6")


def test_raising_the_cap_is_a_row_and_lets_more_through(book) -> None:
    for i in range(5):
        charge(book, name=f"job {i}")
    set_cap(book, "table-1", Budget(epsilon=2.0, delta=1e-5))
    charge(book, name="job 5")
    set_cap(book, "table-1", Budget(epsilon=0.5, delta=1e-5))
    with pytest.raises(BudgetRefused, match=r"remaining epsilon 0 of 0\.5"):
        charge(book, name="job 6", event=TINY)
    assert verify(book.path).ok  # a cap below what was spent before it is no corruption


def test_other_accounts_have_their_own_cap_and_the_ledger_one_over_all(book) -> None:
    for number in range(1, 4):
        charge(book, number=number)
    set_cap(book, None, Budget(epsilon=0.8, delta=1e-5))
    with pytest.raises(BudgetRefused, match=r"The cap of the whole ledger is \(epsilon 0\.8, delta 1e-05\)"):
        charge(book, number=4)
    set_cap(book, None, Budget(epsilon=0.9, delta=1e-5))
    charge(book, number=4)
    assert verify(book.path).ok


def test_what_was_burned_counts_against_the_whole_ledger_too(book) -> None:
    """Three tables whose charges fit the ledger's cap together; a fourth does not, whatever became of the others."""
    for number, state in ((1, "burned"), (2, "burned"), (3, "done")):
        made = charge(book, number=number)
        finish(book, made.seq, state)
        made.lease.release()
    set_cap(book, None, Budget(epsilon=0.8, delta=1e-5))
    with pytest.raises(BudgetRefused, match="The cap of the whole ledger"):
        charge(book, number=4)


def test_a_cap_is_certified_at_its_own_delta(book) -> None:
    strict = Budget(epsilon=0.45, delta=1e-9)
    account_for(book, identity(1), rows(1), cap=strict)
    with pytest.raises(BudgetRefused, match="at delta 1e-09"):
        charge(book)


def test_a_cap_without_delta_refuses_gaussian_noise(book) -> None:
    account_for(book, identity(1), rows(1), cap=Budget(epsilon=9.0, delta=0.0))
    with pytest.raises(BudgetRefused, match="requested epsilon infinite at delta 0"):
        charge(book)


def test_an_event_above_its_own_budget_is_refused(book) -> None:
    with pytest.raises(AccountingError, match=r"costs epsilon 0\.40\d+ at delta 1e-05; its budget is \(epsilon 0\.3"):
        charge(book, budget=Budget(epsilon=0.3, delta=1e-5))
    assert "reserved" not in kinds_of(book.path)


def test_a_first_release_needs_a_cap_or_a_budget(book) -> None:
    with pytest.raises(InputError, match=r"has no cap yet, and no budget was given\.\nGive the reservation a budget"):
        charge(book, budget=None)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Gaussian(9.0, 1), r"must hold Slack\(DRAW_SLACK\)"),
        (Composed((Gaussian(9.0, 1), Slack(2.0**-90))), r"must hold Slack\(DRAW_SLACK\)"),
        (with_slack(NonPrivate("a look")), "cannot hold a NonPrivate event"),
    ],
)
def test_what_may_not_be_reserved(book, event, message) -> None:
    with pytest.raises(AccountingError, match=message):
        charge(book, event=event)
    assert kinds_of(book.path) == ["ledger", "account", "identity"]


def test_the_same_job_is_found_again_and_everything_else_is_new(book) -> None:
    account = account_for(book, identity(1), rows(1))

    def seq(number: int = 1, event=TINY, job="job", seed=None) -> int:
        made = reserve(book, account, identity(number), Wish(event, {"name": job}, "p", BUDGET, seed))
        if made.lease is not None:
            finish(book, made.seq, "done")
            made.lease.release()
        return made.seq

    first = seq()
    assert seq() == first
    others = [seq(number=2), seq(event=with_slack(TINY)), seq(job="other"), seq(seed=0), seq(seed=1)]
    assert len({first, *others}) == 6
    assert [seq(number=2), seq(seed=1)] == [others[0], others[4]]


def test_a_charge_that_composes_with_no_other_is_still_replayed(book) -> None:
    alone = with_slack(PoissonGaussian(0.01, 1.0, 10))
    finish(book, charge(book, event=alone).seq, "done")
    again = charge(book, event=alone)
    assert (again.done, kinds_of(book.path).count("reserved")) == (True, 1)
    with pytest.raises(AccountingError, match="No filter composes this release"):
        charge(book, name="other", event=alone)


def test_a_job_that_stopped_between_draws_goes_on(book) -> None:
    first = charge(book)
    draw(book, first.seq, 0, FACTS)
    store_answer(book, first.seq, 0, {"shapes": [[]], "digest": "d"}, b"bytes")
    first.lease.release()
    again = charge(book)
    assert (again.seq, again.stored, again.done) == (first.seq, 1, False)
    assert stored_answer(book, first.seq, 0).payload == b"bytes"
    assert kinds_of(book.path).count("reserved") == 1


def test_a_job_that_lost_a_draw_is_burned_and_charged_anew(book) -> None:
    first = charge(book)
    draw(book, first.seq, 0, FACTS)
    first.lease.release()
    again = charge(book)
    assert again.seq != first.seq
    assert [c["state"] for c in show(book.path)["charges"]] == ["burned", "reserved"]
    assert rows_of(book.path)[-2]["why"] == "a draw has no answer: a crash"


def test_a_job_that_is_alive_is_not_taken_for_a_crash(book) -> None:
    first = charge(book)
    draw(book, first.seq, 0, FACTS)
    with pytest.raises(LedgerError, match=r"being run by another process \(reservation \d+\)\.\nWait for it to end"):
        charge(book)
    assert kinds_of(book.path)[-1] == "running"


def test_draws_and_answers_must_be_in_order(book) -> None:
    made = charge(book)
    with pytest.raises(LedgerError, match="ended or taken on by another process"):
        draw(book, made.seq, 1, FACTS)
    with pytest.raises(LedgerError, match="ended or taken on by another process"):
        store_answer(book, made.seq, 0, {}, b"")
    draw(book, made.seq, 0, FACTS)
    with pytest.raises(LedgerError, match="Nothing was released here"):
        draw(book, made.seq, 0, FACTS)
    finish(book, made.seq, "burned")
    finish(book, made.seq, "done")
    assert kinds_of(book.path)[-1] == "burned"
    with pytest.raises(LedgerError, match="ended"):
        store_answer(book, made.seq, 0, {}, b"")


def test_a_damaged_answer_is_not_replayed(book) -> None:
    import contextlib
    import sqlite3

    made = charge(book)
    draw(book, made.seq, 0, FACTS)
    store_answer(book, made.seq, 0, {"shapes": [[]], "digest": "d"}, b"bytes")
    with contextlib.closing(sqlite3.connect(book.path)) as connection:
        connection.execute("DROP TRIGGER rows_never_change")
        connection.execute("UPDATE rows SET payload = ? WHERE payload = ?", (b"Bytes", b"bytes"))
        connection.commit()
    with pytest.raises(LedgerError, match="An answer stored in the ledger test.ledger is corrupt"):
        stored_answer(book, made.seq, 0)


def test_no_row_tells_how_long_counting_took(book) -> None:
    """The time between a draw and its answer would tell the size of the table."""
    made = charge(book)
    draw(book, made.seq, 0, FACTS)
    store_answer(book, made.seq, 0, {"shapes": [[]], "digest": "d"}, b"bytes")
    finish(book, made.seq, "done")
    timed = {body["type"] for body in rows_of(book.path) if "time" in body}
    assert timed == {"ledger", "account", "cap", "reserved"}
