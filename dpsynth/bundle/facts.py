"""What `release.json` says: public facts only, in one fixed order, with a digest over all of them.

schema, version   what this file is; a version never changes its meaning
release_id        names the noisy answers: equal for every sampling of one release
request           what was asked: the ledger's job (dpsynth, generator, parameters, domain digest, epsilon, delta),
                  unit, relation, and rows, seed, format of the table
guarantee         unit, relation, promised and certified (epsilon rounded up, delta, accountant), the whole event
private, entropy  whether the noise came from the operating system
model             what the model says of itself: cliques, cells, estimated number of rows
steps             the budget waterfall: share of mu squared, number of answers, a sentence each
ledger            the charge of this release and the draws behind it; nothing of accounts or other charges, which depend
                  on the rows
sampling          rows and seed of the table, both public
warnings          sentences for whoever uses the table
versions          dpsynth, Python and the libraries that numbers depend on
domain            the public columns and their digest
files             bytes and SHA-256 of every other file of the folder
digest            SHA-256 of the canonical JSON of all of the above
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dpsynth.accounting.events import event_to_json
from dpsynth.accounting.quantities import Delta, format_epsilon_up
from dpsynth.domain.canonical import canonical_json
from dpsynth.errors import BundleError
from dpsynth.version import __version__

if TYPE_CHECKING:
    from dpsynth.generators.base import AbstractFittedModel, AbstractPlan

__all__ = [
    "SCHEMA",
    "VERSION",
    "budget_facts",
    "identify",
    "parse",
    "plain",
    "render",
    "step_facts",
    "versions",
]

SCHEMA = "dpsynth.release"
VERSION = 1
LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "duckdb", "dp-accounting", "narwhals", "safetensors")


def plain(value: Any) -> Any:
    """The value as plain JSON: a whitelist of types, numpy scalars included.

    Raises:
        TypeError: anything else (an object that nobody meant to publish).
    """
    if isinstance(value, (bool, int, float, str)) or value is None:
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        return value.item()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    raise TypeError(f"a value of type {type(value).__name__} has no place in a release")


def identify(request: Mapping[str, Any], model: AbstractFittedModel) -> str:
    """The release id: a hash of what was asked and of every noisy answer that was given.

    Guarantee: equal exactly when the request (without its sampling) and all answers are equal, so a replay has the
        id of the release that it replays; post-processing.
    """
    hashed = hashlib.sha256(canonical_json({k: request[k] for k in ("job", "relation", "unit")}))
    for m in model.measurements:
        values = np.ascontiguousarray(m.values)
        head = [m.name, list(m.clique), list(values.shape), str(values.dtype), m.sigma, m.mechanism, m.event_id]
        hashed.update(canonical_json(head))
        hashed.update(values.tobytes())
    return hashed.hexdigest()[:32]


def step_facts(plan: AbstractPlan) -> list[dict[str, Any]]:
    """The budget waterfall: one line per step, shares of mu squared."""
    return [
        {"name": s.name, "share": plain(s.share), "answers": plain(s.answers), "detail": s.detail} for s in plan.steps
    ]


def budget_facts(plan: AbstractPlan) -> dict[str, Any]:
    """Who is protected, what was promised, and what the event costs (epsilon rounded up)."""
    from dpsynth.accounting import epsilon_up

    certified = epsilon_up(plan.event, Delta(plan.budget.delta), plan.relation)
    return {
        "unit": str(plan.unit),
        "relation": plan.relation.value,
        "promised": {"epsilon": plan.budget.epsilon, "delta": plan.budget.delta},
        "certified": {
            "epsilon": format_epsilon_up(certified.epsilon),
            "delta": plan.budget.delta,
            "accountant": certified.accountant,
        },
        "event": event_to_json(plan.event),
    }


def versions() -> dict[str, str]:
    """Versions of dpsynth, Python and the libraries that the numbers depend on."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"dpsynth": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def render(facts: Mapping[str, Any]) -> bytes:
    """The bytes of `release.json`: the facts in their order, then a digest over them.

    Raises:
        TypeError: a value that is not plain JSON. ValueError: a number that is not finite.
    """
    body = {k: plain(v) for k, v in facts.items() if k != "digest"}
    body["digest"] = hashlib.sha256(canonical_json(body)).hexdigest()
    return (json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parse(raw: bytes, where: str, needed: Sequence[str]) -> dict[str, Any]:
    """Read `release.json` strictly.

    Args:
        raw: the bytes of the file.
        where: its name for messages.
        needed: keys that must be there.

    Raises:
        BundleError: not such a file, of another version, or not byte for byte what `render` wrote.
    """
    advice = "Restore it from a copy, or run the same release again: stored answers cost nothing."
    try:
        facts = json.loads(raw)
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
        raise BundleError(f"{where} is not a release of dpsynth, or it is damaged.\n{advice}")
    if facts.get("version") != VERSION:
        raise BundleError(f"{where} was written by another version of dpsynth.\nRead it with that version.")
    try:
        whole = render(facts) == raw
    except (TypeError, ValueError):
        whole = False
    if not whole or any(key not in facts for key in needed):
        raise BundleError(f"{where} is not what was released: its digest differs.\n{advice}")
    return facts
