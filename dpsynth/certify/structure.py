"""What can be checked of a release without its data: the charges, the draws and the noisy answers must fit each other.

Every check is a function of published files, so whoever holds the bundle repeats it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.accounting.events import Composed, event_from_json, event_to_json
from dpsynth.accounting.quantities import Delta, format_epsilon_up
from dpsynth.domain.canonical import canonical_json
from dpsynth.domain.unit import NeighbouringRelation, PrivacyUnit
from dpsynth.errors import DpsynthError

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["Answer", "Check", "chain_of", "check_structure", "charged_event", "read_answers"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, whether it held, and a public sentence."""

    name: str
    passed: bool
    note: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"name": self.name, "passed": self.passed, "note": self.note}


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A released noisy answer as the bundle stores it: facts of `Measurement` and its array."""

    name: str
    clique: tuple[str, ...]
    sigma: float
    mechanism: str
    event_id: str
    private: bool
    groupings: tuple[str, ...]
    values: np.ndarray


def read_answers(bundle: Bundle) -> tuple[Answer, ...]:
    """The noisy answers in the bundle's model folder; none where the model keeps them in another way.

    Guarantee: post-processing.
    """
    import json

    from safetensors import SafetensorError
    from safetensors.numpy import load

    folder = bundle.path / "model"
    try:
        facts = json.loads((folder / "model.json").read_bytes())["measurements"]
        arrays = load((folder / "arrays.safetensors").read_bytes())
        return tuple(
            Answer(
                name=str(m["name"]),
                clique=tuple(m["clique"]),
                sigma=float(m["sigma"]),
                mechanism=str(m["mechanism"]),
                event_id=str(m["event_id"]),
                private=bool(m["private"]),
                groupings=tuple(m["groupings"]),
                values=arrays[f"measurement.{position}"],
            )
            for position, m in enumerate(facts)
        )
    except (OSError, ValueError, KeyError, TypeError, SafetensorError):
        return ()


def charged_event(facts: Mapping[str, Any]) -> Composed:
    """All charges of the ledger extract as one event.

    Raises:
        AccountingError: an event that this version does not know.
    """
    return Composed(tuple(event_from_json(charge["event"]) for charge in facts["ledger"]["charges"]))


def chain_of(facts: Mapping[str, Any]) -> list[str]:
    """A running SHA-256 (hex) over the charges and draws of the extract, in their order, from the release id on."""
    link = hashlib.sha256(str(facts["release_id"]).encode()).hexdigest()
    links = []
    for entry in (*facts["ledger"]["charges"], *facts["ledger"]["draws"]):
        link = hashlib.sha256(link.encode() + canonical_json(entry)).hexdigest()
        links.append(link)
    return links


def check_structure(facts: Mapping[str, Any], answers: Sequence[Answer]) -> list[Check]:
    """All checks, in a fixed order; each holds or does not, none raises.

    Args:
        facts: of release.json.
        answers: from `read_answers`.
    """
    named = {
        "epsilon": lambda: _epsilon(facts),
        "draws fit charges": lambda: _draws(facts),
        "sensitivity": lambda: _sensitivities(facts),
        "answers are the draws'": lambda: _answers(facts, answers),
        "whole numbers": lambda: _whole_numbers(answers),
        "entropy": lambda: _entropy(facts, answers),
        "number of rows": lambda: _rows(facts),
    }
    found = []
    for name, check in named.items():
        try:
            passed, note = check()
        except (DpsynthError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            passed, note = False, f"cannot be checked: the extract lacks what is needed ({type(error).__name__})"
        found.append(Check(name, passed, note))
    return found


def _relation(facts: Mapping[str, Any]) -> NeighbouringRelation:
    return NeighbouringRelation(facts["ledger"]["relation"])


def _epsilon(facts: Mapping[str, Any]) -> tuple[bool, str]:
    from dpsynth.accounting.certify import epsilon_up

    stated = facts["guarantee"]
    same = stated["relation"] == facts["ledger"]["relation"] and stated["unit"] == facts["ledger"]["unit"]
    delta = stated["certified"]["delta"]
    cost = epsilon_up(charged_event(facts), Delta(delta), _relation(facts)).epsilon
    found = format_epsilon_up(cost)
    fits = cost <= stated["promised"]["epsilon"] and delta == stated["promised"]["delta"]
    agrees = same and fits and float(found) <= float(stated["certified"]["epsilon"])
    return agrees, f"recomputed from the charges: {found} at delta {delta:g}; stated: {stated['certified']['epsilon']}"


def _draws(facts: Mapping[str, Any]) -> tuple[bool, str]:
    from dpsynth.gate.allowance import Allowance

    extract = facts["ledger"]
    purses = [Allowance(event_from_json(charge["event"])) for charge in extract["charges"]]
    seen: set[tuple[int, int]] = set()
    for made in sorted(extract["draws"], key=lambda draw: (draw["charge"], draw["index"])):
        place = (made["charge"], made["index"])
        if place in seen or not 0 <= made["index"] < extract["charges"][made["charge"]]["draws"]:
            return False, "a draw is listed twice, or was never made under its charge"
        seen.add(place)
        purses[made["charge"]].take(event_from_json(made["event"]), made["draws"])
    unused = sum(charge["draws"] for charge in extract["charges"]) - len(seen)
    said = f"{len(seen)} draws under {len(purses)} charge(s), each paid for by its charge"
    return True, said + (f"; {unused} more were paid for and are not in the release" if unused else "")


def _sensitivities(facts: Mapping[str, Any]) -> tuple[bool, str]:
    from dpsynth.gate import QueryShape, event_of
    from dpsynth.gate.mechanisms import mechanism_from_json

    unit = PrivacyUnit.parse(facts["ledger"]["unit"])
    for made in facts["ledger"]["draws"]:
        query = made["query"]
        if query["kind"] == "paritysums":
            shape = QueryShape("parities", sum(count for _, count in query["orders"]))
        else:
            shape = QueryShape(query["kind"], len(query["cliques"]), tuple(query.get("weights", ())))
        wanted = event_of(shape, mechanism_from_json(made["mechanism"]), unit, _relation(facts))
        if event_to_json(wanted) != made["event"]:
            return False, "a draw was accounted for with another sensitivity than its question has"
    return True, "the event of every draw is the one that its question, noise, unit and relation give"


def _answers(facts: Mapping[str, Any], answers: Sequence[Answer]) -> tuple[bool, str]:
    if not answers:
        return False, "the model stores no answers"
    stored: dict[str, list[bytes]] = {}
    for answer in answers:
        stored.setdefault(answer.event_id, []).append(np.ascontiguousarray(answer.values, "<i8").tobytes())
    draws = {made["event_id"]: made["answer"] for made in facts["ledger"]["draws"]}
    if set(stored) - set(draws):
        return False, "the model holds an answer that no draw of the ledger gave: a call without a charge"
    whole = [name for name, parts in stored.items() if hashlib.sha256(b"".join(parts)).hexdigest() == draws[name]]
    if len(whole) != len(stored):
        return False, "an answer in the model differs from the one that the ledger committed"
    return True, f"{len(answers)} answers of {len(stored)} draws have the digests that the ledger committed"


def _whole_numbers(answers: Sequence[Answer]) -> tuple[bool, str]:
    if not answers or any(answer.values.dtype.kind != "i" for answer in answers):
        return False, "an answer is not stored as whole numbers"
    return True, "every released number is an integer: no floating-point channel"


def _entropy(facts: Mapping[str, Any], answers: Sequence[Answer]) -> tuple[bool, str]:
    extract = facts["ledger"]
    marks = [facts["private"], *(c["private"] for c in extract["charges"]), *(d["private"] for d in extract["draws"])]
    if not all(mark is True for mark in marks) or not all(answer.private for answer in answers):
        return False, "NOT PRIVATE: noise came from a test seed"
    if foreign := {draw["mechanism"]["bridge"] for draw in extract["draws"] if draw["query"]["kind"] == "foreign"}:
        return False, f"drawn by foreign code ({', '.join(sorted(foreign))}): its claim is not checked, nor its noise"
    return True, "all noise came from the operating system"


def _rows(facts: Mapping[str, Any]) -> tuple[bool, str]:
    asked, made = facts["request"]["rows"], facts["sampling"]["rows"]
    if asked is not None:
        return made == asked, "the number of synthetic rows was chosen"
    if foreign := [d["query"]["rows"] for d in facts["ledger"]["draws"] if d["query"]["kind"] == "foreign"]:
        return foreign == [made], "the number of synthetic rows was chosen with the generator"
    total = facts["model"].get("total")
    if not isinstance(total, (int, float)):
        return False, "the number of synthetic rows is neither chosen nor a noisy answer"
    return made == max(0, round(total)), "the number of synthetic rows is the estimate from noisy answers"
