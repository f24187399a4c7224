"""How the verbs speak: results on stdout, progress and messages on stderr, colours only where they are wanted."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from dpsynth.generators.base import Progress

__all__ = ["make_console", "progress_bar", "say", "write_json", "write_pairs", "write_table", "write_warnings"]


def make_console(*, err: bool = False) -> Console:
    """A console on stdout (or stderr): plain text where NO_COLOR is set or the stream is no terminal."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    plain = bool(os.environ.get("NO_COLOR")) or not stream.isatty()
    return Console(file=stream, color_system=None if plain else "auto", highlight=False, markup=False, emoji=False)


def say(text: str, *, err: bool = False) -> None:
    """One message, wrapped by nobody but the terminal."""
    typer.echo(text, err=err)


def write_json(value: Mapping[str, Any]) -> None:
    """One JSON object on stdout, and nothing else."""
    typer.echo(json.dumps(value, ensure_ascii=False, allow_nan=False))


def write_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Two aligned columns on stdout: a word in bold and what it says."""
    from rich.text import Text

    console = make_console()
    width = max(len(word) for word, _ in pairs)
    for word, text in pairs:
        console.print(Text.assemble((f"{word:<{width}}", "bold"), "  ", text), soft_wrap=True)


def write_table(title: str, head: Sequence[str], body: Sequence[Sequence[str]], *, text_columns: int = 1) -> None:
    """A small table on stdout: `text_columns` columns of text, then columns of numbers."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    console = make_console()
    console.print(f"\n{title}", style="bold", soft_wrap=True)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for position, word in enumerate(head):
        table.add_column(word, justify="left" if position < text_columns else "right", overflow="fold")
    for line in body:
        table.add_row(*line)
    console.print(table)


def write_warnings(warnings: Sequence[str]) -> None:
    """Every warning as a line of its own on stderr."""
    console = make_console(err=True)
    for text in warnings:
        console.print(f"warning: {text}", style="yellow", soft_wrap=True)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress | None]:
    """A callback that draws a bar on stderr; None where that is no terminal or quiet is asked for."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=make_console(err=True),
        transient=True,
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)
