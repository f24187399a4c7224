"""Record a mechanism on one table, replay it on a neighbour with the same noisy answers, and flag all that differs.

The mechanism draws all its noise through a `Gate`. While recording, the gate draws and writes down what was asked
(hashed exactly), the exact answers and the noisy ones. While replaying, it compares what is asked with the record and
hands out the recorded answers. What then differs between the worlds, apart from the exact answers themselves, came
from the rows by a way that nobody paid for; and the exact answers may move by no more than the declared sensitivity.

What this cannot see: noise of the wrong scale inside the gate (see `residual_test`), and time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

import numpy as np

from privacy_audit.errors import AuditError, InputError
from privacy_audit.mechanisms.digest import digest
from privacy_audit.mechanisms.taint import TaintWatch, Trace, tainted

__all__ = ["Divergence", "Finding", "Gate", "Mechanism", "PairReport", "Recording", "Release", "check_pair", "record"]

Norm = Literal["l1", "l2", "linf"]
TOLERANCE = 1e-9


class Divergence(AuditError):
    """A replayed mechanism asked something else than it did when it was recorded."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Release:
    """One answer.

    Attributes:
        kind: what was released, in a word.
        parameters: exact hash of all that was declared beside the answer.
        exact: the exact vectors.
        noisy: what was handed out.
        sensitivity: declared for each vector, in `norm`.
        norm: "l1", "l2" or "linf".
        cost: what was charged, in units that add up (squared mu, rho, epsilon).
    """

    kind: str
    parameters: str
    exact: tuple[np.ndarray, ...]
    noisy: tuple[np.ndarray, ...]
    sensitivity: tuple[float, ...]
    norm: Norm
    cost: float


@final
class Gate:
    """The one door for noise: records, or replays a record."""

    def __init__(self, script: Sequence[Release] | None = None) -> None:
        self.script = script
        self.log: list[Release] = []
        self.divergence: str | None = None

    def release(
        self,
        kind: str,
        exact: np.ndarray | Sequence[np.ndarray],
        draw: Callable[[list[np.ndarray]], Sequence[np.ndarray]],
        *,
        sensitivity: float | Sequence[float],
        norm: Norm = "l2",
        parameters: Any = None,
        cost: float = 0.0,
    ) -> list[np.ndarray]:
        """Hand out noisy answers.

        Args:
            kind: what is released, in a word.
            exact: one exact vector or several, of any shape.
            draw: from exact vectors to noisy ones; called while recording only.
            sensitivity: how far one unit moves each vector (one figure for all, or one for each), in `norm`.
            norm: the norm of the sensitivity: "l1", "l2" or "linf".
            parameters: everything else that is declared (noise scales, cliques, references); hashed exactly.
            cost: what is charged for this release.

        Returns:
            The noisy vectors: drawn, or those of the record.

        Raises:
            Divergence: a replay asks something else than was recorded.
            InputError: an unknown norm, or not one sensitivity per vector.
        """
        if norm not in ("l1", "l2", "linf"):
            raise InputError(f"A sensitivity is in the norm l1, l2 or linf; found {norm!r}.")
        vectors = [np.array(v) for v in ([exact] if isinstance(exact, np.ndarray) else exact)]
        bounds = _bounds(sensitivity, len(vectors))
        hashed = digest((parameters, [v.shape for v in vectors], bounds, norm, float(cost)))
        place = len(self.log)
        if self.script is None:
            noisy = [np.array(v) for v in draw(vectors)]
        else:
            noisy = [v.copy() for v in self._recorded(place, kind, hashed)]
        self.log.append(
            Release(kind, hashed, tuple(vectors), tuple(v.copy() for v in noisy), bounds, norm, float(cost))
        )
        return noisy

    def _recorded(self, place: int, kind: str, hashed: str) -> tuple[np.ndarray, ...]:
        script = self.script or ()
        if place >= len(script):
            self._diverge("count", f"release {place + 1} ({kind}) was not made on the first table")
        if script[place].kind != kind:
            self._diverge("order", f"release {place + 1} is {kind}; it was {script[place].kind} on the first table")
        if script[place].parameters != hashed:
            self._diverge("parameters", f"release {place + 1} ({kind}) has other parameters than on the first table")
        return script[place].noisy

    def _diverge(self, kind: str, words: str) -> None:
        # Kept beside the exception: a mechanism may hide or swallow errors that saw rows.
        self.divergence = self.divergence or f"{kind}: {words}"
        raise Divergence(words)


Mechanism = Callable[[Any, Gate], Any]
"""Runs on a table, draws through the gate, and returns all that it would publish (without clocks and random names)."""


def _bounds(sensitivity: float | Sequence[float], count: int) -> tuple[float, ...]:
    given = (float(sensitivity),) * count if isinstance(sensitivity, int | float) else tuple(map(float, sensitivity))
    if len(given) != count:
        raise InputError(f"{count} vectors were released with {len(given)} sensitivities. Give one for each.")
    return given


@final
@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A run.

    Attributes:
        releases: the answers in order.
        state: hash of what the mechanism returned.
        error: name of the exception that it raised, if any.
        divergence: how a replay left its record, if it did.
        trace: locals of the watched functions.
    """

    releases: tuple[Release, ...]
    state: str | None
    error: str | None
    divergence: str | None
    trace: Trace

    @property
    def cost(self) -> float:
        """What all releases were charged."""
        return sum(release.cost for release in self.releases)


def record(
    mechanism: Mechanism, table: Any, *, script: Recording | None = None, watch: TaintWatch | None = None
) -> Recording:
    """Run a mechanism behind a gate.

    Args:
        mechanism: the callable under audit.
        table: what it runs on.
        script: the recording whose answers it is given; none draws.
        watch: what to watch for taint.

    Returns:
        The run; an exception of the mechanism is part of it.
    """
    gate = Gate(None if script is None else script.releases)
    watch = None if watch is None else replace(watch, handles=(*watch.handles, Gate))
    hook = watch.watching() if watch is not None else None
    state, error = None, None
    try:
        with hook if hook is not None else nullcontext():
            made = mechanism(table, gate)
        state = digest(made, watch.handles if watch is not None else ())
    except Exception as raised:  # whatever it is, it is compared with the other world
        error = type(raised).__name__
    return Recording(tuple(gate.log), state, error, gate.divergence, hook.trace() if hook is not None else ())


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """One violation.

    Attributes:
        kind: "order", "parameters", "count", "state", "taint", "non-finite", "sensitivity", "exception", "cost",
            or "broken" (the same exception in both worlds: a test that says nothing).
        message: what differs; it names releases and variables, never values.
    """

    kind: str
    message: str


@final
@dataclass(frozen=True, slots=True)
class PairReport:
    """What one pair of tables showed.

    Attributes:
        findings: violations; none means that the pair passed.
        used: by kind of release, the largest measured share of the declared sensitivity.
        releases: how many releases were compared.
    """

    findings: tuple[Finding, ...]
    used: Mapping[str, float] = field(default_factory=dict)
    releases: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "passed": self.passed,
            "findings": [{"kind": f.kind, "message": f.message} for f in self.findings],
            "used_sensitivity": dict(self.used),
            "releases": self.releases,
        }


def check_pair(
    mechanism: Mechanism,
    table: Any,
    neighbour: Any,
    *,
    recording: Recording | None = None,
    equal: bool = False,
    claim: float | None = None,
    watch: TaintWatch | None = None,
) -> PairReport:
    """Record on a table, replay on its neighbour, compare.

    Args:
        mechanism: the callable under audit; it must be deterministic but for its draws through the gate.
        table: the first table.
        neighbour: a table that differs by one unit.
        recording: a run on `table`, made earlier with the same mechanism and watch.
        equal: both hold the same rows in another form: no exact answer may move at all.
        claim: the most that all releases may cost together.
        watch: what to watch for taint.

    Returns:
        What was found.

    Guarantee:
        A pair passes only if the same releases were made with the same parameters in the same order and number, every
        exact vector is finite and moved by at most its declared sensitivity, what was returned is equal, no watched
        variable differs, neither world raised, and the charges do not exceed the claim.
    """
    one = recording if recording is not None else record(mechanism, table, watch=watch)
    two = record(mechanism, neighbour, script=one, watch=watch)
    found = [*_of_errors(one, two)]
    used: dict[str, float] = {}
    for place, (a, b) in enumerate(zip(one.releases, two.releases, strict=False), 1):
        found += _of_release(place, a, b, equal, used)
    if not found:
        if len(one.releases) != len(two.releases):
            found.append(Finding("count", f"{len(two.releases)} releases; {len(one.releases)} on the first table"))
        if one.state != two.state:
            found.append(Finding("state", "what is published differs although all answers were the same"))
        found += [Finding("taint", f"{name} differs") for name in tainted(one.trace, two.trace)]
    # `not <=` so that a cost that is no number fails.
    if claim is not None and not max(one.cost, two.cost) <= claim * (1 + TOLERANCE):
        found.append(Finding("cost", f"the releases cost {one.cost:.6g}; {claim:.6g} is claimed"))
    return PairReport(tuple(found), used, len(one.releases))


def _of_errors(one: Recording, two: Recording) -> list[Finding]:
    if two.divergence is not None:
        kind, _, words = two.divergence.partition(": ")
        return [Finding(kind, words)]
    if one.error is None and two.error is None:
        return []
    if one.error == two.error:
        return [Finding("broken", f"both worlds raised {one.error}: nothing was compared")]
    return [Finding("exception", f"first table: {one.error or 'no error'}; neighbour: {two.error or 'no error'}")]


def _of_release(place: int, a: Release, b: Release, equal: bool, used: dict[str, float]) -> list[Finding]:
    found = []
    for before, after, bound in zip(a.exact, b.exact, a.sensitivity, strict=True):
        if not (np.isfinite(_numbers(before)).all() and np.isfinite(_numbers(after)).all()):
            found.append(Finding("non-finite", f"release {place} ({a.kind}) has an exact answer that is no number"))
            continue
        moved = _distance(before, after, a.norm)
        if equal:
            if moved != 0:
                found.append(Finding("sensitivity", f"release {place} ({a.kind}) moved though the rows are the same"))
            continue
        share = moved / bound if bound else (np.inf if moved else 0.0)
        used[a.kind] = max(used.get(a.kind, 0.0), float(share))
        if not share <= 1 + TOLERANCE:
            found.append(Finding("sensitivity", f"release {place} ({a.kind}) moved {share:.6g} of the declared"))
    return found


def _numbers(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector, dtype=np.float64)


def _distance(one: np.ndarray, other: np.ndarray, norm: Norm) -> float:
    if one.dtype.kind in "iub" and other.dtype.kind in "iub":  # Python integers: no overflow, no rounding
        change = np.abs(one.astype(object) - other.astype(object)).ravel()
    else:
        change = np.abs(_numbers(one) - _numbers(other)).ravel()
    if not change.size:
        return 0.0
    if norm == "l1":
        return float(change.sum())
    return float(max(change)) if norm == "linf" else float(np.sqrt(float((change * change).sum())))
