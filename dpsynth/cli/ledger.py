"""`dpsynth ledger`: show what has been spent, verify the file, change a cap."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dpsynth.accounting.quantities import Budget
from dpsynth.cli.console import say, write_json, write_table, write_warnings
from dpsynth.cli.options import JsonOption

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False)

LedgerArgument = Annotated[
    Path | None,
    typer.Argument(help="The ledger file (default: DPSYNTH_LEDGER, else ledger.sqlite in the user's data folder)."),
]
EXIT_CORRUPT = 2


def _path(ledger: Path | None) -> Path:
    from dpsynth.gate import default_ledger_path

    return default_ledger_path() if ledger is None else ledger


@app.command("show")
def _show(ledger: LedgerArgument = None, as_json: JsonOption = False) -> None:
    """Accounts with what they have spent (rounded up) and have left (rounded down), and every charge."""
    from dpsynth.gate import show

    facts = show(_path(ledger))
    if as_json:
        write_json(facts)
        return
    head = facts["ledger"]
    say(f"{head['path']}: {head['rows']} rows, {head['relation'].replace('_', '/')}, head {head['head'][:16]}")
    if head["cap"] is not None:
        say(f"cap of the whole ledger: {_budget(head['cap'])}")
    accounts = [
        (
            account["name"],
            account["unit"],
            _budget(account["cap"]),
            account["spent_text"] or "-",
            account["remaining_text"] or "-",
            str(account["charges"]),
            str(account["non_private"]),
        )
        for account in facts["accounts"]
    ]
    columns = ("account", "unit", "cap", "spent", "left", "charges", "looks")
    write_table("Accounts (epsilon at the cap's delta)", columns, accounts, text_columns=3)
    charges = [_charge_line(charge) for charge in facts["charges"]]
    write_table("Charges", ("row", "time", "account", "purpose", "state", "budget", "draws"), charges, text_columns=6)
    if any(not charge["private"] for charge in facts["charges"]):
        write_warnings(["Charges marked * were made with a test seed and are NOT PRIVATE."])


def _charge_line(charge: dict[str, Any]) -> tuple[str, ...]:
    mark = "" if charge["private"] else " *"
    budget = _budget(charge["budget"])
    head = (str(charge["row"]), charge["time"], charge["account"], charge["purpose"] or "-")
    return (*head, charge["state"] + mark, budget, str(charge["draws"]))


def _budget(budget: dict[str, float] | None) -> str:
    return "-" if budget is None else f"({budget['epsilon']:g}, {budget['delta']:g})"


@app.command("verify")
def _verify(ledger: LedgerArgument = None, as_json: JsonOption = False) -> None:
    """Check every byte, hash, answer and cap. Exit code 0: sound; 2: not."""
    from dpsynth.gate import verify

    report = verify(_path(ledger))
    if as_json:
        write_json(
            {
                "ok": report.ok,
                "ledger": str(report.path),
                "rows": report.rows,
                "charges": report.charges,
                "head": report.head,
                "problems": list(report.problems),
                "warnings": list(report.warnings),
            }
        )
    elif report.ok:
        say(f"{report.path} is sound: {report.rows} rows, {report.charges} charges, head {report.head}")
    else:
        say(f"{report.path} is CORRUPT:")
        for problem in report.problems:
            say(f"  {problem}")
    if not as_json:
        write_warnings(report.warnings)
    if not report.ok:
        raise typer.Exit(EXIT_CORRUPT)


@app.command("cap")
def _cap(
    epsilon: Annotated[float, typer.Option("--epsilon", "-e", help="The new cap: epsilon.")],
    delta: Annotated[float, typer.Option("--delta", help="The new cap: delta.")],
    ledger: LedgerArgument = None,
    account: Annotated[
        str | None, typer.Option("--account", help="The account (default: the only one of the ledger).")
    ] = None,
    whole: Annotated[bool, typer.Option("--whole-ledger", help="Cap all accounts together.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "by hand",
    as_json: JsonOption = False,
) -> None:
    """Raise or lower a cap: an explicit row of the ledger, for ever on record."""
    from dpsynth.errors import InputError
    from dpsynth.gate import raise_cap, show

    path = _path(ledger)
    if whole and account is not None:
        raise InputError("A cap is of one account or of the whole ledger.\nGive --account or --whole-ledger, not both.")
    if account is None and not whole:
        names = [known["name"] for known in show(path)["accounts"]]
        if len(names) != 1:
            raise InputError(f"The ledger has {len(names)} accounts.\nName one with --account, or use --whole-ledger.")
        (account,) = names
    cap = Budget(epsilon=epsilon, delta=delta)
    raise_cap(path, account, cap, reason)
    if as_json:
        write_json({"ledger": str(path), "account": account, "epsilon": epsilon, "delta": delta})
    else:
        say(f"The cap of {'the whole ledger' if account is None else f'account {account}'} is now {cap}.")
