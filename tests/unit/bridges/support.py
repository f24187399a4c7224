"""A fake foreign environment for tests, and where a real one may be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dpsynth.bridges.process import ProcessCall
from dpsynth.bridges.smartnoise import SmartnoiseBridge
from dpsynth.generators.smartnoise import Smartnoise

FAKE = Path(__file__).with_name("fake_runner.py")


def fake_call(seconds: float = 60.0) -> ProcessCall:
    """The fake program."""
    return ProcessCall("smartnoise", Path(sys.executable), FAKE, seconds)


def fake(synthesizer: str = "mst", seconds: float = 60.0, rows: int = 300, **settings: Any) -> Smartnoise:
    """A recipe whose foreign code is the fake program."""
    bridge = SmartnoiseBridge(seconds=seconds, python=Path(sys.executable), runner=FAKE)
    return Smartnoise(synthesizer, rows=rows, settings=settings, bridge=bridge)
