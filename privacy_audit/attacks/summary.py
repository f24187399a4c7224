"""From scores to figures with intervals, and from p-values to verdicts.

Under "no leak" the labels of targets are exchangeable given everything the attack saw. Then the rank sum is that of
Mann and Whitney, and the number of members among the r highest scores is hypergeometric, whatever the scores are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from privacy_audit.attacks.base import AttackResult, Figure, MembershipScores, Verdict

__all__ = [
    "FALSE_POSITIVE_RATES",
    "auc_interval",
    "dp_ceiling",
    "exact_rate",
    "fisher_p",
    "holm",
    "membership_figures",
    "membership_p",
    "risk_ratio",
    "settle",
    "tpr_at_fpr",
    "tpr_interval",
]

FALSE_POSITIVE_RATES = (0.001, 0.01, 0.1)
SHARES = (0.001, 0.01, 0.1)
"""Shares of highest scores whose members are counted, besides the rank sum over all scores."""
WIDE = 0.15
"""An AUC interval wider than this says nothing of use: inconclusive."""


def exact_rate(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of a rate.

    Source: clopper1934use.
    """
    from scipy import special

    if of == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(special.betaincinv(hits, of - hits + 1, tail))
    high = 1.0 if hits == of else float(special.betaincinv(hits + 1, of - hits, 1 - tail))
    return low, high


def dp_ceiling(epsilon: float, delta: float, fpr: float) -> float:
    """The largest true-positive rate that (epsilon, delta)-DP allows at a false-positive rate.

    Source: kairouz2015composition.
    """
    growth = math.exp(min(epsilon, 700.0))
    return float(min(1.0, growth * fpr + delta, 1 - (1 - delta - fpr) / growth))


def auc_interval(scores: MembershipScores, confidence: float = 0.95) -> tuple[float, float, float]:
    """Area under the ROC with DeLong's interval, on the logit scale so that it stays within [0, 1].

    Returns:
        (area, low, high); ties count one half.

    Source: delong1988comparing.
    """
    from scipy import special, stats

    x, y = scores.members, scores.nonmembers
    m, k = len(x), len(y)
    ranks = stats.rankdata(np.concatenate([x, y]))
    of_members = (ranks[:m] - stats.rankdata(x)) / k
    of_others = 1 - (ranks[m:] - stats.rankdata(y)) / m
    area = float(of_members.mean())
    if min(m, k) < 2:
        return area, 0.0, 1.0
    variance = of_members.var(ddof=1) / m + of_others.var(ddof=1) / k
    z = float(special.ndtri((1 + confidence) / 2))
    if area <= 0.0 or area >= 1.0:  # no spread is left: what would show with certainty in the smaller sample
        edge = 1 - ((1 - confidence) / 2) ** (1 / min(m, k))
        return area, (0.0, edge)[area >= 1] if area < 1 else 1 - edge, edge if area <= 0 else 1.0
    half = z * math.sqrt(variance) / (area * (1 - area))
    logit = math.log(area / (1 - area))
    return area, float(special.expit(logit - half)), float(special.expit(logit + half))


def tpr_at_fpr(scores: MembershipScores, fpr: float) -> tuple[int, float]:
    """Members above the threshold that at most a share of the non-members exceeds.

    Args:
        scores: with at least one non-member.
        fpr: the share allowed.

    Returns:
        (members strictly above the threshold, the false-positive rate that was reached).
    """
    others = np.sort(scores.nonmembers)[::-1]
    allowed = math.floor(fpr * len(others) + 1e-9)
    threshold = others[allowed] if allowed < len(others) else -math.inf
    return int((scores.members > threshold).sum()), float((others > threshold).mean())


def tpr_interval(scores: MembershipScores, fpr: float, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the true-positive rate at the population's threshold for a false-positive rate, for every law.

    The threshold is a quantile of the non-members' law, which two of their order statistics enclose (exact binomial
    limits); above each, the rate of members has Clopper and Pearson's limit. Half of the error goes to each step.

    Args:
        scores: with at least one member and one non-member, all of them independent.
        fpr: the share of non-members that the threshold allows.
        confidence: that the interval covers.

    Returns:
        (low, high).

    Source: clopper1934use.
    """
    from scipy import stats

    tail = (1 - confidence) / 4
    others, k, m = np.sort(scores.nonmembers)[::-1], len(scores.nonmembers), len(scores.members)
    above = stats.binom.cdf(np.arange(k + 1), k, fpr)  # non-members above the threshold: a number, its law at most this
    surely = int(np.searchsorted(above, tail, side="right"))  # so many lie at or above it but for `tail`
    hardly = int(np.searchsorted(above, 1 - tail)) + 1  # fewer than that lie strictly above it, likewise
    top = others[surely - 1] if surely else math.inf
    bottom = others[hardly - 1] if hardly <= k else -math.inf
    low, high = int((scores.members > top).sum()), int((scores.members > bottom).sum())
    return exact_rate(low, m, 1 - 2 * tail)[0], exact_rate(high, m, 1 - 2 * tail)[1] if bottom > -math.inf else 1.0


def membership_figures(
    scores: MembershipScores, claim: tuple[float, float] | None = None, control: MembershipScores | None = None
) -> dict[str, Figure]:
    """AUC and true-positive rates with intervals, baselines and ceilings.

    Args:
        scores: of members and non-members.
        claim: (epsilon, delta) for the ceilings, or None.
        control: the same attack with other rows in the members' place; it gives the baseline of the AUC.

    Returns:
        "auc", "advantage" and "tpr at fpr X" for each rate; the intervals of rates allow for the threshold's own error.
        A ceiling exceeded is no proof by itself that the claim is
        false, since nobody randomised who is a member: `privacy_audit.bounds` holds such proofs.
    """
    area, low, high = auc_interval(scores)
    measured = control is not None and min(len(control.members), len(control.nonmembers)) > 0
    baseline = auc_interval(control)[0] if control is not None and measured else 0.5
    chance = _advantage(control) if control is not None and measured else 0.0
    figures = {"auc": Figure(area, low, high, baseline, None if claim is None else _auc_ceiling(*claim))}
    limit = None if claim is None else 1 - 2 * (1 - claim[1]) / (1 + math.exp(min(claim[0], 700.0)))
    figures["advantage"] = Figure(_advantage(scores), baseline=chance, ceiling=limit)
    for fpr in FALSE_POSITIVE_RATES:
        hits, reached = tpr_at_fpr(scores, fpr)
        ceiling = None if claim is None else dp_ceiling(*claim, fpr)
        interval = tpr_interval(scores, fpr)
        figures[f"tpr at fpr {fpr:g}"] = Figure(hits / len(scores.members), *interval, reached, ceiling)
    return figures


def _advantage(scores: MembershipScores) -> float:
    """Largest true-positive less false-positive rate over all thresholds; above 0 by chance alone in small samples."""
    values = np.unique(np.concatenate([scores.members, scores.nonmembers]))
    hits = 1 - np.searchsorted(np.sort(scores.members), values, "right") / len(scores.members)
    alarms = 1 - np.searchsorted(np.sort(scores.nonmembers), values, "right") / len(scores.nonmembers)
    return max(0.0, float((hits - alarms).max()))


def _auc_ceiling(epsilon: float, delta: float) -> float:
    grid = np.linspace(0, 1, 4001)
    return float(np.trapezoid([dp_ceiling(epsilon, delta, x) for x in grid], grid))


def membership_p(scores: MembershipScores) -> float:
    """p-value of "labels are exchangeable": the rank sum, and exact counts of members among the highest scores.

    Returns:
        The smallest of the p-values times their number, at most 1.
    """
    from scipy import stats

    members, others = scores.members, scores.nonmembers
    m, k = len(members), len(others)
    both = np.concatenate([members, others])
    if min(m, k) == 0 or both.min() == both.max():
        return 1.0
    found = [float(stats.mannwhitneyu(members, others, alternative="greater", method="asymptotic").pvalue)]
    order = np.sort(both)[::-1]
    for share in SHARES:
        at = max(1, math.floor(share * (m + k)))
        threshold = order[at - 1]  # with all ties at the edge
        top = int((both >= threshold).sum())
        hits = int((members >= threshold).sum())
        found.append(float(stats.hypergeom.sf(hits - 1, m + k, m, top)))
    return min(1.0, len(found) * min(found))


def fisher_p(hits: int, of: int, control_hits: int, control_of: int) -> float:
    """Fisher's exact p-value of "members are hit no more often than the control".

    Args:
        hits: members hit.
        of: members tried.
        control_hits: control rows hit.
        control_of: control rows tried.
    """
    from scipy import stats

    if not hits:  # where nothing was tried at all, the law below has no mass to speak of
        return 1.0
    return float(stats.hypergeom.sf(hits - 1, of + control_of, hits + control_hits, of))


def risk_ratio(hits: int, of: int, control_hits: int, control_of: int) -> Figure:
    """Rate among members over rate in the control, with an interval that covers for every sample size.

    Each rate lies in its Clopper-Pearson interval with probability 97.5 %, so the ratio of the ends covers with 95 %.

    Args:
        hits: members hit.
        of: members tried.
        control_hits: control rows hit.
        control_of: control rows tried.
    """
    low, high = exact_rate(hits, of, 0.975)
    control_low, control_high = exact_rate(control_hits, control_of, 0.975)
    rate, control = hits / max(1, of), control_hits / max(1, control_of)
    value = rate / control if control else (math.inf if rate else 1.0)
    return Figure(value, low / control_high if control_high else 0.0, high / control_low if control_low else None, 1.0)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values: rejecting those at or below alpha errs in any of them with probability alpha at most.

    Source: holm1979simple.
    """
    adjusted: dict[str, float] = {}
    running = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        running = max(running, min(1.0, (len(p_values) - rank) * p))
        adjusted[name] = running
    return adjusted


def settle(results: Sequence[AttackResult], alpha: float) -> tuple[AttackResult, ...]:
    """Correct for the number of attacks and give verdicts.

    Args:
        results: of one battery.
        alpha: family-wise false-alarm rate.
    """
    adjusted = holm({r.name: r.p_value for r in results if r.p_value is not None and r.verdict != "skipped"})
    settled = []
    for result in results:
        p = adjusted.get(result.name)
        if result.verdict == "skipped":
            settled.append(result)
            continue
        verdict: Verdict = "no leak found"
        note = result.note
        area = result.figures.get("auc")
        if p is not None and p <= alpha:
            verdict = "leak"
        elif p is None:
            note = note or "a figure without a test: compare it with its baseline"
            verdict = "inconclusive"
        elif p <= 0.01:
            verdict, note = "inconclusive", _join(note, f"p {p:.2g} after correction: repeat with more rows")
        elif area is not None and area.low is not None and area.high is not None and area.high - area.low > WIDE:
            verdict, note = "inconclusive", _join(note, "too few rows to tell")
        settled.append(result.replaced(verdict=verdict, adjusted=p, note=note))
    return tuple(settled)


def _join(first: str, second: str) -> str:
    return f"{first}; {second}" if first else second
