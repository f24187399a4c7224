"""Runs one membership attack over its splits, with its control and its strata."""

from __future__ import annotations

import numpy as np

from privacy_audit.attacks.base import (
    AbstractMembershipAttack,
    AttackResult,
    Figure,
    MembershipScores,
    NotApplicable,
)
from privacy_audit.attacks.context import Context
from privacy_audit.attacks.strata import strata_of
from privacy_audit.attacks.summary import auc_interval, membership_figures, membership_p

__all__ = ["run_membership"]

STRATUM = 8
"""Fewest members and non-members of a stratum that gets figures."""


def run_membership(attack: AbstractMembershipAttack, context: Context) -> AttackResult:
    """Score all targets in every split, then compare members with non-members.

    Args:
        attack: whose scores.
        context: its tables and settings.

    Returns:
        Figures of the mean score over all splits. The baseline of the AUC is the `other rows` control: one half of the
        non-members in the members' place. "auc over splits" holds the lowest and highest AUC of single splits.

    Raises:
        NotApplicable: constant scores, or the attack itself says so.
    """
    members = context.tables.real.rows
    runs = []
    for folds in context.views(reference=attack.uses_reference, most=attack.repeats):
        context.check_time()
        scored: np.ndarray | None = None
        for rows, view in folds:
            found = attack.score(view)
            found = found[:, None] if found.ndim == 1 else found
            if scored is None:
                scored = np.empty((context.targets.rows, found.shape[1]))
            if found.shape[1] != scored.shape[1]:
                raise NotApplicable("the columns that vary differ between the halves of the holdout")
            scored[rows] = found
        assert scored is not None
        runs.append(scored)
    mean = np.mean(runs, axis=0)
    if not np.isfinite(mean).all():
        raise NotApplicable("a score is not finite")
    if (mean.min(axis=0) == mean.max(axis=0)).all():
        raise NotApplicable("all targets get the same score")
    groups = {
        name: mask
        for name, mask in strata_of(context).items()
        if min(mask[:members].sum(), mask[members:].sum()) >= STRATUM
    }
    everyone = np.ones(len(mean), bool)
    tests: dict[tuple[int, str], float] = {}
    for variant in range(mean.shape[1]):
        for name, mask in {"": everyone, **groups}.items():
            tests[variant, name] = membership_p(_scores(mean[:, variant], members, mask))
    best, where = min(tests, key=lambda key: tests[key])
    scores = _scores(mean[:, best], members, everyone)
    claim = None if context.claim is None else (context.claim.epsilon, context.claim.delta)
    figures = membership_figures(scores, claim, _control(scores, context))
    single = [auc_interval(_scores(run[:, best], members, everyone))[0] for run in runs]
    figures["auc over splits"] = Figure(float(np.mean(single)), min(single), max(single), 0.5)
    strata = {name: membership_figures(_scores(mean[:, best], members, mask), claim) for name, mask in groups.items()}
    place = [f"strongest in the stratum {where!r}"] if where else []
    place += [f"variant {best + 1} of {mean.shape[1]}"] if mean.shape[1] > 1 else []
    return AttackResult(
        attack.name,
        attack.kind,
        figures,
        "no leak found",
        "; ".join(place),
        p_value=min(1.0, len(tests) * tests[best, where]),
        strata=strata,
        scores=scores,
    )


def _scores(values: np.ndarray, members: int, mask: np.ndarray) -> MembershipScores:
    return MembershipScores(values[:members][mask[:members]], values[members:][mask[members:]])


def _control(scores: MembershipScores, context: Context) -> MembershipScores:
    """Other rows in the members' place: both halves are non-members, so any difference is chance."""
    shuffled = context.rng("other rows").permutation(scores.nonmembers)
    half = len(shuffled) // 2
    return MembershipScores(shuffled[:half], shuffled[half:])
