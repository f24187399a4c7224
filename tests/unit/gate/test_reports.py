"""What a ledger tells people and certificates."""

from __future__ import annotations

import json
import re

import pytest

from dpsynth.accounting.certify import epsilon_up
from dpsynth.accounting.events import Composed, event_from_json
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.errors import InputError, LedgerError
from dpsynth.gate import book_non_private, extract, ledger_extract, raise_cap, show
from dpsynth.gate.ledger import Ledger
from tests.gate.support import ADD_REMOVE, BUDGET, EVENT, PAIR, PAIR_NOISE, TINY, frame, opened, run_job


@pytest.fixture
def told(ledger):
    """(table, event ids of its second job): two jobs of one table, one of another, a booked look."""
    table = opened(ledger)
    run_job(table, "first")
    with table.reserve(EVENT, job={"name": "second"}, purpose="MST", budget=BUDGET) as grant:
        measured = grant.release(PAIR, PAIR_NOISE)
    run_job(opened(ledger, frame(seed=8).assign(colour="red", size=1).iloc[:0], account="other"), "third")
    book_non_private(ledger, "table-1", "internal page")
    return table, sorted({m.event_id for m in measured})


def test_show(told, ledger) -> None:
    facts = show(ledger)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["ledger"]["relation"] == "add_remove"
    assert facts["ledger"]["rows"] == 24
    assert [a["name"] for a in facts["accounts"]] == ["table-1", "other"]
    mine = facts["accounts"][0]
    spent = epsilon_up(Composed((EVENT, EVENT)), Delta(1e-5), ADD_REMOVE).epsilon
    assert mine["spent"] == spent
    assert float(mine["spent_text"]) >= spent
    assert float(mine["remaining_text"]) <= 1 - spent
    assert (mine["charges"], mine["non_private"], mine["declared"], mine["private"]) == (2, 1, False, True)
    assert [(c["purpose"], c["state"], c["draws"]) for c in facts["charges"]] == [
        ("test", "done", 2),
        ("MST", "done", 1),
        ("test", "done", 2),
    ]
    assert [look["reason"] for look in facts["non_private"]] == ["internal page"]


def test_an_extract_holds_the_charge_of_its_release_and_nothing_else(told, ledger) -> None:
    table, event_ids = told
    facts = ledger_extract(table, event_ids)
    assert json.loads(json.dumps(facts)) == facts
    assert facts == extract(ledger, "table-1", event_ids)
    assert set(facts) == {"relation", "unit", "charges", "draws"}
    assert (facts["relation"], facts["unit"]) == ("add_remove", "rows(1)")
    (charge,) = facts["charges"]  # the account has two
    assert event_from_json(charge["event"]) == EVENT
    assert (charge["purpose"], charge["job"], charge["draws"]) == ("MST", {"name": "second"}, 1)
    assert charge["budget"] == {"epsilon": 1.0, "delta": 1e-5}
    cost = epsilon_up(EVENT, Delta(1e-5), ADD_REMOVE).epsilon
    assert cost <= float(charge["certified"]["epsilon"]) <= cost + 1e-4
    assert charge["certified"]["delta"] == 1e-5
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", charge["date"])
    (draw,) = facts["draws"]
    assert draw["event_id"] == event_ids[0]
    assert draw["charge"] == 0
    assert draw["query"]["cliques"] == [list(c) for c in PAIR.cliques]
    assert draw["draws"] == 28
    assert draw["total_variation"] <= 2.0**-120
    assert len(draw["answer"]) == 64
    assert not {"table-1", "other", "first", "third", "internal page"} & set(re.findall(r"[\w -]+", json.dumps(facts)))


def test_an_extract_without_named_draws_lists_all_charges_that_were_drawn_from(told, ledger) -> None:
    facts = extract(ledger, "table-1")
    assert [charge["job"]["name"] for charge in facts["charges"]] == ["first", "second"]
    assert [draw["charge"] for draw in facts["draws"]] == [0, 0, 1]


def test_a_charge_without_a_budget_has_no_certified_figure(ledger) -> None:
    table = opened(ledger, cap=BUDGET)
    run_job(table, budget=None)
    (charge,) = ledger_extract(table)["charges"]
    assert (charge["budget"], charge["certified"]) == (None, None)


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("removed", [0, 150, 199])
def test_extracts_of_neighbours_are_equal(tmp_path, earlier, removed) -> None:
    """On a table and on one without one row or with almost none; also after another job on the whole table."""
    told = []
    for name, source in {"whole": frame(), "less": frame().iloc[removed + 1 :]}.items():
        path = tmp_path / f"{name}.ledger"
        if earlier:
            run_job(opened(path), "earlier")
        table = opened(path, source)
        run_job(table, "now")
        newest = [c for c in show(path)["charges"] if c["job"] == {"name": "now"}]
        assert len(newest) == 1
        told.append(ledger_extract(table, _draws_of(path, newest[0]["row"])))
    for facts in told:
        assert len(facts["draws"]) == 2
        for draw in facts["draws"]:
            draw["event_id"] = draw["answer"] = "a hash"
        facts["charges"][0]["date"] = "a date"
    assert told[0] == told[1]


def _draws_of(path, reservation: int) -> list[str]:
    with Ledger.open(path).reading() as state:
        return [made.event_id for made in state.reservations[reservation].draws]


def test_an_extract_holds_no_key_in_any_field(told, ledger) -> None:
    names = set()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            names.update(value)
            for inner in value.values():
                walk(inner)
        if isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(extract(ledger, "table-1"))
    assert not names & {"key", "sealed", "secret", "sketch", "payload", "overrides", "stored", "sqlite"}
    assert not names & {"account", "spent", "rows", "row", "head", "time", "state", "cap"}


def test_unknown_draws_and_accounts_are_refused(told, ledger) -> None:
    with pytest.raises(LedgerError, match="does not hold one of the draws asked for"):
        extract(ledger, "other", told[1])
    with pytest.raises(InputError, match="no account 'nobody'"):
        extract(ledger, "nobody")


def test_a_missing_ledger(tmp_path) -> None:
    for act in (show, lambda p: raise_cap(p, None, BUDGET), lambda p: extract(p, "a")):
        with pytest.raises(LedgerError, match="There is no ledger"):
            act(tmp_path / "none.ledger")
    assert list(tmp_path.iterdir()) == []


def test_an_account_without_a_cap_and_one_that_is_overspent(ledger) -> None:
    table = opened(ledger)
    assert show(ledger)["accounts"][0]["spent"] is None
    table.reserve(TINY, job={}, budget=BUDGET)
    raise_cap(ledger, "table-1", Budget(epsilon=0.0001, delta=0.0), "no more")
    account = show(ledger)["accounts"][0]
    assert (account["spent"], account["spent_text"], account["remaining_text"]) == (None, "infinite", "0")
