"""Audit synthetic tables: does anything leak, does the claimed epsilon hold, and what are the rows still good for?

    python examples/audit_a_table.py [FOLDER]

`privacy_audit` works on frames and files from any tool. Here it judges three tables made of the bundled (public) Adult
table: a release of dpsynth at epsilon 1, independent columns, a verbatim copy. It needs rows that the generator never
saw. What it prints and writes is computed on private rows: keep it as private as they are.
"""

import sys
import tempfile
from pathlib import Path

import dpsynth
import privacy_audit
from dpsynth.data import adult_paths, demo_domain, demo_holdout, demo_table
from privacy_audit.report.html import render_html

ROWS = 1_500
EPSILON, DELTA = 1.0, 1e-5
# Few, so that this example takes seconds; leave both out for all attacks and all scores.
ATTACKS = "copies, gan leaks, domias, linkability"
SCORES = ["k_marginal", "marginals", "association"]


def main(folder: Path) -> None:
    real, holdout = demo_table().head(ROWS), demo_holdout().head(ROWS)
    release = dpsynth.release(
        real,
        domain=demo_domain(),
        epsilon=EPSILON,
        delta=DELTA,
        out=folder / "release",
        ledger=folder / "l.ledger",
        seed=1,
    )
    tables = {
        "dpsynth": release.synthetic(),
        "independent": real.apply(lambda column: column.sample(ROWS, random_state=len(column.name)).to_numpy()),
        "copy": real,
    }
    cards = []
    for name, table in tables.items():
        card = privacy_audit.audit(
            real,
            table,
            holdout=holdout,
            domain=adult_paths().domain,
            epsilon=EPSILON,
            delta=DELTA,
            attacks=ATTACKS,
            utility=SCORES,
            splits=2,
            name=name,
        )
        cards.append(card)
        print(f"{name}: {card.verdict} (exit code {card.exit_code})")
        for reason in card.summary["reasons"]:
            print("   ", reason)
    print(f"\n{'':12s} {'largest AUC':>12s} {'k-marginal':>11s} {'floor':>7s} {'ceiling':>8s}")
    points = privacy_audit.frontier(cards)
    for point in points:
        score = point["utility"]
        print(
            f"{point['name']:12s} {point['leakage']['value']:12.3f} {score['value']:11.0f} "
            f"{score['floor']:7.0f} {score['ceiling']:8.0f}"
        )
    page = folder / "audit.html"
    page.write_text(render_html([card.summary for card in cards], points), encoding="utf-8")
    print(f"\none page for all three: {page.name}, {page.stat().st_size // 1000} kB")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as place:
            main(Path(place))
