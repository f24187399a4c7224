"""One battery of privacy_audit finds every bug on the list, and nothing in dpsynth as it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.self_audit_mutants import FIELD, MUTANTS, PROTOTYPE

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 180
"""CPU seconds for the whole list."""
CLEAN = ("nothing is changed", "nothing is changed, replacing")


def battery(*names: str) -> dict[str, dict]:
    """What the battery says of each mutant, in processes that see no other dpsynth."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.gate.self_audit_battery", *names],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return {told["name"]: told for told in map(json.loads, done.stdout.splitlines())}


@pytest.fixture(scope="module")
def all_told() -> dict[str, dict]:
    return battery()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_mutant_has_its_place(mutant) -> None:
    """Quick: whoever moves guarded code hears of it at once, and puts the new text into self_audit_mutants.py."""
    sources: dict[str, str] = {}
    for file, old, new in mutant.edits:
        source = sources.setdefault(file, (ROOT / "dpsynth" / file).read_text())
        assert source.count(old) == 1, f"{mutant.name!r}: {old!r} stands {source.count(old)} times in {file}"
        sources[file] = source.replace(old, new)
    for file, source in sources.items():
        compile(source, file, "exec")


def test_a_few_mutants_die_and_the_code_as_it_is_lives() -> None:
    names = ("a threshold with exact n", "half the noise that is charged", "the first row is counted twice")
    told = battery(*names, CLEAN[0])
    for mutant in MUTANTS:
        if mutant.name in names:
            assert told[mutant.name]["kind"] in mutant.found, told[mutant.name]
    assert told[CLEAN[0]]["kind"] == "nothing", told[CLEAN[0]]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_mutant_dies(mutant, all_told) -> None:
    assert all_told[mutant.name]["kind"] in mutant.found, all_told[mutant.name]


@pytest.mark.slow
@pytest.mark.parametrize("name", CLEAN)
def test_the_code_as_it_is_raises_no_alarm(name, all_told) -> None:
    """Negative control: forty pairs of all kinds under either relation, residuals, repeats, laws."""
    assert all_told[name]["kind"] == "nothing", all_told[name]


@pytest.mark.slow
def test_the_whole_list_is_quick(all_told) -> None:
    assert sum(told["cpu"] for told in all_told.values()) < SECONDS


def test_the_list_is_long_enough() -> None:
    assert len(PROTOTYPE) == 20
    assert len(FIELD) >= 16
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
