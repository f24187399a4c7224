"""`certify_bundle`: the folder appears whole or not at all, audits are booked first, and figures stay in the house."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dpsynth.bundle import Bundle, read_bundle
from dpsynth.certify import certify_bundle, internal_folder, verify_bundle
from dpsynth.certify.evidence import Evidence
from dpsynth.certify.policy import Policy
from dpsynth.errors import BundleError, InputError, LedgerError, OutputError, SourceError
from dpsynth.gate import show
from tests.unit.certify.conftest import TODAY

FILES = [
    "certificate.intoto.json",
    "certificate.json",
    "croissant.json",
    "datasheet.md",
    "public.html",
    "registry.json",
]
FIGURE = 0.7391
AUDIT = Evidence(
    audits=[
        {"name": "canaries", "method": "clopper-pearson", "epsilon_lower": FIGURE, "alpha": 1e-3, "detectable": 2.317}
    ],
    attacks=[
        {"name": "domias", "kind": "membership", "verdict": "leak", "figures": {"auc": {"value": FIGURE, "high": 0.9}}}
    ],
    utility=[{"name": "tvd2_mean", "value": FIGURE, "floor": 0.0, "ceiling": 1.0, "better": "lower", "note": ""}],
    source="a test",
    rest={"extra": FIGURE},
)


def test_what_is_written(place: Path) -> None:
    made = certify_bundle(place / "out", today=TODAY)
    assert (made.passed, made.decision, made.exit_code, made.epsilon) == (True, "pass", 0, 1.0)
    assert sorted(p.name for p in made.path.iterdir()) == FILES
    assert not internal_folder(place / "out").exists()
    assert made.gate("G3")["status"] == "undecided"
    assert not list(place.rglob(".*")), "nothing temporary is left"
    first = {name: (made.path / name).read_bytes() for name in FILES}
    certify_bundle(read_bundle(place / "out"), today=TODAY)
    assert {name: (made.path / name).read_bytes() for name in FILES} == first, "equal input, equal bytes"


def test_an_audit_is_booked_and_its_figures_stay_in_the_house(place: Path, audited: Callable[..., Any]) -> None:
    made = audited(AUDIT)
    assert made.gate("G3")["status"] == "pass"
    (look,) = show(place / "people.ledger")["non_private"]
    assert "audit of release" in look["reason"]
    inside = internal_folder(place / "out")
    assert sorted(p.name for p in inside.iterdir()) == ["internal.html", "internal.json"]
    assert inside.stat().st_mode & 0o077 == 0
    for name in ("internal.html", "internal.json"):
        assert str(FIGURE) in (inside / name).read_text()
    for path in (place / "out").rglob("*"):
        if path.is_file() and path.suffix in (".json", ".html", ".md"):
            assert str(FIGURE) not in path.read_text(), path
            assert "2.317" not in path.read_text(), path
    assert made.facts["evidence"]["statistical"][0]["detectable"] == 2.3
    assert made.facts["evidence"]["internal_record"] == AUDIT.digest()
    assert verify_bundle(place / "out", today=TODAY).ok
    record = json.loads((inside / "internal.json").read_bytes())
    assert (
        Evidence(**{k: record[k] for k in ("audits", "attacks", "utility", "source", "nonce", "rest")}).digest()
        == AUDIT.digest()
    )


def test_a_proven_violation(audited: Callable[..., Any]) -> None:
    made = audited(Evidence(audits=[{"name": "x", "epsilon_lower": 1.5, "alpha": 1e-3}]))
    assert (made.decision, made.exit_code) == ("violation", 1)


def test_the_account_is_disclosed_only_on_request(place: Path) -> None:
    hidden = certify_bundle(place / "out", today=TODAY)
    assert hidden.facts["accounting"]["prior_releases"].startswith("not stated")
    told = certify_bundle(
        place / "out", policy=replace(Policy(), disclose_account=True), ledger=place / "people.ledger", today=TODAY
    )
    account = told.facts["accounting"]["prior_releases"]
    assert (account["spent"], account["charges"], account["remaining"]) == ("1", 1, "0")


def test_a_bundle_with_strangers_is_not_certified(place: Path) -> None:
    (place / "out" / "more.csv").write_text("x")
    with pytest.raises(BundleError, match=r"more\.csv is in the bundle, but was not released with it"):
        certify_bundle(place / "out")
    assert not (place / "out" / "certificate").exists()


def test_inputs_that_cannot_be_used_leave_nothing(place: Path, tmp_path: Path) -> None:
    (place / "short.csv").write_text("sex,age\nF,1\n")
    (place / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    (place / "bytes.parquet").write_bytes(b"no")
    ledger = place / "people.ledger"
    rows = show(ledger)["ledger"]["rows"]
    for settings, error, said in [
        ({"holdout": place / "holdout.csv"}, InputError, "A holdout was given without the real table"),
        ({"real": place / "none.csv", "ledger": ledger}, SourceError, "There is no table"),
        ({"real": place / "short.csv", "ledger": ledger}, SourceError, "it has no column 'town'"),
        ({"real": place / "bytes.csv", "ledger": ledger}, SourceError, "cannot be read as CSV"),
        ({"real": place / "bytes.parquet", "ledger": ledger}, SourceError, "is not a Parquet file"),
        ({"real": place / "people.csv", "ledger": tmp_path / "none"}, LedgerError, "There is no ledger"),
        ({"sign": place / "none"}, InputError, "Cannot read the key"),
        ({"policy": place / "none.toml"}, InputError, "Cannot read the policy"),
    ]:
        with pytest.raises(error) as found:
            certify_bundle(place / "out", **settings)
        assert said in str(found.value)
        assert len(str(found.value).splitlines()) <= 3
        assert not (place / "out" / "certificate").exists()
        assert not internal_folder(place / "out").exists()
    assert show(ledger)["ledger"]["rows"] == rows, "nothing was booked"


def test_a_ledger_of_something_else(place: Path, bundle: Bundle) -> None:
    import dpsynth

    other = place / "other.ledger"
    dpsynth.open(place / "holdout.csv", domain=bundle.domain(), ledger=other)
    with pytest.raises(LedgerError, match="does not hold this release"):
        certify_bundle(place / "out", real=place / "people.csv", ledger=other)


def test_a_failing_audit_leaves_the_bundle_as_it_was(place: Path) -> None:
    before = certify_bundle(place / "out", today=TODAY).facts["id"]

    def fail(*_: object) -> Evidence:
        raise InputError("The audit cannot use these tables: x")

    with pytest.raises(InputError, match="The audit cannot use"):
        certify_bundle(place / "out", real=place / "people.csv", ledger=place / "people.ledger", auditor=fail)
    assert len(show(place / "people.ledger")["non_private"]) == 1, "the look stays booked"
    assert verify_bundle(place / "out", today=TODAY).certificate["id"] == before  # type: ignore[index]


def test_a_folder_that_cannot_be_written(place: Path) -> None:
    (place / "out" / "certificate").write_text("x")
    with pytest.raises(BundleError, match="was not released with it"):
        certify_bundle(place / "out")
    (place / "out" / "certificate").unlink()
    (place / "out" / "certificate").symlink_to(place)
    with pytest.raises((OutputError, BundleError)):
        certify_bundle(place / "out")


def test_a_bundle_of_a_test_seed_never_certifies(place: Path, bundle: Bundle) -> None:
    spoiled = Bundle(bundle.path, {**bundle.facts, "private": False})
    made = certify_bundle(spoiled, today=TODAY)
    assert (made.decision, made.gate("G1")["status"], made.gate("G2")["status"]) == ("policy fail", "fail", "fail")
    assert "NOT PRIVATE" in (made.path / "public.html").read_text()
