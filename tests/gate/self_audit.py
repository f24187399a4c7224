"""privacy_audit turned on dpsynth itself: a fit as a mechanism that draws through an audit gate, and as a transcript.

The code that runs is the code that users call: a plan, a private table on a real ledger, `fit`, the saved files. Only
`add_noise`, the last step inside dpsynth's gate, is wrapped: the audit's gate records (or replays) what goes through it.
"""

from __future__ import annotations

import itertools
import json
import math
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dpsynth.accounting.events import AbstractEvent, BoundedRange, Gaussian, GaussianFilter, PureDP, ZCDPFilter, leaves
from dpsynth.accounting.quantities import Budget
from dpsynth.domain.table import Domain
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit, rows
from dpsynth.engines.base import AbstractEngine
from dpsynth.gate import PrivateTable, event_of, ledger_extract, open_table
from dpsynth.gate.answers import add_noise, describe
from dpsynth.gate.grant import Grant
from dpsynth.generators import AbstractGenerator
from privacy_audit.mechanisms.replay import Gate, Mechanism, Release, record
from privacy_audit.mechanisms.taint import TaintWatch
from privacy_audit.mechanisms.transcript import MeasurementRelease, SelectionRelease, Transcript

ADD_REMOVE = NeighbouringRelation.ADD_REMOVE
PACKAGE = Path(__import__("dpsynth").__file__).parent
WATCH = TaintWatch(
    paths=(str(PACKAGE / "generators"),),
    ignored=frozenset({"self", "cls", "progress", "report", "folder", "table", "grant"}),
    handles=(PrivateTable, Grant, AbstractEngine),
)
"""Generators hold nothing private: no local of theirs may differ, whatever its name, but the two handles."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A generator under audit.

    Attributes:
        recipe: the generator.
        domain: public columns.
        budget: of the plan.
        unit: of protection.
        relation: of neighbours.
        seed: of dpsynth's seeded test mode, or None for real entropy.
    """

    recipe: AbstractGenerator
    domain: Domain
    budget: Budget
    unit: PrivacyUnit = rows(1)
    relation: NeighbouringRelation = ADD_REMOVE
    seed: int | None = None

    def plan(self) -> Any:
        """The plan: public."""
        return self.recipe.plan(self.domain, budget=self.budget, unit=self.unit, relation=self.relation)

    def claim(self) -> float:
        """What the plan reserved, in squared mu (twice rho)."""
        return cost_of(self.plan().event)

    def mechanism(self, save: bool = True) -> Mechanism:
        """The fit as a callable for `privacy_audit.mechanisms.replay`."""

        def fit(source: pd.DataFrame, gate: Gate) -> Any:
            with ledger_folder() as folder, _through(gate, self.unit, self.relation):
                table = open_table(
                    source,
                    domain=self.domain,
                    unit=self.unit,
                    relation=self.relation,
                    ledger=folder / "audit.ledger",
                    seed_not_private=self.seed,
                )
                stages: list[Any] = []
                model = self.plan().fit(table, lambda *stage: stages.append(stage))
                drawn = [
                    {k: d[k] for k in ("query", "mechanism", "event", "draws")} for d in ledger_extract(table)["draws"]
                ]
                if not save:
                    return model
                model.save(folder / "model")
                return {
                    "stages": stages,
                    "drawn": drawn,
                    "warnings": model.warnings,
                    "described": model.describe(),
                    "files": _files(folder / "model"),
                    "rows": model.sample(seed=3).to_csv(),
                }

        return fit


@contextmanager
def ledger_folder() -> Iterator[Path]:
    """A folder of its own for one ledger."""
    # In memory where the system has such a place: hundreds of ledgers need not wait for a disk.
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(prefix="self-audit-", dir=memory if memory.is_dir() else None))
    try:
        yield made
    finally:
        shutil.rmtree(made)


@contextmanager
def _through(gate: Gate, unit: PrivacyUnit, relation: NeighbouringRelation) -> Iterator[None]:
    import dpsynth.gate.grant as grant

    to_measurements = grant.to_measurements

    def noise(exact: list[np.ndarray], query: Any, mechanism: Any, *more: Any) -> list[np.ndarray]:
        event = event_of(query, mechanism, unit, relation)
        sensitivity, norm = _sensitivity(event, query, mechanism, unit, relation)
        return gate.release(
            f"{type(query).__name__} {mechanism.name}",
            exact,
            lambda vectors: add_noise(vectors, query, mechanism, *more),
            sensitivity=sensitivity,
            norm=norm,
            parameters=(describe(query, mechanism), mechanism),
            cost=cost_of(event),
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grant, "add_noise", noise)
        # The number of a draw row comes from a random key; it says nothing of the table and differs from run to run.
        patch.setattr(
            grant, "to_measurements", lambda q, m, n, event_id, private: to_measurements(q, m, n, "", private)
        )
        yield


def _sensitivity(
    event: AbstractEvent, query: Any, mechanism: Any, unit: PrivacyUnit, relation: NeighbouringRelation
) -> tuple[list[float], Any]:
    if hasattr(mechanism, "epsilon"):
        return [float(unit.l1(relation) * max(query.weights.values(), default=1))], "linf"
    charged = [leaf for leaf, count in leaves(event) for _ in range(count)]
    if all(isinstance(leaf, Gaussian) for leaf in charged):
        return [math.sqrt(leaf.squared_sensitivity) for leaf in charged], "l2"
    return [float(leaf.sensitivity) for leaf in charged], "l1"


def cost_of(event: AbstractEvent) -> float:
    """What an event costs in squared mu; zCDP steps count twice their rho."""
    whole = Fraction(0)
    for leaf, count in leaves(event):
        if isinstance(leaf, Gaussian):
            whole += count * Fraction(leaf.squared_sensitivity) / Fraction(leaf.sigma) ** 2
        elif isinstance(leaf, GaussianFilter):
            whole += count * Fraction(leaf.mu) ** 2
        elif isinstance(leaf, ZCDPFilter):
            whole += count * 2 * Fraction(leaf.rho)
        elif isinstance(leaf, BoundedRange | PureDP):
            whole += count * Fraction(leaf.epsilon) ** 2 / (4 if isinstance(leaf, BoundedRange) else 1)
    return float(whole)


def _files(folder: Path) -> dict[str, Any]:
    """What was saved, without the digest over it."""

    def scrub(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: scrub(v) for k, v in value.items() if k not in ("event_id", "sha256")}
        return [scrub(v) for v in value] if isinstance(value, list) else value

    found = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {name: scrub(json.loads(raw)) if name.endswith(".json") else raw for name, raw in found.items()}


# --------------------------------------------------------------------------------------------------------- transcripts


@dataclass(frozen=True, slots=True)
class _Spec:
    """What a transcript needs to know of one release beside its vectors."""

    kind: str
    mechanism: Any
    sensitivities: tuple[float, ...]


@contextmanager
def _specs() -> Iterator[list[_Spec]]:
    """Mechanisms in the order of their releases, read where the audit's gate is called."""
    found: list[_Spec] = []
    release = Gate.release

    def listening(self: Gate, kind: str, exact: Any, draw: Any, **declared: Any) -> Any:
        found.append(_Spec(kind, declared["parameters"][1], tuple(declared["sensitivity"])))
        return release(self, kind, exact, draw, **declared)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Gate, "release", listening)
        yield found


def transcript(subject: Subject, one: pd.DataFrame, other: pd.DataFrame, inside: bool = True) -> Transcript:
    """Fit to `one` (or to `other`, if not inside), replay on the other table, and put the answers side by side."""
    mechanism = subject.mechanism(save=False)
    here, there = (one, other) if inside else (other, one)
    with _specs() as specs:
        run = record(mechanism, here)
    again = record(mechanism, there, script=run)
    assert run.error is None, run.error
    assert again.error is None, (again.error, again.divergence)
    assert len(run.releases) == len(again.releases)
    parts = []
    for spec, a, b in zip(specs, run.releases, again.releases, strict=True):
        parts += _sides(spec, a, b) if inside else _sides(spec, b, a, noisy=a)
    return Transcript(tuple(parts))


def _sides(
    spec: _Spec, a: Release, b: Release, noisy: Release | None = None
) -> list[MeasurementRelease | SelectionRelease]:
    answers = (noisy or a).noisy
    mechanism = spec.mechanism
    if hasattr(mechanism, "epsilon"):
        return [
            SelectionRelease(
                a.exact[0],
                b.exact[0],
                mechanism.epsilon,
                spec.sensitivities[0],
                int(answers[0][0]),
                law="exponential" if mechanism.name == "exponential" else "permute_and_flip",
                kind=spec.kind,
            )
        ]
    gaussian = mechanism.name == "rounded_gaussian"
    scales: Sequence[float] = mechanism.sigmas if gaussian else mechanism.scales
    return [
        MeasurementRelease(
            a.exact[i],
            b.exact[i],
            float(scale),
            answers[i],
            law="rounded_gaussian" if gaussian else "discrete_laplace",
            sensitivity=spec.sensitivities[i],
            kind=spec.kind,
        )
        for i, scale in enumerate(scales)
    ]


# --------------------------------------------------------------------------------------------------------------- tables


def three_columns(n: int = 300, seed: int = 3) -> pd.DataFrame:
    """Three dependent columns of few values: the fastest table on which every step of a generator runs."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 4, n)
    c = (2 * a + rng.integers(0, 2, n)) % 10
    return pd.DataFrame({"a": np.array(list("pqrs"))[a], "b": np.array(list("uvw"))[a % 3], "c": c})


def three_columns_domain() -> Domain:
    """The domain of `three_columns`."""
    from dpsynth.domain.columns import Category, Integer

    return Domain(
        (
            Category(name="a", values=tuple("pqrs")),
            Category(name="b", values=tuple("uvw")),
            Integer(name="c", minimum=0, maximum=9),
        )
    )


def with_repeated_row(table: pd.DataFrame) -> pd.DataFrame:
    """One more copy of the first row: the worst case, for it is in the table already and no cell is new."""
    return pd.concat([table, table.iloc[[0]]], ignore_index=True)


def cycle(items: Sequence[Any]) -> Callable[[], Any]:
    """The items in turn, forever."""
    turning = itertools.cycle(items)
    return lambda: next(turning)


# ------------------------------------------------------------------------------------------------------------ canaries


def canary_fit(recipe: AbstractGenerator, budget: Budget, design: Any) -> list[Any]:
    """One fit of the canaries' table: the noisy counts of their cells in every table that has the canary column."""
    from dpsynth.domain.columns import Category
    from privacy_audit.mechanisms.unique_cells import CanaryAnswer

    domain = Domain(
        (
            Category(name="canary", values=design.names, required=True),
            Category(name="side", values=design.side_names(), required=True),
        )
    )
    model = Subject(recipe, domain, budget).mechanism(save=False)(pd.DataFrame(design.columns()), Gate())
    own, side = np.arange(len(design.names)), design.side_of()
    answers = []
    for m in model.measurements:
        if m.name != "marginal" or "canary" not in m.clique or m.values.shape[m.clique.index("canary")] != len(own):
            continue  # a table whose canary cells were merged says nothing of one canary
        if m.clique == ("canary",):
            answers.append(CanaryAnswer(m.values, float(m.sigma)))
        elif m.values.shape == ((len(own), design.sides) if m.clique[0] == "canary" else (design.sides, len(own))):
            cells = m.values[own, side] if m.clique[0] == "canary" else m.values[side, own]
            answers.append(CanaryAnswer(cells, float(m.sigma)))
    return answers
