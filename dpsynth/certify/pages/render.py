"""The two pages: the public one is made of the bundle's public files, the internal one holds an audit's figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dpsynth.certify.evidence import Evidence
from dpsynth.certify.pages.marginals import marginal_charts
from dpsynth.certify.pages.svg import bars, curve, stacked
from dpsynth.certify.structure import Answer

if TYPE_CHECKING:
    from dpsynth.bundle import Bundle

__all__ = ["internal_page", "public_page", "render_template"]


def public_page(bundle: Bundle, certificate: Mapping[str, Any], answers: Sequence[Answer]) -> bytes:
    """The page that goes with the release.

    Args:
        bundle: an opened release.
        certificate: what certificate.json says.
        answers: the released noisy answers.

    Guarantee: post-processing: its arguments are public, and it has no others.
    """
    return render_template(
        "public.html.j2",
        c=certificate,
        trade_off=_trade_off(certificate),
        profile=_profile(certificate),
        waterfall=_waterfall(certificate),
        charts=marginal_charts(bundle, answers),
    )


def internal_page(certificate: Mapping[str, Any], evidence: Evidence, account: Mapping[str, Any] | None) -> bytes:
    """The page about real rows. NOT PRIVATE: it stays in the house.

    Args:
        certificate: what certificate.json says.
        evidence: what the audit found.
        account: what the ledger's account has spent and has left.
    """
    return render_template(
        "internal.html.j2",
        c=certificate,
        e=evidence,
        digest=evidence.digest(),
        account=account,
        attacks=_attack_chart(evidence),
        rest=json.dumps(dict(evidence.rest), indent=1, ensure_ascii=False, default=str)[:200_000],
    )


def render_template(name: str, **values: Any) -> bytes:
    """One of the templates with everything escaped."""
    import jinja2

    folder = Path(__file__).parent / "templates"
    # An audit's report may lack a figure; a certificate lacks nothing.
    undefined = jinja2.Undefined if name.startswith("internal") else jinja2.StrictUndefined
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=undefined,
    )
    environment.filters["figure"] = _figure
    environment.filters["up"] = _up
    environment.filters["words"] = lambda value: str(value).replace("_", " ")
    return environment.get_template(name).render(**values).encode()


def _figure(value: Any, digits: int = 4) -> str:
    """A number as text; what is no number says so."""
    if value is None or str(value) == "":
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value):
        return "infinite"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"


def _up(value: Any, digits: int = 4) -> str:
    """A bound as text that is never below it, to so many significant digits."""
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return "infinite"
    if value <= 0:
        return "0"
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
    return f"{math.ceil(value / step - 1e-9) * step:.{digits}g}"


def _trade_off(certificate: Mapping[str, Any]) -> str:
    points = [(x, y) for x, y in certificate["guarantee"]["trade_off"]]
    return curve(
        points,
        title="Largest true-positive rate of any membership test against its false-positive rate",
        x_name="false-positive rate",
        y_name="largest true-positive rate (dashed: guessing)",
        diagonal=True,
    )


def _profile(certificate: Mapping[str, Any]) -> str:
    """delta (log scale, 1 down to 1e-12) against epsilon."""
    pairs = [(e, d) for e, d in certificate["guarantee"]["profile"]["delta_at_epsilon"] if e is not None]
    known = certificate["guarantee"]["epsilon"] or 1.0
    widest = max(2 * known, 0.5)

    def depth(delta: float) -> float:
        return 1 + max(-12.0, math.log10(delta)) / 12 if delta > 0 else 0.0

    points = [(min(e / widest, 1.0), depth(d)) for e, d in pairs if e <= widest]
    more = [(e / widest, depth(d)) for d, e in certificate["guarantee"]["profile"]["epsilon_at_delta"] if e is not None]
    whole = sorted({*points, *[(x, y) for x, y in more if x <= 1]})
    ticks = [(i / 4, f"{widest * i / 4:.3g}", i / 4, f"1e-{12 - 3 * i:d}" if i < 4 else "1") for i in range(5)]
    return curve(whole, title="Privacy profile: delta against epsilon", x_name="epsilon", y_name="delta", ticks=ticks)


def _waterfall(certificate: Mapping[str, Any]) -> str:
    steps = certificate["accounting"]["steps"]
    return stacked(
        [str(s["name"]) for s in steps],
        [float(s["share"]) for s in steps],
        title="Shares of the budget (mu squared) by step",
    )


def _attack_chart(evidence: Evidence) -> str | None:
    """Area under the curve of every membership attack, with its interval."""
    rows = []
    for attack in evidence.attacks:
        for name, figure in (attack.get("figures") or {}).items():
            if "auc" in str(name).lower() and isinstance(figure, Mapping) and figure.get("value") is not None:
                value = float(figure["value"])
                high = figure.get("high")
                rows.append((str(attack.get("name", "")), value, float(high) - value if high is not None else 0.0))
    if not rows:
        return None
    return bars(
        [name for name, _, _ in rows],
        [100 * value for _, value, _ in rows],
        [100 * error for _, _, error in rows],
        title="Area under the curve of membership attacks, in percent (50: guessing)",
    )
