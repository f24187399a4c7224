"""Holdouts that are worth their name: split by unit, never by row, and no row or unit on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from privacy_audit.cells import canonical_texts, read_frame, to_cells
from privacy_audit.errors import HoldoutError, InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Split", "check_holdout", "split_holdout"]


class Split(NamedTuple):
    """Two parts of one source that share no unit.

    Attributes:
        members: what the generator may see.
        holdout: what it must never see.
    """

    members: pd.DataFrame
    holdout: pd.DataFrame


def split_holdout(
    source: Any,
    *,
    unit: str | Sequence[str] | None = None,
    share: float = 1 / 3,
    seed: int = 0,
    keep_twins_together: bool = True,
) -> Split:
    """Split a table into members and holdout, each unit wholly on one side.

    Args:
        source: a frame, a relation or the path of a CSV or Parquet file.
        unit: the column or columns that name the unit of protection (a person, a household). A missing name is a
            unit of its own. Without it every row is taken for a unit.
        share: of the units that are held out, between 0 and 1.
        seed: of the draw; equal tables and seeds give equal splits, whatever the order of the rows.
        keep_twins_together: without `unit`, whether equal rows stay on one side, so that no row is on both.

    Returns:
        Members and holdout, rows in their old order with a fresh index.

    Raises:
        InputError: there is no such column, the share is not between 0 and 1, or there are fewer than two units.

    Guarantee: no unit has rows on both sides, and each side has at least one unit.
    """
    if not 0 < share < 1:
        raise InputError(f"The share of the holdout must lie between 0 and 1; got {share}.")
    frame = read_frame(source, "source")
    if unit is None:
        names = [str(name) for name in frame.columns] if keep_twins_together else []
    else:
        names = [unit] if isinstance(unit, str) else list(unit)
    keys = _keys(frame, names, alone=unit is not None)
    order, where = np.unique(keys, return_inverse=True)
    if len(order) < 2:
        raise InputError("A split needs at least two different units.\nName the unit column, or bring more rows.")
    count = min(len(order) - 1, max(1, round(share * len(order))))
    held = np.random.default_rng(seed).permutation(len(order))[:count]
    outside = np.isin(where, held)
    return Split(frame[~outside].reset_index(drop=True), frame[outside].reset_index(drop=True))


def check_holdout(
    members: Any, holdout: Any, *, unit: str | Sequence[str] | None = None, columns: Sequence[str] | None = None
) -> None:
    """Refuse a holdout that overlaps the training table.

    Args:
        members: the table that the generator saw.
        holdout: rows that it must not have seen.
        unit: the column or columns that name the unit of protection; none may be on both sides.
        columns: without `unit`: the columns by which rows are compared (default: all). As many shared rows as natural
            twins explain are let through.

    Raises:
        HoldoutError: units, or more rows than chance explains, are on both sides.
        InputError: the tables have different columns, or there is no such column.
    """
    if unit is not None:
        names = [unit] if isinstance(unit, str) else list(unit)
        ours = _keys(read_frame(members, "members"), names, alone=True)
        theirs = _keys(read_frame(holdout, "holdout"), names, alone=True)
        named = [set(keys[~np.char.startswith(keys.astype(str), _ALONE)].tolist()) for keys in (ours, theirs)]
        shared = len(named[0] & named[1])
        if shared:
            raise HoldoutError(
                f"The holdout shares {shared} unit{'s' if shared > 1 else ''} with the members.\n"
                "Split by unit (privacy_audit.split_holdout), never by row."
            )
        return
    from privacy_audit.frames import align

    align(members, holdout, holdout=holdout, columns=columns)


_ALONE = "\x00alone "


def _keys(frame: pd.DataFrame, names: list[str], alone: bool) -> np.ndarray:
    """str[rows]: one text per unit; where `alone`, rows without any name are units of their own.

    Raises:
        InputError: there is no such column.
    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise InputError(f"There is no column {missing[0]!r} to tell units apart.\nName a column of the table.")
    if not names:
        return np.array([f"{_ALONE}{row:015d}" for row in range(len(frame))], dtype=object)
    parts = [canonical_texts(to_cells(frame[name])) for name in names]
    keys = np.array(
        ["\x1f".join("\x00" if part is None else part for part in row) for row in zip(*parts, strict=True)],
        dtype=object,
    )
    if alone:
        nameless = np.logical_and.reduce([np.array([text is None for text in part]) for part in parts])
        keys[nameless] = [f"{_ALONE}{row:015d}" for row in np.flatnonzero(nameless)]
    return keys
