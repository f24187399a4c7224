"""The audit on real rows: `privacy_audit` on the release, the private table and a holdout. Only certify calls it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.certify.evidence import Evidence, read_evidence
from dpsynth.errors import InputError, SourceError

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["audit_release", "check_tables"]

SECONDS = 600.0
"""What has not begun by then is skipped, visibly."""


def check_tables(bundle: Bundle, real: Path, holdout: Path | None) -> None:
    """Whether both tables have the columns of the domain, by their headers alone: before anything is booked or read.

    Raises:
        SourceError: a file is missing or of an unknown kind, or lacks a column.
    """
    names = bundle.domain().names
    for path in (real, holdout):
        if path is None:
            continue
        header = _header(path)
        missing = [name for name in names if name not in header]
        if missing:
            raise SourceError(
                f"{path} is no table of this domain: it has no column {missing[0]!r}.\n"
                "Give the table that was released from, and a holdout with the same columns."
            )


def _header(path: Path) -> list[str]:
    import csv

    if not path.is_file():
        raise SourceError(f"There is no table {path}.\nGive a CSV or Parquet file.")
    if path.suffix.lower() == ".parquet":
        import pyarrow
        from pyarrow import parquet

        try:
            return list(parquet.read_schema(path).names)
        except (OSError, pyarrow.ArrowException):
            raise SourceError(f"{path} is not a Parquet file.\nGive a CSV or Parquet file.") from None
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        raise SourceError(f"{path} cannot be read as CSV in UTF-8.\nGive a CSV or Parquet file.") from None


def audit_release(bundle: Bundle, real: Path, holdout: Path | None) -> Evidence:
    """Attack and score a release on the rows that it was made from. The result is PRIVATE.

    Args:
        bundle: the release.
        real: the private table.
        holdout: rows of the same population that were not released from, or None: then most attacks are skipped.

    Raises:
        InputError: the tables cannot be aligned.
    """
    from privacy_audit.errors import AuditError

    certified = bundle.facts["guarantee"]["certified"]
    claim = (float(certified["epsilon"]), float(certified["delta"]))
    try:
        report, source = _battery(bundle, real, holdout, claim)
    except AuditError as error:
        raise InputError(f"The audit cannot use these tables: {str(error).splitlines()[0]}") from None
    return read_evidence(report, source)


def _battery(
    bundle: Bundle, real: Path, holdout: Path | None, claim: tuple[float, float]
) -> tuple[Mapping[str, Any], str]:
    import privacy_audit
    from dpsynth.version import __version__
    from privacy_audit.cells import read_frame

    # An identifier is made up, so it says nothing.
    names = [column.name for column in bundle.domain().modelled]
    tables = {"real": real, "synthetic": bundle.table_path, "holdout": holdout}
    frames = {name: read_frame(path, name)[names] for name, path in tables.items() if path is not None}
    found = privacy_audit.audit(
        frames["real"],
        frames["synthetic"],
        holdout=frames.get("holdout"),
        domain=bundle.path / "domain.toml",
        epsilon=claim[0],
        delta=claim[1],
        label=bundle.facts["domain"].get("label"),
        measured=[tuple(clique) for clique in bundle.facts["model"].get("measured", [])],
        name=bundle.table_path.name,
        time_limit=SECONDS,
    ).to_dict()
    return found | {"audits": _bounds(found)}, f"privacy_audit of dpsynth {__version__}"


def _bounds(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scorecard's one lower bound on epsilon as an audit."""
    bound = found.get("epsilon_lower_bound")
    if not isinstance(bound, Mapping):
        return []
    assumed = [str(words) for words in bound.get("assumptions") or ()]
    return [
        {
            "name": "membership at thresholds",
            "method": str(bound.get("method", "Clopper-Pearson")),
            "threat_model": "; ".join(("no access to the generator", *(f"assumed: {words}" for words in assumed))),
            "assumptions": assumed,
            "epsilon_lower": bound.get("epsilon"),
            "delta": bound.get("delta"),
            "confidence": bound.get("confidence"),
            "alpha": round(1 - float(bound.get("confidence") or 0.0), 12),
            "valid": True,  # under what is assumed
        }
    ]
