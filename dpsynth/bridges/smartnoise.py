"""The bridge to smartnoise-synth: what each of its synthesizers takes, and what its claim is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.bridges.install import environment_of
from dpsynth.bridges.process import ProcessCall, run_process
from dpsynth.errors import PlanError
from dpsynth.gate import AbstractBridge, ForeignTask

__all__ = ["SYNTHESIZERS", "SmartnoiseBridge", "Synthesizer"]


@dataclass(frozen=True, slots=True)
class Synthesizer:
    """One foreign synthesizer.

    Attributes:
        takes_delta: whether its claim needs a delta above 0.
        unsupported: why its claim cannot stand; "" where nothing is known that refutes it.
        caveat: what is known of it and stays true at the bridge.
        settings: hyper-parameters that the bridge sets.
    """

    takes_delta: bool
    unsupported: str = ""
    caveat: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


_ROW_COUNT = "it uses the exact number of rows without paying for it"
_FREQUENCIES = (
    "its condition vectors are drawn from the exact frequencies of categories, which nothing pays for "
    "(smartnoise-sdk issue 301)"
)

SYNTHESIZERS: dict[str, Synthesizer] = {
    "mst": Synthesizer(True, caveat=_ROW_COUNT, settings={"independent_rows": True}),
    "aim": Synthesizer(
        True, caveat="its memory cap does not bound the junction tree", settings={"independent_rows": True}
    ),
    "mwem": Synthesizer(
        False, caveat="its number of rounds depends on the exact number of rows", settings={"split_factor": 2}
    ),
    "pacsynth": Synthesizer(True, caveat="its noise is drawn in floating point"),
    "dpctgan": Synthesizer(
        True, unsupported=f"{_FREQUENCIES}, and its batches are not the ones that its accountant assumes"
    ),
    "patectgan": Synthesizer(
        True, unsupported="its student and all of its teachers are one network, trained on real rows without noise"
    ),
    "pategan": Synthesizer(
        True,
        unsupported="no published PATE-GAN keeps its claim (arXiv:2406.13985, smartnoise-sdk issue 596), and the "
        "number of teachers is the exact number of rows over 1000",
    ),
    "dpgan": Synthesizer(
        True, unsupported="its batches are shuffled passes, while its accountant assumes Poisson sampling"
    ),
}
"""By name. Reasons are read in the code of version 1.0.8, which the lock pins."""


@dataclass(frozen=True, slots=True)
class SmartnoiseBridge(AbstractBridge):
    """smartnoise-synth in its own environment.

    Attributes:
        seconds: time limit of one run.
        python: another interpreter than that of the installed environment.
        runner: another script than the shipped one.
    """

    seconds: float = 1800.0
    python: Path | None = None
    runner: Path | None = None
    name = "smartnoise"

    def require(self) -> None:
        """Refuse before anything is charged where the environment is not there.

        Raises:
            PlanError: says what to install.
        """
        environment = environment_of(self.name)
        if self.python is None and environment.state != "installed":
            raise PlanError(
                f"The bridge to smartnoise-synth is {environment.state}.\n"
                "Install it (minutes, about 1.5 GB): dpsynth bridge install smartnoise"
            )

    def run(
        self, task: ForeignTask, sizes: tuple[int, ...], columns: list[np.ndarray], epsilon: float, delta: float
    ) -> np.ndarray:
        environment = environment_of(self.name)
        call = ProcessCall(
            self.name, self.python or environment.python, self.runner or environment.runner, self.seconds
        )
        body = {
            "synthesizer": task.parameters["synthesizer"],
            "parameters": dict(task.parameters["settings"]),
            "rows": task.rows,
            "epsilon": epsilon,
            "delta": delta,
        }
        return run_process(call, body, sizes, columns)
