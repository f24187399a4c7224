"""The tree at the top of errors.py is the tree of classes."""

from __future__ import annotations

import ast
import builtins
import inspect
import re

from dpsynth import errors
from tests.architecture.sources import PACKAGES, python_files, tree

LINE = re.compile(r"^(?P<branch>[│ ]*(?:├── |└── )?)(?P<name>[A-Z]\w+)\b(?P<words>.*)$")


def _drawn() -> dict[str, tuple[str | None, int | None]]:
    """Name -> (name of the parent, exit code written beside it)."""
    found: dict[str, tuple[str | None, int | None]] = {}
    above: list[str] = []
    assert errors.__doc__
    for line in errors.__doc__.splitlines():
        match = LINE.match(line)
        if not match or not match["name"].endswith(("Error", "Refused")):
            continue
        depth = len(match["branch"]) // 4
        code = re.search(r"exit code (\d)", match["words"])
        found[match["name"]] = (above[depth - 1] if depth else None, int(code[1]) if code else None)
        above[depth:] = [match["name"]]
    return found


def _classes() -> dict[str, type[errors.DpsynthError]]:
    return {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, Exception)}


def test_drawn_tree_is_the_tree_of_classes() -> None:
    parents = {
        name: None if kind is errors.DpsynthError else kind.__mro__[1].__name__ for name, kind in _classes().items()
    }
    assert {name: parent for name, (parent, _) in _drawn().items()} == parents


def test_drawn_exit_codes_are_those_of_the_classes() -> None:
    for name, (_, code) in _drawn().items():
        if code is not None:
            assert _classes()[name].exit_code == code, name


def test_every_error_is_exported_and_documented() -> None:
    assert set(errors.__all__) == set(_classes())
    assert all(kind.__doc__ for kind in _classes().values())


def test_budget_refused_says_three_figures() -> None:
    error = errors.BudgetRefused("epsilon 1", "epsilon 0.4", "epsilon 0.6", "Raise the cap with care.")
    assert str(error) == (
        "Budget refused: requested epsilon 1, remaining epsilon 0.4, short by epsilon 0.6.\nRaise the cap with care."
    )


BUILTIN_ALLOWED = {
    "TypeError",
    "ValueError",
    "AttributeError",
    "NotImplementedError",
    "KeyError",
    "IndexError",
    "AssertionError",
    "SystemExit",
    "StopIteration",
}
"""A wrong call inside the packages (never a data value) may raise a builtin; bare Exception and RuntimeError may not."""


def test_only_our_errors_and_plain_builtins_are_raised() -> None:
    bad = []
    for path in python_files(*PACKAGES):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                name = node.exc.func.id
                known = name in BUILTIN_ALLOWED or name in errors.__all__ or name.startswith("_")
                if not known and hasattr(builtins, name):
                    bad.append(f"{path}:{node.lineno} raises {name}")
    assert bad == []
