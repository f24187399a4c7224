"""The import contracts hold, and each of them can fail: a planted import breaks it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, files, module_name, python_files, text

PLANTED = {
    "layers": ("dpsynth/domain/planted.py", "import dpsynth.accounting.events"),
    "engines": ("dpsynth/generators/planted.py", "import dpsynth.engines.base"),
    "ledger": ("dpsynth/cli/planted.py", "import dpsynth.gate.ledger"),
    "audit-stands-alone": ("privacy_audit/planted.py", "import dpsynth.errors"),
    "audit-edge": ("dpsynth/generators/planted.py", "import privacy_audit"),
    "measurement": ("dpsynth/measurement.py", "import dpsynth.domain.table"),
    "free-rooms": ("dpsynth/pgm/planted.py", "import dpsynth.gate.queries"),
    "noise": ("dpsynth/noise/planted.py", "import pandas"),
    "torch": ("dpsynth/generators/planted.py", "import torch"),
    "cycles": ("dpsynth/errors.py", "import dpsynth.version\n\nimport dpsynth.accounting.base"),
}
"""For each contract a file and an import that breaks it."""


def _lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    # The program beside this interpreter; `python -m importlinter` does not exist.
    code = "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"
    options = [word for contract in contracts for word in ("--contract", contract)]
    return subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo", *options],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packages and the contracts, in a folder of their own."""
    folder = tmp_path_factory.mktemp("house")
    for path in (*python_files(*PACKAGES), Path("pyproject.toml")):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    return folder


def test_contracts_hold() -> None:
    result = _lint(ROOT)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-2000:]
    assert " 0 broken" in result.stdout


def test_every_contract_has_a_planted_break() -> None:
    contracts = tomllib.loads(text(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    assert {contract["id"] for contract in contracts} == set(PLANTED)


@pytest.mark.parametrize("contract", sorted(PLANTED))
def test_planted_import_breaks(contract: str, copy: Path) -> None:
    name, line = PLANTED[contract]
    path = copy / name
    before = path.read_text() if path.exists() else None
    try:
        path.write_text(f"{before or ''}\n{line}\n")
        result = _lint(copy, contract)
        assert result.returncode == 1, result.stdout + result.stderr
        assert "BROKEN" in result.stdout
    finally:
        path.write_text(before) if before is not None else path.unlink()


def test_layers_name_every_room() -> None:
    """A new room cannot stay outside the layers."""
    contracts = tomllib.loads(text(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == "layers"]
    named = {room.strip(" ()") for layer in layers for room in layer.split("|")}
    rooms = {
        module_name(path).split(".")[1] for path in python_files("dpsynth") if len(module_name(path).split(".")) > 1
    }
    assert rooms <= named, "put these rooms into the layers contract"


def test_ledger_files_are_all_protected() -> None:
    contracts = tomllib.loads(text(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    (protected,) = [contract["protected_modules"] for contract in contracts if contract["id"] == "ledger"]
    for path in files():
        if path.suffix == ".py" and path.parts[:2] == ("dpsynth", "gate") and path.parts[2].startswith("ledger"):
            assert any(module_name(path).startswith(module) for module in protected), path
