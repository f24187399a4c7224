"""A release directory that has been checked against its hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.bundle.facts import parse
from dpsynth.bundle.folder import check_files
from dpsynth.bundle.tables import FORMATS, read_table
from dpsynth.domain.table import Domain
from dpsynth.errors import BundleError

if TYPE_CHECKING:
    import pandas as pd

    from dpsynth.certify import Certificate
    from dpsynth.generators.base import AbstractFittedModel

__all__ = ["FACTS_FILE", "Bundle", "read_bundle"]

FACTS_FILE = "release.json"
_KEYS = ("release_id", "request", "guarantee", "steps", "domain", "ledger", "sampling", "private", "warnings", "files")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A release on disk. Everything in it is post-processing of released answers.

    Attributes:
        path: the folder.
        facts: what release.json says (plain JSON values).
    """

    path: Path
    facts: Mapping[str, Any]

    @property
    def release_id(self) -> str:
        """Names the noisy answers behind this bundle."""
        return self.facts["release_id"]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Public sentences for the person who uses the table."""
        return tuple(self.facts["warnings"])

    @property
    def format(self) -> str:
        """The file format of the synthetic table: "csv" or "parquet"."""
        return self.facts["request"]["format"]

    @property
    def table_path(self) -> Path:
        """The file of the synthetic table."""
        return self.path / f"synthetic.{self.format}"

    def domain(self) -> Domain:
        """The public description of the columns."""
        from dpsynth.domain import read_domain

        return read_domain(self.path / "domain.toml")

    def synthetic(self) -> pd.DataFrame:
        """The synthetic table."""
        return read_table(self.table_path, domain=self.domain(), format=self.format)

    def model(self) -> AbstractFittedModel:
        """The fitted model: sample from it as often as you like, at no cost."""
        from dpsynth.generators import load

        return load(self.path / "model")

    def certify(self, **settings: Any) -> Certificate:
        """Judge this release and write its certificate into its folder.

        Args:
            settings: those of `dpsynth.certify.certify_bundle`: policy, sign, real, holdout, ledger.

        Returns:
            The certificate; its `passed` says whether the release may leave the house.
        """
        # By name: the room above this one, which is loaded only when somebody asks for it.
        return import_module("dpsynth.certify").certify_bundle(self, **settings)


def read_bundle(path: Path | str) -> Bundle:
    """Open a release directory.

    Args:
        path: the folder that `release` wrote.

    Returns:
        The bundle; every file in it has the hash that was released.

    Raises:
        BundleError: no such bundle, another version, or a file that is missing or changed.
    """
    folder = Path(path)
    file = folder / FACTS_FILE
    try:
        raw = file.read_bytes()
    except OSError:
        raise BundleError(
            f"{folder} is not a bundle: it has no readable {FACTS_FILE}.\nGive the folder that `dpsynth release` wrote."
        ) from None
    facts = parse(raw, str(file), _KEYS)
    check_files(folder, facts["files"])
    request = facts["request"]
    if not isinstance(request, dict) or request.get("format") not in FORMATS:
        raise BundleError(f"{file} names no known table format.\nRead it with the version of dpsynth that wrote it.")
    for name in ("domain.toml", f"synthetic.{request['format']}"):
        if name not in facts["files"]:
            raise BundleError(f"{folder} has no {name}, so it is not a whole bundle.\nRun the same release again.")
    return Bundle(folder, facts)
