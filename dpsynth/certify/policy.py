"""What a team asks of a release before it leaves the house: a TOML file, with defaults for all of it.

    name = "data office"
    review_days = 365
    disclose_account = false         # say in the certificate what the ledger account has spent and has left

    [about]                          # who stands behind the product; all of it public
    curator = "..."                  # also: contact, product, description, intended_use, prohibited_use, access,
    approvers = ["..."]              # publication_date, supersedes, population, collection_dates, delta_rationale

    [gates.G1]
    required = true                  # an undecided gate counts only where it is required; a failing one always does
    epsilon = 3.0

    [[waivers]]
    gate = "G8"
    who = "..."
    why = "..."
    until = 2030-01-01               # optional

Gates, their numbers and defaults: `GATES`. Nothing else is known: an unknown key is an error, not a comment.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import InputError

__all__ = ["ABOUT", "GATES", "HARD", "Policy", "digest_of", "read_policy"]

GATES: dict[str, dict[str, Any]] = {
    "G1": {"required": True, "epsilon": 3.0, "delta": 1.0, "delta_exponent": 1.1, "delta_floor": 1e-6},
    "G2": {"required": True, "require_replay": False},
    "G3": {"required": False, "alpha": 1e-3},
    "G4": {"required": False, "tightness": 0.5},
    "G5": {"required": False, "alpha": 1e-3},
    "G6": {"required": False, "excess": 0.09},
    "G7": {"required": False, "alpha": 1e-3},
    "G8": {"required": False, "floors": {}, "subgroup_floors": {}},
    "G9": {"required": True},
    "G10": {"required": True},
}
"""Gate -> its settings and defaults. Distances to closest records are in none of them: they never gate."""

HARD = ("G1", "G2", "G3", "G9", "G10")
"""Gates that nobody can waive: the claim itself rests on them."""

ABOUT = (
    "curator",
    "contact",
    "product",
    "description",
    "intended_use",
    "prohibited_use",
    "publication_date",
    "supersedes",
    "population",
    "collection_dates",
    "access",
    "approvers",
    "delta_rationale",
)
"""What only a person can say. All of it is published as it is."""

_LISTS = ("supersedes", "approvers")
_NAME = "default"


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy with every default filled in.

    Attributes:
        name: a word for people.
        review_days: days until a certificate must be looked at again.
        disclose_account: whether the certificate states what the ledger account has spent and has left.
        gates: gate -> setting -> value.
        waivers: gate -> who, why, and until (ISO date or None).
        about: what people state about the product.
    """

    name: str = _NAME
    review_days: int = 365
    disclose_account: bool = False
    gates: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {k: dict(v) for k, v in GATES.items()})
    waivers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: the whole resolved policy but `about`, which the certificate states elsewhere."""
        return {
            "name": self.name,
            "review_days": self.review_days,
            "disclose_account": self.disclose_account,
            "gates": {gate: dict(settings) for gate, settings in self.gates.items()},
            "waivers": {gate: dict(waiver) for gate, waiver in self.waivers.items()},
        }

    def digest(self) -> str:
        """SHA-256 (hex) of the resolved policy."""
        return digest_of(self.to_dict())

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Policy:
        """What `to_dict` wrote, by this version or another: a setting that one of them lacks is the default or ignored.

        Raises:
            InputError: it is no policy.
        """
        gates = {
            gate: {name: setting for name, setting in settings.items() if name in GATES[gate]}
            for gate, settings in value.get("gates", {}).items()
            if gate in GATES
        }
        waivers = [{"gate": gate, **waiver} for gate, waiver in value.get("waivers", {}).items()]
        kept = {name: value[name] for name in ("name", "review_days", "disclose_account") if name in value}
        return _resolve(kept | {"gates": gates, "waivers": waivers}, "policy")


def digest_of(policy: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a policy as `to_dict` wrote it, whichever version did."""
    return hashlib.sha256(canonical_json(policy)).hexdigest()


def read_policy(path: Path | str | None) -> Policy:
    """A policy file, or the default policy where there is none.

    Raises:
        InputError: the file cannot be read, is no TOML, or holds something unknown or impossible; names it.
    """
    if path is None:
        return Policy()
    try:
        value = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"Cannot read the policy {path}.\nName a TOML file (docs/certify.md shows one).") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The policy {path} is not TOML: {error}.\ndocs/certify.md shows one.") from None
    return _resolve(value, str(path))


def _resolve(value: Mapping[str, Any], where: str) -> Policy:
    _known(value, ("name", "review_days", "disclose_account", "about", "gates", "waivers"), where)
    gates = {gate: dict(settings) for gate, settings in GATES.items()}
    asked = _table(value.get("gates", {}), f"{where}: gates")
    for gate, settings in asked.items():
        if gate not in GATES:
            raise InputError(f"{where} names a gate {gate!r}, which does not exist.\nGates: {', '.join(GATES)}.")
        _known(_table(settings, f"{where}: gates.{gate}"), tuple(GATES[gate]), f"{where}: gates.{gate}")
        for name, setting in settings.items():
            gates[gate][name] = _setting(GATES[gate][name], setting, f"{where}: gates.{gate}.{name}")
    return Policy(
        name=_text(value.get("name", _NAME), f"{where}: name"),
        review_days=_days(value.get("review_days", 365), f"{where}: review_days"),
        disclose_account=_setting(False, value.get("disclose_account", False), f"{where}: disclose_account"),
        gates=gates,
        waivers=_waivers(value.get("waivers", []), where),
        about=_about(_table(value.get("about", {}), f"{where}: about"), f"{where}: about"),
    )


def _known(value: Mapping[str, Any], names: tuple[str, ...], where: str) -> None:
    for name in value:
        if name not in names:
            raise InputError(f"{where} has a key {name!r} that no policy has.\nKnown: {', '.join(names)}.")


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where} must be a table of names and values.")
    return value


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{where} must be a text that is not empty.")
    return value


def _days(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 36500:
        raise InputError(f"{where} must be a whole number of days from 1 to 36500.")
    return value


def _setting(default: Any, value: Any, where: str) -> Any:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InputError(f"{where} must be true or false.")
        return value
    if isinstance(default, dict):
        return {str(name): _setting(0.0, number, f"{where}.{name}") for name, number in _table(value, where).items()}
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or value < 0:
        raise InputError(f"{where} must be a number of at least 0.")
    return float(value)


def _waivers(value: Any, where: str) -> dict[str, dict[str, Any]]:
    if not isinstance(value, list):
        raise InputError(f"{where}: waivers must be a list of tables: [[waivers]].")
    found: dict[str, dict[str, Any]] = {}
    for entry in value:
        waiver = _table(entry, f"{where}: a waiver")
        _known(waiver, ("gate", "who", "why", "until"), f"{where}: a waiver")
        gate = waiver.get("gate")
        if gate not in GATES:
            raise InputError(f"{where} waives a gate {gate!r}, which does not exist.\nGates: {', '.join(GATES)}.")
        if gate in HARD:
            raise InputError(f"{where} waives {gate}. It cannot be waived: the claim itself rests on it.")
        until = waiver.get("until")
        if isinstance(until, str):
            until = _date(until, f"{where}: the waiver of {gate}: until")
        if until is not None and type(until) is not date:
            raise InputError(f"{where}: the waiver of {gate}: until must be a date such as 2030-01-31.")
        found[gate] = {
            "who": _text(waiver.get("who"), f"{where}: the waiver of {gate}: who"),
            "why": _text(waiver.get("why"), f"{where}: the waiver of {gate}: why"),
            "until": None if until is None else until.isoformat(),
        }
    return found


def _date(value: str, where: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise InputError(f"{where} must be a date such as 2030-01-31.") from None


def _about(value: Mapping[str, Any], where: str) -> dict[str, Any]:
    _known(value, ABOUT, where)
    found: dict[str, Any] = {}
    for name, said in value.items():
        if name in _LISTS:
            if not isinstance(said, list):
                raise InputError(f"{where}.{name} must be a list of texts.")
            found[name] = [_text(entry, f"{where}.{name}") for entry in said]
        else:
            found[name] = said.isoformat() if type(said) is date else _text(said, f"{where}.{name}")
    return found
