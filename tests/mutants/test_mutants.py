"""Every known bug of the field, put into a copy of our own code, must be found by the test that is named for it.

A mutant whose text is gone, or whose test passes although the bug is in, fails here. To mend the first, find where the
guarded line went and edit the file of this folder that names it; to mend the second, write the test that is missing. Never drop a
mutant because its code has moved.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import charges, noise, rows
from tests.mutants.mutant import Mutant

MUTANTS: tuple[Mutant, ...] = (*noise.MUTANTS, *charges.MUTANTS, *rows.MUTANTS)
FEWEST = 60
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its tests, where they can be broken."""
    folder = tmp_path_factory.mktemp("mutants") / "copy"
    folder.mkdir()
    for name in ("dpsynth", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def run_tests(copy: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """Run tests of the copy in a process that sees no other dpsynth."""
    # Without stored bytecode: an edit within one second leaves the time and perhaps the length of a file as they were.
    alone = {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "", "-p", "no:cacheprovider", "--tb=line", *tests]
    return subprocess.run(command, cwd=copy, env=os.environ | alone, capture_output=True, text=True, timeout=250)


def mutated(source: str, mutant: Mutant) -> str:
    """The source with the bug; an AssertionError that says what to do where its place is gone or not unique."""
    found = source.count(mutant.old)
    assert found == 1, (
        f"The text that the mutant {mutant.name!r} replaces stands {found} times in dpsynth/{mutant.file}.\n"
        "The code has moved: find the line that guards against this bug and put its text into the mutant."
    )
    return source.replace(mutant.old, mutant.new)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_mutant_has_its_place_and_its_tests(mutant: Mutant) -> None:
    """Quick, in the default run: whoever moves guarded code hears of it at once."""
    compile(mutated((ROOT / "dpsynth" / mutant.file).read_text(), mutant), mutant.file, "exec")
    assert mutant.tests
    for test in mutant.tests:
        path, name = test.split("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / path).read_text(), f"{test} is gone: name what replaced it."


@pytest.mark.slow
def test_the_copy_without_a_bug_passes(copy: Path) -> None:
    """Negative control: it is the bug that fails them."""
    done = run_tests(copy, tuple(sorted({test for mutant in MUTANTS for test in mutant.tests})))
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "-"))
def test_mutant_dies(mutant: Mutant, copy: Path) -> None:
    path = copy / "dpsynth" / mutant.file
    source = path.read_text()
    try:
        path.write_text(mutated(source, mutant))
        for test in mutant.tests:
            done = run_tests(copy, (test,))
            survived = f"{mutant.name!r} survives {test}: write the test that finds it.\n"
            assert done.returncode == 1, survived + done.stdout[-3000:] + done.stderr[-1000:]
            assert re.search(r"^\d+ failed", done.stdout, re.MULTILINE), survived + done.stdout[-3000:]
    finally:
        path.write_text(source)


def test_there_are_enough_mutants_and_no_two_alike() -> None:
    assert len(MUTANTS) >= FEWEST
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert len({(mutant.file, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS)


def test_a_mutant_without_its_place_says_what_to_do() -> None:
    gone = Mutant("a bug", "gate/grant.py", "no such text", "", ())
    with pytest.raises(
        AssertionError, match=r"(?s)'a bug' replaces stands 0 times in .*The code has moved: find the line"
    ):
        mutated("other text", gone)
