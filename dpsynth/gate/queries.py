"""The questions that the gate can answer, each with its sensitivity under the ledger's unit and relation.

A query names only public things: columns, public groupings of cells, public reference tables. Sensitivities are exact
integers. Let u2 = unit.squared_l2(relation) and u1 = unit.l1(relation):

    Total       the number of rows                    squared L2 = unit.size^2 (add/remove); under replace-one the
                                                      total is public knowledge and the query costs nothing to answer,
                                                      so it is refused: use Marginals
    Marginals   one histogram per clique              each: squared L2 = u2
    Distances   weight (L1 distance of a clique's histogram to a public integer reference table - offset), an integer
                score; offset and weight are public integers, 0 and 1 where not given
                                                      score i moves by at most w_i u1, so the vector of scores has
                                                      L1 = u1 sum w_i and squared L2 = u1^2 sum w_i^2 (weights of 1:
                                                      m u1 and m u1^2), and each score L-infinity u1 max w_i
    ParitySums  sum over rows of a product of signs   one row adds +1 or -1 to every sum, so each moves by at most u1
                of the columns of each set            and the vector of m sums has squared L2 = m u1^2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from dpsynth.encoding.grouping import Grouping

__all__ = ["Distances", "Marginals", "ParitySums", "Total"]

Clique = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Total:
    """The number of rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """Histograms of several cliques in one pass.

    Attributes:
        cliques: tuples of column names, each without repetition.
        groupings: public coarse maps by column name; a column without one is counted on its fine cells.
    """

    cliques: tuple[Clique, ...]
    groupings: Mapping[str, Grouping] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """Integer scores from L1 distances of histograms to public integer references: weight (distance - offset).

    Attributes:
        references: int64 arrays by clique, one axis per column (after grouping). They must be constants with respect
            to the private table: built from earlier noisy answers or public facts only. The same holds for all below.
        groupings: as in Marginals.
        offsets: whole rows to take from the distance of a clique, before weighing; 0 where not named.
        weights: whole number of at least 1 by which the score of a clique is multiplied; 1 where not named.
    """

    references: Mapping[Clique, np.ndarray]
    groupings: Mapping[str, Grouping] = field(default_factory=dict)
    offsets: Mapping[Clique, int] = field(default_factory=dict)
    weights: Mapping[Clique, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class ParitySums:
    """Walsh sums: over all rows, the product of the signs of the columns of each set.

    The sign of a row in a column is +1 in the column's first cell and -1 in its second; a column with more cells needs
    a public map. Parities of all sets of columns are an orthogonal basis of all marginals of a binary table.

    Attributes:
        sets: tuples of column names, each without repetition; the empty set counts rows. They must be constants with
            respect to the private table: fixed, or chosen from earlier noisy answers.
        signs: int8[cells] of +1 and -1 by column name, for columns that have not exactly two cells, or to override.
    """

    sets: tuple[Clique, ...]
    signs: Mapping[str, np.ndarray] = field(default_factory=dict)
