"""The certificate in other people's forms: a registry entry, Croissant JSON-LD, a datasheet. Nothing new is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["croissant", "datasheet", "exports", "registry_entry"]

_TYPES = {"integer": "sc:Integer", "real": "sc:Float", "boolean": "sc:Boolean", "datetime": "sc:DateTime"}


def exports(bundle: Bundle, certificate: Mapping[str, Any]) -> dict[str, bytes]:
    """File name -> bytes of all exports.

    Args:
        bundle: an opened release.
        certificate: what certificate.json says.
    """
    return {
        "registry.json": _json(registry_entry(certificate)),
        "croissant.json": _json(croissant(bundle, certificate)),
        "datasheet.md": datasheet(certificate).encode(),
    }


def _json(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def registry_entry(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """An entry for the registry of DP deployments, tiers 1 to 3."""
    identity, guarantee = certificate["identity"], certificate["guarantee"]
    accounting, mechanism = certificate["accounting"], certificate["mechanism"]
    return {
        "tier": 3,
        "curator": identity["curator"],
        "product": identity["product"],
        "description": identity["description"],
        "intended_use": identity["intended_use"],
        "publication_date": identity["publication_date"],
        "flavor": {"name": guarantee["definition"], "input_metric": guarantee["relation"]},
        "privacy_loss": {
            "unit": guarantee["unit"],
            "unit_description": certificate["data"]["contribution"],
            "epsilon": guarantee["epsilon_text"],
            "delta": guarantee["delta"],
            "rho": guarantee["rho"],
            "mu": guarantee["mu"],
        },
        "model": certificate["trust"]["model"],
        "data": {
            "population": certificate["data"]["population"],
            "columns": [column["name"] for column in certificate["data"]["columns"]],
            "unprotected_quantities": certificate["data"]["unprotected"],
        },
        "accounting": {
            "accountant": accounting["accountant"],
            "composition": accounting["composition"],
            "charges": len(accounting["charges"]),
            "draws": len(accounting["draws"]),
            "post_processing": mechanism["post_processing"],
            "prior_releases": accounting["prior_releases"],
        },
        "implementation": {
            "library": f"dpsynth {mechanism['dpsynth']}",
            "mechanisms": mechanism["noise"],
            "generator": mechanism["generator"],
            "entropy": mechanism["entropy"],
            "integer_path": mechanism["integer_path"],
        },
        "security": certificate["trust"]["side_channels"],
        "certificate": {"id": certificate["id"], "digest": certificate["digest"]},
    }


def croissant(bundle: Bundle, certificate: Mapping[str, Any]) -> dict[str, Any]:
    """Croissant 1.1 JSON-LD of the synthetic table."""
    name = bundle.table_path.name
    file = bundle.facts["files"][name]
    identity, guarantee = certificate["identity"], certificate["guarantee"]
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"rows/{column['name']}",
            "name": column["name"],
            "description": column.get("description", ""),
            "dataType": _TYPES.get(column["kind"], "sc:Text"),
            "source": {"fileObject": {"@id": "table"}, "extract": {"column": column["name"]}},
        }
        for column in certificate["data"]["columns"]
    ]
    return {
        "@context": {
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": identity["product"],
        "description": (
            f"Synthetic rows under epsilon {guarantee['epsilon_text']} at delta {guarantee['delta']:g}, "
            f"{guarantee['unit']}, {guarantee['relation']}. {identity['description']}"
        ),
        "version": certificate["id"],
        "datePublished": certificate["created"],
        "creator": {"@type": "sc:Organization", "name": identity["curator"]},
        "isLiveDataset": False,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "table",
                "name": name,
                "contentUrl": f"../{name}",
                "contentSize": f"{file['bytes']} B",
                "encodingFormat": "text/csv" if bundle.format == "csv" else "application/vnd.apache.parquet",
                "sha256": file["sha256"],
            }
        ],
        "recordSet": [{"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}],
    }


def datasheet(certificate: Mapping[str, Any]) -> str:
    """A datasheet in Markdown: the usual questions, answered from the certificate."""
    identity, data, guarantee = certificate["identity"], certificate["data"], certificate["guarantee"]
    hazards = "\n".join(f"- {h['name']} ({h['status']}): {h['note']}" for h in certificate["residual"]["hazards"])
    columns = "\n".join(f"- {c['name']}: {c['kind']}, bounds {c['origin']}" for c in data["columns"])
    unprotected = "\n".join(f"- {line}" for line in data["unprotected"])
    return f"""# Datasheet: {identity["product"]}

## Motivation
Made by: {identity["curator"]}. Contact: {identity["contact"]}.
{identity["description"]}

## Composition
Synthetic rows: {data["rows_of_the_product"]["number"]} ({data["rows_of_the_product"]["origin"]}). No row is a real one.
Population: {data["population"]}. Collected: {data["collection_dates"]}.

{columns}

## Collection and processing
Generator {certificate["mechanism"]["generator"]} of dpsynth {certificate["mechanism"]["dpsynth"]}.
{certificate["mechanism"]["post_processing"]}.

## Privacy
Epsilon {guarantee["epsilon_text"]} at delta {guarantee["delta"]:g}; unit {guarantee["unit"]}; {guarantee["relation"]}.

Not protected:

{unprotected}

## Uses
Intended: {identity["intended_use"]}. Prohibited: {identity["prohibited_use"]}.
{certificate["utility"]["note"]}.

## Maintenance
Decision: {certificate["decision"]["overall"]}. Review by {certificate["review_by"]}.

## Remaining hazards
{hazards}

Certificate {certificate["id"]}, digest {certificate["digest"]}.
"""
