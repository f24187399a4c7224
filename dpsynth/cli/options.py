"""Options that several verbs share, each with one name, one meaning and one help line."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.errors import BudgetError

__all__ = [
    "AccountOption",
    "CapDeltaOption",
    "CapEpsilonOption",
    "DeltaOption",
    "DomainOption",
    "EpsilonOption",
    "FormatOption",
    "GeneratorOption",
    "JsonOption",
    "LabelOption",
    "LedgerOption",
    "Neighbours",
    "NeighboursOption",
    "QuietOption",
    "RowsOption",
    "SeedOption",
    "TableFormat",
    "UnitOption",
    "read_cap",
]


class Neighbours(StrEnum):
    """The neighbouring relation as a word of the command line."""

    ADD_REMOVE = "add-remove"
    REPLACE_ONE = "replace-one"

    @property
    def relation(self) -> NeighbouringRelation:
        """The value that the library takes."""
        return NeighbouringRelation(self.value.replace("-", "_"))


class TableFormat(StrEnum):
    """The file format of a synthetic table."""

    CSV = "csv"
    PARQUET = "parquet"


DomainOption = Annotated[
    Path, typer.Option("--domain", "-d", help="Public description of the columns: .toml, Table Schema or SDV .json.")
]
EpsilonOption = Annotated[float, typer.Option("--epsilon", "-e", help="Privacy budget: epsilon, above 0.")]
DeltaOption = Annotated[
    float, typer.Option("--delta", help="Privacy budget: delta, well below 1 / (number of people).")
]
GeneratorOption = Annotated[str, typer.Option("--generator", "-g", help="auto, adaptive, mst or independent.")]
UnitOption = Annotated[
    PrivacyUnit | None,
    typer.Option(
        "--unit",
        parser=PrivacyUnit.parse,
        metavar="rows(K)",
        help="Who is protected (default: the domain file, else rows(1)).",
    ),
]
NeighboursOption = Annotated[Neighbours, typer.Option("--neighbours", help="What neighbouring tables are.")]
LabelOption = Annotated[str | None, typer.Option("--label", help="The column that users mean to predict.")]
RowsOption = Annotated[
    int | None, typer.Option("--rows", "-n", help="Synthetic rows (default: the noisy number of rows).")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed of the sampling; public.")]
LedgerOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger", help="File that remembers every charge (default: $DPSYNTH_LEDGER, else in your data folder)."
    ),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="Ledger account to charge (default: found by the data).")
]
CapEpsilonOption = Annotated[
    float | None, typer.Option("--cap-epsilon", help="The most that the account may ever spend.")
]
CapDeltaOption = Annotated[float | None, typer.Option("--cap-delta", help="The delta of that cap.")]
FormatOption = Annotated[TableFormat, typer.Option("--format", help="Format of the synthetic table.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]


def read_cap(epsilon: float | None, delta: float | None) -> Budget | None:
    """The cap that two options declare together, or None.

    Raises:
        BudgetError: only one of the two is given, or they are impossible.
    """
    if epsilon is None and delta is None:
        return None
    if epsilon is None or delta is None:
        raise BudgetError("A cap needs both numbers.\nGive --cap-epsilon and --cap-delta together.")
    return Budget(epsilon=epsilon, delta=delta)
