"""A folder that appears whole or not at all, and files that are recognised by their hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from dpsynth.errors import BundleError, OutputError

__all__ = ["StagedFolder", "check_files", "describe_files", "output_errors", "write_file_whole"]

PROBE_BYTES = 1 << 20
"""Written and removed before anything is charged: a full or read-only disk is found while it is still free to find."""

_REASONS = {
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EROFS: "the file system is read-only",
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would pass the size limit of this system",
    errno.ENOENT: "the folder above it does not exist and cannot be made",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTEMPTY: "another program wrote there meanwhile",
    errno.EEXIST: "another program wrote there meanwhile",
}


@contextmanager
def output_errors(path: Path, advice: str) -> Iterator[None]:
    """Turn the operating system's write errors into an `OutputError` of three lines.

    Args:
        path: what is being written, as the caller named it.
        advice: what to do (a public sentence).

    Raises:
        OutputError: an OSError happened inside the block.
    """
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, "the operating system refused")
        raise OutputError(f"Cannot write {path}: {reason}.\n{advice}") from None


class StagedFolder:
    """A temporary sibling of `out` that takes its name only when it is complete.

    Args:
        out: the folder that the caller wants.

    Guarantee: until `publish` returns, `out` is what it was before; if the block ends without it, nothing is left
        behind. Making the folder proves that a file of `PROBE_BYTES` can be written next to `out`.
    """

    __slots__ = ("_made", "out", "path")

    def __init__(self, out: Path) -> None:
        self.out = out
        self.path = out.parent / f".{out.name}.unfinished-{secrets.token_hex(4)}"
        self._made: list[Path] = []

    def __enter__(self) -> StagedFolder:
        try:
            with output_errors(self.out, "Nothing was charged. Choose a folder that can be written, with room in it."):
                for folder in reversed([self.out.parent, *self.out.parent.parents]):
                    if not folder.exists():
                        folder.mkdir()
                        self._made.append(folder)
                self.path.mkdir()
                probe = self.path / "probe"
                with probe.open("wb") as file:
                    file.write(bytes(PROBE_BYTES))
                    file.flush()
                    os.fsync(file.fileno())
                probe.unlink()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._remove()

    def publish(self, *, replace: bool = False) -> None:
        """Flush every file to the disk and take the name `out`.

        Args:
            replace: whether an existing `out` may give way (it is removed only after the new one stands).

        Raises:
            OSError: the system refused; `out` is what it was before.
        """
        for path in sorted(self.path.rglob("*"), reverse=True):
            _flush(path)
        _flush(self.path)
        backup = None
        if replace and self.out.exists():
            backup = self.out.parent / f".{self.out.name}.replaced-{secrets.token_hex(4)}"
            os.rename(self.out, backup)
        try:
            os.rename(self.path, self.out)
        except BaseException:
            if backup is not None:
                os.rename(backup, self.out)
            raise
        _flush(self.out.parent)
        self._made.clear()
        if backup is not None:
            shutil.rmtree(backup, ignore_errors=True)

    def _remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in reversed(self._made):
            try:
                folder.rmdir()
            except OSError:
                break
        self._made.clear()


def write_file_whole(path: Path, write: Callable[[Path], None], advice: str) -> None:
    """Write one new file beside its final name, then rename it.

    Args:
        path: the file to make; it must not exist.
        write: called with the temporary path.
        advice: what to do when the system refuses.

    Raises:
        OutputError: the file exists, or the system refused; nothing is left behind.
    """
    if path.exists() or path.is_symlink():
        raise OutputError(f"Cannot write {path}: it exists already.\nChoose another name, or remove it first.")
    temporary = path.parent / f".{path.name}.unfinished-{secrets.token_hex(4)}{path.suffix}"
    try:
        with output_errors(path, advice):
            temporary.touch(exist_ok=False)
            write(temporary)
            _flush(temporary)
            os.rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def describe_files(folder: Path) -> dict[str, dict[str, Any]]:
    """Name (relative, with forward slashes) -> {"bytes", "sha256"} of every file below `folder`."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "sha256": _sha256(p)} for p in files}


def check_files(folder: Path, files: Any) -> None:
    """Compare the files below `folder` with what `describe_files` said of them.

    Raises:
        BundleError: a file is missing, changed, or named in a way that leaves the folder.
    """
    advice = "Restore it from a copy, or run the same release again: stored answers cost nothing."
    if not isinstance(files, dict) or not files:
        raise BundleError(f"{folder} lists no files, so it is not a bundle that can be trusted.\n{advice}")
    for name, facts in files.items():
        relative = PurePosixPath(name)
        inside = relative.parts and not relative.is_absolute() and ".." not in relative.parts and "\\" not in name
        if not inside or not isinstance(facts, dict):
            raise BundleError(f"{folder} lists a file in a way that no bundle does.\n{advice}")
        path = folder.joinpath(*relative.parts)
        if path.is_symlink() or not path.is_file():
            raise BundleError(f"{path} is missing from the bundle.\n{advice}")
        if path.stat().st_size != facts.get("bytes") or _sha256(path) != facts.get("sha256"):
            raise BundleError(f"{path} is not the file that was released: its hash differs.\n{advice}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """fsync a file or folder (folders cannot be opened on some systems: then there is nothing to do)."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
