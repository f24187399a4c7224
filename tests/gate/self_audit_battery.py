"""The battery that has to find any bug, and the program that runs it on one broken copy of dpsynth after another.

    python -m tests.gate.self_audit_battery [NAME ...]

Each mutant lives in a process of its own, forked before dpsynth is imported: its edits are put into the source as it is
imported, and nothing is written to disk. One line of JSON per mutant on stdout.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any

import numpy as np
import pandas as pd

from tests.gate.self_audit_mutants import MUTANTS, AuditMutant

PACKAGE = Path(__file__).resolve().parents[2] / "dpsynth"
KINDS_FIRST = (
    "remove rarest",
    "add all most",
    "NaN",
    "new category",
    "empty to one row",
    "two rows to three",
    "five rows to six",
    "all rows equal in one column",
    "one row copied throughout",
    "rows in reverse",
    "huge",
    "text in a number",
    "NaN category",
    "one row to two",
    "add all least",
    "infinity",
)


class _Patched(importlib.machinery.SourceFileLoader):
    edits: Sequence[tuple[str, str]] = ()

    def get_code(self, fullname: str) -> CodeType:
        source = Path(self.path).read_text()
        for old, new in self.edits:
            assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {self.path}"
            source = source.replace(old, new)
        return compile(source, self.path, "exec", dont_inherit=True)


class _Finder(importlib.machinery.PathFinder):
    edits: dict[str, list[tuple[str, str]]]

    def __init__(self, mutant: AuditMutant) -> None:
        self.edits = {}
        for file, old, new in mutant.edits:
            self.edits.setdefault(str(PACKAGE / file), []).append((old, new))

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:  # type: ignore[override]
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin in self.edits:
            loader = _Patched(fullname, spec.origin)
            loader.edits = self.edits[spec.origin]
            spec.loader = loader
        return spec


def audited_table(n: int = 120) -> pd.DataFrame:
    """Ordinary rows without a missing cell."""
    rng = np.random.default_rng(3)
    a = rng.integers(0, 4, n)
    return pd.DataFrame(
        {
            "a": np.array(list("pqrs"))[a],
            "b": np.array(list("uvw"))[a % 3],
            "c": (2 * a + rng.integers(0, 2, n)) % 10,
            "pay": np.round(rng.random(n) * 60 + 20 * (a > 1), 3),
        }
    )


def _findings(recipe_name: str, relation_name: str, clean: bool) -> Iterator[tuple[str, str]]:
    """(kind, message) of everything that the battery finds, the cheap checks first."""
    from dpsynth.accounting.quantities import Budget
    from dpsynth.domain.columns import Category, Integer, Real
    from dpsynth.domain.table import Domain
    from dpsynth.domain.unit import NeighbouringRelation
    from dpsynth.generators import MST, Independent
    from privacy_audit.mechanisms.neighbours import neighbour_pairs
    from privacy_audit.mechanisms.replay import check_pair, record
    from privacy_audit.mechanisms.white_box import audit_transcript
    from tests.gate.self_audit import WATCH, Subject, transcript

    recipe = {"mst": MST(), "independent": Independent(), "mst published": MST(selection="exponential")}[recipe_name]
    domain = Domain(
        (
            Category(name="a", values=tuple("pqrs")),
            Category(name="b", values=tuple("uvw")),
            Integer(name="c", minimum=0, maximum=9),
            Real(name="pay", minimum=0.0, maximum=100.0),
        )
    )
    relation = NeighbouringRelation.ADD_REMOVE if relation_name == "add_remove" else NeighbouringRelation.REPLACE_ONE
    subject = Subject(recipe, domain, Budget(epsilon=4.0, delta=1e-5), relation=relation)
    table, mechanism = audited_table(), subject.mechanism()
    first, second = record(mechanism, table, watch=WATCH), record(mechanism, table)
    if first.error is not None:
        yield "broken", first.error
        return
    noise = [
        np.ravel(n - e) for r in (*first.releases, *second.releases) for n, e in zip(r.noisy, r.exact, strict=True)
    ]
    if _repeats(noise):
        yield "repeated noise", "two answers have the same noise"
    yield from _residual_findings(subject, table)
    if relation_name == "add_remove":
        more = pd.concat([table, table.iloc[[0]]], ignore_index=True)
        with suppress(AssertionError):  # a replay that strays has no transcript: the pairs below will say so
            report = audit_transcript(transcript(subject, more, table), mu=subject.claim() ** 0.5)
            for words in report.findings:
                yield ("mu" if "is claimed" in words else "sensitivity"), words
    yield from _selection_findings()
    kinds = None if clean else KINDS_FIRST
    for pair in neighbour_pairs(
        table, 40 if clean else 2 * len(KINDS_FIRST), seed=5, relation=relation_name, kinds=kinds
    ):
        recording = first if pair.one.equals(table) else None
        report = check_pair(
            mechanism, pair.one, pair.other, recording=recording, equal=pair.equal, claim=subject.claim(), watch=WATCH
        )
        for finding in report.findings:
            yield finding.kind, f"{pair.kind}: {finding.message}"


def _residual_findings(subject: Any, table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Residuals of the same kind of answer, pooled over a few fits: of the table, and of next to none."""
    from privacy_audit.mechanisms.white_box import residual_test
    from tests.gate.self_audit import transcript

    for sources in ([table] * 3, [table.iloc[:2], table.iloc[:0]]):
        pooled: dict[str, list[np.ndarray]] = {}
        for source in sources:
            with suppress(AssertionError):
                for m in transcript(subject, source, source).measurements():
                    spread = math.sqrt(1 + 1 / (12 * m.scale**2))  # of rounding
                    residual = (np.asarray(m.noisy) - m.exact_in).ravel() / m.scale / spread
                    pooled.setdefault(f"{m.kind} of {np.ndim(m.exact_in)} columns", []).append(residual)
        for kind, parts in pooled.items():
            test = residual_test(np.concatenate(parts))
            if test.p_value < 1e-9:
                yield "residuals", f"{kind}: z = {test.z:.1f} of {test.entries} residuals"


def _repeats(noise: list[np.ndarray]) -> bool:
    """Whether two long vectors of noise begin alike."""
    starts = [tuple(vector[:10].tolist()) for vector in noise if vector.size >= 10]
    return len(set(starts)) < len(starts)


def _selection_findings() -> Iterator[tuple[str, str]]:
    from privacy_audit.mechanisms.enumeration import enumerate_pairs
    from tests.gate.test_self_audit_enumeration import exponential_law

    pairs = [((0, 0, 0), (1, -1, -1)), ((0, 1, 3), (1, 0, 2))]
    report = enumerate_pairs(lambda s: exponential_law(s, 1.0), pairs, epsilon=1.0, delta=1e-15)
    if not report.passed:
        yield "selection law", f"epsilon {report.worst_epsilon:.3f} where 1 is charged"


def run(mutant: AuditMutant) -> dict[str, Any]:
    """The first finding in a process of its own (all kinds of neighbours for the unbroken code)."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            started = time.process_time()
            sys.meta_path.insert(0, _Finder(mutant))
            try:
                found = next(_findings(mutant.recipe, mutant.relation, clean=not mutant.edits), ("nothing", ""))
            except Exception as error:
                found = ("broken", f"{type(error).__name__}: {error}"[:300])
            told = {"name": mutant.name, "kind": found[0], "message": found[1], "cpu": time.process_time() - started}
            os.write(write, json.dumps(told).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(told)


CLEAN = (AuditMutant("nothing is changed", (), ("nothing",)),)
CLEAN += (AuditMutant("nothing is changed, replacing", (), ("nothing",), relation="replace_one"),)


def main() -> None:
    import narwhals  # noqa: F401  what every child needs and no mutant touches, once before the forks
    import pyarrow.compute  # noqa: F401
    import pytest  # noqa: F401
    import scipy.optimize
    import scipy.special
    import scipy.stats  # noqa: F401

    assert "dpsynth" not in sys.modules
    wanted = sys.argv[1:]
    for mutant in (*MUTANTS, *CLEAN):
        if not wanted or mutant.name in wanted:
            print(json.dumps(run(mutant)), flush=True)


if __name__ == "__main__":
    main()
