"""A stored answer is returned only where it is the answer: the same encoded rows under the same domain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.accounting.quantities import Budget
from dpsynth.domain.columns import Category, Integer
from dpsynth.domain.table import Domain
from dpsynth.gate import show
from tests.gate.support import opened, run_job

COLOUR = Category(name="colour", values=("NA", "green", "blue"))
DOMAIN = Domain((COLOUR, Integer(name="size", minimum=0, maximum=4)))
LISTED = pd.DataFrame({"colour": ["NA"] * 150 + ["green"] * 150, "size": [1, 2, 3] * 100})
SETTINGS = {"domain": DOMAIN, "account": "all", "cap": Budget(epsilon=5.0, delta=1e-5)}


def _charges(ledger: Path) -> int:
    return len(show(ledger)["charges"])


REPLAYED = {
    "again": (LISTED, DOMAIN),
    "another order": (LISTED.iloc[::-1], DOMAIN),
    "as text": (LISTED.astype(str), DOMAIN),
}


@pytest.mark.parametrize("what", REPLAYED)
def test_the_same_codes_are_replayed(ledger, what) -> None:
    source, domain = REPLAYED[what]
    first = run_job(opened(ledger, LISTED, **SETTINGS))
    again = run_job(opened(ledger, source, **SETTINGS | {"domain": domain}))
    assert [a.tolist() for a in first] == [a.tolist() for a in again]
    assert _charges(ledger) == 1


ANEW = {
    "NA that is not text but missing": (LISTED.assign(colour=[None] * 150 + ["green"] * 150), DOMAIN),
    "categories in another order": (
        LISTED,
        replace(DOMAIN, columns=(Category(name="colour", values=("green", "NA", "blue")), DOMAIN.columns[1])),
    ),
    "other bounds": (LISTED, replace(DOMAIN, columns=(COLOUR, Integer(name="size", minimum=1, maximum=5)))),
    "other texts for missing": (LISTED, replace(DOMAIN, missing_values=("?",))),
    "a row less": (LISTED.iloc[1:], DOMAIN),
}


@pytest.mark.parametrize("what", ANEW)
def test_what_counts_otherwise_is_charged_anew(ledger, what) -> None:
    source, domain = ANEW[what]
    first = run_job(opened(ledger, LISTED, **SETTINGS))
    again = run_job(opened(ledger, source, **SETTINGS | {"domain": domain}))
    assert [a.tolist() for a in first] != [a.tolist() for a in again]
    assert _charges(ledger) == 2
