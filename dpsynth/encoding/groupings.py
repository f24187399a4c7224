"""Groupings that need nothing but the domain."""

from __future__ import annotations

import numpy as np

from dpsynth.encoding.base import AbstractColumnEncoder
from dpsynth.encoding.grouping import Grouping

__all__ = ["merge_adjacent"]


def merge_adjacent(encoder: AbstractColumnEncoder, cells: int) -> Grouping:
    """Merge neighbouring cells of the ordered grid into at most `cells` groups of (nearly) equally many fine cells.

    Missing, other and special cells stay alone; categories and booleans stay as they are.

    Guarantee: a function of the public domain only.
    """
    if encoder.ordered_from is None:
        return Grouping.identity(encoder.size)
    alone, fine = encoder.ordered_from, encoder.size - encoder.ordered_from
    groups = max(1, min(cells, fine))
    merged = alone + np.arange(fine) * groups // fine
    return Grouping(np.concatenate([np.arange(alone), merged]), alone + groups)
