from __future__ import annotations

import os
from pathlib import Path

import pytest

from dpsynth.domain.text import read_text, write_text
from dpsynth.errors import DomainError, OutputError


def test_absent_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match="no such domain file. Write one with `dpsynth domain init TABLE`"):
        read_text(tmp_path / "absent.toml")
    with pytest.raises(DomainError, match="this is a folder. Name the domain file in it"):
        read_text(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(DomainError, match="not UTF-8 text. A domain file is TOML or JSON"):
        read_text(tmp_path / "latin.toml")
    with pytest.raises(DomainError, match=r"cannot be read \("):
        read_text(tmp_path / "latin.toml" / "x")


def test_a_file_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "d.toml"
    write_text(target, "one\n")
    with pytest.raises(OutputError, match="exists already, and may have been edited. Choose another name or say over"):
        write_text(target, "two\n")
    write_text(target, "two\n", overwrite=True)
    assert target.read_bytes() == b"two\n"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
        write_text(target, "three\n", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["d.toml"]
    assert target.read_text() == "two\n"


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="this is a folder. Name a file in it"):
        write_text(tmp_path, "x")
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(tmp_path / "absent" / "d.toml", "x")
