"""Bugs in how far one unit moves an answer, and in the noise that hides it."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

LEAKS = "tests/gate/test_peer_leaks.py::"
FLAWS = "tests/gate/test_flaws.py::"
GATE = "tests/unit/gate/"
ROUNDED = "            return [e + rounded_gaussian(s, e.shape, entropy) for e, s in zip(exact, sigmas, strict=True)]\n"
LAPLACE = "            return [e + discrete_laplace(s, e.shape, entropy) for e, s in zip(exact, scales, strict=True)]\n"

SENSITIVITY = (
    Mutant(
        "exponential mechanism with coefficient 1",
        "noise/scores.py",
        "Fraction(float(epsilon)) / (2 * int(sensitivity))",
        "Fraction(float(epsilon)) / int(sensitivity)",
        (LEAKS + "test_odds_of_a_selection_move_by_no_more_than_its_epsilon",),
    ),
    Mutant(
        "exponential mechanism without the sensitivity of its scores",
        "noise/scores.py",
        "Fraction(float(epsilon)) / (2 * int(sensitivity))",
        "Fraction(float(epsilon)) / 2",
        ("tests/unit/noise/test_exponential.py::test_sensitivity_scales_the_scores",),
    ),
    Mutant(
        "selection among weighted scores as if their weights were 1",
        "gate/answers.py",
        "sensitivity = sensitivity_of_score(query, unit, relation)",
        "sensitivity = unit.l1(relation)",
        (GATE + "test_answers.py::test_a_heavier_score_is_chosen_with_more_noise",),
    ),
    Mutant(
        "permute-and-flip accounted as bounded range",
        "gate/mechanisms.py",
        "(BoundedRange if isinstance(mechanism, Exponential) else PureDP)(float(epsilon))",
        "BoundedRange(float(epsilon))",
        (GATE + "test_mechanisms.py::test_event_of_a_question",),
    ),
    Mutant(
        "sigma not multiplied by the rows of a unit",
        "generators/shares.py",
        "math.sqrt(self.unit.squared_l2(self.relation) / share)",
        "math.sqrt(1 / share)",
        (LEAKS + "test_noise_grows_with_the_rows_of_a_unit",),
    ),
    Mutant(
        "a unit of k rows moves a histogram by 1",
        "domain/unit.py",
        "return self.size * self.size * (1 if",
        "return (1 if",
        (LEAKS + "test_noise_grows_with_the_rows_of_a_unit", GATE + "test_mechanisms.py::test_event_of_a_question"),
    ),
    Mutant(
        "replace-one moves a histogram as far as add/remove (L2)",
        "domain/unit.py",
        "return self.size * self.size * (1 if relation is NeighbouringRelation.ADD_REMOVE else 2)",
        "return self.size * self.size",
        (GATE + "test_queries_sensitivity.py::test_the_bounds_are_reached",),
    ),
    Mutant(
        "replace-one moves a histogram as far as add/remove (L1)",
        "domain/unit.py",
        "return self.size * (1 if relation is NeighbouringRelation.ADD_REMOVE else 2)",
        "return self.size",
        (GATE + "test_queries_sensitivity.py::test_the_bounds_are_reached",),
    ),
    Mutant(
        "a vector of distances without sqrt(m)",
        "gate/mechanisms.py",
        "sum(weight * weight for weight in weights) * l1 * l1",
        "max(weight * weight for weight in weights) * l1 * l1",
        (GATE + "test_mechanisms.py::test_event_of_a_question",),
    ),
    Mutant(
        "weights of distances are not part of the event",
        "gate/mechanisms.py",
        "weights = shape.weights or (1,) * shape.count",
        "weights = (1,) * shape.count",
        (GATE + "test_verification.py::test_weights_of_distances_are_part_of_the_event",),
    ),
    Mutant(
        "a total under k rows moves by 1",
        "gate/mechanisms.py",
        "return unit.size, unit.size * unit.size",
        "return 1, 1",
        (GATE + "test_mechanisms.py::test_event_of_a_question",),
    ),
    Mutant(
        "Laplace noise with the sensitivity of one answer",
        "gate/mechanisms.py",
        "Laplace(float(v), l1)",
        "Laplace(float(v), 1)",
        (GATE + "test_mechanisms.py::test_event_of_a_question",),
    ),
    Mutant(
        "coarse cells are not applied to the counts",
        "engines/base.py",
        "[code if table is None else table[code] for code, table in zip(batch, tables, strict=False)]",
        "[np.minimum(code, size - 1) for code, size in zip(batch, sizes, strict=False)]",
        ("tests/unit/engines/test_memory.py::test_counts_after_grouping",),
    ),
    Mutant(
        "axes of a marginal in another order than its clique",
        "engines/base.py",
        "[[place[name] for name in clique] for clique in cliques]",
        "[sorted(place[name] for name in clique) for clique in cliques]",
        ("tests/unit/engines/test_memory.py::test_counts",),
    ),
)

NOISE = (
    Mutant(
        "no noise on empty cells",
        "gate/answers.py",
        ROUNDED,
        ROUNDED.replace(
            "e + rounded_gaussian(s, e.shape, entropy)",
            "np.where(e == 0, 0, e + rounded_gaussian(s, e.shape, entropy))",
        ),
        (LEAKS + "test_listed_values_without_rows_get_the_same_noise[rounded_gaussian]",),
    ),
    Mutant(
        "small noisy counts are kept back",
        "gate/answers.py",
        LAPLACE,
        LAPLACE.replace("return [e", "return [np.where((n := e").replace("entropy) for", "entropy)) < 5, 0, n) for"),
        (LEAKS + "test_listed_values_without_rows_get_the_same_noise[discrete_laplace]",),
    ),
    Mutant(
        "one noise vector for all cliques of a question",
        "gate/answers.py",
        ROUNDED,
        "            noise = rounded_gaussian(sigmas[0], max(e.size for e in exact), entropy)\n"
        "            return [e + noise[: e.size].reshape(e.shape) for e in exact]\n",
        (
            LEAKS + "test_no_noise_is_used_twice",
            GATE + "test_grant.py::test_answers_are_counts_plus_the_noise_of_the_event",
        ),
    ),
    Mutant(
        "a variance where a sigma is meant",
        "gate/answers.py",
        "rounded_gaussian(s, e.shape, entropy)",
        "rounded_gaussian(math.sqrt(s), e.shape, entropy)",
        (
            LEAKS + "test_noise_grows_with_the_rows_of_a_unit",
            LEAKS + "test_the_noise_on_record_is_the_noise_of_each_clique",
        ),
    ),
    Mutant(
        "the event of sigma squared",
        "gate/mechanisms.py",
        "Gaussian(float(v), squared_l2)",
        "Gaussian(float(v) ** 2, squared_l2)",
        (GATE + "test_mechanisms.py::test_event_of_a_question",),
    ),
    Mutant(
        "a sigma of 1 on record for every measurement",
        "gate/answers.py",
        "return [float(sigma) for sigma in mechanism.sigmas]",
        "return [1.0 for sigma in mechanism.sigmas]",
        (LEAKS + "test_the_noise_on_record_is_the_noise_of_each_clique[mst]",),
    ),
    Mutant(
        "a generator of numpy with a fixed seed draws the noise",
        "noise/entropy.py",
        "np.frombuffer(os.urandom(8 * count), dtype=np.uint64) if count",
        "np.random.Philox(key=0).random_raw(count) if count",
        (LEAKS + "test_no_noise_is_used_twice", FLAWS + "test_f4_there_is_no_default_seed"),
    ),
    Mutant(
        "a generator of numpy seeded by the system draws the noise",
        "noise/entropy.py",
        "np.frombuffer(os.urandom(8 * count), dtype=np.uint64) if count",
        "np.random.Philox().random_raw(count) if count",
        (LEAKS + "test_the_operating_system_is_the_only_source_of_noise[independent]",),
    ),
    Mutant(
        "floating-point noise on counts",
        "gate/answers.py",
        ROUNDED,
        "            return [e + s * ndtri((entropy.words(e.size) + 0.5) * 2.0**-64).reshape(e.shape) for e, s in zip(exact, sigmas, strict=True)]\n".replace(
            "ndtri", "__import__('scipy.special').special.ndtri"
        ),
        (FLAWS + "test_f5_answers_are_whole_numbers",),
    ),
)

MUTANTS = (*SENSITIVITY, *NOISE)
