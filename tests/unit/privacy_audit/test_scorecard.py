"""The whole audit on small tables whose answer is known, and its renderings."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import privacy_audit
from privacy_audit.report.markdown import render_markdown
from privacy_audit.scorecard import NOT_FOR_RELEASE, Scorecard, audit, frontier
from privacy_audit.verdict import Policy
from tests.unit.privacy_audit.report.schema import complaints
from tests.unit.privacy_audit.utility.support import DOMAIN, people, shuffled

ROWS = 700
ROOT = Path(__file__).parents[3]
QUICK = ("one_way", "marginals", "k_marginal", "wasserstein")


def run(synthetic: Any, **options: Any) -> Scorecard:
    settings: dict[str, Any] = {"holdout": people(ROWS, 2), "domain": DOMAIN, "splits": 2, "utility": QUICK}
    return audit(people(ROWS, 1), synthetic, **(settings | options))


@pytest.fixture(scope="module")
def independent() -> Scorecard:
    return run(shuffled(people(ROWS, 3), 4), epsilon=1.0, delta=1e-5, name="independent", utility=None)


@pytest.fixture(scope="module")
def copy() -> Scorecard:
    return run(people(ROWS, 1), epsilon=1.0, delta=1e-5, name="a <copy>", subgroups=["sex"])


def test_independent_table_passes(independent: Scorecard) -> None:
    summary = independent.to_dict()
    assert independent.passed
    assert independent.exit_code == 0
    assert [one["name"] for one in summary["attacks"] if one["verdict"] == "leak"] == []
    assert summary["epsilon_lower_bound"]["epsilon"] <= 1.0
    scores = {one["name"]: one for one in summary["utility"]}
    assert scores["k_marginal"]["lost"] > 0.8
    assert scores["tvd1_mean"]["lost"] < 0.2


def test_verbatim_copy_is_a_violation(copy: Scorecard) -> None:
    summary = copy.to_dict()
    assert not copy.passed
    assert copy.exit_code == 1
    leaks = {one["name"] for one in summary["attacks"] if one["verdict"] == "leak"}
    assert {"copies", "gan leaks"} <= leaks
    assert summary["epsilon_lower_bound"]["epsilon"] > 1.5
    assert any("rows may have been copied" in note for note in summary["notes"])
    assert any(reason.startswith(summary["epsilon_lower_bound"]["attack"]) for reason in summary["reasons"])


def test_summaries_keep_the_published_form(independent: Scorecard, copy: Scorecard) -> None:
    for card in (independent, copy):
        assert complaints(json.loads(card.to_json())) == []


def test_the_form_is_strict(independent: Scorecard) -> None:
    broken = independent.to_dict()
    broken["verdict"] = "fine"
    broken["extra"] = 1
    broken["attacks"][0]["p_value"] = "none"
    del broken["tables"]["real"]
    found = complaints(broken)
    assert found == [
        "$.verdict is 'fine'",
        "$.tables.real is missing",
        "$.attacks[0].p_value is str",
        "$.extra is unknown",
    ]


def test_every_rendering_says_first_that_it_is_not_for_release(independent: Scorecard, copy: Scorecard) -> None:
    page = copy.to_html()
    body = page[page.index("<body>") + len("<body>") :].strip()
    assert body.startswith(f'<p class="warning">{NOT_FOR_RELEASE}</p>')
    assert copy.to_markdown().startswith(f"**{NOT_FOR_RELEASE}**\n")
    assert list(copy.to_dict())[1] == "warning"
    assert "not for release" in independent.to_html()


def test_page_is_self_contained_small_and_well_formed(copy: Scorecard, tmp_path: Path) -> None:
    page = copy.to_html(tmp_path / "audit.html")
    assert (tmp_path / "audit.html").read_text(encoding="utf-8") == page
    assert len(page.encode()) < 1_000_000
    for word in ("<script", "http:", "https:", "@import", "url(", "src="):
        assert word not in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    drawings = ["<svg" + part.split("</svg>")[0] + "</svg>" for part in page.split("<svg")[1:]]
    assert len(drawings) > 5
    for drawing in drawings:
        ET.fromstring(drawing)


def test_ceiling_and_both_distance_curves_are_drawn(copy: Scorecard) -> None:
    page = copy.to_html()
    assert "most that epsilon 1 allows" in page
    assert ">chance<" in page
    assert ">members<" in page
    assert ">held-out rows<" in page
    curves = copy.summary["distances"]
    assert max(curves["members"]) == 0.0
    assert max(curves["holdout"]) > 0.0
    roc = next(one for one in copy.summary["roc"] if one["attack"] == copy.summary["epsilon_lower_bound"]["attack"])
    assert roc["fpr"] == sorted(roc["fpr"])
    assert roc["tpr"] == sorted(roc["tpr"])


def test_texts_of_tables_are_escaped(copy: Scorecard) -> None:
    page = copy.to_html()
    assert "a &lt;copy&gt;" in page
    assert "a <copy>" not in page
    assert "a \\<copy\\>" in copy.to_markdown()


def test_every_attack_and_score_is_in_both_pages(independent: Scorecard) -> None:
    page, text = independent.to_html(), independent.to_markdown().replace("\\", "")
    for one in [*independent.summary["attacks"], *independent.summary["utility"]]:
        assert one["name"] in page
        assert one["name"] in text


def test_frontier_sets_leakage_against_utility(independent: Scorecard, copy: Scorecard) -> None:
    points = frontier([independent, copy])
    assert [point["name"] for point in points] == ["independent", "a <copy>"]
    assert points[0]["leakage"]["value"] < points[1]["leakage"]["value"]
    assert points[0]["utility"]["value"] < points[1]["utility"]["value"]
    from privacy_audit.report.html import render_html

    summaries = [independent.summary, copy.summary]
    assert "Leakage against utility" in render_html(summaries, points)
    assert "Leakage against utility" in render_markdown(summaries, points)


def test_without_holdout_it_is_visibly_inconclusive() -> None:
    card = run(shuffled(people(ROWS, 3), 4), holdout=None, epsilon=1.0)
    assert card.verdict == "inconclusive"
    skipped = [one for one in card.summary["attacks"] if one["verdict"] == "skipped"]
    assert len(skipped) >= 15
    assert all("holdout" in one["note"] for one in skipped)
    assert any("a holdout is needed" in reason for reason in card.summary["reasons"])
    assert card.summary["distances"] is None
    assert "INCONCLUSIVE" in card.to_html()
    assert complaints(card.to_dict()) == []


def test_unknown_epsilon_is_said_and_a_leak_is_then_a_violation() -> None:
    card = run(people(ROWS, 1), attacks="copies,gan leaks")
    assert card.verdict == "violation"
    assert card.summary["claim"] is None
    assert "No epsilon is claimed" in card.to_html()
    assert "No epsilon is claimed" in card.to_markdown()
    assert complaints(card.to_dict()) == []


def test_time_limit_is_visible() -> None:
    card = run(shuffled(people(ROWS, 3), 4), time_limit=0.0)
    assert card.verdict == "inconclusive"
    assert any("time limit" in reason for reason in card.summary["reasons"]) or all(
        one["verdict"] == "skipped" for one in card.summary["attacks"]
    )
    assert complaints(card.to_dict()) == []


def test_policy_is_kept_and_shown() -> None:
    card = run(shuffled(people(ROWS, 3), 4), attacks="gan leaks", policy=Policy(utility={"k_marginal": 990}))
    assert card.verdict == "policy fail"
    assert card.exit_code == 3
    assert "failed" in card.to_html()
    assert "the policy does not allow: k_marginal" in card.summary["reasons"]
    assert "| k\\_marginal |" in card.to_markdown()


def test_equal_seeds_give_equal_summaries() -> None:
    first, second = (
        run(people(ROWS, 3), attacks="gan leaks,domias", utility=["marginals"], seed=3).to_dict() for _ in range(2)
    )
    first.pop("took")
    second.pop("took")
    assert first == second


def test_steps_are_told() -> None:
    told: list[tuple[str, float]] = []
    settings = {"attacks": "copies,gan leaks", "utility": ["one_way", "marginals"]}
    run(people(ROWS, 3), **settings, progress=lambda step, share: told.append((step, share)))
    assert [step for step, _ in told] == [
        "align",
        "attack 1 of 2: copies",
        "attack 2 of 2: gan leaks",
        "lower bound",
        "utility 1 of 2: one_way",
        "utility 2 of 2: marginals",
    ]
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert 0 == shares[0] < shares[-1] < 1


def test_what_the_lower_bound_takes_for_granted_goes_with_it(copy: Scorecard) -> None:
    assumed = copy.summary["epsilon_lower_bound"]["assumptions"]
    assert [len(words) > 20 for words in assumed] == [True, True]
    for words in assumed:
        assert words in copy.to_html()
        assert words in copy.to_markdown()
        assert words in copy.summary["reasons"][0]


# ------------------------------------------------------------------------------------------------------- public names


def test_public_names_exist_and_are_explained() -> None:
    assert dir(privacy_audit) == sorted(privacy_audit.__all__)
    for name in privacy_audit.__all__:
        assert getattr(privacy_audit, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'adit'"):
        _ = privacy_audit.adit  # type: ignore[attr-defined]


def test_import_loads_nothing_heavy() -> None:
    program = "import sys, privacy_audit, privacy_audit.cli; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    heavy = {"pandas", "scipy", "sklearn", "narwhals", "pyarrow", "numpy", "jinja2", "dpsynth", "torch"}
    assert not heavy & set(loaded.split())
