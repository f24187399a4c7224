from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import pytest

from privacy_audit.report.svg import Axis, Curve, bar, plot
from privacy_audit.report.words import number, utility_groups


def test_positions_on_a_log_axis() -> None:
    axis = Axis("x", 1e-4, 1, log=True)
    assert [axis.at(v) for v in (0, 1e-4, 1e-2, 1, 5)] == pytest.approx([0, 0, 0.5, 1, 1])
    assert axis.ticks() == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1])


def test_positions_on_an_even_axis() -> None:
    assert [Axis("x", 2, 4).at(v) for v in (1, 2, 3, 4, 9)] == [0, 0, 0.5, 1, 1]
    assert Axis("x", 3, 3).at(3) == 0
    assert Axis("x", 0, 8).ticks() == [0, 2, 4, 6, 8]
    assert Axis("x", 0.45, 1.0).ticks() == [0.6, 0.8, 1.0]
    assert Axis("x", 601.3, 1020.4).ticks() == [700, 800, 900, 1000]
    assert Axis("x", 3, 3).ticks() == [3]
    assert Axis("x", -0.01, 0.0407).ticks() == [0, 0.02, 0.04]


def test_words_beside_points_at_the_right_end_go_left() -> None:
    curve = Curve("", [0.1, 1.0], [0.5, 1.0], "points", words=["left", "right"])
    root = ET.fromstring(plot(Axis("x", 0, 1), Axis("y", 0, 1), [curve], "t"))
    left, right = (text for text in root.iter("text") if text.text in ("left", "right"))
    assert "text-anchor" not in left.attrib
    assert right.attrib["text-anchor"] == "end"
    assert float(right.attrib["y"]) > 12  # not above the frame


def test_curves_become_lines_and_points_that_parse() -> None:
    curves = [
        Curve("a & b", [0, 1], [0, 1], "step"),
        Curve("limit", [0, 1], [1, 1], "dashed"),
        Curve("", [0.5], [0.5], "points", [0.4], [0.6], ["<mine>"]),
    ]
    root = ET.fromstring(plot(Axis("x", 0, 1), Axis("y < 1", 0, 1), curves, 'a "title"'.replace('"', "")))
    assert len(root.findall("polyline")) == 2
    assert len(root.findall("circle")) == 1
    words = ["".join(text.itertext()) for text in root.iter("text")]
    assert {"a & b", "<mine>", "y < 1"} <= set(words)


def test_higher_values_are_drawn_higher() -> None:
    root = ET.fromstring(plot(Axis("x", 0, 1), Axis("y", 0, 1), [Curve("", [0, 1], [0.2, 0.8])], "t"))
    line = root.find("polyline")
    assert line is not None
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in line.attrib["points"].split())
    assert x0 < x1
    assert y0 > y1


@pytest.mark.parametrize(("lost", "x"), [(0.0, 16.0), (1.0, 144.0), (0.5, 80.0)])
def test_bar_marks_the_place_between_floor_and_ceiling(lost: float, x: float) -> None:
    circle = ET.fromstring(bar(lost)).find("circle")
    assert circle is not None
    assert float(circle.attrib["cx"]) == pytest.approx(x)


def test_bar_of_an_undefined_score_has_no_mark_and_far_values_stay_inside() -> None:
    assert ET.fromstring(bar(None)).find("circle") is None
    for lost in (-9.0, 9.0):
        circle = ET.fromstring(bar(lost, -10, 10)).find("circle")
        assert circle is not None
        assert 4 < float(circle.attrib["cx"]) < 156


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0.0, "0"), (32561, "32,561"), (0.123456, "0.1235"), (1e-5, "1.0e-05"), (-2.5, "-2.5"), (1.0, "1")],
)
def test_numbers_read_well(value: float | None, text: str) -> None:
    assert number(value) == text


def test_every_score_has_one_heading() -> None:
    from privacy_audit.utility.registry import measure
    from tests.unit.privacy_audit.utility.support import aligned, people

    only = ["k_marginal", "one_way", "subgroups", "entropy", "duplicates"]
    scores = [one.to_dict() for one in measure(aligned(people(200, 9), 200), only=only)]
    groups = dict(utility_groups({"utility": [*scores, scores[0] | {"name": "unheard of"}]}))
    assert sum(len(found) for found in groups.values()) == len(scores) + 1
    assert "k_marginal_min[sex]" in [one["name"] for one in groups["Subgroups and fairness"]]
    assert [one["name"] for one in groups["Other"]] == ["unheard of"]
    assert not math.isnan(len(groups))
