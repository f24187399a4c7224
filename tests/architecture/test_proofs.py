"""A proof beside each mechanism and each query, and no proof of something that is gone."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.architecture.sources import files, module_name, python_files, text, tree

PROOFS = [path for path in files() if path.parts[:2] == ("docs", "proofs") and path.suffix == ".md"]
NAMED = re.compile(r"`((?:dpsynth|privacy_audit)(?:\.\w+)+)(?:\([^`]*\))?`")
PARTS = {"precondition": r"(?i)\bpreconditions?\b", "guarantee": r"(?i)\bguarantees?\b", "errors": r"(?i)\berrors?\b"}
"""What every proof says: when it holds, what it gives, and that its errors do not depend on private data."""


def _resolve(name: str) -> object:
    """The module, class, function or method of a dotted name; raises where there is none."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            value = getattr(value, part)
        return value
    raise ModuleNotFoundError(name)


def _named(path: Path) -> set[str]:
    return set(NAMED.findall(text(path)))


def mechanisms() -> set[str]:
    """Public functions of dpsynth.noise that draw (they take entropy) and name their file."""
    found = set()
    for path in python_files("dpsynth"):
        if path.parts[1] == "noise":
            for node in tree(path).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    takes = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
                    if "entropy" in takes and node.name == path.stem:
                        found.add(f"{module_name(path)}.{node.name}")
    return found


def queries() -> set[str]:
    """The questions of gate.queries."""
    path = Path("dpsynth/gate/queries.py")
    return {f"dpsynth.gate.queries.{name}" for name in _exported(path)}


def _exported(path: Path) -> list[str]:
    for node in tree(path).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return ast.literal_eval(node.value)
    return []


@pytest.mark.parametrize("path", PROOFS, ids=str)
def test_proof_names_what_exists(path: Path) -> None:
    names = _named(path)
    assert names, f"{path} names no function as `package.room.file.name`"
    for name in names:
        assert _resolve(name) is not None


@pytest.mark.parametrize("path", PROOFS, ids=str)
def test_proof_has_its_parts(path: Path) -> None:
    assert [part for part, pattern in PARTS.items() if not re.search(pattern, text(path))] == []


def test_mechanisms_and_queries_have_proofs() -> None:
    proved = {name for path in PROOFS for name in _named(path)}
    assert len(mechanisms()) >= 2
    assert len(queries()) >= 3
    assert (mechanisms() | queries()) - proved == set()


NEW_BOUNDS = (
    "privacy_audit.bounds.label_walk.label_walk",
    "privacy_audit.bounds.rank_test.rank_test",
    "privacy_audit.bounds.sequential.event_betting.event_betting",
    "privacy_audit.bounds.sequential.order_betting.order_betting",
    "privacy_audit.bounds.sequential.claimed_law.claimed_law",
    "privacy_audit.bounds.sequential.residual_chi_square.residual_chi_square",
)
"""Bounds of the audit that no paper proves for us."""


def test_our_own_bounds_have_proofs() -> None:
    proved = {name for path in PROOFS for name in _named(path)}
    assert set(NEW_BOUNDS) - proved == set()


def test_names_that_are_gone_are_seen() -> None:
    with pytest.raises(AttributeError):
        _resolve("dpsynth.noise.entropy.no_such_name")
    with pytest.raises((ModuleNotFoundError, AttributeError)):
        _resolve("dpsynth.noise.no_such_file.name")
