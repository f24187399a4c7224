"""A folder appears whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dpsynth.bundle.folder import StagedFolder, check_files, describe_files, output_errors, write_file_whole
from dpsynth.errors import BundleError, OutputError


def _fill(staged: StagedFolder, text: str = "x") -> None:
    (staged.path / "model").mkdir()
    (staged.path / "model" / "a.json").write_text(text)
    (staged.path / "b.csv").write_text(text)


def test_publish_gives_the_name_and_leaves_nothing_else(tmp_path: Path) -> None:
    with StagedFolder(tmp_path / "deep" / "out") as staged:
        _fill(staged)
        assert not (tmp_path / "deep" / "out").exists()
        staged.publish()
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["out"]
    assert (tmp_path / "deep" / "out" / "model" / "a.json").read_text() == "x"


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_an_interrupted_block_leaves_nothing(tmp_path: Path, stop: type[BaseException]) -> None:
    def interrupted() -> None:
        with StagedFolder(tmp_path / "deep" / "out") as staged:
            _fill(staged)
            raise stop

    with pytest.raises(stop):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_folders_made_on_the_way_stay_when_someone_uses_them(tmp_path: Path) -> None:
    with StagedFolder(tmp_path / "deep" / "out"):
        (tmp_path / "deep" / "other").write_text("mine")
    assert (tmp_path / "deep" / "other").read_text() == "mine"


def test_replace_swaps_and_a_failed_swap_restores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old")
    rename, calls = os.rename, []

    def failing(source: Path, target: Path) -> None:
        calls.append((source, target))
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "full")
        rename(source, target)

    with StagedFolder(out) as staged:
        _fill(staged)
        monkeypatch.setattr(os, "rename", failing)
        with pytest.raises(OSError, match="full"):
            staged.publish(replace=True)
        assert (out / "old").read_text() == "old"
        monkeypatch.setattr(os, "rename", rename)
        staged.publish(replace=True)
    assert sorted(p.name for p in out.iterdir()) == ["b.csv", "model"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_without_replace_an_existing_folder_wins(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with StagedFolder(out) as staged:
        _fill(staged)
        out.mkdir()
        (out / "theirs").write_text("theirs")
        with pytest.raises(OSError, match=r"not empty|exists"):
            staged.publish()
    assert [p.name for p in tmp_path.rglob("*")] == ["out", "theirs"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EACCES, "no permission to write there"),
        (errno.EROFS, "the file system is read-only"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EIO, "the operating system refused"),
    ],
)
def test_every_write_error_has_its_words(code: int, reason: str) -> None:
    with pytest.raises(OutputError) as caught, output_errors(Path("out"), "Choose another."):
        raise OSError(code, "canary-7f")
    assert str(caught.value) == f"Cannot write out: {reason}.\nChoose another."


def test_a_file_in_the_way_of_the_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"Cannot write .*\nNothing was charged\."),
        StagedFolder(tmp_path / "file" / "o"),
    ):
        pass


def test_a_full_disk_is_found_before_anything_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="the disk is full"), StagedFolder(tmp_path / "out"):
        pytest.fail("the block must not start")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="no permission"), StagedFolder(tmp_path / "out"):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_described_files_check_and_every_change_is_found(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"")
    files = describe_files(tmp_path)
    assert list(files) == ["b", "model/a"]
    assert files["model/a"]["bytes"] == 3
    check_files(tmp_path, files)
    (tmp_path / "b").write_bytes(b"1")
    with pytest.raises(BundleError, match="its hash differs"):
        check_files(tmp_path, files)
    (tmp_path / "b").unlink()
    with pytest.raises(BundleError, match="is missing from the bundle"):
        check_files(tmp_path, files)
    (tmp_path / "b").symlink_to(tmp_path / "model" / "a")
    with pytest.raises(BundleError, match="is missing from the bundle"):
        check_files(tmp_path, files)


@pytest.mark.parametrize("name", ["../b", "/etc/hostname", "a/../../b", "", "a\\b"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="in a way that no bundle does"):
        check_files(tmp_path, {name: {"bytes": 0, "sha256": ""}})


@pytest.mark.parametrize("files", [None, {}, [], "x"])
def test_a_list_of_nothing_is_refused(tmp_path: Path, files: object) -> None:
    with pytest.raises(BundleError, match="lists no files"):
        check_files(tmp_path, files)


def test_one_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    write_file_whole(path, lambda p: p.write_text("1"), "")
    assert path.read_text() == "1"
    with pytest.raises(OutputError, match="it exists already"):
        write_file_whole(path, lambda p: p.write_text("2"), "")
    assert path.read_text() == "1"

    def broken(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OutputError, match="the disk is full"):
        write_file_whole(tmp_path / "u.csv", broken, "")
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
