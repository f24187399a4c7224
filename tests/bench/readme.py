"""Run `dpsynth demo` and compare what it prints with the block in README.md, or write it there.

python -m tests.bench.readme [--write]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"(<!-- demo: begin -->\n```text\n)(.*?)(```\n<!-- demo: end -->)", re.DOTALL)
WIDTH = "110"


def run_demo(folder: Path) -> str:
    """What `dpsynth demo` prints on stdout when it is run in an empty folder.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    program = "import sys; from dpsynth.cli.app import main; sys.exit(main(['demo']))"
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": WIDTH, "PYTHONPATH": str(README.parent)}
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return "".join(line.rstrip() + "\n" for line in result.stdout.strip("\n").splitlines())


def printed_in_readme() -> str:
    """The block of README.md.

    Raises:
        ValueError: README.md has no such block.
    """
    match = BLOCK.search(README.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError("README.md has no block between the demo markers")
    return match[2]


def shape(text: str) -> list[str]:
    """The lines without what differs from run to run: numbers, and the padding around them."""
    return [re.sub(r"[\s─-]+", " ", re.sub(r"\d[\d,.:e+-]*", "0", line)).strip() for line in text.splitlines()]


def main() -> int:
    """Compare, or write with --write; prints the wall time of the demo."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the result into README.md")
    write = parser.parse_args().write
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        printed = run_demo(Path(folder))
    seconds = time.perf_counter() - start
    print(printed)
    print(f"demo: {seconds:.1f} s, bar 60 s: {'PASS' if seconds < 60 else 'SHORT'} ({seconds / 60:.2f})")
    if write:
        before = README.read_text(encoding="utf-8")
        README.write_text(BLOCK.sub(lambda match: match[1] + printed + match[3], before), encoding="utf-8")
        return 0
    same = shape(printed) == shape(printed_in_readme())
    print(f"README.md shows the same lines: {'PASS' if same else 'SHORT'}")
    return 0 if same and seconds < 60 else 1


if __name__ == "__main__":
    sys.exit(main())
