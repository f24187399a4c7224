from __future__ import annotations

import tomllib

import pytest
from hypothesis import given

from dpsynth.domain import from_dict
from dpsynth.domain.keys import closest, key_name, quote, shorten
from dpsynth.errors import DomainError
from tests.unit.domain.strategies import texts


@given(texts)
def test_quoted_texts_and_keys_read_back(text: str) -> None:
    assert tomllib.loads(f"a = {quote(text)}") == {"a": text}
    assert tomllib.loads(f"{key_name(text)} = 1") == {text: 1}


def test_keys_are_bare_where_they_can_be() -> None:
    assert [key_name(text) for text in ("age", "hours-per-week", "a b", "", "é")] == [
        "age", "hours-per-week", '"a b"', '""', '"é"',
    ]  # fmt: skip


@given(texts.map(lambda text: text * 30))
def test_shortened_texts_fit_one_line(text: str) -> None:
    assert len(shorten(text)) <= 60
    assert len(shorten(text).splitlines()) <= 1


def test_closest_is_near_or_nothing() -> None:
    assert closest("Minimun", ("minimum", "maximum")) == "minimum"
    assert closest("zzz", ("minimum", "maximum")) is None


@pytest.mark.parametrize(
    "plain", [{"a\n\n\nb": 1}, {"columns": {"a\n\n\nb": {}}}, {"columns": {"a": {"kind": "\n\n\n"}}}]
)
def test_line_ends_in_a_file_make_no_lines_in_a_message(plain: dict[str, object]) -> None:
    with pytest.raises(DomainError) as refused:
        from_dict(plain)
    assert str(refused.value).count("\n") < 3
