"""What a grant gives, in which order, and what happens when something fails."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from dpsynth.accounting.events import Gaussian, GaussianFilter, PureDP, Slack
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import rows
from dpsynth.encoding.grouping import Grouping
from dpsynth.errors import AccountingError, BudgetRefused, DomainError, LedgerError, PlanError, SourceError
from dpsynth.gate import (
    DRAW_SLACK,
    DiscreteLaplace,
    Distances,
    Exponential,
    Marginals,
    PermuteAndFlip,
    RoundedGaussian,
    Total,
    event_of,
    with_slack,
)
from dpsynth.gate import grant as grant_module
from dpsynth.noise.entropy import SeededEntropy
from dpsynth.noise.rounded_gaussian import rounded_gaussian
from tests.gate.support import (
    ADD_REMOVE,
    BUDGET,
    EVENT,
    PAIR,
    PAIR_NOISE,
    TOTAL_NOISE,
    FakeEngine,
    behind_gate,
    frame,
    kinds_of,
    opened,
    rows_of,
    run_job,
    same,
)


def _reserve(table, event=EVENT, name="job", budget=BUDGET):
    return table.reserve(event, job={"name": name}, purpose="test", budget=budget)


def test_what_comes_back(ledger) -> None:
    with _reserve(opened(ledger)) as grant:
        one, two = grant.release(PAIR, PAIR_NOISE)
        (total,) = grant.release(Total(), TOTAL_NOISE)
    assert (one.name, one.clique, one.sigma, one.mechanism) == ("marginal", ("colour",), 12.0, "rounded_gaussian")
    assert (two.clique, two.values.shape, two.sigma) == (("colour", "size"), (4, 6), 15.0)
    assert (total.name, total.clique, total.values.shape) == ("total", (), ())
    assert {m.values.dtype for m in (one, two, total)} == {np.dtype(np.int64)}
    assert one.event_id == two.event_id != total.event_id
    assert one.private
    assert two.groupings == ("", "")
    assert kinds_of(ledger)[-6:] == ["reserved", "running", "answer", "running", "answer", "done"]


def test_the_order_is_law(ledger) -> None:
    """When rows are counted, the charge and the draw are committed; when an answer is returned, so is the answer."""
    seen: list[tuple[str, list[str]]] = []
    engine = FakeEngine(during=lambda: seen.append(("counting", kinds_of(ledger))))
    table = behind_gate(ledger, engine)
    with _reserve(table) as grant:
        assert engine.asked == []
        assert kinds_of(ledger)[-1] == "reserved"
        measured = grant.release(PAIR, PAIR_NOISE)
        seen.append(("returned", kinds_of(ledger)))
    assert [(when, rows[3:]) for when, rows in seen] == [
        ("counting", ["cap", "reserved", "running"]),
        ("returned", ["cap", "reserved", "running", "answer"]),
    ]
    running = next(body for body in rows_of(ledger) if body["type"] == "running")
    assert running["draws"] == 4 + 24
    assert running["total_variation"] <= 2.0**-120
    assert running["query"]["cliques"] == [["colour"], ["colour", "size"]]
    assert len(measured) == 2


def test_noise_is_drawn_after_counting_and_before_the_answer_is_stored(ledger, monkeypatch) -> None:
    order = []
    original = grant_module.add_noise

    def watched(*arguments):
        order.append(("noise", kinds_of(ledger)[-1]))
        return original(*arguments)

    monkeypatch.setattr(grant_module, "add_noise", watched)
    engine = FakeEngine(during=lambda: order.append(("count", kinds_of(ledger)[-1])))
    with _reserve(behind_gate(ledger, engine)) as grant:
        grant.release(PAIR, PAIR_NOISE)
    assert order == [("count", "running"), ("noise", "running")]


def test_answers_are_counts_plus_the_noise_of_the_event(ledger) -> None:
    """With a test seed the noise can be drawn again: scale and independence are those that were charged."""
    table = behind_gate(ledger, FakeEngine(), seed=7)
    with _reserve(table) as grant:
        one, two = grant.release(PAIR, PAIR_NOISE)
        (total,) = grant.release(Total(), TOTAL_NOISE)
        entropy = SeededEntropy(7 << 64 | grant.reservation << 32 | 0)
        expected = [100 + rounded_gaussian(12.0, (4,), entropy), 100 + rounded_gaussian(15.0, (4, 6), entropy)]
        other = SeededEntropy(7 << 64 | grant.reservation << 32 | 1)
        expected.append(100 + rounded_gaussian(20.0, (), other))
    assert same([one.values, two.values, total.values], expected)
    assert not one.private


def test_groupings_and_references_are_public_inputs(ledger) -> None:
    halves = {"size": Grouping(np.array([0, 0, 0, 1, 1, 1]), 2)}
    query = Distances({("colour",): np.zeros(4, np.int64), ("colour", "size"): np.zeros((4, 2), np.int64)}, halves)
    noise = RoundedGaussian((40.0,))
    table = behind_gate(ledger, FakeEngine(), seed=1)
    with _reserve(table, with_slack(event_of(query, noise, rows(1), ADD_REMOVE))) as grant:
        (scores,) = grant.release(query, noise)
    assert (scores.name, scores.clique, scores.values.shape, scores.sigma) == ("distances", (), (2,), 40.0)
    assert abs(scores.values[0] - 400) < 400
    draw = next(body for body in rows_of(ledger) if body["type"] == "running")
    assert draw["draws"] == 2
    assert len(draw["query"]["references"]) == 2
    assert set(draw["query"]["groupings"]) == {"size"}


@pytest.mark.parametrize("mechanism", [Exponential(8.0), PermuteAndFlip(8.0)])
def test_a_selection_takes_the_best_clique_and_tells_only_which(ledger, mechanism) -> None:
    query = Distances({("colour",): np.full(4, 1000), ("size",): np.zeros(6, np.int64)})
    budget = Budget(epsilon=8.0, delta=1e-5)
    event = with_slack(event_of(query, mechanism, rows(1), ADD_REMOVE))
    with _reserve(opened(ledger), event, budget=budget) as grant:
        (chosen,) = grant.release(query, mechanism)
    assert (chosen.name, chosen.clique, chosen.sigma) == ("selection", ("colour",), 0.0)
    assert chosen.values.tolist() == [0]
    assert chosen.mechanism == mechanism.name


def test_discrete_laplace(ledger) -> None:
    noise = DiscreteLaplace((4.0, 8.0))
    budget = Budget(epsilon=1.0, delta=1e-5)
    with _reserve(opened(ledger), with_slack(event_of(PAIR, noise, rows(1), ADD_REMOVE)), budget=budget) as grant:
        one, two = grant.release(PAIR, noise)
    k = np.arange(-600, 601)
    for m, scale in ((one, 4.0), (two, 8.0)):
        weights = np.exp(-np.abs(k) / scale)
        assert m.sigma == pytest.approx(np.sqrt((weights * k * k).sum() / weights.sum()), rel=1e-9)


def test_a_filter_pays_for_adaptive_questions(ledger) -> None:
    event = with_slack(GaussianFilter(0.2))
    with _reserve(opened(ledger), event) as grant:
        for sigma in (8.0, 10.0, 12.0):
            grant.release(Marginals((("colour",),)), RoundedGaussian((sigma,)))
        with pytest.raises(BudgetRefused, match="Use more noise or fewer steps"):
            grant.release(Marginals((("colour",),)), RoundedGaussian((8.0,)))
        grant.release(Marginals((("colour",),)), RoundedGaussian((20.0,)))
    assert kinds_of(ledger).count("running") == 4


@pytest.mark.parametrize(
    ("query", "mechanism", "error", "message"),
    [
        (Marginals((("shape",),)), RoundedGaussian((12.0,)), PlanError, "names the column 'shape'"),
        (Marginals((("note",),)), RoundedGaussian((12.0,)), PlanError, "names the column 'note'"),
        (Marginals((("size", "size"),)), RoundedGaussian((12.0,)), PlanError, "names a column twice: size, size"),
        (Marginals(((),)), RoundedGaussian((12.0,)), PlanError, r"Ask for Total\(\) instead"),
        (PAIR, RoundedGaussian((12.0,)), PlanError, r"2 noise scale\(s\)"),
        (
            Marginals((("size",),), {"size": Grouping.identity(3)}),
            RoundedGaussian((12.0,)),
            PlanError,
            "grouping of column 'size' does not fit",
        ),
        (Distances({("size",): np.zeros(5, int)}), RoundedGaussian((12.0,)), PlanError, r"shape \(6,\); found int64"),
        (Distances({("size",): np.zeros(6)}), RoundedGaussian((12.0,)), PlanError, "must be whole numbers"),
        (Distances({("size",): np.full(6, 2**60)}), RoundedGaussian((12.0,)), PlanError, "is too large"),
        (Total(), RoundedGaussian((12.5,)), AccountingError, "does not hold this gaussian event"),
        (Marginals((("size",),)), DiscreteLaplace((12.0,)), AccountingError, "does not hold this laplace event"),
    ],
)
def test_questions_that_do_not_fit_change_nothing(ledger, query, mechanism, error, message) -> None:
    engine = FakeEngine()
    with _reserve(behind_gate(ledger, engine)) as grant:
        before = kinds_of(ledger)
        with pytest.raises(error, match=message):
            grant.release(query, mechanism)
        assert kinds_of(ledger) == before
        assert engine.asked == []
        grant.release(PAIR, PAIR_NOISE)  # and the right question still can be asked


def test_no_event_is_used_twice(ledger) -> None:
    with _reserve(opened(ledger)) as grant:
        grant.release(PAIR, PAIR_NOISE)
        with pytest.raises(AccountingError, match="was never reserved, or was used up"):
            grant.release(PAIR, PAIR_NOISE)
        grant.release(Total(), TOTAL_NOISE)


def test_more_draws_than_the_slack_covers_are_refused(ledger, monkeypatch) -> None:
    monkeypatch.setattr("dpsynth.gate.allowance.DRAW_TOTAL_VARIATION", DRAW_SLACK / 10)
    with _reserve(opened(ledger)) as grant:
        with pytest.raises(AccountingError, match="slack does not cover that many draws"):
            grant.release(PAIR, PAIR_NOISE)


def test_a_closed_grant_asks_nothing(ledger) -> None:
    with _reserve(opened(ledger)) as grant:
        pass
    with pytest.raises(AccountingError, match="This grant is closed"):
        grant.release(PAIR, PAIR_NOISE)


def test_the_same_job_again_costs_nothing_and_says_the_same(ledger) -> None:
    first = run_job(opened(ledger))
    before = ledger.read_bytes()
    other_form = frame().sample(frac=1, random_state=3).astype({"size": float})
    assert same(run_job(opened(ledger, other_form)), first)
    assert ledger.read_bytes() == before
    assert not same(run_job(opened(ledger), name="other"), first)


def test_a_replay_reads_no_row(ledger) -> None:
    engine = FakeEngine()
    table = behind_gate(ledger, engine)
    first = run_job(table)
    engine.asked.clear()
    with _reserve(table) as grant:
        assert grant.replayed
        again = (*grant.release(PAIR, PAIR_NOISE), *grant.release(Total(), TOTAL_NOISE))
    assert same([m.values for m in again], first)
    assert engine.asked == []


def test_replayed_measurements_are_equal_in_every_field(ledger) -> None:
    table = opened(ledger)
    runs = []
    for _ in range(2):
        with _reserve(table) as grant:
            runs.append([*grant.release(PAIR, PAIR_NOISE), *grant.release(Total(), TOTAL_NOISE)])
    for one, two in zip(*runs, strict=True):
        assert np.array_equal(one.values, two.values)
        named = ("name", "clique", "sigma", "mechanism", "event_id", "private", "groupings")
        assert [getattr(one, n) for n in named] == [getattr(two, n) for n in named]


def test_an_interrupted_job_goes_on_where_it_stopped(ledger) -> None:
    table = opened(ledger)
    first = []
    with contextlib.suppress(KeyboardInterrupt), _reserve(table) as grant:
        first += grant.release(PAIR, PAIR_NOISE)
        raise KeyboardInterrupt
    with _reserve(table) as grant:
        assert not grant.replayed
        again = grant.release(PAIR, PAIR_NOISE)
        grant.release(Total(), TOTAL_NOISE)
    assert same([m.values for m in first], [m.values for m in again])
    assert kinds_of(ledger).count("reserved") == 1
    assert kinds_of(ledger)[-1] == "done"


def test_a_seeded_job_that_was_interrupted_ends_as_it_would_have(ledger, tmp_path) -> None:
    whole = run_job(behind_gate(tmp_path / "other.ledger", FakeEngine(), seed=3))
    table = behind_gate(ledger, FakeEngine(), seed=3)
    with contextlib.suppress(KeyboardInterrupt), _reserve(table) as grant:
        grant.release(PAIR, PAIR_NOISE)
        raise KeyboardInterrupt
    assert same(run_job(table), whole)


def test_a_job_that_changes_its_questions_is_refused(ledger) -> None:
    table = opened(ledger)
    run_job(table)
    with _reserve(table) as grant:
        with pytest.raises(LedgerError, match=r"asks another question .*\nIts stored answers do not fit"):
            grant.release(Total(), TOTAL_NOISE)
        grant.release(PAIR, PAIR_NOISE)


def test_a_finished_job_holds_no_further_answer(ledger) -> None:
    table = opened(ledger)
    with _reserve(table) as grant:
        grant.release(PAIR, PAIR_NOISE)
    with _reserve(table) as grant:
        grant.release(PAIR, PAIR_NOISE)
        with pytest.raises(AccountingError, match=r"was finished by an earlier run of this job"):
            grant.release(Total(), TOTAL_NOISE)


def _fail(error: BaseException):
    def during() -> None:
        raise error

    return during


@pytest.mark.parametrize(
    ("error", "seen", "message"),
    [
        (ValueError("cell 'canary-7f3a' is odd"), SourceError, r"could not be read \(ValueError\)\.\nIts charge is"),
        (MemoryError(), SourceError, r"could not be read \(MemoryError\)"),
        (DomainError("a public sentence"), DomainError, "a public sentence"),
        (KeyboardInterrupt("canary-7f3a"), KeyboardInterrupt, "^$"),
        (SystemExit("canary-7f3a"), SourceError, r"could not be read \(SystemExit\)"),
    ],
)
def test_a_failure_while_counting_burns_the_charge_and_says_no_value(ledger, error, seen, message) -> None:
    table = behind_gate(ledger, FakeEngine(during=_fail(error)))
    with pytest.raises(seen, match=message) as raised, _reserve(table) as grant:
        grant.release(PAIR, PAIR_NOISE)
    assert "canary" not in str(raised.value)
    if seen is SourceError:
        assert raised.value.__cause__ is raised.value.__context__ is None
    assert kinds_of(ledger)[-2:] == ["running", "burned"]
    with pytest.raises(AccountingError, match="This grant is closed"):
        grant.release(PAIR, PAIR_NOISE)


def test_a_burned_grant_asks_nothing_more(ledger) -> None:
    engine = FakeEngine(during=_fail(ValueError("x")))
    with _reserve(behind_gate(ledger, engine)) as grant:
        with pytest.raises(SourceError):
            grant.release(PAIR, PAIR_NOISE)
        engine.during = None
        with pytest.raises(AccountingError, match="This grant is burned"):
            grant.release(Total(), TOTAL_NOISE)
    assert kinds_of(ledger).count("running") == 1
    assert "done" not in kinds_of(ledger)


def test_an_answer_that_cannot_be_stored_is_not_given(ledger, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise LedgerError("The ledger cannot grow: the disk is full.")

    table = behind_gate(ledger, FakeEngine())
    monkeypatch.setattr(grant_module, "store_answer", full)
    with pytest.raises(LedgerError, match="disk is full"), _reserve(table) as grant:
        grant.release(PAIR, PAIR_NOISE)
    assert kinds_of(ledger)[-2:] == ["running", "burned"]


def test_a_burn_that_cannot_be_written_burns_at_the_next_run(ledger, monkeypatch) -> None:
    table = behind_gate(ledger, FakeEngine(during=_fail(ValueError("x"))))
    monkeypatch.setattr(grant_module, "finish", _fail_ledger)
    with pytest.raises(SourceError), _reserve(table) as grant:
        grant.release(PAIR, PAIR_NOISE)
    monkeypatch.undo()
    assert kinds_of(ledger)[-1] == "running"
    run_job(behind_gate(ledger, FakeEngine()))
    assert kinds_of(ledger).count("burned") == 1
    assert kinds_of(ledger).count("reserved") == 2


def _fail_ledger(*_: object) -> None:
    raise LedgerError("no")


def test_a_second_hand_on_the_same_reservation_draws_nothing(ledger) -> None:
    """Two grants on one charge (a lease that was lost): whoever comes second finds the draw taken."""
    engine = FakeEngine()
    table = behind_gate(ledger, engine)
    first = _reserve(table)
    for path in ledger.parent.glob("*.run-*"):
        path.unlink()  # somebody removed the lease
    second = _reserve(table)
    assert second.reservation == first.reservation
    first.release(PAIR, PAIR_NOISE)
    with pytest.raises(LedgerError, match="taken on by another process"):
        second.release(PAIR, PAIR_NOISE)
    assert len(engine.asked) == 1


def test_events_of_other_kinds_stay_unused(ledger) -> None:
    event = with_slack(Gaussian(12.0, 1), PureDP(0.1), Slack(2.0**-70))
    with _reserve(opened(ledger), event) as grant:
        grant.release(Marginals((("colour",),)), RoundedGaussian((12.0,)))
    assert kinds_of(ledger)[-1] == "done"
