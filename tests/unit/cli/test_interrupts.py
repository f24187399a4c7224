"""Ctrl-C waits for a stage; twice means now."""

from __future__ import annotations

import signal
import threading

import pytest

from dpsynth.cli.interrupts import patient_interrupts


def test_the_first_waits_for_the_next_stage(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with patient_interrupts(lambda stage, share: heard.append(stage)) as report:
        report("measure", 0.0)
        signal.raise_signal(signal.SIGINT)
        heard.append("still in the stage")
        with pytest.raises(KeyboardInterrupt):
            report("estimate", 0.0)
    assert heard == ["measure", "still in the stage"]
    assert capsys.readouterr().err.startswith("Stopping after this stage")
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_stops_at_once() -> None:
    with patient_interrupts(None) as report:
        report("measure", 0.0)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_before_the_first_stage_one_is_enough() -> None:
    with patient_interrupts(None), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_the_handler_is_put_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="x"), patient_interrupts(None):
        raise ValueError("x")
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_hear_no_signals() -> None:
    heard: list[str] = []

    def work() -> None:
        with patient_interrupts(lambda stage, share: heard.append(stage)) as report:
            report("measure", 0.0)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == ["measure"]
