"""All attacks on one table, each with a verdict or a stated reason to skip it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from privacy_audit.attacks.base import (
    AbstractAttack,
    AbstractMembershipAttack,
    AbstractTableAttack,
    AttackResult,
    NotApplicable,
)
from privacy_audit.attacks.context import Claim, Context
from privacy_audit.attacks.marginals import Marginals
from privacy_audit.attacks.membership import run_membership
from privacy_audit.attacks.registry import ATTACKS
from privacy_audit.attacks.summary import settle
from privacy_audit.errors import InputError, ResourceError
from privacy_audit.frames import AlignedTables

__all__ = ["attack", "choose"]


def choose(names: str | Iterable[str]) -> tuple[AbstractAttack, ...]:
    """Attacks by name, in the order of the registry.

    Args:
        names: "all", or names of `ATTACKS` (a text with commas, or an iterable).

    Raises:
        InputError: an unknown name.
    """
    if names == "all":
        return tuple(ATTACKS.values())
    wanted = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    unknown = sorted(set(wanted) - set(ATTACKS))
    if unknown or not wanted:
        raise InputError(f"There is no attack {', '.join(unknown) or '(none named)'}.\nKnown: {', '.join(ATTACKS)}.")
    return tuple(one for name, one in ATTACKS.items() if name in wanted)


def attack(
    tables: AlignedTables,
    *,
    attacks: str | Iterable[str] = "all",
    claim: Claim | tuple[float, float] | None = None,
    splits: int = 10,
    seed: int = 0,
    alpha: float = 1e-4,
    time_limit: float | None = None,
    threads: int = 1,
    cliques: Sequence[Sequence[str]] | None = None,
    subgroups: Sequence[str] = (),
    most_rows: int = 10_000,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[AttackResult, ...]:
    """Attack a synthetic table in every way that needs no access to its generator.

    Args:
        tables: from `privacy_audit.frames.align`; real holds the members, holdout the non-members.
        attacks: "all", or names of `ATTACKS`.
        claim: the claimed (epsilon, delta), for the ceilings; None if it is unknown.
        splits: halves of the holdout used as reference, if the tables have none.
        seed: of everything that is drawn; equal seeds give equal results.
        alpha: probability that any attack calls an independent table a leak.
        time_limit: seconds; what has not begun by then is skipped, visibly.
        threads: for neighbours.
        cliques: cliques that the generator is known to use, for the marginal attack.
        subgroups: categorical columns whose values become strata.
        most_rows: rows of each table to look at; larger ones are sampled, and copies are still looked for in all rows.
        progress: is told, before each attack, its name, how many are done and how many there are.

    Returns:
        One result per attack, in the order of the registry. An attack that does not apply is "skipped" with the reason.

    Raises:
        InputError: an unknown attack, subgroup or clique, or an impossible setting.
    """
    chosen = choose(attacks)
    pair = None if claim is None else claim if isinstance(claim, Claim) else Claim(*claim)
    known = {column.name for column in tables.columns}
    named = {name for clique in cliques or () for name in clique} | set(subgroups)
    if named - known:
        raise InputError(f"There is no column {sorted(named - known)[0]!r}.\nName columns of the tables.")
    if (
        min(splits, most_rows) < 1
        or not 0 < alpha < 1
        or (pair is not None and not (pair.epsilon >= 0 and 0 <= pair.delta < 1))
    ):
        raise InputError(
            "An impossible setting: splits, most_rows >= 1, 0 < alpha < 1, epsilon >= 0 and 0 <= delta < 1 hold."
        )
    context = Context(
        tables,
        pair,
        splits,
        seed,
        alpha,
        threads,
        None if time_limit is None else time.monotonic() + time_limit,
        None if cliques is None else tuple(tuple(clique) for clique in cliques),
        tuple(subgroups),
        most_rows,
    )
    found = []
    for done, one in enumerate(chosen):
        if progress is not None:
            progress(one.name, done, len(chosen))
        found.append(_run(one, context))
    results = settle(found, alpha)
    if not context.note:
        return results
    return tuple(r.replaced(note=f"{r.note}; {context.note}" if r.note else context.note) for r in results)


def _run(one: AbstractAttack, context: Context) -> AttackResult:
    try:
        _check(one, context)
        if isinstance(one, Marginals) and context.cliques is not None:
            one = Marginals(context.cliques)
        if isinstance(one, AbstractMembershipAttack):
            return run_membership(one, context)
        assert isinstance(one, AbstractTableAttack)
        return one.run(context)
    except NotApplicable as reason:
        return AttackResult(one.name, one.kind, {}, "skipped", str(reason))
    except ResourceError as reason:
        return AttackResult(one.name, one.kind, {}, "skipped", str(reason).splitlines()[0])


def _check(one: AbstractAttack, context: Context) -> None:
    context.check_time()
    tables = context.tables
    if "holdout" in one.needs and tables.holdout is None:
        raise NotApplicable("no holdout: nothing tells a leak from rows that are merely likely")
    sizes = {"real": tables.real.rows, "synthetic": tables.synthetic.rows}
    if tables.holdout is not None and "holdout" in one.needs:
        sizes["holdout"] = tables.holdout.rows
    for name, rows in sizes.items():
        if rows < one.least:
            raise NotApplicable(f"the {name} table has {rows} rows, this attack needs {one.least}")
