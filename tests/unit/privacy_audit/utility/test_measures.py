"""Each measure against a naive twin, and on tables whose answer is known."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from privacy_audit.frames import align
from privacy_audit.utility.association import associations
from privacy_audit.utility.base import Score
from privacy_audit.utility.bench import make_bench
from privacy_audit.utility.diversity import entropy
from privacy_audit.utility.marginals import cliques_of, distance, distances
from privacy_audit.utility.models import auc
from privacy_audit.utility.registry import MEASURES, measure, measure_bench
from tests.unit.privacy_audit.utility.support import DOMAIN, aligned, bench_of, people, shuffled


def _by_name(scores: tuple[Score, ...]) -> dict[str, Score]:
    return {score.name: score for score in scores}


@pytest.fixture(scope="module")
def independent() -> dict[str, Score]:
    return _by_name(measure(aligned(shuffled(people(1000, 1), 3), 1000)))


@pytest.fixture(scope="module")
def copy() -> dict[str, Score]:
    return _by_name(measure(aligned(people(1000, 1), 1000)))


@pytest.fixture(scope="module")
def fresh() -> dict[str, Score]:
    return _by_name(measure(aligned(people(1000, 9), 1000)))


JOINT = ("k_marginal", "tvd2_mean", "tvd3_mean", "tvd3_q20_mean", "association_mean", "correlation_mean",
         "interval_coverage_joint", "precision", "coverage", "c2st_boosting", "tstr_auc_boosting",
         "tstr_r2_boosting", "k_marginal_min[sex]")  # fmt: skip


@pytest.mark.parametrize("name", JOINT)
def test_independent_columns_are_at_the_ceiling_and_a_fresh_sample_near_the_floor(
    name: str, independent: dict[str, Score], fresh: dict[str, Score]
) -> None:
    assert independent[name].lost == pytest.approx(1.0, abs=0.25)
    assert fresh[name].lost < 0.45


@pytest.mark.parametrize("name", ["tvd1_mean", "wasserstein[wage]", "entropy_match_mean"])
def test_numbers_about_one_column_do_not_blame_independent_columns(name: str, independent: dict[str, Score]) -> None:
    assert independent[name].lost < 0.15


@pytest.mark.parametrize("name", ["tvd1_max", "tvd2_max", "tvd3_max", "range_error_mean", "association_max",
                                  "novel_pair_rows", "parity_shift[sex]", "wasserstein[age]", "tstr_gap_boosting",
                                  "tstr_gap_linear", "tpr_shift[sex]"])  # fmt: skip
def test_verbatim_copy_has_no_error(name: str, copy: dict[str, Score]) -> None:
    assert copy[name].value == pytest.approx(0.0, abs=1e-12)


def test_verbatim_copy_is_right_elsewhere_too(copy: dict[str, Score]) -> None:
    assert copy["k_marginal"].value == 1000
    assert copy["interval_coverage_joint"].value == 1
    assert copy["c2st_boosting"].low is not None
    assert copy["c2st_boosting"].low < 0.55
    assert copy["importance_overlap"].value == 1
    assert copy["rare_pair_recall"].value == 1


def test_every_number_has_floor_and_ceiling(fresh: dict[str, Score]) -> None:
    assert len(fresh) > 40
    for score in fresh.values():
        assert math.isfinite(score.value), score
        assert math.isfinite(score.floor), score
        assert math.isfinite(score.ceiling), score


def test_equal_seeds_give_equal_numbers() -> None:
    names = ("marginals", "range_queries", "manifold", "duplicates")
    first, second, other = (measure(aligned(people(400, 9), 400), seed=s, only=names) for s in (5, 5, 6))
    assert first == second
    assert first != other


# ------------------------------------------------------------------------------------------------------ naive twins


def test_distances_are_those_of_crosstabs() -> None:
    rng = np.random.default_rng(0)
    sizes = np.array([3, 4, 2], dtype=np.int64)
    real, mine = (np.column_stack([rng.integers(0, s, n) for s in sizes]) for n in (50, 70))
    for clique in [(0,), (1, 2), (0, 1, 2)]:
        shares = [pd.DataFrame(t[:, clique]).value_counts(normalize=True) for t in (real, mine)]
        naive = 0.5 * shares[0].sub(shares[1], fill_value=0).abs().sum()
        assert distances(real, mine, sizes, [clique])[0] == pytest.approx(naive, abs=1e-12)


def test_sparse_counting_agrees_with_dense() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 1000, 300), rng.integers(0, 1000, 400)
    assert distance(a, b, 10**9) == pytest.approx(distance(a, b, 1000), abs=1e-12)


def test_joint_tables_beyond_64_bits_are_counted_by_rows() -> None:
    rng = np.random.default_rng(2)
    small = rng.integers(0, 3, (40, 3)), rng.integers(0, 3, (60, 3))
    huge = np.full(3, 2**40, dtype=np.int64)
    plain = distances(*small, np.full(3, 3, dtype=np.int64), [(0, 1, 2)])
    assert distances(*small, huge, [(0, 1, 2)]) == pytest.approx(plain)


def test_cliques_are_sampled_where_there_are_too_many() -> None:
    assert cliques_of(5, 3, np.random.default_rng(0)) == list(itertools.combinations(range(5), 3))
    many = cliques_of(1000, 3, np.random.default_rng(0))
    assert len(set(many)) == 600
    assert all(a < b < c for a, b, c in many)


def test_associations_are_the_textbook_ones() -> None:
    frame = people(800, 4)
    bench = bench_of(frame)
    place = bench.grid.names.index
    pairs = [(place("age"), place("wage")), (place("age"), place("job")), (place("job"), place("rich"))]
    pearson, ratio, v = associations(bench.synthetic, bench.grid, pairs)
    assert pearson == pytest.approx(abs(np.corrcoef(frame["age"], frame["wage"])[0, 1]))
    groups = frame.groupby("job")["age"]
    between = (groups.size() * (groups.mean() - frame["age"].mean()) ** 2).sum()
    assert ratio == pytest.approx(math.sqrt(between / ((frame["age"] - frame["age"].mean()) ** 2).sum()))
    table = pd.crosstab(frame["job"], frame["rich"]).to_numpy()
    assert v == pytest.approx(stats.contingency.association(table, method="cramer"))


def test_area_under_the_curve_splits_ties() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.integers(0, 5, 60).astype(float), rng.integers(0, 4, 80).astype(float)
    truth = np.repeat([1, 0], [60, 80])
    assert auc(x, y)[0] == pytest.approx(roc_auc_score(truth, np.concatenate([x, y])))
    assert math.isnan(auc(np.zeros(0), y)[0])


def test_wasserstein_is_in_real_standard_deviations() -> None:
    real = people(1500, 1)
    moved = real.assign(wage=real["wage"].clip(-10, 57) + 3.0)
    score = _by_name(measure(aligned(moved), only=["wasserstein"]))["wasserstein[wage]"]
    assert score.value == pytest.approx(3.0 / real["wage"].std(ddof=0), rel=0.02)


def test_entropy_is_shannons() -> None:
    assert entropy(np.array([1, 1, 1, 1, 0])) == pytest.approx(math.log(4))
    assert entropy(np.array([7])) == 0


def test_dropped_category_is_seen() -> None:
    frame = people(1500, 9)
    scores = _by_name(measure(aligned(frame[frame["job"] != "d"].reset_index(drop=True)), only=["categories"]))
    assert scores["category_coverage_min"].value == pytest.approx(0.75)
    assert scores["category_coverage_min"].note.endswith("job")


def test_lost_rare_values_are_seen() -> None:
    frame = people(1500, 1).assign(job=lambda f: np.where(np.arange(len(f)) < 12, "x", f["job"]))
    domain = DOMAIN | {"job": ["a", "b", "c", "d", "x"]}
    tables = align(frame, frame.assign(job=frame["job"].replace("x", "a")), holdout=people(500, 2), domain=domain)
    scores = _by_name(measure(tables, only=["categories"]))
    assert scores["rare_recall"].value < scores["rare_recall"].floor


def test_repeated_rows_are_seen() -> None:
    few = people(30, 9).sample(1500, replace=True, random_state=0).reset_index(drop=True)
    score = _by_name(measure(aligned(few), only=["duplicates"]))["duplicate_excess"]
    assert score.value == pytest.approx(1 - 30 / 1500, abs=1e-6)
    assert score.floor < 0.01


def test_measured_and_unmeasured_cliques_are_told_apart() -> None:
    real = people(1500, 1)
    rng = np.random.default_rng(0)
    half = real.assign(
        job=rng.permutation(real["job"]), sex=rng.permutation(real["sex"]), rich=rng.permutation(real["rich"])
    )
    scores = _by_name(measure(aligned(half), measured=[("age", "wage")], only=["measured"]))
    assert scores["tvd_measured_mean"].value < 1e-9
    assert scores["tvd_unmeasured_mean"].value > 0.1


def test_worst_subgroup_is_named() -> None:
    real, other = people(1500, 1), people(1500, 9)
    bad = other["sex"] == "f"
    other.loc[bad, "wage"] = np.random.default_rng(0).permutation(other.loc[bad, "wage"])
    score = _by_name(measure(aligned(other), subgroups=["sex"], only=["subgroups"]))["k_marginal_min[sex]"]
    assert real["sex"].nunique() == 2
    assert ": f " in score.note
    assert score.value < score.floor - 20


def test_fairness_gap_is_that_of_rates() -> None:
    real, other = people(1500, 1), people(1500, 9)
    other.loc[other["sex"] == "f", "rich"] = "yes"
    score = _by_name(measure(aligned(other), subgroups=["sex"], only=["fairness"]))["parity_shift[sex]"]
    gaps = []
    for frame in (real, other):
        rates = (frame["rich"] == "yes").groupby(frame["sex"]).mean()
        gaps.append(rates.max() - rates.min())
    assert score.value == pytest.approx(abs(gaps[1] - gaps[0]))


def test_gap_of_intervals_is_seen_on_a_biased_mean() -> None:
    real = people(1500, 1)
    scores = _by_name(measure(aligned(real.assign(wage=real["wage"] * 0.9)), only=["intervals"]))
    assert scores["interval_coverage_joint"].value < scores["interval_coverage_joint"].floor - 0.1


# ------------------------------------------------------------------------------------------------- rules and refusals


def test_constraints_count_broken_rules() -> None:
    frame = people(1500, 9)
    rules = {"grown": "age >= 18 or rich == 'no'", "sum": lambda f: (f["wage"] > -5).to_numpy()}
    scores = _by_name(measure(aligned(frame), constraints=rules, only=["constraints"]))
    first = ((frame["age"] < 18) & (frame["rich"] == "yes")).mean()
    second = (frame["wage"] <= -5).mean()
    assert scores["violations[grown]"].value == pytest.approx(first)
    assert scores["violations[sum]"].value == pytest.approx(second)
    assert scores["violations_any"].value >= max(first, second)


def test_measures_follow_the_registry_and_the_clock() -> None:
    told: list[tuple[str, int, int]] = []
    bench = bench_of(people(200, 9), 200)
    scores = measure_bench(bench, time_limit=0.0, progress=lambda *step: told.append(step))
    assert len(told) <= 1
    assert any("time limit" in score.note and math.isnan(score.value) for score in scores)
    measure_bench(bench, only=["one_way", "entropy"], progress=lambda *step: told.append(step))
    assert told[-2:] == [("one_way", 0, 2), ("entropy", 1, 2)]
    assert all(name == kind.name for name, kind in MEASURES.items())


def test_defaults_are_chosen_from_the_columns() -> None:
    bench = bench_of(people(300, 9), 300)
    names = bench.grid.names
    assert names[bench.label or 0] == "rich"
    assert names[bench.target or 0] == "wage"
    assert [names[i] for i in bench.groupings] == ["sex", "job"]


def test_a_number_given_as_label_is_the_target() -> None:
    bench = bench_of(people(300, 9), 300, label="age")
    assert bench.grid.names[bench.target or 0] == "age"
    assert bench.grid.names[bench.label or 0] == "rich"


def test_without_holdout_models_are_tested_on_the_other_half() -> None:
    bench = make_bench(aligned(people(300, 9), 300, holdout=False))
    assert not bench.held_out
    assert bench.source.rows + bench.anchor.rows == bench.real.rows == 300
    assert "no holdout" in bench.notes[0]


def test_long_tables_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("privacy_audit.utility.bench.MOST_ROWS", 100)
    bench = bench_of(people(300, 9), 300)
    assert bench.real.rows == bench.synthetic.rows == 100
    assert any("samples of 100 rows" in note for note in bench.notes)
