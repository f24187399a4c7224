"""More rows from a bundle's model: post-processing, so nothing here costs anything."""

from __future__ import annotations

import secrets
from pathlib import Path

from dpsynth.bundle.folder import write_file_whole
from dpsynth.bundle.reader import Bundle
from dpsynth.bundle.tables import format_of, write_table
from dpsynth.errors import InputError

__all__ = ["check_rows", "check_seed", "fresh_seed", "sample_to_file"]

SEED_BITS = 53
"""Seeds are public and travel through JSON, whose whole numbers are exact up to 2^53."""


def fresh_seed() -> int:
    """A sampling seed from the operating system. It is public: sampling is post-processing."""
    return secrets.randbits(SEED_BITS)


def check_rows(rows: int | None) -> None:
    """Refuse a number of synthetic rows that cannot be meant.

    Raises:
        InputError: not a whole number of at least 1 (None is fine: the noisy number of rows).
    """
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 1):
        raise InputError("The number of synthetic rows must be a whole number of at least 1.")


def check_seed(seed: int | None) -> None:
    """Refuse a seed that JSON would not carry exactly.

    Raises:
        InputError: not a whole number from 0 to 2^53 - 1 (None is fine: a fresh one is drawn).
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**SEED_BITS):
        raise InputError(f"The sampling seed must be a whole number from 0 to 2^{SEED_BITS} - 1.")


def sample_to_file(bundle: Bundle, path: Path | str, *, rows: int, seed: int | None = None) -> int:
    """Draw rows from the model of a release into a new file.

    Args:
        bundle: an opened release.
        path: the file to make; its ending (.csv or .parquet) is its format.
        rows: how many.
        seed: equal seeds give equal rows; drawn afresh where it is not given.

    Returns:
        The seed that was used.

    Raises:
        InputError: an impossible number of rows or seed, or an unknown ending.
        OutputError: the file exists or cannot be written; nothing is left behind.

    Guarantee: post-processing.
    """
    check_rows(rows)
    check_seed(seed)
    target = Path(path)
    kind = format_of(target)
    used = fresh_seed() if seed is None else seed

    def write(temporary: Path) -> None:
        write_table(bundle.model().sample(rows, seed=used), temporary, domain=bundle.domain(), format=kind)

    write_file_whole(target, write, "Choose a folder that can be written, with room in it.")
    return used
