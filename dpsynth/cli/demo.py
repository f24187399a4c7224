"""`dpsynth demo`: the whole way on the bundled Adult table, offline: release, compare, certify, verify, what next."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dpsynth.cli.console import make_console, progress_bar, write_json, write_pairs, write_table, write_warnings
from dpsynth.cli.interrupts import patient_interrupts, stopped
from dpsynth.cli.options import JsonOption, QuietOption
from dpsynth.cli.release import promise
from dpsynth.cli.verify import verdict
from dpsynth.errors import LedgerError, OutputError

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle
    from dpsynth.certify import Certificate, Report
    from dpsynth.cli.demo_utility import Errors
    from dpsynth.gate import VerifyReport

__all__ = ["app"]

app = typer.Typer(add_completion=False)

DELTA = 1e-5
SEED = 0
"""Of the sampling, which is public; the noise is fresh in every new demo folder."""


@app.command("demo")
def _demo(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The folder to make (default: demo).")] = None,
    epsilon: Annotated[float, typer.Option("--epsilon", "-e", help="Privacy budget of the demo.")] = 1.0,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """See it work: a synthetic twin of the bundled Adult table, its ledger verified, its errors shown; offline."""
    from dpsynth.bundle import release
    from dpsynth.certify import verify_bundle
    from dpsynth.cli.demo_utility import compare
    from dpsynth.data import demo_domain, demo_table
    from dpsynth.gate import verify

    started = time.perf_counter()
    folder = out or Path("demo" if epsilon == 1 else f"demo-epsilon-{epsilon:g}")
    paths = _lay_out(folder)
    try:
        with progress_bar(quiet=quiet) as bar, patient_interrupts(bar) as progress:
            bundle = release(
                paths["table"],
                domain=paths["domain"],
                epsilon=epsilon,
                delta=DELTA,
                out=folder / "release",
                seed=SEED,
                ledger=paths["ledger"],
                progress=progress,
            )
    except KeyboardInterrupt:
        raise stopped(paths["ledger"]) from None
    report = verify(paths["ledger"])
    if not report.ok:
        raise LedgerError(f"The ledger {paths['ledger']} does not verify.\n{report.problems[0]}")
    errors = compare(demo_table(), bundle.synthetic(), demo_domain())
    certificate = bundle.certify()
    checked = verify_bundle(bundle.path)
    seconds = time.perf_counter() - started
    if as_json:
        write_json(_facts(folder, bundle, report, errors, checked, seconds))
        return
    _show(paths, bundle, report, errors, seconds)
    _show_end(folder, paths, bundle, certificate, checked)


def _lay_out(folder: Path) -> dict[str, Path]:
    """Put the demo table and its public domain into the folder, as a person's own files would lie there."""
    import lzma

    from dpsynth.bundle.folder import output_errors
    from dpsynth.data import adult_paths

    paths = {"table": folder / "adult.csv", "domain": folder / "adult.toml", "ledger": folder / "adult.ledger"}
    with output_errors(folder, "Choose another folder with --out."):
        if folder.is_dir() and any(folder.iterdir()) and not paths["domain"].exists():
            raise OutputError(f"{folder} holds something other than a demo.\nChoose another folder with --out.")
        folder.mkdir(parents=True, exist_ok=True)
        if not paths["domain"].exists():
            with lzma.open(adult_paths().table) as packed:
                paths["table"].write_bytes(packed.read())
            paths["domain"].write_bytes(adult_paths().domain.read_bytes())
    return paths


def _facts(
    folder: Path, bundle: Bundle, report: VerifyReport, errors: list[Errors], checked: Report, seconds: float
) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "release_id": bundle.release_id,
        "guarantee": bundle.facts["guarantee"],
        "rows": bundle.facts["sampling"]["rows"],
        "ledger": {"verified": report.ok, "rows": report.rows, "charges": report.charges, "head": report.head},
        "mean_tvd": {e.name: {"one": e.one, "two": e.two, "three": e.three} for e in errors},
        "certificate": checked.to_dict(),
        "warnings": list(bundle.warnings),
        "seconds": round(seconds, 2),
    }


def _show(paths: dict[str, Path], bundle: Bundle, report: VerifyReport, errors: list[Errors], seconds: float) -> None:
    console = make_console()
    console.print(
        f"A synthetic twin of the UCI Adult table (public data, CC BY 4.0), made offline in {seconds:.1f} s.\n",
        style="bold",
        soft_wrap=True,
    )
    write_pairs(
        [
            ("read", f"{paths['table']}   domain {paths['domain']}: declared, nothing was looked up in the rows"),
            ("promise", promise(bundle)),
            ("spent", ", ".join(f"{s['share']:.0%} {s['name']}" for s in bundle.facts["steps"])),
            ("ledger", f"{paths['ledger']}   {report.rows} rows, every hash verified"),
            ("wrote", f"{bundle.table_path}   {bundle.facts['sampling']['rows']:,} rows"),
        ]
    )
    write_table(
        "Mean total variation distance to the demo table (0 equal, 1 disjoint)",
        ["table", "1 column", "2 columns", "3 columns"],
        [[e.name, f"{e.one:.4f}", f"{e.two:.4f}", f"{e.three:.4f}"] for e in errors],
    )
    console.print(
        "This comparison reads the demo table without noise. It may: that table is public. Yours is not.\n",
        soft_wrap=True,
    )


def _show_end(folder: Path, paths: dict[str, Path], bundle: Bundle, certificate: Certificate, checked: Report) -> None:
    """What to do next, and last of all the certificate, its page and whether it verifies."""
    write_pairs(
        [
            ("next", f"dpsynth ledger show {paths['ledger']}"),
            ("", f"dpsynth sample {bundle.path} --rows 1000 --out {folder / 'more.csv'}"),
            ("", "dpsynth domain init people.csv          then fill in what is public about your columns"),
            ("", "dpsynth release people.csv --domain people.toml --epsilon 1 --delta 1e-6 --out people-synthetic"),
            (
                "certified",
                f"{certificate.path / 'certificate.json'}   page public.html beside it; {certificate.decision}",
            ),
            ("verify", verdict(checked)),
        ]
    )
    write_warnings(bundle.warnings)
