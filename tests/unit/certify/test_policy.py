"""Policies: defaults, everything that can be set, and a message for everything that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpsynth.certify.policy import GATES, Policy, read_policy
from dpsynth.errors import InputError


def _read(tmp_path: Path, text: str) -> Policy:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return read_policy(path)


def test_the_default_knows_every_gate() -> None:
    policy = read_policy(None)
    assert list(policy.gates) == list(GATES) == [f"G{i}" for i in range(1, 11)]
    assert [gate for gate, settings in policy.gates.items() if settings["required"]] == ["G1", "G2", "G9", "G10"]
    assert Policy.from_dict(policy.to_dict()).digest() == policy.digest()


def test_everything_can_be_set(tmp_path: Path) -> None:
    policy = _read(
        tmp_path,
        """
        name = "strict"
        review_days = 90
        disclose_account = true
        [about]
        curator = "the office"
        publication_date = 2026-06-01
        approvers = ["a", "b"]
        [gates.G1]
        epsilon = 1
        [gates.G8]
        required = true
        floors = {tvd2_mean = 0.1}
        [[waivers]]
        gate = "G8"
        who = "the board"
        why = "a pilot"
        until = 2026-12-31
        """,
    )
    assert policy.gates["G1"]["epsilon"] == 1.0
    assert policy.gates["G1"]["delta_exponent"] == 1.1, "what is not named keeps its default"
    assert policy.gates["G8"]["floors"] == {"tvd2_mean": 0.1}
    assert policy.waivers["G8"] == {"who": "the board", "why": "a pilot", "until": "2026-12-31"}
    assert policy.about["publication_date"] == "2026-06-01"
    assert Policy.from_dict(policy.to_dict()).digest() == policy.digest() != Policy().digest()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "is not TOML"),
        ("colour = 1", "has a key 'colour' that no policy has"),
        ("[gates.G11]\nrequired = true", "names a gate 'G11', which does not exist"),
        ("[gates.G1]\nepsilom = 1", "has a key 'epsilom'"),
        ("[gates.G1]\nepsilon = -1", "gates.G1.epsilon must be a number of at least 0"),
        ("[gates.G1]\nepsilon = nan", "must be a number of at least 0"),
        ("[gates.G1]\nrequired = 1", "must be true or false"),
        ("[gates]\nG1 = 1", "must be a table"),
        ("[gates.G8]\nfloors = 1", "must be a table"),
        ("review_days = 0", "whole number of days"),
        ('name = ""', "must be a text that is not empty"),
        ("[about]\ncurator = 3", "must be a text that is not empty"),
        ("[about]\nsecret = 'x'", "has a key 'secret'"),
        ("[about]\napprovers = 'x'", "must be a list of texts"),
        ("waivers = 1", "must be a list of tables"),
        ('[[waivers]]\ngate = "G12"\nwho = "a"\nwhy = "b"', "waives a gate 'G12'"),
        ('[[waivers]]\ngate = "G3"\nwho = "a"\nwhy = "b"', "waives G3. It cannot be waived"),
        ('[[waivers]]\ngate = "G8"\nwho = "a"', "the waiver of G8: why must be a text"),
        ('[[waivers]]\ngate = "G8"\nwho = "a"\nwhy = "b"\nuntil = "soon"', "must be a date"),
        ('[[waivers]]\ngate = "G8"\nwho = "a"\nwhy = "b"\nuntil = 3', "must be a date"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        _read(tmp_path, text)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) <= 3


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Cannot read the policy"):
        read_policy(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="Cannot read the policy"):
        read_policy(tmp_path / "bytes.toml")


def test_a_policy_of_another_version_is_understood() -> None:
    stored = Policy().to_dict()
    stored["gates"]["G5"]["colour"] = 1.0
    stored["gates"]["G11"] = {"required": True}
    del stored["gates"]["G3"]["alpha"]
    assert Policy.from_dict(stored).digest() == Policy().digest()
