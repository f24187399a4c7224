"""Variable taint: which local variables of a mechanism differ between two worlds that were given the same answers.

Two tables that got the same noisy answers must leave the same values in every variable that holds no private data. A
profile hook hashes all named locals at the return of every function of the watched files; only the names on a short
public list may differ. This finds a leak on the first pair of tables, although no output has changed yet.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, final

from privacy_audit.mechanisms.digest import digest

__all__ = ["TaintWatch", "Trace", "tainted"]

Trace = tuple[tuple[str, Mapping[str, str]], ...]
"""For each function return in order: the function, and the hash of each of its locals."""


@final
@dataclass(frozen=True, slots=True)
class TaintWatch:
    """What is watched, and what may differ.

    Attributes:
        paths: source files, or folders of them.
        private: by function (its qualified name, such as "Model.fit"), the locals that hold private values by design.
        ignored: locals that are left out everywhere (clocks, progress callbacks).
        opaque: functions that hold private values in all their locals (an encoder, the gate itself).
        handles: types that stand for private data; see `digest`.
    """

    paths: tuple[str, ...]
    private: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset({"self", "cls"})
    opaque: frozenset[str] = frozenset()
    handles: tuple[type, ...] = ()

    def watching(self) -> _Hook:
        """A context that records a trace of everything called inside it, in this thread."""
        return _Hook(self)


@final
class _Hook(AbstractContextManager["_Hook"]):
    """The profile hook; `trace()` after the block."""

    def __init__(self, watch: TaintWatch) -> None:
        self._watch = watch
        self._folders = tuple(str(Path(path).resolve()) for path in watch.paths)
        self._known: dict[str, bool] = {}
        self._rows: list[tuple[str, Mapping[str, str]]] = []
        self._before: Any = None

    def trace(self) -> Trace:
        """The returns in order."""
        return tuple(self._rows)

    def __enter__(self) -> _Hook:
        self._before = sys.getprofile()
        sys.setprofile(self._on_event)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        sys.setprofile(self._before)

    def _on_event(self, frame: FrameType, event: str, argument: Any) -> None:
        if event != "return" or not self._is_watched(frame.f_code.co_filename):
            return
        name = frame.f_code.co_qualname
        if frame.f_code.co_name.startswith("<") or name in self._watch.opaque:
            return
        free = self._watch.private.get(name, frozenset()) | self._watch.ignored
        held = {k: digest(v, self._watch.handles) for k, v in frame.f_locals.items() if k not in free}
        self._rows.append((name, held))

    def _is_watched(self, file: str) -> bool:
        if file not in self._known:
            path = Path(file)
            places = {str(path), *(str(parent) for parent in path.parents)}
            self._known[file] = any(folder in places for folder in self._folders)
        return self._known[file]


def tainted(one: Trace, other: Trace) -> Sequence[str]:
    """The variables that tell two traces apart.

    Args:
        one: the trace of the first world.
        other: that of the second, which was given the same noisy answers.

    Returns:
        "function.variable" for each local that differs, in order; and "call sequence" where other functions were
        called, or another number of them.
    """
    found: dict[str, None] = {}
    if [name for name, _ in one] != [name for name, _ in other]:
        found["call sequence"] = None
    for (name, held), (again, too) in zip(one, other, strict=False):
        if name != again:
            break
        for variable in held.keys() | too.keys():
            if held.get(variable) != too.get(variable):
                found[f"{name}.{variable}"] = None
    return tuple(sorted(found))
