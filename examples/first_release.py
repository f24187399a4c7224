"""A first release: from a private table to a synthetic one, and what the folder holds.

    python examples/first_release.py [FOLDER]

The table here is the bundled (public) Adult table, so that the script runs anywhere; put your own frame or file in its
place. Everything that the synthetic table knows of the rows was paid for, and the ledger remembers it.
"""

import sys
import tempfile
from pathlib import Path

import dpsynth
from dpsynth.data import demo_domain, demo_table


def main(folder: Path) -> None:
    bundle = dpsynth.release(
        demo_table(),  # or "people.csv", or "parts/*.parquet"
        domain=demo_domain(),  # or "people.toml": what is public about the columns
        epsilon=1.0,
        delta=1e-6,
        out=folder / "synthetic",
        ledger=folder / "people.ledger",
        seed=1,  # of the sampling only; the noise comes from the operating system
    )
    certified = bundle.facts["guarantee"]["certified"]
    print(f"epsilon {certified['epsilon']} at delta {certified['delta']:g}, of which went to")
    for step in bundle.facts["steps"]:
        print(f"  {step['share']:6.1%}  {step['name']}")
    print(bundle.synthetic().head(3).to_string())

    # The model has paid for all it knows: more rows, and any marginal, cost nothing.
    model = bundle.model()
    print(model.sample(5, seed=2)[["age", "education", "income"]].to_string())
    print("expected rows by income:", model.project(("income",)).round(1))

    # The same call again returns the same release; nothing is charged twice.
    again = dpsynth.release(
        demo_table(),
        domain=demo_domain(),
        epsilon=1.0,
        delta=1e-6,
        out=folder / "synthetic",
        ledger=folder / "people.ledger",
        seed=1,
    )
    print("released again at no cost:", again.release_id == bundle.release_id)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
