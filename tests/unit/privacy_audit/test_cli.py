from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from privacy_audit.cli import main
from tests.unit.privacy_audit.report.schema import complaints
from tests.unit.privacy_audit.utility.support import people, shuffled

ROOT = Path(__file__).parents[3]
ROWS = 500


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tables")
    tables = {
        "real": people(ROWS, 1),
        "holdout": people(ROWS, 2),
        "copy": people(ROWS, 1),
        "free": shuffled(people(ROWS, 3), 4),
    }
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "domain.toml").write_text(
        "[columns]\nage = {minimum = 0, maximum = 80}\nwage = {minimum = -10, maximum = 60}\n"
        'job = {values = ["a", "b", "c", "d"]}\nsex = {values = ["f", "m"]}\nrich = {values = ["no", "yes"]}\n'
    )
    return {name: str(folder / f"{name}.csv") for name in tables} | {"domain": str(folder / "domain.toml")}


def _arguments(files: dict[str, str], *synthetic: str) -> list[str]:
    named = [files[name] for name in synthetic]
    light = ["--utility", "one_way,k_marginal,constraints", "--attacks", "gan leaks,copies"]
    return [files["real"], *named, "--holdout", files["holdout"], "--domain", files["domain"], *light]


def test_copy_ends_with_one(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_arguments(files, "copy"), "--epsilon", "1", "--delta", "1e-5"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("Computed on private rows; not for release.")
    assert "copy: violation" in said.out
    assert "copy: attack 1 of 2: copies" in said.err
    assert "copy: utility 2 of 3: one_way" in said.err


def test_free_table_ends_with_zero_and_json_is_all_that_is_printed(
    files: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_arguments(files, "free"), "--json", "-q"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    words = json.loads(said.out)
    assert complaints(words) == []
    assert words["name"] == "free"


def test_several_tables_share_a_frontier_and_the_worst_decides(
    files: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, text = tmp_path / "a.html", tmp_path / "a.md"
    code = main([*_arguments(files, "free", "copy"), "--json", "-q", "--html", str(page), "--markdown", str(text)])
    assert code == 1
    words = json.loads(capsys.readouterr().out)
    assert [card["name"] for card in words["scorecards"]] == ["free", "copy"]
    assert [point["name"] for point in words["frontier"]] == ["free", "copy"]
    assert "Leakage against utility" in page.read_text(encoding="utf-8")
    assert text.read_text(encoding="utf-8").startswith("**Computed on private rows")


def test_without_holdout_ends_with_two(files: dict[str, str]) -> None:
    assert main([files["real"], files["free"], "-q", "--attacks", "gan leaks", "--utility", "one_way"]) == 2


def test_policy_ends_with_three(files: dict[str, str], tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("[utility]\nk_marginal = 990\n")
    assert main([*_arguments(files, "free"), "-q", "--policy", str(policy)]) == 3


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--attacks", "magic"], "There is no attack magic"),
        (["--utility", "magic"], "no measure 'magic'"),
        (["--label", "nobody"], "no column 'nobody'"),
        (["--rule", "age >="], "cannot be read"),
        (["--html", "/nowhere/at/all/a.html"], "cannot be written"),
        (["--holdout", "none.csv"], "no file none.csv"),
        (["--nothing"], "No such option"),
        (["--epsilon", "-1"], "Invalid value"),
    ],
)
def test_errors_end_with_four(
    files: dict[str, str], extra: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_arguments(files, "free"), "-q", *extra]) == 4
    assert words in " ".join(capsys.readouterr().err.split())


def test_overlapping_holdout_ends_with_four(files: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([files["real"], files["free"], "--holdout", files["copy"], "-q"]) == 4
    assert "share" in capsys.readouterr().err


def test_unexpected_errors_withhold_their_words(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*tables: object, **options: object) -> None:
        raise KeyError("secret cell")

    monkeypatch.setattr("privacy_audit.scorecard.audit", broken)
    assert main([*_arguments(files, "free"), "-q"]) == 4
    said = capsys.readouterr()
    assert "Internal error (KeyError)" in said.err
    assert "secret" not in said.err + said.out


def test_memory_and_interrupt_are_told(
    files: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for error, code, words in ((MemoryError, 4, "memory limit was reached"), (KeyboardInterrupt, 130, "")):

        def broken(*tables: object, error: type = error, **options: object) -> None:
            raise error

        monkeypatch.setattr("privacy_audit.scorecard.audit", broken)
        assert main([*_arguments(files, "free"), "-q"]) == code
        assert words in capsys.readouterr().err


def test_help_is_quick_and_names_the_exit_codes() -> None:
    program = "import sys; from privacy_audit.cli import main; sys.exit(main(['--help']))"
    before = os.times()
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert time.perf_counter() - started < 20  # under load; the bar of 1 s is on CPU seconds
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1.0
    for word in ("--holdout", "--epsilon", "--html", "0 pass", "4 error"):
        assert word in done.stdout


def test_the_command_is_installed() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts["privacy-audit"] == "privacy_audit.cli:main"
