"""The one place where errors become messages; help and version."""

from __future__ import annotations

import errno
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer

from dpsynth.cli import app as app_module
from dpsynth.cli.app import VERBS, main
from dpsynth.errors import AccountingError, BudgetRefused, BundleError, LedgerError, OpaqueError, OutputError
from dpsynth.version import __version__
from tests.unit.cli.conftest import CANARY, Run

ANSI = re.compile(r"\x1b\[")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """The verb `plan` raises what the test puts into the list."""
    errors: list[BaseException] = []
    fake = typer.Typer(add_completion=False)

    @fake.command()
    def command() -> None:
        raise errors[0]

    class Module:
        app = fake

    monkeypatch.setattr(app_module, "import_module", lambda name: Module)
    return errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutputError("Cannot write x.\nDo y."), 2),
        (LedgerError("The ledger x is corrupt."), 2),
        (BundleError("x is not a bundle."), 2),
        (OpaqueError("It does not show its rows."), 2),
        (BudgetRefused("1", "0.5", "0.5"), 3),
        (AccountingError("No accountant."), 4),
    ],
    ids=lambda value: type(value).__name__,
)
def test_our_errors_are_shown_as_they_are(run: Run, failing: list[BaseException], error: Exception, code: int) -> None:
    failing.append(error)
    result = run("plan")
    assert (result.code, result.out, result.err) == (code, "", f"{error}\n")


@pytest.mark.parametrize("debug", ["0", "1"])
def test_an_unexpected_error_shows_no_value(
    run: Run, failing: list[BaseException], monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    monkeypatch.setenv("DPSYNTH_DEBUG", debug)
    try:
        try:
            {}[CANARY]
        except KeyError as cause:
            raise ValueError(f"cannot parse {CANARY}") from cause
    except ValueError as error:
        failing.append(error)
    result = run("plan")
    assert (result.code, result.out) == (4, "")
    lines = result.err.splitlines()
    assert lines[0] == (
        "Internal error (ValueError); its words are withheld because they may hold data. "
        "DPSYNTH_DEBUG=1 shows where it happened."
    )
    if debug == "0":
        assert len(lines) == 1
    else:
        assert [line for line in lines[1:] if not line.startswith("  ")] == ["ValueError", "KeyError"]
        places = [line for line in lines if line.startswith("  ")]
        assert places
        assert all(re.fullmatch(r"  dpsynth/[\w/]+\.py:\d+ in \w+", line) for line in places)


def test_a_system_error_says_its_fixed_words(run: Run, failing: list[BaseException]) -> None:
    failing.append(OSError(errno.ENOSPC, CANARY, CANARY))
    assert run("plan").err.startswith("Internal error (OSError: No space left on device); its words are withheld")


def test_a_warning_of_a_library_is_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import warnings

    fake = typer.Typer(add_completion=False)

    @fake.command()
    def command() -> None:
        warnings.warn(f"odd value {CANARY}", stacklevel=1)

    class Module:
        app = fake

    monkeypatch.setattr(app_module, "import_module", lambda name: Module)
    assert run("plan") == run("plan")
    assert run("plan").err == ""


def test_an_interrupt_anywhere_ends_with_130(run: Run, failing: list[BaseException]) -> None:
    failing.append(KeyboardInterrupt())
    assert run("plan").code == 130


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["relase"], "No such command 'relase'. Did you mean 'release'?"),
        (["release"], "Missing argument"),
        (["plan", "--epsilom", "1"], "No such option: --epsilom"),
        (["plan", "--epsilon", "one"], "--epsilon"),
        (["sample", "b", "--rows", "1.5", "--out", "o.csv"], "--rows"),
    ],
)
def test_usage_errors_end_with_2(run: Run, words: list[str], said: str) -> None:
    result = run(*words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_version_and_help(run: Run) -> None:
    assert run("--version").out == f"dpsynth {__version__}\n"
    text = run("--help").out
    assert all(verb in text for verb in VERBS)
    assert "Exit codes: 0 done, 2 usage or input, 3 budget refused, 4 internal error." in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_no_completion_clutter(run: Run, verb: str) -> None:
    result = run(verb, "--help")
    assert (result.code, result.err) == (0, "")
    assert "--help" in result.out
    assert "--install-completion" not in result.out
    assert "Args:" not in result.out


def test_main_reads_the_arguments_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["dpsynth", "--version"])
    assert main() == 0
    assert capsys.readouterr().out == f"dpsynth {__version__}\n"


def _seconds(*words: str) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best


def test_start_up_is_quick(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(repository))
    assert _seconds("-c", "import dpsynth") < 0.5
    assert _seconds("-m", "dpsynth.cli.app", "--help") < 1.0


def test_help_imports_nothing_heavy(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(repository))
    code = (
        "import sys; from dpsynth.cli.app import main; main(['--help']); "
        "print(sorted({'pandas', 'pyarrow', 'duckdb', 'scipy', 'dp_accounting', 'sklearn'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert shown.splitlines()[-1] == "[]"
