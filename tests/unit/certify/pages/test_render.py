"""Pages stand alone, load nothing, hold no script, stay small, escape what people wrote, and have no figure of an audit."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpsynth.bundle import Bundle
from dpsynth.certify import certify_bundle, internal_folder, read_policy
from dpsynth.certify.evidence import Evidence
from dpsynth.certify.pages.marginals import MOST_BARS, marginal_charts
from dpsynth.certify.pages.render import render_template
from dpsynth.certify.pages.svg import bars, curve, stacked
from dpsynth.certify.structure import read_answers
from tests.unit.certify.conftest import TODAY
from tests.unit.certify.test_writer import AUDIT

VOID = {"meta", "br", "hr", "img", "input", "link"}


class _Parser(HTMLParser):
    """Notes what a browser would load or run, and whether tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "action", "data", "srcset", "xlink:href") and not str(value).startswith("#"):
                self.loads.append(f"{tag} {name}={value}")
            if name.startswith("on"):
                self.loads.append(name)
            if name == "id":
                self.ids.append(str(value))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def _check_page(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 500_000
    page = _Parser()
    page.feed(text)
    assert page.open == []
    assert page.loads == []
    assert not {"script", "link", "iframe", "img", "object", "embed", "form"} & set(page.seen)
    assert {"main", "header", "footer", "h1", "title", "svg"} <= set(page.seen)
    assert page.seen.count("h1") == 1
    assert len(page.ids) == len(set(page.ids))
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import|@font-face", text)
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text
    assert 'lang="en"' in text
    return text


def test_the_public_page(certified: Path) -> None:
    text = _check_page(certified / "certificate" / "public.html")
    for words in ("certificate of a synthetic table", "made-up people", "Trade-off curve", "not done", "add/remove"):
        assert words in text
    assert text.count("<svg") == 3 + 3, "trade-off, profile, waterfall, and one chart for each column"
    assert "south &amp; east" in text
    assert "&lt;west&gt;" in text
    assert "<west>" not in text


def test_the_internal_page(place: Path, audited: Callable[..., Any]) -> None:
    audited(AUDIT)
    text = _check_page(internal_folder(place / "out") / "internal.html")
    assert "INTERNAL, NOT PRIVATE" in text
    assert "0.7391" in text
    audited(Evidence(source="nothing"))
    assert "Not done." in (internal_folder(place / "out") / "internal.html").read_text()


def test_the_public_page_is_the_same_whatever_an_audit_found(place: Path, audited: Callable[..., Any]) -> None:
    pages = []
    for value in (0.6, 0.8):
        found = Evidence(
            attacks=[{"name": "domias", "kind": "membership", "figures": {"auc": {"value": value}}}], nonce="0"
        )
        audited(found)
        page = (place / "out" / "certificate" / "public.html").read_text()
        pages.append(re.sub(r"[0-9a-f]{32,64}", "hash", page))
    assert pages[0] == pages[1]


def test_what_people_wrote_is_escaped(place: Path) -> None:
    (place / "p.toml").write_text('[about]\ncurator = "<script>alert(1)</script>"\ndescription = "a & b"\n')
    certify_bundle(place / "out", policy=read_policy(place / "p.toml"), today=TODAY)
    text = _check_page(place / "out" / "certificate" / "public.html")
    assert "&lt;script&gt;" in text


def test_charts_show_the_released_counts(bundle: Bundle) -> None:
    answers = read_answers(bundle)
    charts = {chart["name"]: chart for chart in marginal_charts(bundle, answers)}
    assert list(charts) == ["sex", "age", "town"]
    (sex,) = [a for a in answers if a.clique == ("sex",)]
    for value in sex.values.tolist():
        assert f"{value:,.0f} ±" in charts["sex"]["svg"]
    assert charts["age"]["svg"].count("<rect") <= MOST_BARS


def test_bounds_are_printed_rounded_up() -> None:
    from dpsynth.certify.pages.render import _figure, _up

    assert [_up(v) for v in (0.77471, 0.12340001, 0.5, 0.0, 14.42926, 1e-5)] == [
        "0.7748", "0.1235", "0.5", "0", "14.43", "1e-05",
    ]  # fmt: skip
    assert _up(None) == _up(float("inf")) == "infinite"
    assert [_figure(v) for v in (None, "", True, 3, 1.23456)] == ["–", "–", "True", "3", "1.235"]


def test_svg_of_odd_numbers() -> None:
    drawn = bars(["a<b", "x"], [-3.0, 2e9], [1.0, 5.0], title='say "this"')
    assert "a&lt;b" in drawn
    assert "&quot;this&quot;" in drawn
    assert "nan" not in bars([], [], [], title="none")
    assert 'class="chance"' in curve([(0, 0), (1, 1)], title="t", x_name="x", y_name="y", diagonal=True)
    assert stacked(["a", "b"], [0.25, 0.75], title="t").count("%") == 3
    assert np.isfinite([float(x) for x in re.findall(r'height="([\d.]+)"', drawn)]).all()


def test_a_template_that_lacks_a_value_is_an_error() -> None:
    import jinja2

    with pytest.raises(jinja2.UndefinedError):
        render_template("public.html.j2", c={})


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(d * 2 for d in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_of_every_text_colour(certified: Path) -> None:
    text = (certified / "certificate" / "public.html").read_text()
    themes = re.findall(r":root\{([^}]*)\}", text)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--(\w+):(#\w+)", theme))
        for name in ("ink", "soft", "accent", "good", "bad", "warn"):
            for back in ("back", "panel"):
                if name in colours:
                    one, other = sorted((_luminance(colours[name]), _luminance(colours[back])))
                    assert (other + 0.05) / (one + 0.05) >= 4.5, (name, back, theme)


@pytest.mark.parametrize(
    ("predicted", "said"),
    [
        ({"1": 0.0125, "2": 0.03}, "Predicted mean total variation distance, 1: 0.0125"),
        (
            {"measured": {"pairs": 3, "mean": 0.02}, "unmeasured": {"pairs": 0, "mean": None}},
            "3 measured pairs of columns: 0.02",
        ),
        ("not done", "predicted from the noise alone".capitalize()),
    ],
)
def test_predictions_of_every_form(predicted: Any, said: str, certified: Path, certificate: dict[str, Any]) -> None:
    from dpsynth.bundle import read_bundle
    from dpsynth.certify.pages.render import public_page

    bundle = read_bundle(certified)
    changed = {**certificate, "utility": {**certificate["utility"], "predicted": predicted}}
    assert said in public_page(bundle, changed, read_answers(bundle)).decode()
