"""The `privacy-audit` command: audit one or several synthetic tables; errors become messages here and nowhere else."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from privacy_audit.errors import AuditError, InputError, ResourceError

if TYPE_CHECKING:
    from privacy_audit.scorecard import Scorecard

__all__ = ["app", "main"]

EXIT_ERROR = 4
EXIT_INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


HELP = """Attack and score synthetic tables of any tool, and say whether a claimed epsilon holds.

The result is computed on private rows: keep it as private as they are."""


@app.command(
    help=HELP,
    no_args_is_help=True,
    epilog="Exit codes: 0 pass, 1 violation, 2 inconclusive, 3 policy fail, 4 error. The worst table decides.",
)
def _audit(
    real: Annotated[Path, typer.Argument(help="The private table (CSV or Parquet) that the generator was given.")],
    synthetic: Annotated[list[Path], typer.Argument(help="One or more synthetic tables.")],
    holdout: Annotated[Path | None, typer.Option(help="Rows of the same source that the generator never saw.")] = None,
    reference: Annotated[Path | None, typer.Option(help="Further such rows, known to an attacker.")] = None,
    domain: Annotated[Path | None, typer.Option(help="Public description of the columns (TOML or JSON).")] = None,
    unit: Annotated[str | None, typer.Option(help="Identifier column of the real tables.")] = None,
    epsilon: Annotated[float | None, typer.Option(help="Claimed epsilon; leave out if unknown.", min=0)] = None,
    delta: Annotated[float, typer.Option(help="Claimed delta.", min=0, max=1)] = 0.0,
    attacks: Annotated[str, typer.Option(help='"all", or names with commas.')] = "all",
    utility: Annotated[str, typer.Option(help='"all", or names of measures with commas.')] = "all",
    label: Annotated[str | None, typer.Option(help="Category to predict.")] = None,
    target: Annotated[str | None, typer.Option(help="Number to predict.")] = None,
    subgroup: Annotated[list[str] | None, typer.Option(help="Category whose values are subgroups; repeatable.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Rule for rows, as 'age >= 17'; repeatable.")] = None,
    policy: Annotated[Path | None, typer.Option(help="TOML file of limits; see docs/audit.md.")] = None,
    alpha: Annotated[float, typer.Option(help="Chance that any attack calls an independent table a leak.")] = 1e-4,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.", min=0)] = 0,
    time_limit: Annotated[float | None, typer.Option(help="Seconds for each table.", min=0)] = None,
    memory_limit: Annotated[int | None, typer.Option(help="Megabytes of address space.", min=1)] = None,
    threads: Annotated[int, typer.Option(help="Of the neighbour search.", min=1)] = 1,
    json_wanted: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the HTML page here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write the Markdown page here.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Audit one or several synthetic tables, write reports, end with the exit code of the worst."""
    if memory_limit is not None:
        _limit_memory(memory_limit)
    from privacy_audit.scorecard import audit as run
    from privacy_audit.verdict import Policy

    rules = None if policy is None else Policy.read(policy)
    for path in (real, *synthetic, holdout, reference, domain):
        if path is not None and not path.is_file():
            raise InputError(f"There is no file {path.name}.\nCheck the path.")
    for path in (html, markdown):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{path.name} cannot be written: there is no such folder.\nMake it first.")
    cards: list[Scorecard] = []
    with _progress(quiet) as tell:
        for number, path in enumerate(synthetic):
            name = path.name.split(".")[0]
            cards.append(
                run(
                    real,
                    path,
                    holdout=holdout,
                    reference=reference,
                    domain=domain,
                    unit=unit,
                    epsilon=epsilon,
                    delta=delta,
                    attacks=attacks,
                    utility=None if utility == "all" else [word.strip() for word in utility.split(",")],
                    label=label,
                    target=target,
                    subgroups=subgroup or None,
                    constraints=rule or (),
                    policy=rules,
                    name=name,
                    alpha=alpha,
                    seed=seed,
                    time_limit=time_limit,
                    threads=threads,
                    progress=lambda step, share, name=name, number=number: tell(
                        f"{name}: {step}", (number + share) / len(synthetic)
                    ),
                )
            )
    _write(cards, json_wanted, html, markdown)
    raise _Finished(max((card.exit_code for card in cards), key=_severity))


class _Finished(Exception):
    """The audit is done; carries the exit code past the command-line library, whose own codes mean other things."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _severity(code: int) -> int:
    """Order of exit codes: a violation is worst, then a failed policy, then no answer."""
    return (0, 2, 3, 1).index(code)


def _write(cards: list[Scorecard], as_json: bool, html: Path | None, markdown: Path | None) -> None:
    from privacy_audit.report.html import render_html
    from privacy_audit.report.markdown import render_markdown
    from privacy_audit.scorecard import frontier

    points = frontier(cards) if len(cards) > 1 else []
    summaries = [card.summary for card in cards]
    try:
        if html is not None:
            html.write_text(render_html(summaries, points), encoding="utf-8")
        if markdown is not None:
            markdown.write_text(render_markdown(summaries, points), encoding="utf-8")
    except OSError as error:
        raise InputError(f"A report cannot be written ({type(error).__name__}).\nCheck the folder.") from None
    if as_json:
        import json

        words: Any = summaries[0] if len(cards) == 1 else {"scorecards": summaries, "frontier": points}
        typer.echo(json.dumps(words, allow_nan=False, indent=1, ensure_ascii=False))
        return
    typer.echo(summaries[0]["warning"])
    for summary in summaries:
        typer.echo(f"{summary['name']}: {summary['verdict']}")
        for reason in [*summary["reasons"], *summary["notes"]]:
            typer.echo(f"  {reason}")


class _progress:  # noqa: N801 - reads as a statement
    """A bar on stderr with the current step; lines where stderr is no terminal; nothing where nobody looks."""

    def __init__(self, quiet: bool) -> None:
        self._bar: Any = None
        self._quiet = quiet

    def __enter__(self) -> Callable[[str, float], None]:
        if self._quiet:
            return _nothing
        from rich.console import Console

        console = Console(stderr=True)
        if not console.is_terminal:
            return lambda step, share: console.print(f"{share:4.0%} {step}", markup=False, highlight=False)
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        words = TextColumn("{task.description}", markup=False)
        self._bar = Progress(
            BarColumn(30), TaskProgressColumn(), TimeElapsedColumn(), words, console=console, transient=True
        )
        task = self._bar.add_task("", total=1.0)
        self._bar.start()
        return lambda step, share: self._bar.update(task, description=step, completed=share)

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def _nothing(step: str, share: float) -> None:
    """Say nothing."""


def _limit_memory(megabytes: int) -> None:
    """Limit the address space of this process.

    Raises:
        ResourceError: the system does not allow it.
    """
    try:
        import resource

        size = megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    except (ImportError, ValueError, OSError) as error:
        raise ResourceError(f"The memory limit cannot be set here ({type(error).__name__}).") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after `privacy-audit` (default: those of the process).

    Returns:
        The exit code: 0 pass, 1 violation, 2 inconclusive, 3 policy fail, 4 error, 130 interrupted.

    Guarantee: what is printed about an unexpected error never holds a message or value of it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's warning may quote data
            typer.main.get_command(app)(args=None if arguments is None else list(arguments), prog_name="privacy-audit")
    except _Finished as end:
        return end.code
    except SystemExit as stop:  # help, or a usage error, whose own code 2 means "inconclusive" here
        return 0 if stop.code in (0, None) else EXIT_INTERRUPTED if stop.code == 130 else EXIT_ERROR
    except KeyboardInterrupt:
        _complain("Stopped.")
        return EXIT_INTERRUPTED
    except AuditError as error:
        _complain(str(error))
        return EXIT_ERROR
    except MemoryError:
        _complain("The memory limit was reached.\nRaise --memory-limit, or audit a sample of the rows.")
        return EXIT_ERROR
    except Exception as error:
        _complain(f"Internal error ({type(error).__name__}); its words are withheld because they may hold data.")
        return EXIT_ERROR
    return 0


def _complain(text: str) -> None:
    typer.echo(text, err=True)
