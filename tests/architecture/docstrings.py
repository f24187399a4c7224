"""Which words a public function or class owes its reader, as functions from a syntax tree to complaints."""

from __future__ import annotations

import ast
from collections.abc import Iterator

MANY = 4
"""A public function with this many parameters explains them under Args (a verb of the command line: in its help)."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def public_definitions(module: ast.Module) -> Iterator[tuple[str, ast.ClassDef | Definition, ast.ClassDef | None]]:
    """Qualified name, node and owning class of all public classes, functions and methods (nested functions are not)."""
    for node in module.body:
        if isinstance(node, ast.ClassDef | Definition) and not node.name.startswith("_"):
            yield node.name, node, None
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, Definition) and not inner.name.startswith("_"):
                        yield f"{node.name}.{inner.name}", inner, node


def documented_methods(modules: list[ast.Module]) -> dict[str, set[str]]:
    """Class name -> the methods it documents, for `inherits_words`."""
    found: dict[str, set[str]] = {}
    for module in modules:
        for _, node, owner in public_definitions(module):
            if owner is not None and ast.get_docstring(node):
                found.setdefault(owner.name, set()).add(node.name)
    return found


def parameters(node: Definition) -> list[str]:
    """Names of the parameters, without self and cls."""
    named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [argument.arg for argument in named if argument.arg not in ("self", "cls")]


def raised(node: Definition) -> set[str]:
    """Names of the errors that the body itself raises (nested functions excepted)."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, Definition | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(inner, ast.Raise) and isinstance(inner.exc, ast.Call) and isinstance(inner.exc.func, ast.Name):
            found.add(inner.exc.func.id)
        waiting += ast.iter_child_nodes(inner)
    return found


def complaints(
    module: ast.Module, room: str, inherited: dict[str, set[str]], errors: set[str], guaranteed: frozenset[str]
) -> list[str]:
    """What is missing.

    Args:
        module: the syntax tree of a file.
        room: the room it lies in.
        inherited: from `documented_methods`, over all files.
        errors: names of our own errors.
        guaranteed: rooms whose public functions each state a guarantee (in noise: those that draw).
    """
    found = []
    if not ast.get_docstring(module) and module.body:
        found.append("the file has no docstring")
    for name, node, owner in public_definitions(module):
        words = ast.get_docstring(node)
        if not words:
            bases = {base.id for base in owner.bases if isinstance(base, ast.Name)} if owner else set()
            if not any(node.name in inherited.get(base, ()) for base in bases):
                found.append(f"{name} has no docstring")
            continue
        if isinstance(node, ast.ClassDef) or any(
            isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list
        ):
            continue
        if owner is None and room != "cli" and len(parameters(node)) >= MANY and "Args:" not in words:
            found.append(f"{name} does not explain its parameters (Args:)")
        for error in sorted(raised(node) & errors):
            if "Raises:" not in words or error not in words:
                found.append(f"{name} raises {error} and does not say so (Raises:)")
        draws = room in guaranteed and (room != "noise" or "entropy" in parameters(node))
        if owner is None and draws and "Guarantee:" not in words:
            found.append(f"{name} states no guarantee (Guarantee:)")
    return found
