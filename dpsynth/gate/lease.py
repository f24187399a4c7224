"""A lock that a living process holds on a reservation, so that the same job started twice is not taken for a crash.

One small file beside the ledger per running reservation, locked by the operating system and removed at the end. The
lock dies with its process, whatever kills it; a left-over file without a lock means nothing. Privacy does not rest on
leases: every draw is checked against the ledger inside a transaction.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["Lease"]


class Lease:
    """An exclusive hold on one reservation of one ledger."""

    __slots__ = ("_descriptor", "_owner", "_path")

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor: int | None = descriptor
        self._path = path
        self._owner = os.getpid()

    @classmethod
    def acquire(cls, ledger: Path, reservation: int) -> Lease | None:
        """The lease, or None while a living process holds it."""
        path = ledger.with_name(f"{ledger.name}.run-{reservation}")
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            if not _lock(descriptor):
                os.close(descriptor)
                return None
            try:
                same = os.path.samestat(os.fstat(descriptor), os.stat(path))
            except FileNotFoundError:
                same = False
            if same:
                return cls(descriptor, path)
            os.close(descriptor)  # its holder removed the file between our open and our lock: take the new one

    def release(self) -> None:
        """Remove the file and give the lock back; calling it twice is harmless."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if self._owner == os.getpid():  # a forked child shares the descriptor, not the duty to remove the file
            with contextlib.suppress(OSError):  # a left-over file without a lock means nothing
                self._path.unlink(missing_ok=True)
        os.close(descriptor)

    def __del__(self) -> None:
        self.release()


def _lock(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
