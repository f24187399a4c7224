"""Golden files of accounting: every event kind as canonical JSON, and what each accountant says of fixed events.

`python -m tests.golden.accounting` appends what is new. Lines that exist are compared and never rewritten: the meaning of
an event kind does not change once released. A figure may only be replaced by hand, with a reason in the changelog.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dpsynth.accounting.certify import ACCOUNTANTS, epsilon_up
from dpsynth.accounting.events import (
    AbstractEvent,
    BoundedRange,
    Composed,
    ForeignClaim,
    Gaussian,
    GaussianFilter,
    Laplace,
    NonPrivate,
    PoissonGaussian,
    PureDP,
    Repeated,
    Slack,
    TruncatedPoissonGaussian,
    ZCDPFilter,
    event_to_json,
)
from dpsynth.accounting.quantities import Delta
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.unit import NeighbouringRelation

HERE = Path(__file__).parent
EVENTS = HERE / "events.json"
FIGURES = HERE / "accountants.json"

EXAMPLES: tuple[AbstractEvent, ...] = (
    Gaussian(3.7306316366670066),
    Gaussian(30.0, 2),
    Laplace(50.0),
    Laplace(0.1, 2),
    PureDP(0.05),
    GaussianFilter(0.2680511),
    ZCDPFilter(0.030557),
    PoissonGaussian(0.02, 1.0, 500),
    TruncatedPoissonGaussian(10000, 0.01, 150, 3.0, 100),
    Slack(2.0**-80),
    NonPrivate("an audit of the real rows, é"),
    Composed(()),
    Composed((Repeated(Gaussian(30.0, 2), 39), PureDP(0.05), Slack(2.0**-80))),
    Repeated(Composed((Gaussian(30.0), Laplace(50.0))), 7),
    BoundedRange(0.05),
    ForeignClaim(1.0, 1e-5),
)
"""At least one of every kind; append only."""

CASES: tuple[AbstractEvent, ...] = (
    Gaussian(3.7306316366670066),
    Repeated(Gaussian(30.0, 2), 39),
    GaussianFilter(0.2680511),
    Composed((GaussianFilter(0.2680511), Slack(2.0**-80))),
    Composed((GaussianFilter(1.0), Slack(1e-9))),
    PureDP(1.0),
    Repeated(PureDP(0.05), 19),
    Laplace(2.0, 3),
    Composed((Laplace(20.0), PureDP(0.1))),
    ZCDPFilter(0.030557),
    Composed((ZCDPFilter(0.01), Gaussian(10.0), PureDP(0.02))),
    Composed((Repeated(Laplace(50.0), 10), Repeated(Gaussian(30.0), 39), Repeated(PureDP(0.05), 19))),
    PoissonGaussian(0.1, 4.0, 200),
    PoissonGaussian(1.0, 20.0, 1000),
    Composed((PoissonGaussian(0.1, 4.0, 200), Gaussian(10.0), PureDP(0.02))),
    TruncatedPoissonGaussian(10000, 0.01, 150, 3.0, 100),
    NonPrivate("a look"),
    BoundedRange(1.0),
    Composed((Repeated(Gaussian(30.0), 39), Repeated(BoundedRange(0.05), 19))),
    ForeignClaim(1.0, 1e-6),
    Composed((Repeated(ForeignClaim(0.5, 1e-10), 3), PureDP(0.25))),
)
"""Events whose figures are held; append only."""

DELTAS = (0.0, 1e-9, 1e-5)


def event_lines() -> list[str]:
    """One line of canonical JSON per example."""
    return [canonical_json(event_to_json(event)).decode() for event in EXAMPLES]


def figure(event: AbstractEvent, relation: NeighbouringRelation, delta: float) -> dict[str, Any]:
    """Epsilon by every accountant that knows the event, and the certified one; infinity is null."""
    able = [a for a in ACCOUNTANTS if a.supports(event, relation)]
    by_name = {a.name: float(a.epsilon_up(event, Delta(delta), relation)) for a in able}
    certified = epsilon_up(event, Delta(delta), relation)
    return {
        "event": event_to_json(event),
        "relation": relation.value,
        "delta": delta,
        "epsilon": {name: value if value < float("inf") else None for name, value in by_name.items()},
        "certified": certified.accountant,
    }


def figure_lines() -> list[str]:
    """One line of canonical JSON per event, relation and delta."""
    return [
        canonical_json(figure(event, relation, delta)).decode()
        for event in CASES
        for relation in NeighbouringRelation
        for delta in DELTAS
    ]


def read(path: Path) -> list[str]:
    """The lines of a golden file, a JSON array with one value per line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "["
    assert lines[-1] == "]"
    return [line.removesuffix(",") for line in lines[1:-1]]


def write(path: Path, lines: list[str]) -> None:
    """A JSON array with one value per line."""
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def extend(path: Path, lines: list[str], key: Any) -> str:
    """Append the lines whose key is new; say what happened."""
    old = read(path) if path.exists() else []
    known = {key(line) for line in old}
    new = [line for line in lines if key(line) not in known]
    write(path, old + new)
    return f"{path.name}: {len(old)} kept, {len(new)} appended\n"


def case_key(line: str) -> bytes:
    """What a figure is about, without the figure."""
    case = json.loads(line)
    return canonical_json([case["event"], case["relation"], case["delta"]])


def main() -> None:
    """Append what is new to both files."""
    sys.stdout.write(extend(EVENTS, event_lines(), lambda line: line))
    sys.stdout.write(extend(FIGURES, figure_lines(), case_key))


if __name__ == "__main__":
    main()
