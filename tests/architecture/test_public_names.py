"""The public names exist, are explained, and cost nothing until they are used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import dpsynth
from tests.architecture.sources import ROOT, python_files, tree

HEAVY = (
    "dp_accounting", "duckdb", "jinja2", "lightgbm", "narwhals", "opacus", "pandas", "polars", "pyarrow", "pydantic",
    "scipy.stats", "sklearn", "torch",
)  # fmt: skip
"""Modules that the start of a program does not wait for."""


def _loaded_after(code: str) -> list[str]:
    program = f"{code}\nimport json, sys\nsys.stdout.write(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    modules = set(json.loads(result.stdout.splitlines()[-1]))
    return sorted(name for name in HEAVY if name in modules)


@pytest.mark.parametrize(
    "code", ["import dpsynth", "import dpsynth.cli.app", "from dpsynth import Budget, Domain, rows"]
)
def test_start_loads_nothing_heavy(code: str) -> None:
    assert _loaded_after(code) == []


def test_heavy_modules_are_seen() -> None:
    assert "pandas" in _loaded_after("import pandas")


@pytest.mark.parametrize("name", dpsynth.__all__)
def test_public_name_exists_and_is_explained(name: str) -> None:
    value = getattr(dpsynth, name)
    if name != "__version__":
        assert value.__doc__


def test_type_checkers_see_the_same_names() -> None:
    (guarded,) = [node for node in tree(Path("dpsynth/__init__.py")).body if isinstance(node, ast.If)]
    seen = {alias.asname or alias.name for node in guarded.body for alias in node.names}  # type: ignore[attr-defined]
    assert seen | {"__version__"} == set(dpsynth.__all__)


def test_dir_is_the_public_names() -> None:
    assert dir(dpsynth) == sorted(dpsynth.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'dpsynth' has no attribute 'opne'"):
        _ = dpsynth.opne  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", python_files("dpsynth", "privacy_audit"), ids=str)
def test_exported_names_exist(path: Path) -> None:
    """`__all__` names only what the file defines or imports."""
    module = tree(path)
    exported: list[str] = []
    defined: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            defined |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            defined.add(node.target.id)
        elif isinstance(node, ast.Assign):
            defined |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
                exported = ast.literal_eval(node.value)
    assert set(exported) <= defined
    assert len(exported) == len(set(exported))
