"""The documents agree with the code and with each other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, files, python_files, text

PAGES = [path for path in files() if path.suffix == ".md"]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")
BIB_KEY = re.compile(r"^@\w+\{([\w:-]+),", re.MULTILINE)
SOURCE = re.compile(r"^\s*Source:\s*(.*(?:\n\s+[\w,; -]+$)?)", re.MULTILINE)
KEY = re.compile(r"\b[a-z]+\d{4}[a-z]+\b")


def _rooms() -> set[str]:
    """Names of the folders and files at the top of both packages."""
    return {
        path.parts[1] if len(path.parts) > 2 else path.name
        for path in python_files(*PACKAGES)
        if len(path.parts) > 2 or path.name != "__init__.py"
    }


def test_architecture_page_names_every_room_and_no_other() -> None:
    page = text(Path("docs/architecture.md"))
    assert [room for room in sorted(_rooms()) if room not in page] == []
    drawn = re.findall(r"^  (\w+(?:\.py|/))", page, re.MULTILINE)
    assert [name for name in drawn if name.rstrip("/") not in _rooms()] == []
    assert len(drawn) >= 10


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    for target, _ in LINK.findall(text(path)):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (ROOT / path.parent / target).exists(), f"{path} links to {target}"


def test_bibliography_has_unique_keys() -> None:
    keys = BIB_KEY.findall(text(Path("docs/references.bib")))
    assert sorted(keys) == sorted(set(keys))


def test_every_source_is_in_the_bibliography() -> None:
    keys = set(BIB_KEY.findall(text(Path("docs/references.bib"))))
    cited = {
        key for path in python_files(*PACKAGES) for words in SOURCE.findall(text(path)) for key in KEY.findall(words)
    }
    assert cited
    assert cited - keys == set()


def test_change_notes_have_known_names() -> None:
    """docs/changelog.d/ISSUE.KIND.md, of a kind that the changelog knows."""
    settings = tomllib.loads(text(Path("pyproject.toml")))["tool"]["towncrier"]
    kinds = {kind["directory"] for kind in settings["type"]}
    assert "privacy" in kinds
    notes = [path for path in files() if path.parts[:2] == ("docs", "changelog.d") and path.name != "README.md"]
    assert notes
    assert [str(path) for path in notes if not re.fullmatch(rf"\d+(\.\d+)?\.({'|'.join(kinds)})\.md", path.name)] == []


def test_every_page_is_reachable() -> None:
    """From docs/index.md one comes to every page of docs/ (notes for the changelog excepted)."""
    reached: set[Path] = set()
    waiting = [Path("docs/index.md")]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target, _ in LINK.findall(text(page)):
            if not target.startswith("http") and target.endswith(".md"):
                waiting.append((ROOT / page.parent / target).resolve().relative_to(ROOT))
    pages = {path for path in PAGES if path.parts[0] == "docs" and "changelog.d" not in path.parts}
    assert sorted(map(str, pages - reached)) == []


PLANNED = re.compile(r"\bplanned\b", re.IGNORECASE)


def test_pages_promise_no_unbuilt_room() -> None:
    """DESIGN's later rooms are named in docs only on lines that say "planned" or "not yet"."""
    later = {"certify", "bridges", "collapse.py", "scorecard.py"} - _rooms()
    for path in PAGES:
        for number, line in enumerate(text(path).splitlines(), 1):
            for room in later:
                if re.search(rf"\b{re.escape(room)}(?:/|`)", line):
                    assert PLANNED.search(line) or "not yet" in line, (
                        f"{path}:{number} speaks of {room} as if it were built"
                    )


def test_every_generator_is_a_choice() -> None:
    from dpsynth.generators import GENERATORS

    page = text(Path("docs/how-to-choose.md"))
    assert [name for name in GENERATORS if f"`{name}`" not in page] == []


def test_every_verb_is_shown() -> None:
    from dpsynth.cli.app import VERBS

    shown = text(Path("README.md")) + text(Path("docs/quickstart.md"))
    assert [verb for verb in VERBS if f"dpsynth {verb}" not in shown] == []
