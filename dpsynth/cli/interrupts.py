"""Ctrl-C that waits for the next stage: stopping in the middle of a draw would burn what was paid for it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dpsynth.cli.console import say

if TYPE_CHECKING:
    from dpsynth.generators.base import Progress

__all__ = ["patient_interrupts", "stopped"]

EXIT_INTERRUPTED = 130


@contextmanager
def patient_interrupts(progress: Progress | None) -> Iterator[Progress]:
    """A progress callback: once it was called, a first Ctrl-C takes effect at its next call, a second one at once.

    Before its first call nothing is charged yet, so Ctrl-C takes effect at once.

    Args:
        progress: what to call in turn, or None.

    Raises:
        KeyboardInterrupt: at a stage after Ctrl-C was pressed.
    """
    pressed = False
    started = False

    def press(*_: object) -> None:
        nonlocal pressed
        if pressed or not started:
            raise KeyboardInterrupt
        pressed = True
        say("Stopping after this stage, so that nothing paid is lost. Ctrl-C again stops at once.", err=True)

    def report(stage: str, share: float) -> None:
        nonlocal started
        started = True
        if pressed:
            raise KeyboardInterrupt
        if progress is not None:
            progress(stage, share)

    try:
        before = signal.signal(signal.SIGINT, press)
    except ValueError:  # not the main thread, which alone hears signals
        yield report
        return
    try:
        yield report
    finally:
        signal.signal(signal.SIGINT, before)


def stopped(ledger: Path) -> typer.Exit:
    """What to tell a person who pressed Ctrl-C: nothing is half-written and paid answers are not lost."""
    say(
        "Stopped: no output was written.\n"
        f"What was charged stays charged in {ledger}; the same command again replays its stored answers at no cost.",
        err=True,
    )
    return typer.Exit(EXIT_INTERRUPTED)
