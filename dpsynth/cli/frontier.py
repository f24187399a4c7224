"""`dpsynth frontier`: accuracy and leakage against epsilon, for researchers on data they own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpsynth.cli.console import say, write_json, write_pairs, write_table
from dpsynth.cli.options import DeltaOption, DomainOption, JsonOption, LedgerOption, QuietOption
from dpsynth.errors import InputError

if TYPE_CHECKING:
    from dpsynth.certify.frontier import Frontier, Point

__all__ = ["app"]

app = typer.Typer(add_completion=False)


@app.command("frontier")
def _frontier(
    table: Annotated[Path, typer.Argument(help="The table: CSV or Parquet.")],
    domain: DomainOption,
    delta: DeltaOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder of results; a stopped run goes on in it.")],
    epsilons: Annotated[str, typer.Option("--epsilons", help="Budgets, with commas.")] = ".1,.3,1,3,10",
    generators: Annotated[str, typer.Option("--generators", help="Names, with commas.")] = "mst,adaptive",
    seeds: Annotated[int, typer.Option("--seeds", help="How many draws of each point.")] = 3,
    holdout: Annotated[Path | None, typer.Option("--holdout", help="Rows that no release saw, for leakage.")] = None,
    public: Annotated[
        bool, typer.Option("--public-twin", help="The table is public or synthetic: nothing is charged.")
    ] = False,
    ledger: LedgerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Releases under many budgets beside each other. On private rows each is a spend, and is charged as one."""
    from dpsynth.certify.frontier import Frontier, cost_of, run_frontier
    from dpsynth.gate import default_ledger_path

    book = None if public else ledger or default_ledger_path()
    asked = Frontier(table, domain, delta, _points(epsilons, generators, seeds), out, book, holdout)
    if not quiet and not public:
        say(
            f"Looking at all of this spends epsilon {cost_of(asked):.4g} at delta {delta:g}; charged to {book}.",
            err=True,
        )
    rows = run_frontier(asked, None if quiet else lambda name: say(f"  {name}", err=True))
    if as_json:
        write_json({"out": str(out), "points": rows})
        return
    _show(asked, rows)


def _points(epsilons: str, generators: str, seeds: int) -> tuple[Point, ...]:
    from dpsynth.certify.frontier import Point

    try:
        budgets = sorted({float(text) for text in epsilons.split(",")})
    except ValueError:
        raise InputError(f"Cannot read the budgets {epsilons!r}.\nWrite numbers with commas: .1,1,10") from None
    names = [name.strip() for name in generators.split(",") if name.strip()]
    if not names or not budgets or budgets[0] <= 0 or not 1 <= seeds <= 1000:
        raise InputError("A frontier needs budgets above 0, at least one generator, and 1 to 1000 draws.")
    return tuple(Point(name, budget, draw) for name in names for budget in budgets for draw in range(seeds))


def _show(asked: Frontier, rows: list[dict[str, object]]) -> None:
    means: dict[tuple[str, float], list[float]] = {}
    for row in rows:
        means.setdefault((str(row["generator"]), float(str(row["epsilon"]))), []).append(float(str(row["error"])))
    body = [
        [name, f"{e:g}", f"{sum(v) / len(v):.4f}", f"{min(v):.4f}", f"{max(v):.4f}"] for (name, e), v in means.items()
    ]
    write_table("Mean total variation distance of pairs", ["generator", "epsilon", "mean", "least", "most"], body)
    write_pairs([("page", str(asked.out / "frontier.html")), ("table", str(asked.out / "frontier.csv"))])
