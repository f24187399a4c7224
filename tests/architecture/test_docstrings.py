"""Everything public says what it is, what it takes, what it raises, and in noise and denoise what it guarantees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dpsynth import errors
from tests.architecture.docstrings import complaints, documented_methods
from tests.architecture.sources import PACKAGES, python_files, tree

GUARANTEED_ROOMS = frozenset({"noise", "denoise"})


def _complaints(path: Path) -> list[str]:
    room = path.parts[1] if len(path.parts) > 2 else ""
    inherited = documented_methods([tree(other) for other in python_files(*PACKAGES)])
    return complaints(tree(path), room, inherited, set(errors.__all__), GUARANTEED_ROOMS)


@pytest.mark.parametrize("path", python_files(*PACKAGES), ids=str)
def test_public_names_are_explained(path: Path) -> None:
    assert _complaints(path) == []


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("x = 1", "the file has no docstring"),
        ('"""M."""\ndef f(): ...', "f has no docstring"),
        ('"""M."""\nclass C:\n    """C."""\n    def f(self): ...', "C.f has no docstring"),
        ('"""M."""\ndef f(a, b, c, d):\n    """F."""', "f does not explain its parameters (Args:)"),
        ('"""M."""\ndef f():\n    """F."""\n    raise DomainError("x")', "f raises DomainError and does not say so"),
        ('"""M."""\ndef f(entropy):\n    """F."""', "f states no guarantee (Guarantee:)"),
    ],
)
def test_missing_words_are_seen(code: str, complaint: str) -> None:
    found = complaints(ast.parse(code), "noise", {}, {"DomainError"}, GUARANTEED_ROOMS)
    assert any(line.startswith(complaint) for line in found), found


def test_words_of_the_abstract_method_are_inherited() -> None:
    code = ast.parse(
        '"""M."""\nclass A:\n    """A."""\n    def f(self):\n        """F."""\nclass B(A):\n    """B."""\n    def f(self): ...'
    )
    assert complaints(code, "pgm", documented_methods([code]), set(), GUARANTEED_ROOMS) == []
