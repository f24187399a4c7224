"""`dpsynth sample`: more rows from a release, at no cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dpsynth.cli.console import write_json, write_pairs
from dpsynth.cli.options import JsonOption, SeedOption

__all__ = ["app"]

app = typer.Typer(add_completion=False)


@app.command("sample")
def _sample(
    bundle: Annotated[Path, typer.Argument(help="The folder of a release.")],
    rows: Annotated[int, typer.Option("--rows", "-n", help="How many rows.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to make: .csv or .parquet.")],
    seed: SeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw rows from the model of a release: post-processing, so it costs nothing, any number of times."""
    from dpsynth.bundle import read_bundle, sample_to_file

    opened = read_bundle(bundle)
    used = sample_to_file(opened, out, rows=rows, seed=seed)
    if as_json:
        write_json({"table": str(out), "rows": rows, "seed": used, "release_id": opened.release_id})
        return
    write_pairs(
        [
            ("sampled", f"{out}  ({rows:,} rows, seed {used})"),
            ("cost", f"none: release {opened.release_id[:8]} has paid for everything in its model"),
        ]
    )
