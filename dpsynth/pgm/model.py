"""The fitted graphical model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.errors import PlanError
from dpsynth.pgm.eliminate import CELL_CAP, eliminate
from dpsynth.pgm.factor import marginalize
from dpsynth.pgm.junction_tree import JunctionTree
from dpsynth.pgm.sample import sample_rows
from dpsynth.pgm.storage import read_model, write_model

__all__ = ["Diagnostics", "GraphicalModel"]


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """How a fit ended.

    Attributes:
        method: "estimate" or "rake".
        iterations: steps taken.
        residual: the stopping quantity at the end, in standard deviations of the noise (estimate) or as the largest
            total variation distance to a target (rake).
        converged: whether it fell below the tolerance; False is a warning, never an error.
    """

    method: str
    iterations: int
    residual: float
    converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class GraphicalModel:
    """A distribution over all columns, given by calibrated marginals on a junction tree. Public.

    Attributes:
        tree: structure; the model's columns are in the order of `tree.sizes`.
        marginals: one float64 table of probabilities per node.
        total: the estimated number of rows.
        diagnostics: how the fit ended.
    """

    tree: JunctionTree
    marginals: tuple[np.ndarray, ...]
    total: float
    diagnostics: Diagnostics

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in the order of the sampled columns."""
        return tuple(self.tree.sizes)

    @property
    def sizes(self) -> dict[str, int]:
        """Cells of each column."""
        return dict(self.tree.sizes)

    @property
    def cliques(self) -> tuple[tuple[str, ...], ...]:
        """Columns of each node of the junction tree."""
        return self.tree.cliques

    @property
    def memory_bytes(self) -> int:
        """Bytes of the model's tables."""
        return sum(table.nbytes for table in self.marginals)

    def project(self, clique: Sequence[str], *, cell_cap: int = CELL_CAP) -> np.ndarray:
        """Expected counts of any clique; by variable elimination where no node holds it.

        Args:
            clique: columns, in the order of the result's axes; none for the total.
            cell_cap: most cells that any table on the way may have (public).

        Returns:
            float64 counts over the clique, summing to `total`.

        Raises:
            PlanError: an unknown or repeated column, or a table above the cap.

        Guarantee: equal to the marginal of the joint by enumeration up to rounding; post-processing.
        """
        clique = tuple(clique)
        unknown = [name for name in clique if name not in self.tree.sizes]
        if unknown or len(set(clique)) != len(clique):
            raise PlanError(
                f"A marginal over {', '.join(map(repr, clique))} was asked for.\n"
                f"{'Not in the model: ' + ', '.join(map(repr, unknown)) if unknown else 'A column is named twice'}.\n"
                f"Use columns of the model, each once: {', '.join(self.names[:20])}."
            )
        node = self.tree.home(clique)
        if node is not None:
            return marginalize(self.marginals[node], self.tree.cliques[node], clique) * self.total
        return eliminate(self.tree, self.marginals, clique, cell_cap) * self.total

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Stratified rows: int32[n, columns] in the order of `names`; see `sample_rows`."""
        return sample_rows(self.tree, self.marginals, n, rng)

    def save(self, folder: Path | str) -> None:
        """Write the model as JSON and safetensors; see `write_model`."""
        write_model(Path(folder), self.tree, self.marginals, {"total": self.total, "fit": asdict(self.diagnostics)})

    @classmethod
    def load(cls, folder: Path | str) -> GraphicalModel:
        """Read what `save` wrote, checking schema, shapes, hash and values; see `read_model`."""
        tree, marginals, facts = read_model(Path(folder))
        return cls(tree, marginals, float(facts["total"]), _diagnostics(facts["fit"]))


def _diagnostics(fit: Mapping[str, Any]) -> Diagnostics:
    return Diagnostics(str(fit["method"]), int(fit["iterations"]), float(fit["residual"]), bool(fit["converged"]))
