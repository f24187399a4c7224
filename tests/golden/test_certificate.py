"""A certificate of version 0.1 verifies for as long as its schema is read, and today's have the same fields."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dpsynth.bundle import read_bundle
from dpsynth.certify import certify_bundle, verify_bundle
from dpsynth.certify.schema import violations
from tests.golden.certificate import BUNDLE, TODAY


def _fields(value: Any, at: str = "$") -> set[str]:
    """Paths of all keys; entries of lists count as one."""
    if isinstance(value, dict):
        return {f"{at}.{name}" for name in value}.union(
            *(_fields(part, f"{at}.{name}") for name, part in value.items())
        )
    if isinstance(value, list):
        return set().union(*(_fields(part, f"{at}[]") for part in value))
    return set()


def test_it_verifies() -> None:
    report = verify_bundle(BUNDLE, today=TODAY)
    assert report.problems == ()
    assert report.ok
    assert report.to_dict()["epsilon"] == "1"


def test_it_keeps_to_the_schema() -> None:
    certificate = json.loads((BUNDLE / "certificate" / "certificate.json").read_bytes())
    assert violations(certificate) == []
    assert certificate["schema"] == "dpsynth.certificate"
    assert certificate["version"] == 1


def test_todays_certificate_says_as_much(tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(BUNDLE, tmp_path / "bundle")
    again = certify_bundle(read_bundle(copy), today=TODAY).facts
    golden = json.loads((BUNDLE / "certificate" / "certificate.json").read_bytes())
    assert _fields(golden) <= _fields(again)
    assert again["guarantee"] == golden["guarantee"]
