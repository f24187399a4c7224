"""Attacks of privacy_audit: speed, power on planted leaks, silence on independent tables.

    python -m tests.bench.audit_attacks [neighbours] [battery] [planted] [silence] [adult] ["rare category" ...]

Without names it runs all parts. Times are CPU seconds of one process.
"""

from __future__ import annotations

import functools
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pandas as pd

from privacy_audit.attacks.battery import attack
from privacy_audit.attacks.shadow import shadow_attack
from privacy_audit.attacks.targets import vulnerable
from privacy_audit.distances import nearest
from privacy_audit.frames import Column, Table, align
from tests.unit.privacy_audit.attacks.planted import OVERFIT, TABLE_LEAKS, generators, independent, population

SEEDS = 20


def _verdict(name: str, value: float, bar: float, *, at_least: bool = False) -> None:
    good = value >= bar if at_least else value <= bar
    sign = ">=" if at_least else "<="
    print(
        f"  {name:58s} {value:9.3f}  {sign} {bar:g}  {'PASS' if good else 'SHORT'} ({value / bar:.2f} x bar)",
        flush=True,
    )


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _rows(n: int, seed: int, numeric: int, categorical: int) -> Table:
    rng = np.random.default_rng(seed)
    columns = (
        *(Column(f"n{i}", "number", (), 0.0, 1.0) for i in range(numeric)),
        *(Column(f"c{i}", "category", tuple(map(str, range(2 + 2 * i)))) for i in range(categorical)),
    )
    codes = [rng.integers(0, 2 + 2 * i, n) for i in range(categorical)]
    return Table(columns, rng.random((n, numeric)), np.array(codes, np.int32).reshape(categorical, n).T.copy())


def neighbours() -> None:
    """Exact neighbours of mixed rows, 20 columns."""
    print("neighbours, 20 columns, k = 1")
    for numeric, categorical in ((10, 10), (20, 0), (0, 20)):
        first, second = _rows(10_000, 1, numeric, categorical), _rows(10_000, 2, numeric, categorical)
        for metric in ("gower", "hamming", "l2"):
            start = time.process_time()
            nearest(first, second, metric=metric)  # type: ignore[arg-type]
            spent = time.process_time() - start
            _verdict(f"10k x 10k, {numeric} numbers, {categorical} categories, {metric}, CPU s", spent, 3.0)
    first, second = _rows(5_000, 1, 10, 10), _rows(100_000, 2, 10, 10)
    start = time.process_time()
    nearest(first, second)
    spent = time.process_time() - start
    _verdict("100k x 100k gower: CPU s, extrapolated x 20 from 5k x 100k", 20 * spent, 600.0)
    _verdict("memory so far, MB", _megabytes(), 2000.0)


def battery() -> None:
    """All attacks on 10k / 10k / 10k x 15 columns."""
    print("battery, 10k members, 10k holdout, 10k synthetic, 13 mixed columns and 2 more numbers")
    full = population(30_000, 1).assign(z1=np.arange(30_000) % 97, z2=lambda t: t["x0"].abs())
    parts = [full[i * 10_000 : (i + 1) * 10_000].reset_index(drop=True) for i in range(3)]
    tables = align(parts[0], parts[1], holdout=parts[2])
    print(f"  {len(tables.columns)} columns")
    start = time.process_time()
    found = attack(tables)
    _verdict("all attacks, 10 splits: CPU s", time.process_time() - start, 60.0)
    print("  verdicts", dict(Counter(r.verdict for r in found)), f"{_megabytes():.0f} MB")


def planted() -> None:
    """Who finds which planted leak, and what the DCR share says."""
    tables_with_leaks()
    generators_with_leaks()


def tables_with_leaks(only: str = "", n: int = 1500) -> None:
    """Leaks in one table; `only` names one of them."""
    print(f"planted leaks in tables, n = {n}, {SEEDS} seeds; alpha 1e-4 over the battery")
    for leak, (make, finder) in TABLE_LEAKS.items():
        if only not in leak:
            continue
        hits: Counter[str] = Counter()
        shares = []
        cliques = [OVERFIT] if leak == "conditional over-fit" else None
        for seed in range(SEEDS):
            full = population(3 * n, 100 + seed)
            made = make(full[:n], full[n : 2 * n].reset_index(drop=True), np.random.default_rng(seed))
            tables = align(full[:n], made, holdout=full[2 * n :])
            for r in attack(tables, seed=seed, splits=4, cliques=cliques):
                hits[r.name] += r.verdict == "leak"
                if r.name == "dcr share":
                    shares.append(r.figures["share"].value)
        _verdict(f"{leak}: found by {finder}", hits[finder] / SEEDS, 0.95, at_least=True)
        print(
            f"    dcr share mean {np.mean(shares):.3f}, alarms {hits['dcr share']} of {SEEDS}; all finders:",
            ", ".join(f"{name} {count}" for name, count in hits.most_common() if count),
            flush=True,
        )


def generators_with_leaks() -> None:
    """One bit about a target in every output."""
    print("planted bits in generators, 10 seeds")
    for leak in ("no leak", "sign shift", "leaked n", "copied target"):
        found = 0
        for seed in range(10):
            full = population(1500, 300 + seed)
            table = align(full[:700], full[700:]).real
            row = vulnerable(table, 1)
            target, rest = table.select(row), table.select(np.delete(np.arange(700), row))
            generator, replace = generators(full[700:], target.frame())[leak]
            result = shadow_attack(generator, rest, target, rows=120, runs=40, test_runs=30, seed=seed, replace=replace)
            found += result.verdict == "leak"
        if leak == "no leak":
            _verdict("no leak: alarms of shadow models", found / 10, 0.0 + 1e-9)
        else:
            _verdict(f"{leak}: found by shadow models", found / 10, 0.95, at_least=True)


def _silence(name: str, draw: Callable[[int, int], pd.DataFrame], n: int, seeds: int) -> None:
    alarms, small, tests = 0, 0, 0
    for seed in range(seeds):
        full = draw(3 * n, seed)
        made = independent(full[:n], full[n : 2 * n].reset_index(drop=True), np.random.default_rng(seed))
        found = attack(align(full[:n], made, holdout=full[2 * n :]), seed=seed, splits=4)
        alarms += any(r.verdict == "leak" for r in found)
        p = [r.p_value for r in found if r.p_value is not None]
        small, tests = small + sum(one <= 0.05 for one in p), tests + len(p)
    print(
        f"  {name}: {alarms} alarms in {seeds} batteries of {n} rows each; p <= .05 in {small} of {tests} tests",
        flush=True,
    )


def silence() -> None:
    """No alarm on independent tables."""
    print("independent tables")
    _silence("planted population", lambda n, seed: population(n, 1000 + seed), 300, 60)


def adult() -> None:
    """Adult: independent, bootstrap and verbatim tables."""
    from dpsynth.data import demo_table

    rows = demo_table()
    print(f"the demo table ({len(rows)} rows)")
    n = min(1000, len(rows) // 3)
    _silence("demo table", lambda count, seed: rows.sample(count, random_state=seed), n, 10)
    for name in ("bootstrap", "verbatim"):
        found: Counter[str] = Counter()
        for seed in range(3):
            full = rows.sample(3 * n, random_state=seed)
            members = full[:n]
            made = members.sample(n, replace=name == "bootstrap", random_state=seed)
            for r in attack(align(members, made, holdout=full[2 * n :]), seed=seed, splits=4):
                found[r.name] += r.verdict == "leak"
        print(f"  {name}:", ", ".join(f"{key} {value}/3" for key, value in found.most_common() if value))


PARTS = {"neighbours": neighbours, "battery": battery, "planted": planted, "silence": silence, "adult": adult}
PARTS |= {leak: functools.partial(tables_with_leaks, leak) for leak in TABLE_LEAKS} | {"bits": generators_with_leaks}

if __name__ == "__main__":
    for part in sys.argv[1:] or ("neighbours", "battery", "planted", "silence", "adult"):
        PARTS[part]()
