"""The tests themselves: enough of them, each able to fail, and no skipped one counted as passed."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, files, python_files, text, tree

FLOOR = 4_000
"""Fewest tests that may be collected, slow ones included. Raise it as the suite grows; never lower it."""

TEST_FILES = [path for path in python_files("tests") if path.name.startswith("test_")]
CHECKS = ("assert", "check", "verify", "expect", "run_", "conform")
"""Starts of the names of helpers that do a test's asserting."""


def _test_functions(module: ast.Module) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Nodes of the body without those of nested functions."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(node)


def _can_fail(function: ast.FunctionDef) -> bool:
    """Whether it asserts something, or is by its name a test that nothing is raised."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ("raises", "fail", "warns") or name.lstrip("_").startswith(CHECKS):
                return True
    return any(word in function.name for word in ("raise", "error", "accept"))


def _slips_out(function: ast.FunctionDef) -> bool:
    """Whether it may pass without its checks: a return before any assert, or a swallowed import or assertion."""
    nodes = list(_own_nodes(function))
    asserts = [node.lineno for node in nodes if isinstance(node, ast.Assert)]
    for node in nodes:
        if isinstance(node, ast.Return) and not any(line < node.lineno for line in asserts):
            return True
        if isinstance(node, ast.ExceptHandler) and all(isinstance(inner, ast.Pass) for inner in node.body):
            caught = ast.unparse(node.type) if node.type else "Exception"
            if re.search(r"\b(Exception|BaseException|AssertionError|ImportError|ModuleNotFoundError)\b", caught):
                return True
    return False


@pytest.mark.parametrize("path", TEST_FILES, ids=str)
def test_every_test_can_fail(path: Path) -> None:
    assert [node.name for node in _test_functions(tree(path)) if not _can_fail(node)] == []
    assert [node.name for node in _test_functions(tree(path)) if _slips_out(node)] == []


@pytest.mark.parametrize("path", TEST_FILES, ids=str)
def test_no_rerun_and_no_silent_skip(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            assert name not in ("flaky", "rerun"), f"{path}:{node.lineno}"
            if name in ("skip", "skipif"):
                told = node.args if name == "skip" else [k for k in node.keywords if k.arg == "reason"]
                assert told, f"{path}:{node.lineno} skips without a reason"


def test_tests_that_cannot_fail_are_seen() -> None:
    (empty,) = _test_functions(ast.parse("def test_a():\n    f()"))
    (early,) = _test_functions(ast.parse("def test_a():\n    if x:\n        return\n    assert f()"))
    (honest,) = _test_functions(ast.parse("def test_a():\n    assert f()"))
    assert not _can_fail(empty)
    assert _slips_out(early)
    assert _can_fail(honest)
    assert not _slips_out(honest)


def test_no_fewer_tests_than_before() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    found = re.search(r"(\d+) tests? collected", result.stdout)
    assert found
    assert int(found[1]) >= FLOOR


def test_every_room_has_unit_tests() -> None:
    rooms = {path.parts[1] for path in python_files("dpsynth") if len(path.parts) > 2 and text(path).strip()}
    tested = {path.parts[2] for path in TEST_FILES if path.parts[1] == "unit" and len(path.parts) > 3}
    assert rooms <= tested


def _public_words(room: str) -> set[str]:
    """Names of the files of a room, and its public names in lower_case."""
    words = {room}
    for path in files():
        inside = path.parts[:2] == ("dpsynth", room) or path.parts[0] == room == "privacy_audit"
        if inside:
            words.add(path.name.partition(".")[0])
        if inside and path.suffix == ".py":
            names = [node.name for node in tree(path).body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
            words |= {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in names}
    return words


def test_unit_tests_mirror_a_file() -> None:
    """tests/unit/ROOM/test_NAME.py stands for a file, a public name or a part (by prefix) of dpsynth/ROOM."""
    strays = []
    for path in TEST_FILES:
        if path.parts[1] == "unit" and len(path.parts) == 4:
            name = path.stem.removeprefix("test_")
            words = _public_words(path.parts[2])
            if not any(name == word or name.startswith(word + "_") for word in words):
                strays.append(str(path))
    assert strays == []


SAMPLE = """
import pytest

def test_passes(): assert True

def test_skips(): pytest.skip("there is no such table")

@pytest.mark.skipif(True, reason="there is no such table")
def test_skips_too(): assert False
"""


def test_skipped_tests_are_told_and_not_counted_as_passed(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(text(Path("tests/conftest.py")))
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
    )
    assert "2 skipped, by reason" in result.stdout, result.stdout
    assert re.search(r"^ +2  there is no such table$", result.stdout, re.MULTILINE)
    assert "1 passed, 2 skipped" in result.stdout
