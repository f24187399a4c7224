"""Wall time of `import dpsynth` and `dpsynth --help` in a fresh process, best of five.

python -m tests.bench.startup
"""

from __future__ import annotations

import subprocess
import sys
import time

BARS = {
    "import dpsynth": (0.5, "import dpsynth"),
    "dpsynth --help": (1.0, "import sys; from dpsynth.cli.app import main; sys.exit(main(['--help']))"),
}


def seconds(code: str) -> float:
    """Best of five wall times of a fresh interpreter that runs `code`, its own start included."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> int:
    """Print each time, its bar and their ratio."""
    short = False
    for name, (bar, code) in BARS.items():
        found = seconds(code)
        short |= found >= bar
        print(f"{name}: {found:.3f} s, bar {bar} s: {'PASS' if found < bar else 'SHORT'} ({found / bar:.2f})")
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
