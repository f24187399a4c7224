"""Bugs in what is charged, when, and for how much."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

__all__ = ["MUTANTS"]

FLAWS = "tests/gate/test_flaws.py::"
GATE = "tests/unit/gate/"
ACCOUNTING = "tests/unit/accounting/"
DRAW_THEN_CROSS = """\
        event_id = draw(self.__ledger, self.__charge.seq, self.__index, facts)
        try:
            noisy = self.__cross(query, mechanism)
"""
CROSS_THEN_DRAW = """\
        try:
            noisy = self.__cross(query, mechanism)
            event_id = draw(self.__ledger, self.__charge.seq, self.__index, facts)
"""

CHARGES = (
    Mutant(
        "charge after draw",
        "gate/grant.py",
        DRAW_THEN_CROSS,
        CROSS_THEN_DRAW,
        (GATE + "test_grant.py::test_the_order_is_law",),
    ),
    Mutant(
        "a draw row is not appended",
        "gate/charges.py",
        '        ledger.append({"type": "running", "reservation": reservation, "index": index, **facts})\n',
        "",
        (GATE + "test_grant.py::test_the_order_is_law",),
    ),
    Mutant(
        "commits that a power cut can take back",
        "gate/ledger_schema.py",
        "PRAGMA synchronous = EXTRA",
        "PRAGMA synchronous = OFF",
        (GATE + "test_ledger.py::test_every_commit_is_synced_with_its_folder",),
    ),
    Mutant(
        "a burned reservation is given back to its account",
        "gate/ledger_state.py",
        "tuple(reservation.event for reservation in self.reservations)",
        'tuple(reservation.event for reservation in self.reservations if reservation.state != "burned")',
        (GATE + "test_charges.py::test_whatever_became_of_a_reservation_it_stays_spent",),
    ),
    Mutant(
        "a burned reservation is given back to the whole ledger",
        "gate/ledger_state.py",
        "tuple(charge.event for charge in self.reservations.values())",
        'tuple(charge.event for charge in self.reservations.values() if charge.state != "burned")',
        (GATE + "test_charges.py::test_what_was_burned_counts_against_the_whole_ledger_too",),
    ),
    Mutant(
        "a draw that a crash lost is drawn again for nothing",
        "gate/charges.py",
        "    if not earlier.pending:\n        return Charge(",
        "    if True:\n        return Charge(",
        (GATE + "test_charges.py::test_a_job_that_lost_a_draw_is_burned_and_charged_anew",),
    ),
    Mutant(
        "the cap is not looked at",
        "gate/caps.py",
        "if after <= cap.epsilon:",
        "if spent_up((new,), cap.delta, relation) <= cap.epsilon:",
        (
            GATE + "test_charges.py::test_charges_compose_until_the_cap",
            FLAWS + "test_f6_a_second_fit_is_charged_or_refused",
        ),
    ),
    Mutant(
        "a cost that is no number fits any cap",
        "gate/caps.py",
        "if after <= cap.epsilon:",
        "if not after > cap.epsilon:",
        (GATE + "test_caps.py::test_a_figure_that_is_no_number_is_refused",),
    ),
    Mutant(
        "the cap of the whole ledger is not looked at",
        "gate/charges.py",
        "if (whole := ledger.state.cap) is not None:",
        "if (whole := None) is not None:",
        (GATE + "test_charges.py::test_other_accounts_have_their_own_cap_and_the_ledger_one_over_all",),
    ),
    Mutant(
        "charges chosen from earlier answers are priced as if fixed beforehand",
        "gate/sequence.py",
        "    if single:\n",
        "    if True:\n",
        (GATE + "test_sequence.py::test_several_charges_never_take_a_figure_that_only_a_fixed_plan_has",),
    ),
    Mutant(
        "a reservation without slack",
        "gate/caps.py",
        "if slack < DRAW_SLACK and (",
        "if slack < 0 and (",
        (GATE + "test_charges.py::test_what_may_not_be_reserved",),
    ),
    Mutant(
        "draws are not taken from the slack",
        "gate/allowance.py",
        "self._draws_left -= draws",
        "self._draws_left -= 0",
        (GATE + "test_allowance.py::test_draws_are_bounded_by_the_slack",),
    ),
    Mutant(
        "a reserved event can be used more than once",
        "gate/allowance.py",
        "        self._fixed = fixed\n",
        "",
        (FLAWS + "test_each_question_is_answered_once",),
    ),
    Mutant(
        "a filter forgets what it paid",
        "accounting/filters.py",
        "self._remaining -= cost",
        "self._remaining -= 0",
        (ACCOUNTING + "test_filters.py::test_what_was_taken_never_exceeds_the_total",),
    ),
    Mutant(
        "a filter pays one float too much",
        "accounting/filters.py",
        "        if cost > self._remaining:\n",
        "        if float(cost) > float(self._remaining) * (1 + 2**-50):\n",
        (ACCOUNTING + "test_filters.py::test_one_float_too_much_is_refused",),
    ),
    Mutant(
        "parts of one question are each held against the whole filter",
        "gate/allowance.py",
        "left = purse.remaining - promised[place]",
        "left = purse.remaining",
        (GATE + "test_allowance.py::test_a_composed_question_is_checked_against_one_purse_as_a_whole",),
    ),
    Mutant(
        "a replay ignores that the table has changed",
        "gate/identity.py",
        'hmac.new(secret, b"job" + message, hashlib.sha256)',
        'hmac.new(secret, b"job" + canonical_json(facts), hashlib.sha256)',
        (GATE + "test_charges.py::test_the_same_job_is_found_again_and_everything_else_is_new",),
    ),
    Mutant(
        "a replay gives the answer of another question",
        "gate/grant.py",
        "if any(stored.draw.get(name)",
        "if all(stored.draw.get(name)",
        (GATE + "test_grant_replay.py::test_a_replay_never_gives_the_answer_of_another_question",),
    ),
    Mutant(
        "a copy with few changes gets a fresh account",
        "gate/accounts.py",
        "if share >= 0.5 and",
        "if share >= 2.0 and",
        (GATE + "test_accounts.py::test_a_chain_of_small_changes_stays_with_its_account",),
    ),
    Mutant(
        "the chain of the ledger is not verified",
        "gate/ledger_state.py",
        "if row.seq != self.seq + 1 or row.hash != chain_hash(self.head, row.text):",
        "if row.seq != self.seq + 1:",
        (GATE + "test_ledger_state.py::test_a_broken_chain",),
    ),
    Mutant(
        "rows tell how long counting took",
        "gate/charges.py",
        '{"type": "answer", "reservation": reservation, "index": index, **facts}',
        '{"type": "answer", "reservation": reservation, "index": index, "time": now(), **facts}',
        (GATE + "test_charges.py::test_no_row_tells_how_long_counting_took",),
    ),
    Mutant(
        "a test seed is stamped private in its measurements",
        "gate/grant.py",
        "return self.__seed is None",
        "return True",
        (GATE + "test_open.py::test_test_mode_stamps_everything",),
    ),
    Mutant(
        "a test seed is stamped private in the ledger",
        "gate/charges.py",
        '"private": wish.seed is None,',
        '"private": True,',
        (GATE + "test_open.py::test_test_mode_stamps_everything",),
    ),
    Mutant(
        "a seeded run is replayed as a private one",
        "gate/charges.py",
        '        "seed": wish.seed,\n',
        "",
        (GATE + "test_open.py::test_a_seeded_run_is_never_replayed_as_a_private_one",),
    ),
)

FIGURES = (
    Mutant(
        "slack is not charged",
        "accounting/base.py",
        "return with_slack(inner, parts.slack)",
        "return inner",
        (ACCOUNTING + "test_base.py::test_slack_alone",),
    ),
    Mutant(
        "slack is charged once instead of on both neighbours",
        "accounting/base.py",
        "self.slack * (1.0 + math.exp(epsilon))",
        "self.slack",
        (ACCOUNTING + "test_base.py::test_slack_alone",),
    ),
    Mutant(
        "a look without noise costs nothing",
        "accounting/base.py",
        "                non_private = True\n",
        "                non_private = False\n",
        (ACCOUNTING + "test_base.py::test_a_look_without_noise_has_no_finite_epsilon",),
    ),
    Mutant(
        "epsilon is printed rounded down",
        "accounting/quantities.py",
        "rounding=ROUND_CEILING",
        'rounding="ROUND_FLOOR"',
        (
            ACCOUNTING + "test_quantities.py::test_printed_epsilon",
            ACCOUNTING + "test_quantities.py::test_printed_epsilon_is_never_below",
        ),
    ),
    Mutant(
        "what is left is printed rounded up",
        "gate/caps.py",
        "rounding=ROUND_FLOOR",
        'rounding="ROUND_CEILING"',
        (GATE + "test_caps.py::test_what_is_left_is_never_shown_larger_than_it_is",),
    ),
    Mutant(
        "sums of costs are rounded to nearest",
        "accounting/rounding.py",
        "return next_up(total) if math.fsum((*terms, -total)) > 0 else total",
        "return total",
        (ACCOUNTING + "test_rounding.py::test_sum_up_is_not_below_the_exact_sum",),
    ),
    Mutant(
        "PLD of DP-SGD at the wrong relation",
        "accounting/pld.py",
        "else NeighboringRelation.REPLACE_ONE",
        "else NeighboringRelation.ADD_OR_REMOVE_ONE",
        (ACCOUNTING + "test_pld.py::test_sampling_helps_and_replacing_hurts",),
    ),
    Mutant(
        "full-batch DP-SGD at the wrong relation",
        "accounting/gdp.py",
        "squared_sensitivity = 1 if relation is NeighbouringRelation.ADD_REMOVE else 4",
        "squared_sensitivity = 1",
        (ACCOUNTING + "test_pld.py::test_full_batch_is_a_gaussian_under_both_relations",),
    ),
    Mutant(
        "every pure step gets the discount of bounded range",
        "accounting/zcdp.py",
        "(8 if isinstance(leaf, BoundedRange) else 2)",
        "8",
        (ACCOUNTING + "test_zcdp.py::test_no_pure_step_but_bounded_range_gets_its_discount",),
    ),
    Mutant(
        "rho is a quarter of squared mu",
        "accounting/zcdp.py",
        "terms = [squared_mu_up(gaussians, relation) / 2]",
        "terms = [squared_mu_up(gaussians, relation) / 4]",
        (ACCOUNTING + "test_zcdp.py::test_rho_of_each_kind",),
    ),
)

MUTANTS = (*CHARGES, *FIGURES)
