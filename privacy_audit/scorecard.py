"""One audit of one synthetic table: align, attack, measure, judge; one summary, many renderings."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from privacy_audit.verdict import EXIT_CODES, Policy, judge

if TYPE_CHECKING:
    from privacy_audit.utility.bench import Constraint

__all__ = ["NOT_FOR_RELEASE", "SCHEMA", "Scorecard", "audit", "frontier"]

SCHEMA = "privacy_audit/scorecard/1"
NOT_FOR_RELEASE = (
    "Computed on private rows; not for release. These numbers are functions of the real table and have no privacy "
    "guarantee of their own."
)
DELTA = 1e-5
"""At which epsilon is bounded where no delta is claimed."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scorecard:
    """What an audit found.

    Attributes:
        summary: everything, ready for JSON; its form is report/schema.json.
    """

    summary: Mapping[str, Any]

    @property
    def verdict(self) -> str:
        """Pass, violation, inconclusive or policy fail."""
        return self.summary["verdict"]

    @property
    def passed(self) -> bool:
        """Whether the verdict is a pass; an inconclusive audit has not passed."""
        return self.verdict == "pass"

    @property
    def exit_code(self) -> int:
        """0 pass, 1 violation, 2 inconclusive, 3 policy fail."""
        return EXIT_CODES[self.verdict]

    def to_dict(self) -> dict[str, Any]:
        """A copy of the summary."""
        return json.loads(self.to_json())

    def to_json(self) -> str:
        """The summary as JSON; strict: no NaN, no infinity."""
        return json.dumps(self.summary, allow_nan=False, indent=1, ensure_ascii=False)

    def to_html(self, path: str | Path | None = None) -> str:
        """The page, which is also written to `path` if one is given."""
        from privacy_audit.report.html import render_html

        page = render_html([self.summary])
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def to_markdown(self, path: str | Path | None = None) -> str:
        """The Markdown page, which is also written to `path` if one is given."""
        from privacy_audit.report.markdown import render_markdown

        page = render_markdown([self.summary])
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page


def audit(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    reference: Any = None,
    domain: Mapping[str, Any] | str | Path | None = None,
    unit: str | None = None,
    epsilon: float | None = None,
    delta: float = 0.0,
    attacks: str | Iterable[str] = "all",
    utility: Iterable[str] | None = None,
    label: str | None = None,
    target: str | None = None,
    subgroups: Sequence[str] | None = None,
    measured: Sequence[Sequence[str]] = (),
    constraints: Mapping[str, Constraint] | Sequence[Constraint] = (),
    policy: Policy | None = None,
    name: str = "synthetic",
    splits: int = 10,
    alpha: float = 1e-4,
    seed: int = 0,
    time_limit: float | None = None,
    threads: int = 1,
    progress: Callable[[str, float], None] | None = None,
) -> Scorecard:
    """Attack and score a synthetic table from any tool.

    Args:
        real: the rows that the generator was given: a frame, a relation or the path of a CSV or Parquet file.
        synthetic: its output.
        holdout: rows of the same source that it never saw; without them most attacks are skipped and the audit is
            inconclusive.
        reference: further such rows, known to an attacker.
        domain: public description of the columns; see `privacy_audit.frames.align`.
        unit: name of an identifier column of the real tables, which proves them disjoint.
        epsilon: what the maker claims for one unit; None if unknown.
        delta: likewise.
        attacks: "all", or names.
        utility: names of measures (default: all).
        label: the category to predict (default: the last one with 2 to 20 values).
        target: the number to predict (default: the last one with more than 10 values).
        subgroups: the categories whose values are subgroups (default: four with fewest values, 2 to 10).
        measured: the cliques that the maker measured, for the marginal attack and for utility.
        constraints: rules for rows.
        policy: what must hold besides the claim.
        name: of the synthetic table, in reports.
        splits: halves of the holdout that serve as reference where there is none.
        alpha: probability that any attack calls an independent table a leak.
        seed: of everything that is drawn; equal seeds give equal summaries, `took` excepted.
        time_limit: seconds; what has not begun by then is skipped, visibly, and the audit is inconclusive.
        threads: for neighbours.
        progress: is told each step before it begins, and the share of the work that is done (0 to 1).

    Returns:
        The scorecard.

    Raises:
        InputError: tables, columns, names or settings are not usable.
        HoldoutError: members, holdout and reference overlap.
    """
    from privacy_audit.attacks.battery import attack
    from privacy_audit.evidence import distance_curves, epsilon_evidence, roc_curves
    from privacy_audit.frames import align
    from privacy_audit.utility.bench import make_bench
    from privacy_audit.utility.registry import measure_bench

    tell = progress if progress is not None else _silent
    started, took = time.monotonic(), {}

    def lap(step: str, since: float) -> float:
        took[step] = round(time.monotonic() - since, 3)
        return time.monotonic()

    tell("align", 0.0)
    at = started
    tables = align(real, synthetic, holdout=holdout, reference=reference, domain=domain, unit=unit)
    options: dict[str, Any] = {"label": label, "target": target, "subgroups": subgroups}
    bench = make_bench(tables, measured=measured, constraints=constraints, seed=seed, **options)
    names = bench.grid.names
    at = lap("align", at)
    results = attack(
        tables,
        attacks=attacks,
        claim=None if epsilon is None else (epsilon, delta),
        splits=splits,
        seed=seed,
        alpha=alpha,
        time_limit=None if time_limit is None else 0.7 * time_limit,
        threads=threads,
        progress=lambda word, done, of: tell(f"attack {done + 1} of {of}: {word}", 0.02 + 0.58 * done / of),
        cliques=measured or None,
        subgroups=tuple(subgroups or ()),
    )
    tell("lower bound", 0.6)
    evidence = epsilon_evidence(results, delta if epsilon is not None else DELTA, seed)
    distances = distance_curves(tables, seed)
    at = lap("attacks", at)

    def measuring(word: str, done: int, of: int) -> None:
        tell(f"utility {done + 1} of {of}: {word}", 0.62 + 0.38 * done / of)

    left = None if time_limit is None else max(0.0, time_limit - (time.monotonic() - started))
    scores = measure_bench(bench, only=None if utility is None else list(utility), time_limit=left, progress=measuring)
    lap("utility", at)
    found = [one.to_dict() for one in results]
    taken = [score.to_dict() for score in scores]
    claim = None if epsilon is None else {"epsilon": float(epsilon), "delta": float(delta)}
    verdict, reasons, gates = judge(found, taken, evidence, claim, policy if policy is not None else Policy())
    summary = {
        "schema": SCHEMA,
        "warning": NOT_FOR_RELEASE,
        "name": name,
        "verdict": verdict,
        "exit_code": EXIT_CODES[verdict],
        "reasons": reasons,
        "claim": claim,
        "epsilon_lower_bound": evidence,
        "tables": {
            "real": tables.real.rows,
            "synthetic": tables.synthetic.rows,
            "holdout": None if tables.holdout is None else tables.holdout.rows,
            "reference": None if tables.reference is None else tables.reference.rows,
            "columns": [{"name": column.name, "kind": column.kind} for column in tables.columns],
        },
        "settings": {
            "seed": seed,
            "alpha": alpha,
            "splits": splits,
            "time_limit": time_limit,
            "label": None if bench.label is None else names[bench.label],
            "target": None if bench.target is None else names[bench.target],
            "subgroups": [names[place] for place in bench.groupings],
            "domain": domain is not None,
        },
        "notes": [*tables.notes, *bench.notes, *_closer_than_fresh(taken)],
        "attacks": found,
        "roc": roc_curves(results),
        "distances": distances,
        "utility": taken,
        "policy": gates,
        "took": took,
    }
    return Scorecard(summary)


def frontier(cards: Sequence[Scorecard], utility: str = "k_marginal") -> list[dict[str, Any]]:
    """Leakage against utility, one point for each table.

    Args:
        cards: audits of several tables against the same real rows.
        utility: the score to set against leakage.

    Returns:
        For each: name, verdict, epsilon claimed, leakage (largest AUC of a membership attack, with its interval) and
        utility (name, value, floor, ceiling).
    """
    points = []
    for card in cards:
        areas = [one["figures"]["auc"] for one in card.summary["attacks"] if "auc" in one["figures"]]
        worst = max(areas, key=lambda figure: figure["value"] or 0.0, default=None)
        score = next((one for one in card.summary["utility"] if one["name"] == utility), None)
        points.append(
            {
                "name": card.summary["name"],
                "verdict": card.verdict,
                "epsilon": None if card.summary["claim"] is None else card.summary["claim"]["epsilon"],
                "leakage": None if worst is None else {key: worst[key] for key in ("value", "low", "high")},
                "utility": None
                if score is None
                else {key: score[key] for key in ("name", "value", "floor", "ceiling")},
            }
        )
    return points


def _silent(step: str, share: float) -> None:
    """Tell nobody."""


def _closer_than_fresh(scores: Sequence[Mapping[str, Any]]) -> list[str]:
    """Whether the table is nearer to the real rows than a fresh sample of them is: what a copy looks like."""
    close = [
        one["name"] for one in scores if one["name"] in ("tvd2_mean", "tvd3_mean") and (one["lost"] or 0.0) < -0.05
    ]
    if not close:
        return []
    return [f"nearer to the real rows than a bootstrap of them is ({', '.join(close)}): rows may have been copied"]
