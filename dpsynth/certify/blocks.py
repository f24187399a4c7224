"""The blocks of a certificate that describe: who, what data, which mechanism, whom one trusts, what remains.

All of it is computed from release.json, or stated by people in the policy's [about]; what neither says is "not stated".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["NOT_DONE", "NOT_STATED", "data_block", "identity_block", "mechanism_block", "residual_block", "trust_block"]

NOT_DONE = "not done"
NOT_STATED = "not stated"


def identity_block(facts: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Who publishes what, for which use (tier 1 of the deployments registry)."""
    stated = {
        name: about.get(name, NOT_STATED)
        for name in ("curator", "contact", "description", "intended_use", "prohibited_use", "publication_date")
    }
    title = facts["domain"].get("title") or NOT_STATED
    return {
        "product": about.get("product", title),
        **stated,
        "supersedes": about.get("supersedes", []),
        "approvers": about.get("approvers", []),
        "release_id": facts["release_id"],
        "release_digest": facts["digest"],
        "released": sorted(charge["date"] for charge in facts["ledger"]["charges"]),
    }


def data_block(facts: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """The table: who is protected, where every bound comes from, what is not protected."""
    guarantee = facts["guarantee"]
    add_remove = guarantee["relation"] == "add_remove"
    if facts["request"]["rows"] is not None:
        rows = "chosen by the publisher, whatever the table holds"
    else:
        rows = "the noisy estimate of the model, rounded"
    return {
        "unit": guarantee["unit"],
        "record": "one row of the table",
        "contribution": _contribution(guarantee["unit"]),
        "rows_of_the_table": "private: only noisy answers tell of it" if add_remove else "public under replace-one",
        "rows_of_the_product": {"number": facts["sampling"]["rows"], "origin": rows},
        "population": about.get("population", NOT_STATED),
        "collection_dates": about.get("collection_dates", NOT_STATED),
        "columns": [_column(column) for column in facts["domain"]["columns"]],
        "label": facts["domain"].get("label"),
        "domain_digest": facts["domain"]["digest"],
        "unprotected": [
            "the domain: names, kinds, lists of values, bounds and grids of all columns, as declared",
            "unit, neighbouring relation, budget, generator and its parameters, as chosen",
            "the date of each charge, and whether a job was replayed",
            *([] if add_remove else ["the number of rows of the table"]),
        ],
    }


def _contribution(unit: str) -> str:
    if unit.startswith("rows("):
        return f"any {unit[5:-1]} row(s) are covered by the sensitivity; nothing had to be dropped"
    return "bounded inside the engine, before anything is counted"


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "kind", "minimum", "maximum", "special", "grid", "decimals", "required", "description")
    facts = {name: column[name] for name in kept if name in column}
    if "values" in column:
        facts["values"] = len(column["values"])
    return facts | {"origin": "declared", "missing": "none allowed" if column.get("required") else "a code of its own"}


def mechanism_block(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What ran: generator, version, parameters, where noise came from, and that it is made of integers."""
    job = facts["request"]["job"]
    noises = sorted({str(made["mechanism"]["name"]) for made in facts["ledger"]["draws"]})
    return {
        "generator": job["generator"],
        "parameters": job["parameters"],
        "dpsynth": job["dpsynth"],
        "versions": facts["versions"],
        "noise": noises,
        "entropy": facts["entropy"],
        "integer_path": "counts are int64; noise is drawn as integers by exact inversion; no float touches an answer",
        "sampler_error": "at most 2^-120 in total variation per draw, summed and added to delta",
        "replay": "the same job on the same table returns the stored answers at no cost",
        "measured": len(facts["model"].get("measured", [])),
        "post_processing": "fitting, sampling, rounding, saving and reporting read noisy answers only",
        "hyper_parameters": "chosen without the rows: they are part of the job, fixed before the charge",
    }


def trust_block(facts: Mapping[str, Any], about: Mapping[str, Any], *, audited: bool) -> dict[str, Any]:
    """Whom one has to trust, and which side channels were thought of."""
    return {
        "model": "central: the curator holds the rows and runs the mechanism",
        "who_saw_rows": "the process that ran the release" + (", and an internal audit" if audited else ""),
        "access": about.get("access", NOT_STATED),
        "report_level": "public: DP facts, designs of audits, and one word for each gate",
        "side_channels": [
            _channel("floating-point noise", "closed", "integers end to end, exact samplers"),
            _channel("predictable generator", "closed", "noise comes from the operating system only"),
            _channel("errors, types, row order", "closed", "every cell has a code; foreign errors lose their words"),
            _channel("crash and retry", "closed", "charge, commit, draw; no refund"),
            _channel("time and memory of a release", "open", "who can measure the machine learns the table's size"),
            _channel("who reads the ledger file", "open", "it is as confidential as the table"),
            _channel("gates of an audit on real rows", "open", "one word each is published, without noise")
            if audited
            else _channel("gates of an audit on real rows", "closed", "no audit on real rows was done"),
        ],
        "private": facts["private"],
    }


def _channel(name: str, status: str, note: str) -> dict[str, str]:
    return {"name": name, "status": status, "note": note}


def residual_block(facts: Mapping[str, Any], *, audited: bool, signed: bool) -> dict[str, Any]:
    """What the certificate cannot say, as a list of hazards with a status."""
    hazards = [
        _channel("declared domain", "assumed", "that lists and bounds were not copied out of the rows by hand"),
        _channel("other ledgers", "assumed", "that other releases of the same people are charged to the same account"),
        _channel("correlated units", "stated", "a secret that many units share is protected as far as `groups` says"),
        _channel("machine", "assumed", "that the operating system's entropy and memory are sound"),
        _channel("attacks", "done" if audited else NOT_DONE, "attacks cannot prove privacy; they can refute a claim"),
        _channel("motivated intruder", NOT_DONE, "a person's attempt is not part of this program"),
        _channel("signature", "done" if signed else NOT_DONE, "without one, who replaces all files alike is not found"),
    ]
    return {"hazards": hazards, "warnings": list(facts["warnings"])}
