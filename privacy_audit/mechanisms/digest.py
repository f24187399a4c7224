"""An exact hash of any Python value, so that two worlds can be compared without keeping what they hold."""

from __future__ import annotations

import hashlib
import re
import types
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

__all__ = ["digest"]

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def digest(value: Any, handles: tuple[type, ...] = ()) -> str:
    """Hash a value by its content.

    Numbers are hashed bit by bit (a float by its hexadecimal form, an array by dtype, shape and bytes), containers and
    objects by all that they hold, generators of numpy by their state. Nothing is shortened, so a private value deep
    inside a long array is seen.

    Args:
        value: anything.
        handles: types that stand for private data behind an interface (a table, a connection): hashed by name only.

    Returns:
        A hexadecimal digest; equal values of equal types give equal digests.
    """
    state = hashlib.blake2b(digest_size=16)
    _feed(value, state, handles, [])
    return state.hexdigest()


def _feed(value: Any, state: Any, handles: tuple[type, ...], above: list[Any]) -> None:
    kind = type(value)
    state.update(f"<{kind.__module__}.{kind.__qualname__}>".encode())
    if handles and issubclass(kind, handles):  # not isinstance: a handle may lie about __class__
        return
    if value is None or kind in (bool, int, str, complex):
        state.update(repr(value).encode("utf-8", "surrogatepass"))
    elif kind is float:
        state.update(value.hex().encode())
    elif kind in (bytes, bytearray):
        state.update(bytes(value))
    elif isinstance(value, np.ndarray):
        _feed_array(value, state, handles, above)
    elif isinstance(value, np.generic):
        state.update(value.dtype.str.encode() + value.tobytes())
    elif isinstance(value, np.random.Generator):
        _feed(value.bit_generator.state, state, handles, above)
    elif isinstance(value, type | types.FunctionType | types.BuiltinFunctionType | types.ModuleType):
        state.update(getattr(value, "__qualname__", value.__name__).encode())
    elif any(value is other for other in above):  # a cycle; that two parts are one object says nothing
        state.update(b"above")
    else:
        above.append(value)
        for part in _parts(value):
            _feed(part, state, handles, above)
        above.pop()


def _feed_array(value: np.ndarray, state: Any, handles: tuple[type, ...], above: list[Any]) -> None:
    state.update(f"{value.dtype.str}{value.shape}".encode())
    if value.dtype.hasobject:
        for cell in value.ravel().tolist():
            _feed(cell, state, handles, above)
    else:
        state.update(np.ascontiguousarray(value).tobytes())


def _parts(value: Any) -> Iterator[Any]:
    """What an object holds, in a fixed order."""
    if isinstance(value, Mapping):
        yield len(value)
        for key in value:
            yield key
            yield value[key]
    elif isinstance(value, Set):
        yield from sorted(digest(item) for item in value)
    elif isinstance(value, list | tuple):
        yield len(value)
        yield from value
    elif type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "index"):
        yield from _frame_parts(value)
    elif hasattr(value, "to_pylist"):
        yield value.to_pylist()
    elif isinstance(value, types.MethodType):
        yield value.__func__
        yield value.__self__
    else:
        yield from _attributes(value)


def _frame_parts(value: Any) -> Iterator[Any]:
    yield list(value.index)
    if hasattr(value, "columns"):
        for name in value.columns:
            yield name
            yield str(value[name].dtype)
            yield value[name].to_numpy(dtype=object)
    else:
        yield value.to_numpy(dtype=object)


def _attributes(value: Any) -> Iterator[Any]:
    held = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            private = name.startswith("__") and not name.endswith("__")
            full = f"_{kind.__name__.lstrip('_')}{name}" if private else name
            if full not in ("__dict__", "__weakref__") and hasattr(value, full):
                held[full] = getattr(value, full)
    if held:
        for name in sorted(held):
            yield name
            yield held[name]
    else:
        yield _ADDRESS.sub("", repr(value))
