"""Release, certify, sign, verify: the whole way in a plain script.

    python examples/certified_release.py [FOLDER]

Ends with the exit code of the certificate: 0 pass, 1 violation, 2 inconclusive, 3 policy fail.
"""

import sys
import tempfile
from pathlib import Path

import dpsynth
from dpsynth.certify import new_key, verify_bundle
from dpsynth.data import demo_domain, demo_table

POLICY = """
name = "data office"

[about]
curator = "Office of Statistics"
intended_use = "teaching"

[gates.G1]
epsilon = 1.0
"""


def main(folder: Path) -> int:
    (folder / "policy.toml").write_text(POLICY)
    public_key = new_key(folder / "office.key")
    bundle = dpsynth.release(
        demo_table(),
        domain=demo_domain(),
        epsilon=1.0,
        delta=1e-6,
        out=folder / "synthetic",
        ledger=folder / "people.ledger",
    )
    certificate = bundle.certify(policy=folder / "policy.toml", sign=folder / "office.key")
    print("decision:", certificate.decision)
    for gate in certificate.facts["decision"]["gates"]:
        print(f"  {gate['gate']:4} {gate['status']:10} {gate['note']}")

    # Somebody else, without the table and the ledger:
    report = verify_bundle(bundle.path, key=public_key)
    print("verified:", report.ok)
    return certificate.exit_code


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as place:
        sys.exit(main(Path(place)))
