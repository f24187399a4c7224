"""No pickle, eval, print, network, user-space generator or logged value in the packages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture import bans
from tests.architecture.sources import PACKAGES, python_files, tree


def _room(path: Path) -> str:
    return path.parts[1] if path.parts[0] == "dpsynth" and len(path.parts) > 2 else ""


def _complaints(path: Path) -> list[str]:
    module, room = tree(path), _room(path)
    found = bans.banned_imports(module, room) + bans.banned_calls(module, room) + bans.logged_values(module, room)
    if room in bans.ROOMS_OF_PRIVATE_ROWS:
        found += bans.user_generators(module, room)
    return found


@pytest.mark.parametrize("path", python_files(*PACKAGES), ids=str)
def test_file_does_nothing_banned(path: Path) -> None:
    assert _complaints(path) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "def f():\n    import socket",
        "from urllib.request import urlopen",
        "import random",
        "from random import choice",
    ],
)
def test_banned_imports_are_seen(code: str) -> None:
    assert bans.banned_imports(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "exec('1')",
        "print(1)",
        "os.system('ls')",
        "np.load(p, allow_pickle=True)",
        "pd.read_pickle(p)",
        "frame.to_pickle(p)",
        "DpEvent.from_named_tuple(x)",
        "numpy.random.seed(0)",
    ],
)
def test_banned_calls_are_seen(code: str) -> None:
    assert bans.banned_calls(ast.parse(code))


@pytest.mark.parametrize("code", ["import sqlite3", "import duckdb", "from os import urandom", "import subprocess"])
def test_what_belongs_to_one_room_is_seen_elsewhere(code: str) -> None:
    assert bans.banned_imports(ast.parse(code), "pgm")


def test_system_entropy_is_seen_elsewhere() -> None:
    assert bans.banned_calls(ast.parse("os.urandom(8)"), "generators")
    assert not bans.banned_calls(ast.parse("os.urandom(8)"), "noise")


@pytest.mark.parametrize("room", bans.ROOMS_OF_PRIVATE_ROWS)
@pytest.mark.parametrize(
    "code",
    ["np.random.default_rng()", "from numpy.random import default_rng", "np.random.Generator(np.random.PCG64())"],
)
def test_generators_are_seen(room: str, code: str) -> None:
    assert bans.user_generators(ast.parse(code), room)


def test_torch_is_seen_in_noise() -> None:
    assert bans.user_generators(ast.parse("import torch"), "noise")
    assert bans.user_generators(ast.parse("torch.randn(3)"), "noise")


@pytest.mark.parametrize(
    ("code", "room"),
    [
        ("import logging", "engines"),
        ("logger.info(f'{value}')", "pgm"),
        ("logger.info('%s', value)", "pgm"),
        ("warnings.warn(f'{value}')", "gate"),
    ],
)
def test_logged_values_are_seen(code: str, room: str) -> None:
    assert bans.logged_values(ast.parse(code), room)


def test_harmless_code_is_left_alone() -> None:
    code = ast.parse("import json\nfrom os import path\nrng.random()\nlogger.info('fitted')\njson.loads('{}')\n")
    assert not bans.banned_imports(code) + bans.banned_calls(code) + bans.logged_values(code, "pgm")
