"""A release as a task of a scheduler (Airflow-style): safe to retry, and it fails loudly where a gate fails.

    python examples/scheduled_task.py [FOLDER]

Decorate `release_people` with your scheduler's task decorator; nothing of it is needed here. A retry replays the stored
answers at no cost, because the job is the same; a new issue is a new job (another epsilon or delta) and a new charge.
"""

import sys
import tempfile
from pathlib import Path

import dpsynth
from dpsynth.data import demo_domain, demo_table


class GateFailed(Exception):
    """The release exists, but its policy does not let it leave the house."""


def release_people(table: object, folder: str, *, epsilon: float, delta: float) -> dict[str, object]:
    """One task: plain arguments in, a small plain dictionary out."""
    place = Path(folder)
    bundle = dpsynth.release(
        table,
        domain=demo_domain(),
        epsilon=epsilon,
        delta=delta,
        out=place / "synthetic",
        ledger=place / "people.ledger",
    )
    certificate = bundle.certify()
    if not certificate.passed:
        failed = [gate["gate"] for gate in certificate.facts["decision"]["gates"] if gate["status"] == "fail"]
        raise GateFailed(f"{certificate.decision}: {', '.join(failed)}")
    return {"path": str(bundle.path), "certificate": certificate.facts["id"], "epsilon": certificate.epsilon}


def main(folder: Path) -> None:
    first = release_people(demo_table(), str(folder), epsilon=1.0, delta=1e-6)
    retried = release_people(demo_table(), str(folder), epsilon=1.0, delta=1e-6)
    print("the retry gave the same certificate:", first == retried)
    try:
        release_people(demo_table(), str(folder / "issue-2"), epsilon=5.0, delta=1e-6)
    except GateFailed as error:
        print("the next issue was stopped by", error)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
