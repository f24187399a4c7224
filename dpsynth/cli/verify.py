"""`dpsynth verify`: whether a certified bundle is what was certified, without the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpsynth.cli.console import make_console, say, write_json, write_warnings
from dpsynth.cli.judging import JudgingCommand, errors_are_four, policy_of
from dpsynth.cli.options import JsonOption

if TYPE_CHECKING:
    from dpsynth.certify import Report

__all__ = ["app", "verdict"]

app = typer.Typer(add_completion=False)


@app.command(
    "verify",
    cls=JudgingCommand,
    epilog="Exit codes: 0 pass, 1 violation, 2 inconclusive, 3 policy fail, 4 error.",
)
def _verify(
    bundle: Annotated[Path, typer.Argument(help="The folder of a certified release.")],
    key: Annotated[Path | None, typer.Option("--key", help="Public Ed25519 key (PEM) that must have signed.")] = None,
    policy: Annotated[Path | None, typer.Option("--policy", help="Judge by this policy too (TOML).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute epsilon, check every hash, the chain, the signature, the policy and the review date; needs no data."""
    from dpsynth.certify import verify_bundle

    with errors_are_four():
        report = verify_bundle(bundle, key=key, policy=policy_of(policy))
    if as_json:
        write_json(report.to_dict())
    else:
        say(verdict(report))
        for line in (*report.problems, *report.policy_failures, *report.open_points):
            make_console(err=True).print(line, style="red", soft_wrap=True)
        write_warnings(report.notes)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


def verdict(report: Report) -> str:
    """One line: what the bundle is, and under which claim."""
    if report.problems:
        return f"{report.path} is NOT what was certified."
    if report.certificate is None:
        return f"{report.path} cannot be judged."
    guarantee = report.certificate["guarantee"]
    said = {0: "verified", 2: "inconclusive", 3: "policy fail"}[report.exit_code]
    claim = f"epsilon {guarantee['epsilon_text']} at delta {guarantee['delta']:g} recomputed"
    signed = f", signed by {report.signer[:16]}" if report.signer else ", not signed"
    return f"{report.path}: {said}; {claim}, every file's hash checked{signed}"
