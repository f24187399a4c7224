"""The golden certificate: a small bundle of version 0.1, certified, signed by nobody, kept for ever.

`python -m tests.golden.certificate` makes it where it is missing; what exists is never rewritten. Its noise is the
operating system's, so it is a real release (of made-up rows).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

from dpsynth.bundle import release
from dpsynth.certify import certify_bundle
from tests.golden.models import DOMAIN, made_up

BUNDLE = Path(__file__).parent / "certificate" / "bundle"
TODAY = date(2026, 6, 1)


def main() -> None:
    """Make the bundle where it is missing."""
    if BUNDLE.exists():
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = {"epsilon": 1.0, "delta": 1e-6, "generator": "independent", "seed": 1, "rows": 50}
        made = release(made_up(), domain=DOMAIN, out=folder / "bundle", ledger=folder / "l", **settings)
        certify_bundle(made, today=TODAY)
        shutil.copytree(made.path, BUNDLE)
    sys.stdout.write(f"made {BUNDLE.name}\n")


if __name__ == "__main__":
    main()
