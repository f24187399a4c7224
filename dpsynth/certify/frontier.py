"""Accuracy against epsilon, for researchers on data they own: generators, budgets, several draws; resumable.

Each point is a release of its own. On a private table all are charged to the ledger, and the comparison with the
rows, which has no noise, is booked as a look (`NonPrivate`): the results are not for publication. On a public twin
nothing is charged.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dpsynth.accounting.events import Composed
from dpsynth.accounting.quantities import Budget, Delta
from dpsynth.bundle import make_plan, release
from dpsynth.bundle.folder import output_errors
from dpsynth.errors import InputError, LedgerError

__all__ = ["Frontier", "Point", "cost_of", "run_frontier"]

FIELDS = ("generator", "epsilon", "draw", "error", "floor", "ceiling", "leak_low", "leak", "leak_high", "seconds")
_ATTACKS = "domias,marginals"
_ADVICE = "Points that are done are kept: the same command goes on where it stopped."


@dataclass(frozen=True, slots=True)
class Point:
    """One release: which one it is.

    Attributes:
        generator: its name.
        epsilon: its budget.
        draw: 0, 1, ...: repetitions with fresh noise.
    """

    generator: str
    epsilon: float
    draw: int

    @property
    def name(self) -> str:
        """A name for its file."""
        return f"{self.generator}-{self.epsilon:g}-{self.draw}"


@dataclass(frozen=True, slots=True)
class Frontier:
    """What to run.

    Attributes:
        source: the table.
        domain: the file of its public domain.
        delta: of every release.
        points: from `points_of` or by hand.
        out: the folder of results.
        ledger: the ledger to charge; None for a public table.
        holdout: rows of the same population, for leakage; or None.
    """

    source: Path
    domain: Path
    delta: float
    points: tuple[Point, ...]
    out: Path
    ledger: Path | None = None
    holdout: Path | None = None

    def delta_of(self, point: Point) -> float:
        """Draws differ in delta by a millionth, so that each is a job of its own and gets fresh noise."""
        return self.delta * (1 - 1e-6 * point.draw)

    def setting(self) -> dict[str, Any]:
        """What all points share: kept beside them, so that a folder is not gone on with under other settings."""
        return {
            "source": str(self.source),
            "domain": str(self.domain),
            "delta": self.delta,
            "holdout": None if self.holdout is None else str(self.holdout),
            "public": self.ledger is None,
        }


def cost_of(frontier: Frontier) -> float:
    """Epsilon of all points together at the frontier's delta, rounded up: what looking at all of them spends."""
    from dpsynth.accounting.certify import epsilon_up
    from dpsynth.domain.unit import NeighbouringRelation

    events = [_plan(frontier, point).event for point in frontier.points]
    return epsilon_up(Composed(tuple(events)), Delta(frontier.delta), NeighbouringRelation.ADD_REMOVE).epsilon


def _plan(frontier: Frontier, point: Point) -> Any:
    return make_plan(frontier.domain, epsilon=point.epsilon, delta=frontier.delta_of(point), generator=point.generator)


def run_frontier(frontier: Frontier, progress: Callable[[str], None] | None = None) -> list[dict[str, Any]]:
    """Run what is missing, then write frontier.json, frontier.csv and frontier.html.

    Args:
        frontier: what to run.
        progress: is told the name of each point before it runs.

    Returns:
        One row for each point, in order: the names in FIELDS.

    Raises:
        InputError: the folder holds a frontier of other settings, or a generator, table or domain cannot be used.
        BudgetRefused: the ledger has less left than the next point costs; the points before it are kept.
        OutputError: the folder cannot be written.
    """
    cells = frontier.out / "points"
    _take_folder(frontier, cells)
    missing = [point for point in frontier.points if not (cells / f"{point.name}.json").exists()]
    if missing and frontier.ledger is not None:
        _book(frontier)
    for point in missing:
        if progress is not None:
            progress(point.name)
        _write(cells / f"{point.name}.json", json.dumps(_run(frontier, point)))
    rows = [json.loads((cells / f"{point.name}.json").read_text()) for point in frontier.points]
    _write(frontier.out / "frontier.json", json.dumps({"setting": frontier.setting(), "points": rows}, indent=1) + "\n")
    text = io.StringIO()
    table = csv.DictWriter(text, FIELDS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    _write(frontier.out / "frontier.csv", text.getvalue())
    from dpsynth.certify.pages.frontier import frontier_page

    _write(frontier.out / "frontier.html", frontier_page(frontier.setting(), rows).decode())
    return rows


def _take_folder(frontier: Frontier, cells: Path) -> None:
    with output_errors(frontier.out, "Choose another folder with --out."):
        cells.mkdir(parents=True, exist_ok=True)
    note = frontier.out / "setting.json"
    if note.exists():
        if json.loads(note.read_text()) != frontier.setting():
            raise InputError(f"{frontier.out} holds a frontier of another table or setting.\nChoose another folder.")
        return
    if any(cells.iterdir()):
        raise InputError(f"{frontier.out} holds something other than a frontier.\nChoose another folder.")
    _write(note, json.dumps(frontier.setting()))


def _write(path: Path, text: str) -> None:
    """A file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.unfinished")
    try:
        with output_errors(path, _ADVICE):
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _cap(frontier: Frontier) -> Budget:
    return Budget(epsilon=cost_of(frontier) * (1 + 1e-9), delta=frontier.delta)


def _book(frontier: Frontier) -> None:
    """Give the account room for all points where it is new, and book the look that compares them with the rows."""
    from dpsynth.domain import read_domain_file
    from dpsynth.domain.unit import rows
    from dpsynth.gate import book_non_private, open_table

    assert frontier.ledger is not None
    declared = read_domain_file(frontier.domain)
    settings: dict[str, Any] = {
        "domain": declared.domain,
        "unit": declared.unit or rows(1),
        "ledger": frontier.ledger,
    }
    try:
        table = open_table(frontier.source, **settings, cap=_cap(frontier))
    except LedgerError:  # an account with a cap of its own keeps it, and refuses what it does not hold
        table = open_table(frontier.source, **settings)
    book_non_private(table.ledger_path, table.account, "frontier: errors and attacks of several releases on real rows")


def _run(frontier: Frontier, point: Point) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        started = time.process_time()
        made = release(
            frontier.source,
            domain=frontier.domain,
            epsilon=point.epsilon,
            delta=frontier.delta_of(point),
            generator=point.generator,
            out=folder / "release",
            ledger=frontier.ledger or folder / "ledger",
            seed=point.draw,
        )
        seconds = time.process_time() - started
        names = [column.name for column in made.domain().modelled]
        claim = (point.epsilon, frontier.delta)
        figures = _figures(frontier, made.table_path, folder / "release" / "domain.toml", names, claim)
    head: dict[str, Any] = {"generator": point.generator, "epsilon": point.epsilon, "draw": point.draw}
    return {**head, **figures, "seconds": round(seconds, 2)}


def _figures(
    frontier: Frontier, synthetic: Path, domain: Path, names: Sequence[str], claim: tuple[float, float]
) -> Mapping[str, Any]:
    """Mean error over pairs of columns with floor and ceiling, and the strongest attack's area with its interval."""
    import privacy_audit
    from privacy_audit.errors import AuditError

    try:
        tables = privacy_audit.align(
            frontier.source, synthetic, holdout=frontier.holdout, domain=domain, columns=list(names)
        )
        scores = {score.name: score for score in privacy_audit.measure(tables, only=["marginals"])}
        found = privacy_audit.attack(tables, attacks=_ATTACKS, claim=claim) if frontier.holdout is not None else ()
    except AuditError as error:
        raise InputError(f"The tables cannot be compared: {str(error).splitlines()[0]}") from None
    error = scores["tvd2_mean"]
    areas = [attack.figures["auc"] for attack in found if "auc" in attack.figures]
    worst = max(areas, key=lambda figure: figure.value, default=None)
    return {
        "error": error.value,
        "floor": error.floor,
        "ceiling": error.ceiling,
        "leak_low": None if worst is None else worst.low,
        "leak": None if worst is None else worst.value,
        "leak_high": None if worst is None else worst.high,
    }
