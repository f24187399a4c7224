"""A small language for rules of rows: comparisons, arithmetic and logic over columns. Nothing is run as code.

age >= 17 and (income == ">50K" or `hours-per-week` <= 60)
sex in ("Male", "Female")
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from privacy_audit.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["holds"]

_QUOTED = re.compile(r"`([^`]+)`")
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


def holds(rule: str, frame: pd.DataFrame) -> np.ndarray:
    """Where a rule holds.

    Args:
        rule: an expression of column names (in backticks where they are no plain words), numbers, texts, + - * / %,
            < <= > >= == !=, in, not in, and, or, not.
        frame: the rows.

    Returns:
        bool[rows]; a comparison with a missing cell does not hold.

    Raises:
        InputError: the rule cannot be read, names a column that is not there, or compares text with numbers.
    """
    names: dict[str, str] = {}

    def plain(match: re.Match[str]) -> str:
        word = f"column_{len(names)}_"
        names[word] = match[1]
        return word

    try:
        tree = ast.parse(_QUOTED.sub(plain, rule), mode="eval")
    except SyntaxError:
        raise InputError(
            f"The rule {rule!r} cannot be read.\nWrite it like: age >= 17 and `hours-per-week` <= 99"
        ) from None
    try:
        found = _value(tree.body, frame, names, rule)
    except TypeError:
        raise InputError(f"The rule {rule!r} compares or adds text and numbers.") from None
    if np.asarray(found).dtype != bool:
        raise InputError(f"The rule {rule!r} is not a yes-or-no question: compare something.")
    return np.broadcast_to(np.asarray(found, dtype=bool), (len(frame),))


def _value(node: ast.expr, frame: pd.DataFrame, names: dict[str, str], rule: str) -> Any:
    """The value of a node: an array, a number, a text or a tuple."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str()):
            return node.value
        case ast.Name():
            name = names.get(node.id, node.id)
            if name not in frame.columns:
                raise InputError(f"The rule {rule!r} names a column that is not there: {name!r}.")
            return frame[name].to_numpy()
        case ast.Tuple() | ast.List():
            return tuple(_value(item, frame, names, rule) for item in node.elts)
        case ast.UnaryOp(op=ast.Not()):
            return ~np.asarray(_value(node.operand, frame, names, rule), dtype=bool)
        case ast.UnaryOp(op=ast.USub()):
            return -_value(node.operand, frame, names, rule)
        case ast.BoolOp():
            parts = [np.asarray(_value(part, frame, names, rule), dtype=bool) for part in node.values]
            join = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return join.reduce(np.broadcast_arrays(*parts))
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            with np.errstate(all="ignore"):
                return _ARITHMETIC[type(node.op)](
                    _value(node.left, frame, names, rule), _value(node.right, frame, names, rule)
                )
        case ast.Compare():
            return _compare(node, frame, names, rule)
        case _:
            raise InputError(f"The rule {rule!r} uses what rules do not know ({type(node).__name__}).")


def _compare(node: ast.Compare, frame: pd.DataFrame, names: dict[str, str], rule: str) -> Any:
    left = _value(node.left, frame, names, rule)
    found: Any = True
    for kind, right_node in zip(node.ops, node.comparators, strict=True):
        right = _value(right_node, frame, names, rule)
        if isinstance(kind, ast.In | ast.NotIn):
            inside = np.isin(*_alike(left, right))
            here = inside if isinstance(kind, ast.In) else ~inside & _present(left)
        elif type(kind) in _COMPARE:
            here = _present(left) & _present(right) & _pairwise(_COMPARE[type(kind)], left, right)
        else:
            raise InputError(f"The rule {rule!r} uses what rules do not know ({type(kind).__name__}).")
        found = np.logical_and(found, here)
        left = right
    return found


def _alike(left: Any, right: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Both as numbers, or both as texts; raises TypeError where one is text and the other numbers."""
    kinds = {_kind(left), *(_kind(one) for one in right)} - {"unknown"}
    if len(kinds) > 1:
        raise TypeError
    kind = str if "text" in kinds else float
    return np.asarray(left).astype(kind), np.array(right, dtype=kind)


def _present(values: Any) -> Any:
    import pandas as pd

    return ~np.asarray(pd.isna(values)) if isinstance(values, np.ndarray) else True


def _pairwise(compare: Callable[[Any, Any], Any], left: Any, right: Any) -> np.ndarray:
    """Compare where both are present; text with text, numbers with numbers."""
    kinds = {_kind(side) for side in (left, right)} - {"unknown"}
    if len(kinds) > 1:
        raise TypeError
    with np.errstate(invalid="ignore"):
        left, right = (np.asarray(side) for side in (left, right))
        if "text" in kinds:
            left, right = left.astype(str), right.astype(str)
        return np.asarray(compare(left, right), dtype=bool)


def _kind(values: Any) -> str:
    values = np.asarray(values)
    if values.dtype.kind in "biuf":
        return "number"
    return "text" if values.dtype.kind in "OUS" else "unknown"
