"""Short files, and nothing in them that belongs to one machine or to a package registry."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, files, python_files, text

LONGEST = 400
TEXT_KINDS = {
    ".py",
    ".toml",
    ".md",
    ".bib",
    ".json",
    ".cfg",
    ".txt",
    ".yml",
    ".yaml",
    ".csv",
    "",
    ".sh",
    ".html",
    ".sql",
}
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:work|home|root|Users|mnt|private/tmp|opt)/[\w.-]")
_HOSTS = ("pypi%org", "pythonhosted%org", "npmjs%org", "npmjs%com", "crates%io", "deb%debian%org", "rubygems%org")
REGISTRY_HOST = re.compile("|".join(re.escape(host.replace("%", ".")) for host in _HOSTS), re.IGNORECASE)


def _texts() -> list[Path]:
    return [path for path in files() if path.suffix in TEXT_KINDS]


@pytest.mark.parametrize("path", python_files("dpsynth", "privacy_audit", "tests", "examples"), ids=str)
def test_file_is_short(path: Path) -> None:
    assert text(path).count("\n") < LONGEST, f"{path} has {text(path).count(chr(10))} lines; split it"


def test_no_path_of_one_machine() -> None:
    found = [
        f"{path}:{number}"
        for path in _texts()
        for number, line in enumerate(text(path).splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


def test_no_registry_host() -> None:
    assert [str(path) for path in _texts() if REGISTRY_HOST.search(text(path))] == []


@pytest.mark.parametrize("folder", ["work", "home", "root", "Users", "mnt", "opt"])
def test_machine_paths_are_seen(folder: str) -> None:
    assert MACHINE_PATH.search(f"open('/{folder}/x.csv')")
    assert MACHINE_PATH.search(f"PATH=/{folder}/bin")


@pytest.mark.parametrize(
    "line", ["../shared/data", "docs/work/notes.md", "https://example.org/home/page", "a / root / b"]
)
def test_relative_paths_are_left_alone(line: str) -> None:
    assert not MACHINE_PATH.search(line)


def test_registry_hosts_are_seen() -> None:
    assert REGISTRY_HOST.search("https://" + ".".join(("PyPI", "org")) + "/simple")


def test_no_big_or_left_over_file() -> None:
    """No data set, notebook output, database or build product slips in."""
    assert [str(path) for path in files() if (ROOT / path).stat().st_size > 1_500_000] == []
    assert [
        str(path) for path in files() if path.suffix in {".pkl", ".pickle", ".ledger", ".sqlite", ".pyc", ".whl"}
    ] == []
