"""The demo table: UCI Adult (CC BY 4.0, see ATTRIBUTION.md beside this file), its holdout, and its public domain."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from dpsynth.domain.table import Domain

__all__ = ["AdultPaths", "adult_paths", "demo_domain", "demo_holdout", "demo_table"]


class AdultPaths(NamedTuple):
    """Where the demo files lie.

    Attributes:
        table: the 32,561 rows of the UCI training split, CSV compressed by xz.
        holdout: the 16,281 rows of the UCI test split, likewise.
        domain: the public domain of both, TOML.
    """

    table: Path
    holdout: Path
    domain: Path


def adult_paths() -> AdultPaths:
    """The demo files of this installation."""
    folder = Path(str(files("dpsynth.data")))
    return AdultPaths(folder / "adult.csv.xz", folder / "adult_holdout.csv.xz", folder / "adult.toml")


def demo_table() -> pd.DataFrame:
    """The demo table: 32,561 rows, 15 columns, "?" a value like any other. Public."""
    return _read(adult_paths().table)


def demo_holdout() -> pd.DataFrame:
    """The demo holdout: 16,281 rows that no release of the demo table has seen. Public."""
    return _read(adult_paths().holdout)


def demo_domain() -> Domain:
    """The public domain of the demo table."""
    from dpsynth.domain.toml import read_toml

    return read_toml(adult_paths().domain)


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False)
