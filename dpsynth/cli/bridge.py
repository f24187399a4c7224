"""`dpsynth bridge`: environments of foreign synthesizers."""

from __future__ import annotations

from typing import Annotated

import typer

from dpsynth.cli.console import say, write_json, write_table
from dpsynth.cli.options import JsonOption, QuietOption

__all__ = ["app"]

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Foreign synthesizers, each in its own environment.")


@app.command("list")
def _list(as_json: JsonOption = False) -> None:
    """Show every bridge, whether it is installed, and where."""
    from dpsynth.bridges.install import BRIDGES, environment_of

    found = [environment_of(name) for name in BRIDGES]
    if as_json:
        write_json({"bridges": [{"name": e.name, "state": e.state, "folder": str(e.folder)} for e in found]})
    else:
        write_table("Bridges", ["bridge", "state", "folder"], [[e.name, e.state, str(e.folder)] for e in found])


@app.command("install")
def _install(
    name: Annotated[str, typer.Argument(help="The bridge: smartnoise.")],
    torch_index: Annotated[
        str | None, typer.Option("--torch-index", help="Package index with CPU builds of PyTorch (default: PyTorch's).")
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build the environment of a bridge from the lock that is shipped. Takes minutes and a network."""
    from dpsynth.bridges.install import TORCH_INDEX, install_bridge

    def tell(stage: str) -> None:
        if not quiet:
            say(f"  {stage}", err=True)

    environment = install_bridge(name, torch_index=torch_index or TORCH_INDEX, report=tell)
    if as_json:
        write_json({"name": environment.name, "state": environment.state, "folder": str(environment.folder)})
    else:
        say(f"The bridge {environment.name} is {environment.state}: {environment.folder}")
