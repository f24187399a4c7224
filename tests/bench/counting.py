"""Counting all 105 pairs of 15 columns, in memory and from Parquet; encoding a million cells.

    python -m tests.bench.counting [--rows 10000000]

(a) the kernel on an Adult-sized table (32,561 x 15) within 3 x the time that numpy.bincount takes on joint codes that
    are already there. Best of 15, one thread.
(b) a Parquet file of --rows x 15 through the duckdb engine, in a process of its own: within 1 GB resident, and within
    2.5 x the time that the kernel takes on the same table, already encoded, in the same process.
(c) a million numbers encoded within 50 ms, a million texts of a list within 100 ms. Best of 5.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dpsynth.domain.columns import AbstractColumn, Category, Grid, Integer
from dpsynth.domain.table import Domain

ADULT_ROWS = 32_561
BARS = {"kernel": 3.0, "duckdb": 2.5, "resident": 1e9, "numbers": 0.05, "texts": 0.1}


def domain() -> Domain:
    """Adult's columns: nine lists of texts, six integers, no missing state."""
    lists = {
        "workclass": 9, "education": 16, "marital-status": 7, "occupation": 15, "relationship": 6, "race": 5, "sex": 2,
        "native-country": 42, "income": 2,
    }  # fmt: skip
    columns: list[AbstractColumn] = [
        Category(name=name, values=tuple(f"{name} number {i}" for i in range(size)), required=True)
        for name, size in lists.items()
    ]
    for name, low, high, kind in (
        ("age", 17, 90, "equal"), ("fnlwgt", 0, 1_500_000, "equal"), ("education-num", 1, 16, "equal"),
        ("capital-gain", 0, 99_999, "log"), ("capital-loss", 0, 5000, "log"), ("hours-per-week", 1, 99, "equal"),
    ):  # fmt: skip
        columns.append(Integer(name=name, minimum=low, maximum=high, grid=Grid(kind), required=True))
    return Domain(tuple(columns))


def skewed_codes(sizes: list[int], rows: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Codes with a heavy first cell and a long tail, as real columns have (bincount is slower on them than on noise)."""
    return [np.minimum(rng.exponential(size / 6, rows), size - 1).astype(np.uint16) for size in sizes]


def best(function: Callable[[], object], times: int) -> float:
    """Shortest of several wall times."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return min(found)


def kernel_ratio() -> tuple[float, float]:
    """Seconds of numpy.bincount alone and of the kernel."""
    from dpsynth.encoding.table import TableEncoder
    from dpsynth.engines.kernel import counts
    from dpsynth.engines.memory import compact

    sizes = list(TableEncoder(domain()).sizes.values())
    codes = [
        compact(c, s) for c, s in zip(skewed_codes(sizes, ADULT_ROWS, np.random.default_rng(0)), sizes, strict=True)
    ]
    pairs = list(itertools.combinations(range(len(sizes)), 2))
    joint = [(codes[a].astype(np.intp) * sizes[b] + codes[b], sizes[a] * sizes[b]) for a, b in pairs]
    limit = best(lambda: [np.bincount(index, minlength=cells) for index, cells in joint], 15)
    return limit, best(lambda: counts(codes, sizes, pairs), 15)


def encoding_seconds() -> dict[str, float]:
    """Seconds to encode a million cells of some kinds."""
    import pyarrow as pa

    from dpsynth.domain.columns import Real
    from dpsynth.encoding.table import TableEncoder

    rng = np.random.default_rng(0)
    columns = [*domain().columns, Real(name="share", minimum=0, maximum=1)]
    encoder = TableEncoder(Domain(tuple(columns)))
    numbers = {
        "numbers, age": ("age", pa.array(rng.integers(17, 90, 10**6))),
        "numbers, capital-gain (log grid)": ("capital-gain", pa.array(rng.integers(0, 10**5, 10**6))),
        "numbers, share (real)": ("share", pa.array(rng.random(10**6))),
    }
    texts = np.array([f"occupation number {i}" for i in range(15)], dtype=object)[rng.integers(0, 15, 10**6)]
    texts_of = {
        "texts, occupation": ("occupation", pa.array(texts, pa.string())),
        "texts, occupation as a dictionary": ("occupation", pa.array(texts, pa.string()).dictionary_encode()),
        "texts, age": ("age", pa.array(rng.integers(17, 90, 10**6).astype(str).astype(object), pa.string())),
    }
    return {
        name: best(lambda c=c, v=v: encoder.by_name(c).encode(v), 5) for name, (c, v) in (numbers | texts_of).items()
    }


def write_parquet(path: Path, rows: int) -> None:
    """Decoded skewed codes, a million rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from dpsynth.encoding.table import TableEncoder

    encoder, rng = TableEncoder(domain()), np.random.default_rng(0)
    writer = None
    for start in range(0, rows, 1_000_000):
        codes = skewed_codes(list(encoder.sizes.values()), min(1_000_000, rows - start), rng)
        table = pa.Table.from_pandas(encoder.decode(np.stack(codes, axis=1), rng), preserve_index=False)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()


def measure(path: str) -> dict[str, float]:
    """Seconds and peak resident bytes of the duckdb engine, then seconds of the kernel in memory. In a fresh process."""
    from dpsynth.engines.open import open_engine

    pairs = list(itertools.combinations(domain().names, 2))
    start, cpu = time.perf_counter(), time.process_time()
    streamed = open_engine(path, domain()).counts(pairs, {})
    found = {"duckdb": time.perf_counter() - start, "duckdb cpu": time.process_time() - cpu}
    found["resident"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    memory = open_engine(path, domain(), engine="memory")
    assert memory.counts([()], {})[0] == streamed[0].sum()
    start, cpu = time.perf_counter(), time.process_time()
    held = memory.counts(pairs, {})
    found |= {"kernel": time.perf_counter() - start, "kernel cpu": time.process_time() - cpu}
    assert all(np.array_equal(a, b) for a, b in zip(streamed, held, strict=True))
    return found


def run(*options: str) -> bytes:
    """Standard output of a step of this program in a fresh process."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tests.bench.counting", *options]
    return subprocess.run(command, check=True, capture_output=True, env=environment).stdout


def main() -> int:
    """Print each figure, its bar and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write_parquet(arguments.write, arguments.rows)
        return 0
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return 0
    short = False

    def report(name: str, found: float, bar: float) -> None:
        nonlocal short
        short |= found > bar
        print(f"{name}: {found:.3g}, bar {bar:.3g}: {'SHORT' if found > bar else 'PASS'} ({found / bar:.2f})")

    limit, kernel = kernel_ratio()
    print(f"all 105 pairs of 32,561 x 15: numpy.bincount alone {limit * 1e3:.1f} ms, kernel {kernel * 1e3:.1f} ms")
    report("kernel / numpy.bincount", kernel / limit, BARS["kernel"])
    for name, seconds in encoding_seconds().items():
        report(f"a million cells encoded, {name}, s", seconds, BARS[name.partition(",")[0]])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        # Each step in a process of its own: a child's peak memory starts at what its parent holds.
        run("--write", str(path), "--rows", str(arguments.rows))
        found = json.loads(run("--measure", str(path)))
    print(
        f"all 105 pairs of {arguments.rows:,} x 15: duckdb {found['duckdb']:.2f} s ({found['duckdb cpu']:.2f} CPU s), "
        f"kernel in memory {found['kernel']:.2f} s ({found['kernel cpu']:.2f} CPU s)"
    )
    report("duckdb / kernel in memory", found["duckdb"] / found["kernel"], BARS["duckdb"])
    report("resident bytes of the duckdb pass", found["resident"], BARS["resident"])
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
