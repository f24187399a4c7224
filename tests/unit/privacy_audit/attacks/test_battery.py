"""The battery: settings, limits, splits, controls, strata, and the known defects of other tools."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from privacy_audit.attacks.attribute_inference import guessed_right
from privacy_audit.attacks.battery import attack, choose
from privacy_audit.attacks.context import Claim, Context, ranked
from privacy_audit.attacks.registry import ATTACKS
from privacy_audit.errors import InputError
from privacy_audit.frames import align
from tests.unit.privacy_audit.attacks.planted import one_row, population, verbatim

FULL = population(900, 3)
MEMBERS, FRESH, HOLDOUT = FULL[:300], FULL[300:600].reset_index(drop=True), FULL[600:]
TABLES = align(MEMBERS, FRESH, holdout=HOLDOUT)


def test_attacks_are_chosen_by_name() -> None:
    assert [one.name for one in choose("domias, copies")] == ["copies", "domias"]
    assert len(choose("all")) == len(ATTACKS) == 21
    with pytest.raises(InputError, match=r"There is no attack dominas\.\nKnown: dcr share"):
        choose(["dominas"])
    with pytest.raises(InputError, match="none named"):
        choose([])


def test_impossible_settings_are_refused() -> None:
    for settings in ({"splits": 0}, {"alpha": 0.0}, {"claim": (-1.0, 0.0)}, {"claim": (1.0, 1.0)}):
        with pytest.raises(InputError, match="An impossible setting"):
            attack(TABLES, attacks="copies", **settings)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no column 'nowhere'"):
        attack(TABLES, attacks="copies", subgroups=["nowhere"])
    with pytest.raises(InputError, match="no column 'nowhere'"):
        attack(TABLES, attacks="marginals", cliques=[("nowhere", "c0")])


def test_time_limit_skips_visibly() -> None:
    found = attack(TABLES, time_limit=0.0)
    assert all(r.verdict == "skipped" for r in found)
    assert found[0].note == "The time limit of the battery is reached."


def test_each_attack_is_told_before_it_begins() -> None:
    told: list[tuple[str, int, int]] = []
    attack(TABLES, attacks="gan leaks, copies", progress=lambda *step: told.append(step))
    assert told == [("copies", 0, 2), ("gan leaks", 1, 2)]


def test_splits_controls_ceilings_and_strata_are_reported() -> None:
    (found,) = attack(TABLES, attacks="domias", claim=Claim(1.0, 1e-5), splits=6, subgroups=["c0"])
    spread = found.figures["auc over splits"]
    assert spread.low is not None
    assert spread.high is not None
    assert spread.low < spread.value < spread.high
    assert found.figures["auc"].baseline != 0.5  # measured on other rows
    assert found.figures["auc"].ceiling is not None
    assert {"most exposed 5 %", "rare category", "c0 = v0", "c0 = v1"} <= set(found.strata)
    assert "auc" in found.strata["c0 = v0"]


def test_views_score_every_target_once_and_never_against_itself() -> None:
    context = Context(TABLES, splits=4)
    repeats = list(context.views(reference=True))
    assert len(repeats) == 2
    for folds in repeats:
        rows = np.concatenate([targets for targets, _ in folds])
        assert sorted(rows.tolist()) == list(range(600))
        for targets, view in folds:
            assert view.reference is not None
            assert abs(int((targets < 300).sum()) - int((targets >= 300).sum())) <= 1
            assert (view.to_reference(1) > 0).all()
            from privacy_audit.distances import nearest

            np.testing.assert_allclose(
                view.to_reference(3), nearest(view.targets, view.reference, 3).distances, atol=1e-12
            )


def test_ranks_keep_order_ties_and_missing() -> None:
    first = pd.DataFrame({"a": [1.0, 1e9, np.nan]})
    tables = align(first, pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
    found = ranked(tables)
    values = found.real.numbers[:, 0]
    assert values[0] == found.synthetic.numbers[0, 0]
    assert values[1] == pytest.approx(0.9)
    assert np.isnan(values[2])


def test_dcr_share_is_one_for_a_copy_of_few_binary_columns() -> None:
    """Ties count one half: a widespread metric counts them as nearer to the holdout and calls a verbatim copy perfect."""
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.choice(["a", "b"], (1200, 12)))
    tables = align(wide[:400], wide[:400], holdout=wide[800:])
    (found,) = attack(tables, attacks="dcr share")
    assert found.figures["share"].value > 0.9
    narrow = align(wide[[0, 1, 2, 3]][:400], wide[[0, 1, 2, 3]][:400], holdout=wide[[0, 1, 2, 3]][800:])
    (found,) = attack(narrow, attacks="dcr share")
    assert found.figures["share"].value == pytest.approx(0.5, abs=0.02)


def test_repeated_rows_of_a_person_are_one_target_and_natural_twins_are_many() -> None:
    again = pd.concat([MEMBERS.iloc[:60]] * 5)
    (found,) = attack(align(again, FRESH, holdout=HOLDOUT), attacks="gan leaks")
    assert found.scores is not None
    assert len(found.scores.members) == 60
    assert "repeated real rows are counted once" in found.note
    few = population(900, 3)[["c0", "c1", "c2"]]
    (found,) = attack(align(few[:300], few[300:600], holdout=few[600:]), attacks="gan leaks")
    assert found.scores is None or len(found.scores.members) == 300


def test_negative_and_missing_secrets_are_judged_like_others() -> None:
    """A relative error divided by the signed guess calls every guess of a negative secret right."""
    truth = pd.DataFrame({"a": [-100.0, -100.0, 100.0, np.nan, 5.0, 0.0]})
    guess = pd.DataFrame({"a": [-10.0, -96.0, 96.0, np.nan, np.nan, 0.0]})
    tables = align(truth, guess)
    assert guessed_right(tables.synthetic, tables.real).tolist() == [False, True, True, True, False, True]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_inference_risk_of_a_verbatim_leak_does_not_depend_on_the_sign(sign: float) -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"key": rng.normal(size=900), "other": rng.normal(size=900)})
    rows["secret"] = sign * rng.uniform(10, 1000, 900)
    (found,) = attack(align(rows[:300], rows[:300], holdout=rows[600:]), attacks="attribute inference")
    assert found.verdict == "leak"
    assert found.figures["risk"].value > 0.9
    (none,) = attack(align(rows[:300], rows[300:600], holdout=rows[600:]), attacks="attribute inference")
    assert none.verdict == "no leak found"
    assert none.strata["secret secret"]["rate"].value < 0.2


def test_the_inference_control_of_a_fair_coin_is_one_half() -> None:
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"key": rng.normal(size=900), "coin": rng.choice(["h", "t"], 900)}, index=range(5000, 5900))
    (found,) = attack(align(rows[:300], rows[300:600], holdout=rows[600:]), attacks="attribute inference")
    assert found.strata["secret coin"]["rate"].baseline == pytest.approx(0.5, abs=0.12)


def test_a_small_holdout_is_no_privacy_loss() -> None:
    """Counts of a holdout of another size divided by the members' size look like a loss of .40."""
    tables = align(FULL[:500], FULL[500:800], holdout=FULL[800:])
    (found,) = attack(tables, attacks="nnaa")
    assert abs(found.figures["privacy loss"].value) < 0.15
    (singled,) = attack(tables, attacks="singling out")
    assert singled.verdict in ("no leak found", "skipped")


def test_a_skewed_secret_is_no_disclosure() -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"k": rng.choice(list("abc"), 900), "s": rng.choice(["x", "y"], 900, p=[0.99, 0.01])})
    (found,) = attack(align(rows[:300], rows[300:600], holdout=rows[600:]), attacks="cap")
    cap = found.figures["cap"]
    assert found.verdict == "no leak found"
    assert cap.baseline == pytest.approx(cap.value, abs=0.05)


def test_one_copied_row_is_seen_only_where_copies_are_surprising() -> None:
    full = population(3000, 11)
    members, fresh, holdout = full[:1000], full[1000:2000].reset_index(drop=True), full[2000:]
    made = one_row(members, fresh, np.random.default_rng(0))
    (found,) = attack(align(members, made, holdout=holdout), attacks="copies")
    assert found.verdict == "leak"
    assert "1 of 1000 unique members" in found.note
    few = ["c0", "c1", "c2", "y"]
    (common,) = attack(align(members[few], made[few], holdout=holdout[few]), attacks="copies")
    assert common.verdict == "no leak found"


def test_copies_are_no_leak_where_no_member_is_unique() -> None:
    """0 of 0 members copied is no evidence: the chance of an innocent copy times no members is not a p-value of 0."""
    rng = np.random.default_rng(3)
    members = pd.DataFrame({"a": rng.integers(0, 3, 600).astype(str)})
    single = pd.DataFrame({"a": [*rng.integers(0, 3, 400).astype(str), *(f"n{i}" for i in range(200))]})
    for made in (members, single):
        (found,) = attack(align(members, made, holdout=single), attacks="copies")
        assert found.verdict == "skipped"
        assert found.p_value is None
        assert "no member is unique" in found.note


def test_verbatim_copy_exceeds_the_ceiling_of_a_small_claim() -> None:
    made = verbatim(MEMBERS, FRESH, np.random.default_rng(0))
    (found,) = attack(align(MEMBERS, made, holdout=HOLDOUT), attacks="gan leaks", claim=(1.0, 0.0))
    rate = found.figures["tpr at fpr 0.1"]
    assert rate.low is not None
    assert rate.ceiling is not None
    assert rate.low > rate.ceiling


def test_an_unknown_epsilon_leaves_the_ceilings_out() -> None:
    (found,) = attack(TABLES, attacks="density", claim=None)
    assert all(figure.ceiling is None for figure in found.figures.values())


def test_large_tables_are_sampled_and_say_so_but_copies_are_looked_for_in_all_rows() -> None:
    made = pd.concat([FRESH[1:], MEMBERS[7:8]], ignore_index=True)
    found = attack(align(MEMBERS, made, holdout=HOLDOUT), attacks="copies, gan leaks", most_rows=100)
    assert found[1].scores is not None
    assert len(found[1].scores.members) == 100
    assert "100 sampled rows of: real, synthetic, holdout" in found[1].note
    assert "1 of 300 unique members are copied" in found[0].note
