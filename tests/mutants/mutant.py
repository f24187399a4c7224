"""A known privacy bug as an edit of our own code, with the tests that must notice."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Mutant"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug.

    Attributes:
        name: what goes wrong.
        file: the file of dpsynth that is edited.
        old: text that stands in it exactly once.
        new: what stands there instead.
        tests: pytest node ids, each of which must fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
