"""The synthetic table as a file: CSV or Parquet, written and read by what the domain says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.domain.columns import Boolean, Category, Datetime, Identifier, Integer
from dpsynth.domain.table import Domain
from dpsynth.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FORMATS", "format_of", "missing_text", "read_table", "write_table"]

FORMATS = ("csv", "parquet")


def format_of(path: Path) -> str:
    """The format that a file name asks for.

    Raises:
        InputError: the name ends in neither .csv nor .parquet.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMATS:
        raise InputError(f"Cannot tell the format of {path}.\nEnd the name in .csv or .parquet.")
    return kind


def missing_text(domain: Domain) -> str:
    """The text of a missing cell in a CSV: empty where the domain reads that as missing, else its first such text."""
    return "" if not domain.missing_values or "" in domain.missing_values else domain.missing_values[0]


def write_table(frame: pd.DataFrame, path: Path, *, domain: Domain, format: str) -> None:
    """Write a synthetic table.

    Args:
        frame: the rows, columns of the domain.
        path: the file to make.
        domain: says how a missing cell is written.
        format: "csv" or "parquet".

    Guarantee: reading the file under the same domain gives the same cells; post-processing.
    """
    if format == "parquet":
        frame.to_parquet(path, index=False, engine="pyarrow")
    else:
        frame.to_csv(path, index=False, na_rep=missing_text(domain), lineterminator="\n", encoding="utf-8")


def read_table(path: Path, *, domain: Domain, format: str) -> pd.DataFrame:
    """Read what `write_table` wrote: text stays text ("01" is not 1), dates become dates.

    Whole numbers and booleans have numpy's types where nothing is missing, else the nullable ones of pandas.

    Args:
        path: the file.
        domain: says which columns are text, and which texts mean missing.
        format: "csv" or "parquet".
    """
    import pandas as pd

    if format == "parquet":
        return pd.read_parquet(path, engine="pyarrow")
    kinds: dict[Any, Any] = {c.name: "str" for c in domain if isinstance(c, (Category, Identifier))}
    nullable = {c.name: ("boolean", "bool") for c in domain if isinstance(c, Boolean)}
    nullable |= {c.name: ("Int64", "int64") for c in domain if isinstance(c, Integer)}
    frame = pd.read_csv(
        path,
        dtype=kinds | {name: loose for name, (loose, _) in nullable.items()},
        parse_dates=[c.name for c in domain if isinstance(c, Datetime)],
        keep_default_na=False,
        na_values=sorted({"", *domain.missing_values}),
        encoding="utf-8",
    )
    return frame.astype({name: strict for name, (_, strict) in nullable.items() if not frame[name].hasnans})
