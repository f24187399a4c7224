from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from dpsynth.domain import Boolean, Category, Domain, Identifier, Integer, Real
from dpsynth.domain.table import is_discrete
from dpsynth.errors import DomainError
from tests.unit.domain.strategies import domains

AGE = Integer(name="age", minimum=0, maximum=99)
SEX = Category(name="sex", values=("F", "M"))
KEY = Identifier(name="key")


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Domain(()), "A domain needs at least one column."),
        (lambda: Domain(("age",)), "The columns of a domain are Category, Boolean"),
        (lambda: Domain((AGE, AGE)), "Column 'age' is declared twice. Keep one of them."),
        (lambda: Domain((AGE,), label="sex"), "The label 'sex' is not a column of the domain. Columns: age."),
        (lambda: Domain((AGE, KEY), label="key"), "The label 'key' is an identifier, which is never read."),
        (lambda: Domain((AGE,), missing_values="NA"), "missing_values must be a list of texts."),
        (lambda: Domain((AGE,), missing_values=(3,)), "missing_values must be a list of texts."),
        (lambda: Domain((AGE,), title=None), "The title of a domain must be text."),
        (lambda: Domain((AGE,))["sex"], "There is no column 'sex' in the domain. Columns: age."),
        (lambda: Domain((AGE,)).select(["sex"]), "There is no column 'sex' in the domain."),
        (lambda: Domain((SEX,), missing_values=("", " M ")), "Column 'sex': 'M' is listed as a value and in missing_v"),
        (
            lambda: Domain((Category(name="a", values=("x",), outside="other"),), missing_values=("other",)),
            "'other' is listed as a value and in missing_values",
        ),
        (
            lambda: Domain((Integer(name="a", minimum=0, maximum=9, special=(-9,)),), missing_values=("-9",)),
            "'-9' is listed as a value and in missing_values",
        ),
        (
            lambda: Domain((Real(name="a", minimum=0, maximum=9, special=(0.5,)),), missing_values=("0.5",)),
            "'0.5' is listed as a value and in missing_values",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(DomainError) as refused:
        build()
    assert words in str(refused.value)


def test_a_domain_is_an_ordered_set_of_columns() -> None:
    domain = Domain([SEX, KEY, AGE], label="sex", missing_values=("NA", " NA", ""))
    assert domain.names == ("sex", "key", "age")
    assert domain.modelled == (SEX, AGE)
    assert len(domain) == 3
    assert list(domain) == [SEX, KEY, AGE]
    assert domain["age"] is AGE
    assert domain.missing_values == ("NA", "")
    assert domain.select(["age", "sex"]).names == ("sex", "age")
    assert domain.select(["age"]).label is None
    assert [is_discrete(column) for column in (*domain, Boolean(name="b"))] == [True, False, False, True]


@given(domains())
def test_the_digest_depends_on_everything(domain: Domain) -> None:
    again = Domain(domain.columns, domain.label, domain.missing_values, domain.title)
    assert again.digest() == domain.digest()
    assert Domain(domain.columns, domain.label, domain.missing_values, domain.title + "!").digest() != domain.digest()
    if len(domain) > 1:
        turned = Domain(domain.columns[::-1], domain.label, domain.missing_values, domain.title)
        assert turned.digest() != domain.digest()
    more = Domain((*domain.columns, Boolean(name="".join(domain.names) + "x")), missing_values=domain.missing_values)
    assert more.digest() != domain.digest()


def test_the_digest_stays_what_it_is() -> None:
    """Ledgers and models hold digests: a change of the canonical form would orphan them."""
    domain = Domain((AGE, SEX, KEY), label="sex")
    assert domain.digest() == "e55283905e4ca20b2ca6b77c8a781bd9ce579dc49d3d2c3a9856b0b29033643b"


def test_equal_bounds_have_equal_digests() -> None:
    low, high = Real(name="a", minimum=0, maximum=1), Real(name="a", minimum=-0.0, maximum=1.0)
    assert Domain((low,)).digest() == Domain((high,)).digest()
