"""`dpsynth certify`: judge a release, seal it, and write the certificate with its page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dpsynth.cli.console import make_console, say, write_json, write_pairs, write_table
from dpsynth.cli.judging import JudgingCommand, errors_are_four
from dpsynth.cli.options import JsonOption, LedgerOption
from dpsynth.errors import InputError

if TYPE_CHECKING:
    from dpsynth.certify import Certificate

__all__ = ["app", "write_gates"]

app = typer.Typer(add_completion=False)


@app.command(
    "certify",
    cls=JudgingCommand,
    epilog="Exit codes: 0 pass, 1 violation, 2 inconclusive, 3 policy fail, 4 error.",
)
def _certify(
    bundle: Annotated[Path | None, typer.Argument(help="The folder of a release.")] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="TOML file: gates, waivers, who stands behind.")
    ] = None,
    sign: Annotated[Path | None, typer.Option("--sign", help="Private Ed25519 key (PEM) to sign with.")] = None,
    real: Annotated[
        Path | None, typer.Option("--real", help="The private table: audit on it; booked in the ledger.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option("--holdout", help="Rows of the same population that were not released from.")
    ] = None,
    ledger: LedgerOption = None,
    new_key: Annotated[
        Path | None, typer.Option("--new-key", help="Only make a pair of keys: NAME and NAME.pub.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a release by a policy and write its certificate, its public page and its exports into the bundle."""
    with errors_are_four():
        if new_key is not None:
            _make_key(new_key, bundle, as_json=as_json)
            return
        if bundle is None:
            raise InputError("No bundle was given.\nGive the folder that `dpsynth release` wrote, or --new-key NAME.")
        from dpsynth.certify import certify_bundle

        made = certify_bundle(bundle, policy=policy, sign=sign, real=real, holdout=holdout, ledger=ledger)
    if as_json:
        write_json({"path": str(made.path), "exit_code": made.exit_code, "certificate": dict(made.facts)})
    else:
        _show(bundle, made, audited=real is not None)
    if made.exit_code:
        raise typer.Exit(made.exit_code)


def _make_key(name: Path, bundle: Path | None, *, as_json: bool) -> None:
    from dpsynth.certify import new_key

    if bundle is not None:
        raise InputError(
            "--new-key makes keys and nothing else.\nSign in a second step: dpsynth certify BUNDLE --sign KEY."
        )
    public = new_key(name)
    if as_json:
        write_json({"private": str(name), "public": str(public)})
        return
    write_pairs([("private", f"{name}  (signs: keep it where only you can read)"), ("public", f"{public}  (verifies)")])


def _show(bundle: Path, made: Certificate, *, audited: bool) -> None:
    from dpsynth.certify import internal_folder

    facts = made.facts
    write_pairs(
        [
            ("decision", made.decision),
            ("claim", f"epsilon {facts['guarantee']['epsilon_text']} at delta {made.delta:g}"),
            (
                "certificate",
                f"{made.path / 'certificate.json'}  (id {facts['id'][:8]}, review by {facts['review_by']})",
            ),
            ("public page", str(made.path / "public.html")),
            *([("internal", f"{internal_folder(bundle) / 'internal.html'}  NOT PRIVATE")] if audited else []),
            ("check it", f"dpsynth verify {bundle}"),
        ]
    )
    write_gates(made)


def write_gates(made: Certificate) -> None:
    """The gates as a table, and what holds the release back on stderr."""
    gates = made.facts["decision"]["gates"]
    write_table(
        f"Gates of policy {made.facts['decision']['policy']['name']}",
        ["gate", "asks", "word"],
        [[gate["gate"], gate["name"], gate["status"]] for gate in gates],
        text_columns=3,
    )
    for gate in gates:
        if gate["status"] == "fail" or (gate["status"] == "undecided" and gate["required"]):
            make_console(err=True).print(
                f"{gate['gate']} {gate['status']}: {gate['note']}", style="red", soft_wrap=True
            )
    if made.decision == "pass" and any(gate["status"] == "waived" for gate in gates):
        say("Some gates are waived.", err=True)
