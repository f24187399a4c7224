"""Environments of foreign synthesizers: where they are, and how they are built from the locks that are shipped.

An environment appears whole or not at all: it is built beside its place and moved there at the end. Nothing is ever
installed into the environment that dpsynth runs in.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dpsynth.errors import BridgeError, InputError

__all__ = ["BRIDGES", "Environment", "bridges_folder", "environment_of", "install_bridge"]

BRIDGES = ("smartnoise",)
"""Foreign tools that have a bridge."""
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where builds of PyTorch without GPU packages are: 200 MB instead of several GB."""
_RECORD = "dpsynth-bridge.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment of one bridge.

    Attributes:
        name: of the bridge.
        folder: where it is, or would be.
    """

    name: str
    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def lock(self) -> Path:
        """The shipped list of its packages."""
        return Path(__file__).parent / f"{self.name}.lock"

    @property
    def runner(self) -> Path:
        """The script that runs in it."""
        return Path(__file__).parent / f"runner_{self.name}.py"

    def lock_digest(self) -> str:
        """SHA-256 of the lock (hex)."""
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()

    @property
    def state(self) -> str:
        """One of "installed", "not installed", "outdated" (built from another lock than this version ships)."""
        try:
            record = json.loads((self.folder / _RECORD).read_bytes())
        except (OSError, ValueError):
            return "not installed"
        same = isinstance(record, dict) and record.get("lock") == self.lock_digest()
        return "installed" if same and self.python.exists() else "outdated"


def bridges_folder() -> Path:
    """$DPSYNTH_BRIDGES, else a folder of the user's cache."""
    if named := os.environ.get("DPSYNTH_BRIDGES"):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "dpsynth" / "bridges"


def environment_of(name: str, folder: Path | None = None) -> Environment:
    """The environment of a bridge, whether it is there or not.

    Raises:
        InputError: there is no such bridge.
    """
    if name not in BRIDGES:
        raise InputError(f"There is no bridge {name!r}. Known: {', '.join(BRIDGES)}.")
    return Environment(name, (folder or bridges_folder()) / name)


def install_bridge(
    name: str,
    *,
    folder: Path | None = None,
    python: str = sys.executable,
    torch_index: str = TORCH_INDEX,
    seconds: float = 3600,
    report: Callable[[str], None] = lambda stage: None,
) -> Environment:
    """Build the environment of a bridge from its lock. Needs a network or pip's own links; takes minutes.

    Args:
        name: the bridge.
        folder: where environments are kept (default: `bridges_folder()`).
        python: the interpreter that makes the environment.
        torch_index: a package index with CPU builds of PyTorch.
        seconds: time limit of each step.
        report: called with the name of each step.

    Returns:
        The environment; one that stands already is left as it is.

    Raises:
        InputError: there is no such bridge.
        BridgeError: a step failed; nothing was left behind.
    """
    environment = environment_of(name, folder)
    if environment.state == "installed":
        return environment
    kept = environment.folder.parent
    try:
        kept.mkdir(parents=True, exist_ok=True)
        new = Environment(name, Path(tempfile.mkdtemp(prefix=f".{name}-", dir=kept)))
    except OSError as error:
        raise BridgeError(
            f"{kept} cannot be written: {error.strerror}.\nName another place: DPSYNTH_BRIDGES."
        ) from None
    try:
        report("making an environment")
        _run([python, "-m", "venv", "--clear", str(new.folder)], "venv", seconds)
        pip = [str(new.python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--quiet"]
        if pinned := _pinned(environment.lock, "torch"):
            report("installing PyTorch for CPUs")
            _run([*pip, "--no-deps", "--retries", "1", "--index-url", torch_index, pinned], "pip (torch)", seconds)
        report("installing the locked packages")
        _run([*pip, "--requirement", str(environment.lock)], "pip", seconds)
        (new.folder / _RECORD).write_text(json.dumps({"lock": environment.lock_digest()}), encoding="utf-8")
        shutil.rmtree(environment.folder, ignore_errors=True)
        new.folder.replace(environment.folder)
    except OSError as error:
        raise BridgeError(f"The environment of {name} cannot be written: {error.strerror}.") from None
    finally:
        shutil.rmtree(new.folder, ignore_errors=True)
    return environment


def _pinned(lock: Path, package: str) -> str:
    lines = lock.read_text(encoding="utf-8").splitlines()
    return next((line for line in lines if line.startswith(f"{package}==")), "")


def _run(command: Sequence[str], step: str, seconds: float) -> None:
    try:
        done = subprocess.run(  # noqa: S603 (our own command)
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired):
        raise BridgeError(f"The step {step} of the installation could not be run, or took too long.") from None
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("ERROR")]
        why = lines[-1][:200] if lines else f"it ended with code {done.returncode}"
        raise BridgeError(f"The step {step} of the installation failed: {why}\nNothing was left behind.")
