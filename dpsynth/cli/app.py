"""The `dpsynth` command: its verbs (each imported when it is called) and the one place where errors become messages."""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from dpsynth.cli.console import make_console
from dpsynth.cli.interrupts import EXIT_INTERRUPTED
from dpsynth.errors import DpsynthError
from dpsynth.version import __version__

__all__ = ["VERBS", "app", "main"]

VERBS = {
    "demo": "See it work: the bundled Adult table under epsilon 1, offline, in seconds.",
    "domain": "Describe the columns of a table in public terms.",
    "plan": "What a release would spend and take; reads no row.",
    "release": "Make a synthetic table of a private one.",
    "sample": "Draw more rows from a release, at no cost.",
    "certify": "Judge a release by a policy, seal it, write its certificate and public page.",
    "verify": "Check a certified release without the data: hashes, epsilon, signature, policy, date.",
    "frontier": "Accuracy against epsilon, for data that you own; every point is charged.",
    "bridge": "Install and list synthesizers of other projects, each in its own environment.",
    "ledger": "Show and verify what has been spent.",
}
"""Verb -> help line; the verb `x` is the `app` of the module `dpsynth.cli.x`."""

EXIT_INTERNAL = 4


class _LazyGroup(TyperGroup):
    """Shows every verb from `VERBS` and imports only the one that is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, text in VERBS.items():
            self.commands[name] = TyperCommand(name, help=text)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put the real command in the place of its stub, then look it up."""
        if args and args[0] in VERBS:
            command = typer.main.get_command(import_module(f"dpsynth.cli.{args[0]}").app)
            command.name = args[0]
            command.params = [p for p in command.params if p.name not in ("install_completion", "show_completion")]
            self.commands[args[0]] = command
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 usage or input, 3 budget refused, 4 internal error. Verbs that judge have their own.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dpsynth {__version__}")
        raise typer.Exit()


@app.callback()
def _dpsynth(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Synthetic tables under an explicit (epsilon, delta) budget, kept by a ledger that anyone can verify."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after `dpsynth` (default: those of the process).

    Returns:
        The exit code: 0 done, 2 usage or input, 3 budget refused, 4 internal error, 130 interrupted.

    Guarantee: what is printed about an unexpected error never holds a message, value or local variable of it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's warning may quote data
            typer.main.get_command(app)(args=None if arguments is None else list(arguments), prog_name="dpsynth")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except DpsynthError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("Stopped.")
        return EXIT_INTERRUPTED
    except Exception as error:
        _complain(
            f"Internal error ({_kind(error)}); its words are withheld because they may hold data. "
            "DPSYNTH_DEBUG=1 shows where it happened."
        )
        if os.environ.get("DPSYNTH_DEBUG") == "1":
            _complain("\n".join(_places(error)))
        return EXIT_INTERNAL
    return 0


def _complain(text: str) -> None:
    make_console(err=True).print(text, style="red", soft_wrap=True)


def _kind(error: Exception) -> str:
    """The type of an error, and of the system's errors the fixed words for their number."""
    number = error.errno if isinstance(error, OSError) else None
    return type(error).__name__ if number is None else f"{type(error).__name__}: {os.strerror(number)}"


def _places(error: BaseException | None) -> list[str]:
    """Types and places of an error and its causes, in dpsynth's own files: never a value."""
    root = Path(__file__).parents[1]
    lines: list[str] = []
    while error is not None:
        lines.append(type(error).__name__)
        for frame in traceback.extract_tb(error.__traceback__):
            path = Path(frame.filename)
            if path.is_relative_to(root):
                lines.append(f"  {path.relative_to(root.parent)}:{frame.lineno} in {frame.name}")
        error = error.__cause__ or error.__context__
    return lines


if __name__ == "__main__":
    sys.exit(main())
