"""One run of a foreign synthesizer in a process of its own: Parquet in and out, JSON for what is asked and said.

The folder of a run is private (mode 0700) and is removed whatever happens. It holds

    rows.parquet     coded private rows, columns c0, c1, ...; whole numbers from 0
    task.json        {"format": 1, "synthesizer", "parameters", "sizes", "rows", "epsilon", "delta"}
    synthetic.parquet, said.json    what the foreign code writes: rows, and {"format": 1, "ok", "version", "why"}

What the foreign program prints is thrown away: it may quote rows. `why` is a word of our own runner from a short list.
The child leads a session of its own, so that it and all its children are ended together.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dpsynth.errors import BridgeError

__all__ = ["REASONS", "ProcessCall", "run_process"]

FORMAT = 1
LARGEST_ANSWER = 2**31
"""Bytes of a file that foreign code gave; larger ones are not opened."""
REASONS = {
    "import": "its environment is broken: a library cannot be imported. Install it anew: dpsynth bridge install",
    "fit": "it failed while it was fitted to the rows",
    "sample": "it failed while it drew synthetic rows",
    "task": "its runner does not know what was asked; install it anew: dpsynth bridge install",
}
"""What a runner may say, and what that means. Anything else is not repeated."""
_GRACE = 2.0
"""Seconds between asking a process to end and ending it."""


@dataclass(frozen=True, slots=True)
class ProcessCall:
    """How a foreign program is started.

    Attributes:
        name: of the bridge, for messages.
        python: the interpreter of the foreign environment.
        runner: the script that it runs, with the folder as its argument.
        seconds: time limit.
        threads: of numerical libraries.
    """

    name: str
    python: Path
    runner: Path
    seconds: float
    threads: int = 1


def run_process(
    call: ProcessCall, task: Mapping[str, Any], sizes: tuple[int, ...], columns: list[np.ndarray]
) -> np.ndarray:
    """Run a foreign synthesizer once.

    Args:
        call: the program.
        task: synthesizer, parameters, rows, epsilon, delta: plain JSON, public.
        sizes: cells of each column.
        columns: integers[n] of each column. PRIVATE: written into the folder of the run, and nowhere else.

    Returns:
        Integers[rows, columns], as the program gave them; not checked against the domain.

    Raises:
        BridgeError: it could not be started, took too long, died, or gave nothing that can be read.

    Guarantee: no process of the run and no file of it outlives the call (a child that leaves its session excepted).
    """
    with tempfile.TemporaryDirectory(prefix="dpsynth-bridge-") as name:
        folder = Path(name)
        _write(folder, task, sizes, columns)
        code = _wait(call, folder)
        said = _said(folder)
        if code != 0 or said.get("ok") is not True:
            raise BridgeError(f"The bridge {call.name} failed: {_reason(code, said)}.\n{_KEPT}")
        return _read(call.name, folder, len(columns))


_KEPT = "Its charge is kept: the foreign code has seen the rows."


def _write(folder: Path, task: Mapping[str, Any], sizes: tuple[int, ...], columns: list[np.ndarray]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({f"c{place}": pa.array(codes.astype(np.int32)) for place, codes in enumerate(columns)})
    pq.write_table(table, folder / "rows.parquet")
    body = {**task, "format": FORMAT, "sizes": list(sizes)}
    (folder / "task.json").write_text(json.dumps(body, allow_nan=False), encoding="utf-8")


def _environment(call: ProcessCall, folder: Path) -> dict[str, str]:
    """Little of ours: no secrets, no paths of our libraries, few threads."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT") if name in os.environ}
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")
    return kept | dict.fromkeys(threads, str(call.threads)) | {"HOME": str(folder), "TMPDIR": str(folder)}


def _wait(call: ProcessCall, folder: Path) -> int:
    """The exit code; whatever ends this call ends the process and its children."""
    if not call.python.exists() or not call.runner.exists():
        raise BridgeError(
            f"The bridge {call.name} is not installed here.\nInstall it: dpsynth bridge install {call.name}"
        )
    try:
        child = subprocess.Popen(  # noqa: S603 (our own command)
            [str(call.python), "-I", "-B", str(call.runner), str(folder)],
            cwd=folder,
            env=_environment(call, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        raise BridgeError(f"The bridge {call.name} could not be started.\n{_KEPT}") from None
    try:
        return child.wait(timeout=call.seconds)
    except subprocess.TimeoutExpired:
        pass
    finally:
        _end(child)
    raise BridgeError(
        f"The bridge {call.name} did not end within {call.seconds:g} seconds and was stopped.\n"
        f"{_KEPT} Give it more time: seconds=..."
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a process and all of its session: asked first, made to a moment later."""
    _signal(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=_GRACE)
    _signal(child.pid, signal.SIGKILL)
    child.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _said(folder: Path) -> dict[str, Any]:
    """What the runner says of itself; nothing where it says nothing that can be read."""
    path = folder / "said.json"
    try:
        if path.is_symlink() or path.stat().st_size > 10_000:
            return {}
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and said.get("format") == FORMAT else {}


def _reason(code: int, said: Mapping[str, Any]) -> str:
    why = said.get("why")
    if isinstance(why, str) and why in REASONS:
        return REASONS[why]
    if code < 0:
        return f"its process was ended by signal {-code}; it may lack memory"
    return "its process said nothing that can be read" if code == 0 else f"its process ended with code {code}"


def _read(name: str, folder: Path, width: int) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "synthetic.parquet"
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST_ANSWER:
            raise ValueError
        table = pq.read_table(path, columns=[f"c{place}" for place in range(width)])
        if table.num_columns != width or not all(pa.types.is_integer(field.type) for field in table.schema):
            raise ValueError
        if any(column.null_count for column in table.columns):
            raise ValueError
        return np.column_stack([column.to_numpy() for column in table.columns])
    except (OSError, ValueError, KeyError, pa.ArrowException):
        pass
    raise BridgeError(f"The bridge {name} gave a table that cannot be read.\n{_KEPT}")
