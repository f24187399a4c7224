"""What every attack owes: no crash and no silent number on bad tables, equal results for equal seeds, plain JSON, silence
on independent tables, and members treated like anybody else.

A new attack joins by its line in `privacy_audit.attacks.registry.ATTACKS`.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

from privacy_audit.attacks.base import AbstractMembershipAttack, AttackResult
from privacy_audit.attacks.battery import attack
from privacy_audit.attacks.registry import ATTACKS
from privacy_audit.frames import AlignedTables, align
from tests.unit.privacy_audit.attacks.planted import independent, population, verbatim

N = 240
VERDICTS = {"leak", "no leak found", "inconclusive", "skipped"}
MEMBERSHIP = [name for name, one in ATTACKS.items() if isinstance(one, AbstractMembershipAttack)]


@cache
def people() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    full = population(3 * N, 7)
    first, second, third = (full.iloc[i * N : (i + 1) * N].reset_index(drop=True) for i in range(3))
    return first, second, third


@cache
def ordinary() -> AlignedTables:
    members, fresh, holdout = people()
    return align(members, independent(members, fresh, np.random.default_rng(0)), holdout=holdout)


def _bad(kind: str) -> AlignedTables:
    members, fresh, holdout = people()
    match kind:
        case "one row each":
            return align(members[:1], fresh[:1], holdout=holdout[:1])
        case "one member":
            return align(members[:1], fresh, holdout=holdout)
        case "one holdout row":
            return align(members, fresh, holdout=holdout[:1])
        case "one synthetic row":
            return align(members, fresh[:1], holdout=holdout)
        case "two rows each":
            return align(members[:2], fresh[:2], holdout=holdout[:2])
        case "constant columns":
            one = pd.DataFrame({"a": np.zeros(60), "b": ["x"] * 60})
            return align(one, one, holdout=one, check_disjoint=False)
        case "all missing":
            one = pd.DataFrame({"a": np.full(60, np.nan), "b": np.array([None] * 60, dtype=object)})
            return align(one, one, holdout=one, check_disjoint=False)
        case "half missing":
            gaps = [
                t.mask(pd.DataFrame(np.random.default_rng(i).random(t.shape) < 0.5, columns=t.columns))
                for i, t in enumerate(people())
            ]
            return align(gaps[0], gaps[1], holdout=gaps[2])
        case "one column":
            return align(members[["x0"]], fresh[["x0"]], holdout=holdout[["x0"]])
        case "one category":
            return align(members[["c0"]], fresh[["c0"]], holdout=holdout[["c0"]])
        case "duplicate rows":
            return align(
                pd.concat([members[:20]] * 6), pd.concat([fresh[:20]] * 6), holdout=pd.concat([holdout[:20]] * 6)
            )
        case "other categories":
            return align(members, fresh.assign(c1="never seen", x1=-1e9), holdout=holdout)
        case "other sizes":
            return align(members, fresh[:50], holdout=holdout[:30])
        case "negative numbers":
            numbers = [t[["x0", "x1", "gain"]] * -1000 for t in people()]
            return align(numbers[0], numbers[1], holdout=numbers[2])
        case _:
            raise AssertionError(kind)


BAD = (
    "one row each", "one member", "one holdout row", "one synthetic row", "two rows each", "constant columns",
    "all missing", "half missing", "one column", "one category", "duplicate rows", "other categories", "other sizes",
    "negative numbers",
)  # fmt: skip


def check_result(result: AttackResult) -> None:
    assert result.verdict in VERDICTS
    json.dumps(result.to_dict(), allow_nan=False)
    if result.verdict == "skipped":
        assert result.note
        assert not result.figures
        return
    assert result.figures
    if result.p_value is not None:
        assert 0.0 <= result.p_value <= 1.0
    for figure in result.figures.values():
        assert not np.isnan(figure.value)
        if figure.low is not None and figure.high is not None and np.isfinite(figure.value):
            assert figure.low - 1e-9 <= figure.value <= figure.high + 1e-9


@pytest.mark.parametrize("kind", BAD)
def test_bad_tables_give_words_or_bounded_figures(kind: str) -> None:
    results = attack(_bad(kind), splits=2)
    assert [r.name for r in results] == list(ATTACKS)
    for result in results:
        check_result(result)
        assert result.verdict != "leak", (result.name, result.p_value)
    if kind in ("one row each", "one member", "one holdout row", "one synthetic row", "two rows each"):
        assert all(r.verdict == "skipped" for r in results if r.kind == "membership")


def test_without_a_holdout_every_attack_says_so() -> None:
    members, fresh, _ = people()
    for result in attack(align(members, fresh)):
        assert result.verdict == "skipped"
        assert "no holdout" in result.note


@pytest.mark.parametrize("name", list(ATTACKS))
def test_independent_table_is_no_leak_and_equal_seeds_give_equal_results(name: str) -> None:
    first, again = (attack(ordinary(), attacks=[name], splits=2, seed=3)[0] for _ in range(2))
    check_result(first)
    assert first.verdict in ("no leak found", "inconclusive")
    assert first.to_dict() == again.to_dict()


@pytest.mark.parametrize("name", MEMBERSHIP)
def test_membership_attacks_do_not_know_who_is_a_member(name: str) -> None:
    """With the labels exchanged the AUC is mirrored: no encoding or threshold was fitted on members."""
    if name in ("logan", "classifier ratio") or ATTACKS[name].uses_reference:  # type: ignore[attr-defined]
        members, fresh, holdout = people()
        reference = population(N, 99)
        tables = [align(a, fresh, holdout=b, reference=reference) for a, b in ((members, holdout), (holdout, members))]
    else:
        members, fresh, holdout = people()
        tables = [align(a, fresh, holdout=b) for a, b in ((members, holdout), (holdout, members))]
    results = [attack(t, attacks=[name], seed=1)[0] for t in tables]
    assert all(r.scores is not None for r in results)
    one, two = (r.scores for r in results)
    assert one is not None
    assert two is not None
    variants_agree = results[0].note.split(";")[-1] == results[1].note.split(";")[-1]
    if variants_agree:
        np.testing.assert_allclose(one.members, two.nonmembers, atol=1e-9)
        np.testing.assert_allclose(one.nonmembers, two.members, atol=1e-9)
    else:  # the strongest variant differs with the labels; then the scores themselves need not be the same
        assert len(one.members) == len(two.nonmembers)


@cache
def _copied() -> dict[str, AttackResult]:
    members, fresh, holdout = people()
    tables = align(members, verbatim(members, fresh, np.random.default_rng(0)), holdout=holdout)
    return {r.name: r for r in attack(tables, splits=2)}


NO_TEST = {"nndr", "nnaa"}
WEAK_AT_THIS_SIZE = {"logan", "dpi", "local neighbourhood", "gen lra", "singling out", "density", "monte carlo"}


@pytest.mark.parametrize("name", [n for n in ATTACKS if n not in NO_TEST | WEAK_AT_THIS_SIZE])
def test_a_verbatim_copy_is_found(name: str) -> None:
    assert _copied()[name].verdict == "leak", _copied()[name].p_value


@pytest.mark.parametrize("name", sorted(NO_TEST))
def test_figures_without_a_test_move_on_a_verbatim_copy(name: str) -> None:
    figure = next(iter(_copied()[name].figures.values()))
    assert figure.baseline is not None
    assert figure.value < 0.5 * figure.baseline
