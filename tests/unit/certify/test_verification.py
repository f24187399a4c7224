"""A certified bundle verifies; a changed byte, a lost file, a forged claim, a wrong key, a late day do not."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.certify import certify_bundle, new_key, verify_bundle
from dpsynth.certify.certificate import render
from dpsynth.certify.envelope import make_statement, seal
from dpsynth.certify.policy import GATES, Policy
from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError, DpsynthError, InputError
from tests.unit.certify.conftest import TODAY


def _corrupt(folder: Path, count: int, seed: int) -> list[str]:
    """Flip one byte of one file at a time, every file in turn; names of the flips that were not found."""
    rng = np.random.default_rng(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    missed = []
    for turn in range(count):
        path = files[turn % len(files)]
        raw = bytearray(path.read_bytes())
        at = int(rng.integers(len(raw)))
        raw[at] ^= int(rng.integers(1, 256))
        before = path.read_bytes()
        path.write_bytes(raw)
        try:
            found = verify_bundle(folder, today=TODAY).exit_code != 0
        except DpsynthError:
            found = True
        path.write_bytes(before)
        if not found:
            missed.append(f"{path.name}[{at}]")
    return missed


@pytest.mark.parametrize("signed", [False, True])
def test_every_flipped_byte_is_found(place: Path, signed: bool) -> None:
    if signed:
        new_key(place / "key")
    certify_bundle(place / "out", sign=place / "key" if signed else None, today=TODAY)
    assert _corrupt(place / "out", 30, seed=int(signed)) == []
    assert verify_bundle(place / "out", today=TODAY).ok


@pytest.mark.slow
def test_a_thousand_flipped_bytes_are_found(place: Path) -> None:
    new_key(place / "key")
    certify_bundle(place / "out", sign=place / "key", today=TODAY)
    assert _corrupt(place / "out", 1000, seed=7) == []


def test_a_sound_bundle(certified: Path) -> None:
    report = verify_bundle(certified, today=TODAY)
    assert report.ok
    assert report.problems == report.policy_failures == report.open_points == ()
    assert report.notes == ("Not signed: whoever can replace every file alike is not found.",)
    assert report.to_dict()["epsilon"] == "1"
    moved = shutil.copytree(certified, certified.parent / "elsewhere")
    assert verify_bundle(moved, today=TODAY).ok, "the data and the ledger are not needed"


def test_files_that_are_missing_or_extra(certified: Path) -> None:
    (certified / "more.csv").write_text("x")
    assert verify_bundle(certified, today=TODAY).problems == ("more.csv was added after the bundle was certified.",)
    (certified / "more.csv").unlink()
    (certified / "domain.toml").unlink()
    report = verify_bundle(certified, today=TODAY)
    assert report.problems == ("domain.toml is missing.",)
    assert report.exit_code == 1


def test_no_bundle_no_certificate(place: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="There is no bundle"):
        verify_bundle(tmp_path / "none")
    with pytest.raises(BundleError, match="has no certificate"):
        verify_bundle(place / "out")


@pytest.mark.parametrize("lost", ["certificate.json", "certificate.intoto.json"])
def test_half_a_certificate(certified: Path, lost: str) -> None:
    (certified / "certificate" / lost).unlink()
    assert verify_bundle(certified, today=TODAY).exit_code == 1


def _forge(folder: Path, certificate: dict[str, Any], key: Path | None = None) -> None:
    """Write a certificate with a right digest and an envelope that fits: what a forger without the key can do."""
    import hashlib

    from dpsynth.bundle.folder import describe_files

    body = {k: v for k, v in certificate.items() if k != "digest"}
    certificate = body | {"digest": hashlib.sha256(canonical_json(body)).hexdigest()}
    home = folder / "certificate"
    (home / "certificate.json").write_bytes(render(certificate))
    files = {n: f["sha256"] for n, f in describe_files(folder).items() if not n.endswith("intoto.json")}
    (home / "certificate.intoto.json").write_bytes(seal(make_statement(certificate, files, None), None))


def test_a_forged_claim_is_recomputed(certified: Path, certificate: dict[str, Any]) -> None:
    _forge(certified, certificate)
    assert verify_bundle(certified, today=TODAY).ok, "the forger's tools are sound"
    for path, value, said in [
        (("guarantee", "epsilon_text"), "0.5", "Epsilon recomputed from the charges is 1"),
        (("guarantee", "delta"), 1e-3, "Epsilon recomputed from the charges"),
        (("identity", "release_digest"), "0" * 64, "speaks of another release"),
        (("accounting", "draws", 0, "link"), "0" * 64, "The chain of the ledger extract does not follow"),
        (("evidence", "structural", "checks", 0, "note"), "fine", "The structural checks give another result"),
        (("decision", "gates", 0, "status"), "waived", "Gate G1 gives pass; the certificate says waived"),
        (("decision", "overall"), "inconclusive", "The decision does not follow from the gates"),
        (("decision", "policy", "review_days"), 3, "The policy in the certificate is not the one"),
    ]:
        forged = json.loads(json.dumps(certificate))
        part: Any = forged
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        _forge(certified, forged)
        report = verify_bundle(certified, today=TODAY)
        assert report.exit_code == 1, path
        assert any(said in problem for problem in report.problems), (path, report.problems)


@pytest.mark.parametrize(
    ("version", "age"), [(2, "newer than this dpsynth reads"), (0, "not one that this dpsynth reads")]
)
def test_another_schema_version(certified: Path, certificate: dict[str, Any], version: int, age: str) -> None:
    _forge(certified, {**certificate, "version": version})
    with pytest.raises(BundleError, match=age):
        verify_bundle(certified, today=TODAY)


def test_a_certificate_with_a_field_that_no_schema_names(certified: Path, certificate: dict[str, Any]) -> None:
    _forge(certified, {**certificate, "praise": "best"})
    with pytest.raises(BundleError, match="does not keep to its schema"):
        verify_bundle(certified, today=TODAY)


def test_signatures(place: Path) -> None:
    for name in ("key", "other"):
        new_key(place / name)
    certify_bundle(place / "out", sign=place / "key", today=TODAY)
    signed = verify_bundle(place / "out", key=place / "key.pub", today=TODAY)
    assert signed.ok
    assert signed.notes == ()
    assert verify_bundle(place / "out", today=TODAY).notes[0].startswith("Signed, but nobody said by whom")
    wrong = verify_bundle(place / "out", key=place / "other.pub", today=TODAY)
    assert wrong.exit_code == 1
    assert "signed by another key" in wrong.problems[0]
    certify_bundle(place / "out", today=TODAY)
    unsigned = verify_bundle(place / "out", key=place / "key.pub", today=TODAY)
    assert unsigned.problems == ("The certificate is not signed, but a key was given.",)
    with pytest.raises(InputError, match="Cannot read the key"):
        verify_bundle(place / "out", key=place / "none.pub", today=TODAY)


def test_dates(certified: Path) -> None:
    last = TODAY + timedelta(days=365)
    assert verify_bundle(certified, today=last).ok
    late = verify_bundle(certified, today=last + timedelta(days=1))
    assert late.exit_code == 3
    assert "The review date 2027-06-01 has passed" in late.policy_failures[0]
    early = verify_bundle(certified, today=date(2020, 1, 1))
    assert early.exit_code == 2
    assert "lies ahead of this clock (2020-01-01)" in early.open_points[0]
    assert verify_bundle(certified, today=TODAY - timedelta(days=1)).ok, "time zones differ"


def test_another_policy(certified: Path) -> None:
    strict = Policy(name="strict", gates={**GATES, "G1": {**GATES["G1"], "epsilon": 0.5}})
    report = verify_bundle(certified, policy=strict, today=TODAY)
    assert report.exit_code == 3
    assert report.policy_failures == ("Policy strict: G1 fail: epsilon 1 is above the policy's 0.5",)
    audited = Policy(name="audited", gates={**GATES, "G3": {**GATES["G3"], "required": True}})
    assert "Policy audited: G3 undecided" in verify_bundle(certified, policy=audited, today=TODAY).policy_failures[0]
    assert verify_bundle(certified, policy=Policy(), today=TODAY).ok


def test_a_decision_that_is_no_pass(place: Path) -> None:
    strict = Policy(gates={**GATES, "G1": {**GATES["G1"], "epsilon": 0.5}})
    assert certify_bundle(place / "out", policy=strict, today=TODAY).exit_code == 3
    report = verify_bundle(place / "out", today=TODAY)
    assert (report.exit_code, report.problems) == (3, ())
    open_one = Policy(gates={**GATES, "G3": {**GATES["G3"], "required": True}})
    assert certify_bundle(place / "out", policy=open_one, today=TODAY).exit_code == 2
    assert verify_bundle(place / "out", today=TODAY).exit_code == 2
