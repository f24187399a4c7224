"""`dpsynth plan`: what a release would spend and take, before any row is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dpsynth.cli.console import say, write_json, write_pairs, write_table
from dpsynth.cli.options import (
    DeltaOption,
    DomainOption,
    EpsilonOption,
    GeneratorOption,
    JsonOption,
    LabelOption,
    Neighbours,
    NeighboursOption,
    UnitOption,
)
from dpsynth.cli.release import protects

if TYPE_CHECKING:
    from dpsynth.generators.base import AbstractPlan

__all__ = ["app", "plan_facts"]

app = typer.Typer(add_completion=False)


@app.command("plan")
def _plan(
    domain: DomainOption,
    epsilon: EpsilonOption,
    delta: DeltaOption,
    table: Annotated[str | None, typer.Argument(help="Ignored: a plan opens no table.")] = None,
    generator: GeneratorOption = "auto",
    unit: UnitOption = None,
    neighbours: NeighboursOption = Neighbours.ADD_REMOVE,
    label: LabelOption = None,
    as_json: JsonOption = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", hidden=True)] = None,
    rows: Annotated[int | None, typer.Option("--rows", "-n", hidden=True)] = None,
    seed: Annotated[int | None, typer.Option("--seed", hidden=True)] = None,
    ledger: Annotated[Path | None, typer.Option("--ledger", hidden=True)] = None,
    account: Annotated[str | None, typer.Option("--account", hidden=True)] = None,
    cap_epsilon: Annotated[float | None, typer.Option("--cap-epsilon", hidden=True)] = None,
    cap_delta: Annotated[float | None, typer.Option("--cap-delta", hidden=True)] = None,
    format: Annotated[str | None, typer.Option("--format", hidden=True)] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", hidden=True)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", hidden=True)] = False,
) -> None:
    """What a release would spend and take. Takes the options of `release`; opens no table, ledger or output."""
    from dpsynth.bundle import make_plan

    made = make_plan(
        domain,
        epsilon=epsilon,
        delta=delta,
        generator=generator,
        unit=unit,
        relation=neighbours.relation,
        label=label,
    )
    facts = plan_facts(made)
    if as_json:
        write_json(facts)
        return
    certified, forecast = facts["guarantee"]["certified"], facts["forecast"]
    write_table(
        f"{facts['generator']}: where the budget goes",
        ["step", "what it tells", "answers", "share"],
        [[s["name"], s["detail"], f"{s['answers']:,}", f"{s['share']:.1%}"] for s in facts["steps"]],
        text_columns=2,
    )
    say("")
    write_pairs(
        [
            (
                "cost",
                f"epsilon {certified['epsilon']} at delta {certified['delta']:g} ({certified['accountant']}), "
                f"of epsilon {epsilon:g}",
            ),
            ("protects", protects(facts["guarantee"])),
            (
                "takes",
                f"about {forecast['seconds']:.1f} s and {forecast['memory_bytes'] / 2**20:,.0f} MiB, "
                f"{forecast['cells']:,} model cells",
            ),
        ]
    )


def plan_facts(made: AbstractPlan) -> dict[str, Any]:
    """A plan as plain JSON: generator, guarantee with the certified cost and the event, steps, forecast."""
    from dpsynth.bundle.facts import budget_facts, plain, step_facts

    return {
        "generator": made.generator.name,
        "parameters": plain(made.generator.parameters()),
        "domain": made.domain.digest(),
        "guarantee": budget_facts(made),
        "steps": step_facts(made),
        "forecast": {
            "cells": plain(made.forecast.cells),
            "memory_bytes": plain(made.forecast.memory_bytes),
            "seconds": plain(made.forecast.seconds),
        },
    }
