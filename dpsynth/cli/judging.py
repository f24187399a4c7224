"""Verbs whose exit code is a judgement: 0 pass, 1 violation, 2 inconclusive, 3 policy fail, and 4 for every error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from dpsynth.cli.console import make_console
from dpsynth.errors import DpsynthError

if TYPE_CHECKING:
    from dpsynth.certify import Policy

__all__ = ["EXIT_ERROR", "JudgingCommand", "errors_are_four", "policy_of"]

EXIT_ERROR = 4
_UsageError: Any = typer.BadParameter.__base__  # whichever click it is that typer uses


class JudgingCommand(TyperCommand):
    """A command whose usage errors end with 4: the usual 2 would read as "inconclusive"."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As always, with another exit code."""
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            error.show()
            raise typer.Exit(EXIT_ERROR) from None


@contextmanager
def errors_are_four() -> Iterator[None]:
    """Show one of our errors and end with 4.

    Raises:
        typer.Exit: one of our errors was raised inside.
    """
    try:
        yield
    except DpsynthError as error:
        make_console(err=True).print(str(error), style="red", soft_wrap=True)
        raise typer.Exit(EXIT_ERROR) from None


def policy_of(path: Any) -> Policy | None:
    """The policy file of an option, or None."""
    from dpsynth.certify import read_policy

    return None if path is None else read_policy(path)
