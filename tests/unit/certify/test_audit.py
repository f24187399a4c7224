"""The audit on real rows: `privacy_audit` as it is, on tables that an honest release and a copying one would give."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import privacy_audit
from dpsynth.bundle import Bundle
from dpsynth.certify.audit import audit_release, check_tables
from dpsynth.certify.evidence import Evidence, read_evidence
from dpsynth.certify.gates import gates_of_audit
from dpsynth.certify.policy import Policy
from dpsynth.errors import InputError, SourceError


class _Card:
    """What `privacy_audit.audit` returns, without the work."""

    def __init__(self, summary: Mapping[str, Any]) -> None:
        self.summary = summary

    def to_dict(self) -> Mapping[str, Any]:
        return self.summary


def test_what_is_asked_and_kept(bundle: Bundle, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def audit(real: pd.DataFrame, synthetic: pd.DataFrame, **settings: Any) -> _Card:
        asked.update(settings, real=real, synthetic=synthetic)
        bound = {"attack": "domias", "epsilon": 0.25, "delta": 1e-6, "confidence": 0.999, "method": "Clopper-Pearson"}
        return _Card({"attacks": [{"name": "domias"}], "utility": [], "epsilon_lower_bound": bound, "notes": ["x"]})

    monkeypatch.setattr(privacy_audit, "audit", audit, raising=False)
    found = audit_release(bundle, place / "people.csv", place / "holdout.csv")
    assert (asked["epsilon"], asked["delta"]) == (1.0, 1e-6)
    assert list(asked["real"].columns) == list(asked["synthetic"].columns) == ["sex", "age", "town"]
    assert asked["holdout"] is not None
    assert ("age",) in asked["measured"]
    assert found.audits[0]["epsilon_lower"] == 0.25
    assert found.audits[0]["alpha"] == pytest.approx(1e-3)
    assert found.rest["notes"] == ["x"]
    assert {g.gate: g.status for g in gates_of_audit(found, 1.0, Policy())}["G3"] == "pass"
    assert {g.gate: g.status for g in gates_of_audit(found, 0.2, Policy())}["G3"] == "fail"


def test_tables_that_cannot_be_aligned(bundle: Bundle, place: Path) -> None:
    with pytest.raises(InputError, match="The audit cannot use these tables"):
        audit_release(bundle, place / "people.csv", place / "people.csv")


def test_headers_are_checked_before_a_row_is_read(bundle: Bundle, place: Path) -> None:
    check_tables(bundle, place / "people.csv", None)
    pd.read_csv(place / "people.csv").to_parquet(place / "people.parquet")
    check_tables(bundle, place / "people.parquet", place / "holdout.csv")
    (place / "empty.csv").write_text("")
    with pytest.raises(SourceError, match="has no column 'sex'"):
        check_tables(bundle, place / "people.csv", place / "empty.csv")


@pytest.mark.parametrize("value", [{"attacks": 3}, {"attacks": ["x"]}, {"audits": "x"}, {"replay": 3}])
def test_reports_of_another_form_are_refused(value: Mapping[str, Any]) -> None:
    with pytest.raises(InputError, match="An audit report must hold"):
        read_evidence(value)


def test_evidence_commits_without_telling() -> None:
    one, other = Evidence(source="a"), Evidence(source="a")
    assert one.digest() != other.digest(), "the nonce differs"
    assert Evidence(source="a", nonce=one.nonce).digest() == one.digest()
    named = read_evidence({"bounds": [{"method": "cp", "epsilon": 0.3, "confidence": 0.95}]})
    assert named.designs() == [{"name": "cp", "method": "cp", "alpha": pytest.approx(0.05), "confidence": 0.95}]


@pytest.mark.slow
def test_an_honest_release_passes(bundle: Bundle, place: Path) -> None:
    found = audit_release(bundle, place / "people.csv", place / "holdout.csv")
    words = {g.gate: g.status for g in gates_of_audit(found, 1.0, Policy())}
    assert words["G3"] == "pass"
    assert "fail" not in words.values()
    assert len(found.attacks) >= 10
    assert found.utility
