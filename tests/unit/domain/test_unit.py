from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dpsynth.domain import NeighbouringRelation, PrivacyUnit, person, rows
from dpsynth.errors import DomainError

ADD, REPLACE = NeighbouringRelation.ADD_REMOVE, NeighbouringRelation.REPLACE_ONE


@pytest.mark.parametrize(
    ("unit", "relation", "squared_l2", "l1"),
    [(rows(1), ADD, 1, 1), (rows(1), REPLACE, 2, 2), (rows(3), ADD, 9, 3), (person("id", 3), REPLACE, 18, 6)],
)
def test_sensitivities(unit: PrivacyUnit, relation: NeighbouringRelation, squared_l2: int, l1: int) -> None:
    assert unit.squared_l2(relation) == squared_l2
    assert unit.l1(relation) == l1


@given(st.integers(1, 10**9), st.from_regex(r"[a-z_ (,)]*[a-z)]", fullmatch=True))
def test_a_unit_reads_back(size: int, column: str) -> None:
    for unit in (rows(size), person(column.strip(), size)):
        assert PrivacyUnit.parse(str(unit)) == unit


@pytest.mark.parametrize("text", ["", "rows", "rows()", "rows(x)", "rows(1", "person(1)", "person(a, b)", "table(1)"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(DomainError, match=r"Cannot read the privacy unit .*: write rows\(1\) or person"):
        PrivacyUnit.parse(text)


@pytest.mark.parametrize("size", [0, -1, 1.5, True])
def test_a_unit_has_rows(size: int) -> None:
    with pytest.raises(DomainError, match="A privacy unit needs a whole number of rows, at least 1"):
        rows(size)


def test_a_unit_is_of_a_known_kind() -> None:
    with pytest.raises(DomainError, match=r"Unknown privacy unit 'table': use rows\(k\) or person"):
        PrivacyUnit("table", 1)
