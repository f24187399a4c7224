"""Rows for a foreign synthesizer: what the gate hands out, to whom, and what it takes back.

This is the one place where rows leave the gate without noise of ours. Foreign code sees coded rows and its own draws;
what it says it did is charged before it sees any (`ForeignClaim`), and nothing of that is checked here: whoever runs a
bridge trusts the code behind it (docs/threat-model.md). What comes back is checked as strictly as a stranger's file:
whole numbers, the asked number of rows, inside the cells of the domain.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dpsynth.encoding.grouping import Grouping
from dpsynth.engines.base import AbstractEngine
from dpsynth.errors import BridgeError, PlanError
from dpsynth.gate.mechanisms import Claimed

__all__ = ["MOST_ROWS", "AbstractBridge", "ForeignTask", "check_rows", "hand_over"]

MOST_ROWS = 10_000_000
"""Most synthetic rows that are taken from one call."""


@dataclass(frozen=True, slots=True, eq=False)
class ForeignTask:
    """What a foreign synthesizer is asked to do: public, all of it.

    Attributes:
        columns: modelled columns, in the order in which codes are handed over.
        groupings: public maps from fine cells to the cells that the foreign code sees; without one it sees fine cells.
        rows: how many synthetic rows are wanted. Public: never the number of private rows.
        parameters: name of the synthesizer and its hyper-parameters, plain JSON.
    """

    columns: tuple[str, ...]
    rows: int
    groupings: Mapping[str, Grouping] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def sizes(self, fine: Mapping[str, int]) -> tuple[int, ...]:
        """Cells of each column as the foreign code sees them."""
        return tuple(self.groupings[c].size if c in self.groupings else fine[c] for c in self.columns)

    def check(self, fine: Mapping[str, int], bridge: AbstractBridge, claim: Claimed) -> None:
        """Refuse a task that does not fit the domain, before anything is charged.

        Raises:
            PlanError: unknown columns, a grouping of another column, an impossible number of rows, another's claim.
        """
        if claim.bridge != bridge.name:
            raise PlanError(f"A claim of {claim.bridge} was given for the bridge {bridge.name}.")
        if not self.columns or len(set(self.columns)) != len(self.columns) or not set(self.columns) <= set(fine):
            raise PlanError("A foreign synthesizer needs different columns that the domain models, at least one.")
        for name, grouping in self.groupings.items():
            if name not in fine or len(grouping.cells) != fine[name]:
                raise PlanError(f"The grouping of column {name!r} does not fit its fine cells.")
        if isinstance(self.rows, bool) or not isinstance(self.rows, int) or not 1 <= self.rows <= MOST_ROWS:
            raise PlanError(f"A foreign synthesizer gives from 1 to {MOST_ROWS:,} rows.")

    def describe(self) -> dict[str, Any]:
        """The task for the draw row."""
        return {
            "kind": "foreign",
            "cliques": [list(self.columns)],
            "groupings": {name: grouping.digest() for name, grouping in self.groupings.items()},
            "rows": self.rows,
            "parameters": dict(self.parameters),
        }


class AbstractBridge(ABC):
    """A way to foreign code. Its `run` is handed rows; what it does with them is trusted, not checked.

    Attributes:
        name: under which it is charged.
    """

    name: str

    @abstractmethod
    def run(
        self, task: ForeignTask, sizes: tuple[int, ...], columns: list[np.ndarray], epsilon: float, delta: float
    ) -> np.ndarray:
        """Hand rows over and take synthetic ones back.

        Args:
            task: what is asked.
            sizes: cells of each column.
            columns: integers[n] of each column, cells below its size. PRIVATE.
            epsilon: what the foreign code may spend, whole.
            delta: the same.

        Returns:
            Integers[rows, columns]: whatever the foreign code gave.

        Raises:
            BridgeError: it could not be started, hung, died or gave no table; in public words.
        """


def hand_over(engine: AbstractEngine, task: ForeignTask, bridge: AbstractBridge, claim: Claimed) -> np.ndarray:
    """Rows to a bridge, whose claim is charged already, and synthetic rows back.

    Args:
        engine: the rows.
        task: what is asked.
        bridge: the way to the foreign code.
        claim: what was charged.

    Returns:
        int64[rows, columns], inside the domain.

    Raises:
        BridgeError: as in `AbstractBridge.run` and `check_rows`.
    """
    sizes = task.sizes(engine.encoder.sizes)
    given = bridge.run(task, sizes, _coded_columns(engine, task), claim.epsilon, claim.delta)
    return check_rows(given, task, sizes)


def _coded_columns(engine: AbstractEngine, task: ForeignTask) -> list[np.ndarray]:
    """The coded rows of a task, by column. PRIVATE: for a bridge under a charge, and for nobody else."""
    parts: list[list[np.ndarray]] = [[] for _ in task.columns]
    for batch in engine.batches(task.columns):
        for place, (name, codes) in enumerate(zip(task.columns, batch, strict=True)):
            grouping = task.groupings.get(name)
            parts[place].append((codes if grouping is None else grouping.cells[codes]).astype(np.int32))
    return [np.concatenate([np.empty(0, np.int32), *part]) for part in parts]


def check_rows(given: Any, task: ForeignTask, sizes: tuple[int, ...]) -> np.ndarray:
    """Synthetic rows of foreign code, or a refusal.

    Returns:
        int64[rows, columns].

    Raises:
        BridgeError: not the asked number of rows and columns, no whole numbers, or cells outside the domain.
    """
    table = np.asarray(given)
    if table.ndim != 2 or table.shape != (task.rows, len(sizes)) or table.dtype.kind not in "iu":
        raise BridgeError(
            "The foreign synthesizer gave no table of the asked number of rows, columns and whole numbers.\n"
            "Nothing of it is used; its charge is kept."
        )
    if ((table < 0) | (table >= np.array(sizes))).any():
        raise BridgeError(
            "The foreign synthesizer gave rows outside the domain.\nNothing of it is used; its charge is kept."
        )
    return table.astype(np.int64)
