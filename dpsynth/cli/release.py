"""`dpsynth release`: from a private table to a release directory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dpsynth.cli.console import progress_bar, write_json, write_pairs, write_warnings
from dpsynth.cli.interrupts import patient_interrupts, stopped
from dpsynth.cli.options import (
    AccountOption,
    CapDeltaOption,
    CapEpsilonOption,
    DeltaOption,
    DomainOption,
    EpsilonOption,
    FormatOption,
    GeneratorOption,
    JsonOption,
    LabelOption,
    LedgerOption,
    Neighbours,
    NeighboursOption,
    QuietOption,
    RowsOption,
    SeedOption,
    TableFormat,
    UnitOption,
    read_cap,
)

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["app", "promise", "protects"]

app = typer.Typer(add_completion=False)


@app.command("release")
def _release(
    table: Annotated[str, typer.Argument(help="The private table: CSV or Parquet, or a glob of several files.")],
    domain: DomainOption,
    epsilon: EpsilonOption,
    delta: DeltaOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to make.")],
    generator: GeneratorOption = "auto",
    rows: RowsOption = None,
    seed: SeedOption = None,
    ledger: LedgerOption = None,
    account: AccountOption = None,
    cap_epsilon: CapEpsilonOption = None,
    cap_delta: CapDeltaOption = None,
    unit: UnitOption = None,
    neighbours: NeighboursOption = Neighbours.ADD_REMOVE,
    label: LabelOption = None,
    format: FormatOption = TableFormat.CSV,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older release in OUT.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a synthetic table of a private one and write it with its model, its facts and its charges."""
    from dpsynth.bundle import release
    from dpsynth.gate import default_ledger_path

    cap = read_cap(cap_epsilon, cap_delta)
    book = ledger or default_ledger_path()
    try:
        with progress_bar(quiet=quiet) as bar, patient_interrupts(bar) as progress:
            bundle = release(
                table,
                domain=domain,
                epsilon=epsilon,
                delta=delta,
                out=out,
                generator=generator,
                rows=rows,
                seed=seed,
                ledger=book,
                account=account,
                cap=cap,
                unit=unit,
                relation=neighbours.relation,
                label=label,
                format=format.value,
                progress=progress,
                overwrite=overwrite,
            )
    except KeyboardInterrupt:
        raise stopped(book) from None
    if as_json:
        write_json(
            {"path": str(bundle.path), "table": str(bundle.table_path), "ledger": str(book), "facts": bundle.facts}
        )
        return
    write_pairs(
        [
            (
                "released",
                f"{bundle.table_path}  ({bundle.facts['sampling']['rows']:,} rows, id {bundle.release_id[:8]})",
            ),
            ("promise", promise(bundle)),
            ("ledger", f"{book}  (dpsynth ledger verify {book})"),
            ("model", f"{bundle.path / 'model'}  (dpsynth sample {bundle.path} --rows 1000 --out more.csv)"),
        ]
    )
    write_warnings(bundle.warnings)


def promise(bundle: Bundle) -> str:
    """The guarantee of a release in one line."""
    facts = bundle.facts["guarantee"]
    return (
        f"epsilon {facts['certified']['epsilon']} at delta {facts['certified']['delta']:g} "
        f"(asked: {facts['promised']['epsilon']:g}), for {protects(facts)}"
    )


def protects(guarantee: Mapping[str, Any]) -> str:
    """Who is protected, in words: the unit and the neighbouring relation of a guarantee."""
    who = {"rows(1)": "any one row"}.get(guarantee["unit"], f"any {guarantee['unit']}")
    return f"{who} {'added or removed' if guarantee['relation'] == 'add_remove' else 'replaced'}"
