"""`dpsynth domain`: describe the columns of a table in public terms, check that description, change its format."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dpsynth.cli.console import say, write_json, write_pairs, write_table
from dpsynth.cli.options import JsonOption
from dpsynth.errors import InputError

if TYPE_CHECKING:
    from dpsynth.domain.build import DomainFile
    from dpsynth.domain.columns import AbstractColumn

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Describe the columns of a table in public terms.")

LONGEST_DETAIL = 60


class SkeletonFormat(StrEnum):
    """The format of a new domain file."""

    TOML = "toml"
    TABLE_SCHEMA = "table-schema"


class DomainFormat(StrEnum):
    """The format of a converted domain file."""

    TOML = "toml"
    TABLE_SCHEMA = "table-schema"
    SDV = "sdv"


ExtraOption = Annotated[
    Path | None, typer.Option("--extra", help="A second domain file with the lists and bounds that SDV metadata lacks.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]


@app.command()
def init(
    table: Annotated[str, typer.Argument(help="The table: only its column names and storage types are read.")],
    public: Annotated[
        Path | None,
        typer.Option("--public", help="A table that you declare PUBLIC: lists and bounds are read from its rows."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write (default: stdout).")] = None,
    format: Annotated[SkeletonFormat, typer.Option("--format", help="The format of the file.")] = SkeletonFormat.TOML,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a domain file with names and storage types; what only you can know is marked FILL IN."""
    from dpsynth.domain.header import table_columns
    from dpsynth.domain.public import from_public, read_reference
    from dpsynth.domain.skeleton import skeleton
    from dpsynth.domain.text import write_text

    _refuse_json_on_stdout(as_json, out)
    columns = table_columns(table)
    facts = None if public is None else from_public(read_reference(public))
    text = skeleton(columns, facts, format.value)
    marks = text.count("FILL IN:")
    if out is None:
        say(text.rstrip("\n"))
    else:
        write_text(out, text, overwrite=overwrite)
        if as_json:
            write_json({"written": str(out), "columns": [name for name, _ in columns], "to_fill_in": marks})
            return
    what = "Nothing is left to fill in" if marks == 0 else f"{marks} place(s) to FILL IN"
    say(f"{len(columns)} columns. {what}; then run: dpsynth domain check {out or 'FILE'}", err=True)


def _refuse_json_on_stdout(as_json: bool, out: Path | None) -> None:
    if as_json and out is None:
        raise InputError("--json reports on a written file.\nName the file with --out FILE.")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The domain file: .toml, Table Schema or SDV .json.")],
    extra: ExtraOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a domain file and show its columns and cells."""
    from dpsynth.domain.read import read_domain_file

    facts = domain_facts(read_domain_file(file, extra))
    if as_json:
        write_json(facts)
        return
    write_table(
        facts["title"] or file.name,
        ["column", "kind", "public facts", "cells"],
        [[c["name"], c["kind"], c["detail"], f"{c['cells']:,}" if c["cells"] else "-"] for c in facts["columns"]],
        text_columns=3,
    )
    write_pairs(
        [
            ("columns", f"{len(facts['columns'])}, all cells together 10^{facts['log10_cells']:.1f}"),
            ("label", facts["label"] or "none"),
            ("unit", facts["unit"] or "not stated here"),
            ("missing", ", ".join(map(repr, facts["missing_values"])) or "empty cells of typed tables only"),
            ("digest", facts["digest"]),
        ]
    )


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="The domain file to read.")],
    out: Annotated[Path, typer.Argument(help="The domain file to write.")],
    format: Annotated[
        DomainFormat | None, typer.Option("--format", help="Default: by ending, .json is a Table Schema, else TOML.")
    ] = None,
    extra: ExtraOption = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a domain file in another format. SDV metadata keeps types only."""
    from dpsynth.domain.read import read_domain_file, write_domain

    read = read_domain_file(file, extra)
    write_domain(read.domain, out, format=format and format.value, unit=read.unit, overwrite=overwrite)
    if as_json:
        write_json({"written": str(out), "columns": list(read.domain.names), "digest": read.domain.digest()})
    else:
        say(f"Wrote {out}: {len(read.domain)} columns.", err=True)


def domain_facts(read: DomainFile) -> dict[str, Any]:
    """A domain file as plain JSON values: its columns with kind, words and fine cells, and what holds for the table."""
    import math

    from dpsynth.domain.plain import column_to_dict
    from dpsynth.encoding.table import TableEncoder

    domain = read.domain
    sizes = TableEncoder(domain).sizes
    columns = []
    for column in domain:
        plain = column_to_dict(column)
        columns.append(
            {
                "name": column.name,
                "kind": plain["kind"],
                "cells": sizes.get(column.name, 0),
                "required": column.required,
                "detail": _detail(column, plain),
            }
        )
    return {
        "title": domain.title,
        "columns": columns,
        "log10_cells": round(sum(math.log10(size) for size in sizes.values()), 2),
        "label": domain.label,
        "unit": None if read.unit is None else str(read.unit),
        "missing_values": list(domain.missing_values),
        "digest": domain.digest(),
    }


def _detail(column: AbstractColumn, plain: dict[str, Any]) -> str:
    """One line about a column, from its plain keys."""
    words = []
    if "values" in plain:
        words.append(", ".join(plain["values"]))
        if len(words[0]) > LONGEST_DETAIL:
            words[0] = words[0][: LONGEST_DETAIL - 3] + "..."
    if "minimum" in plain:
        words.append(f"{plain['minimum']} to {plain['maximum']}")
    for key in ("special", "grid", "resolution", "decimals", "outside", "prefix"):
        if key in plain:
            value = plain[key]
            text = f"{len(value) - 1} cells by edges" if key == "grid" and isinstance(value, list) else str(value)
            words.append(f"{key} {text}")
    if column.required:
        words.append("required")
    return "; ".join(words)
