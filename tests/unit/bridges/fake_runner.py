"""Plays the foreign environment: `python fake_runner.py FOLDER`; the synthesizer's settings say how it behaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

folder = Path(sys.argv[1])
task = json.loads((folder / "task.json").read_text())
act = task["parameters"].get("act", "honest")
rows = pq.read_table(folder / "rows.parquet")
print("secret-of-a-row", rows.to_pydict(), file=sys.stderr)


def say(**facts: object) -> None:
    (folder / "said.json").write_text(json.dumps({"format": 1, "ok": True, "why": "", **facts}))


def write(columns: dict[str, np.ndarray]) -> None:
    pq.write_table(pa.table(columns), folder / "synthetic.parquet")


rng = np.random.default_rng(0)
names = [f"c{place}" for place in range(len(task["sizes"]))]
good = {name: rng.integers(0, size, task["rows"]) for name, size in zip(names, task["sizes"], strict=True)}
match act:
    case "hang":
        here = Path(task["parameters"]["pids"])
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        here.write_text(json.dumps([os.getpid(), child.pid, str(folder)]))
        time.sleep(60)
    case "die":
        os.kill(os.getpid(), 9)
    case "fail":
        say(ok=False, why="fit")
        raise SystemExit(1)
    case "quote":
        say(ok=False, why="secret-of-a-row")
        raise SystemExit(3)
    case "silent":
        write(good)
    case "garbage":
        (folder / "synthetic.parquet").write_bytes(b"PAR1 not a table")
        say()
    case "link":
        (folder / "synthetic.parquet").symlink_to(folder / "rows.parquet")
        say()
    case "floats":
        write({name: column + 0.5 for name, column in good.items()})
        say()
    case "gaps":
        write({name: pa.array([None, *column[1:].tolist()]) for name, column in good.items()})
        say()
    case "outside":
        good["c0"][0] = task["sizes"][0]
        write(good)
        say()
    case "few":
        write({name: column[:-1] for name, column in good.items()})
        say()
    case "environment":
        (Path(task["parameters"]["to"])).write_text(json.dumps(dict(os.environ)))
        write(good)
        say()
    case "echo":
        write({name: np.resize(np.asarray(rows[name]), task["rows"]) for name in names})
        say()
    case _:
        write(good)
        say()
