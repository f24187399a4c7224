from __future__ import annotations

import json
import tomllib

import pandas as pd
import pytest

from dpsynth.domain import Boolean, Category, Integer, read_domain
from dpsynth.domain.public import PublicFacts, from_public
from dpsynth.domain.skeleton import skeleton
from dpsynth.errors import DomainError

TYPES = [
    ("age", "int64"), ("pay", "double"), ("cost", "decimal128(5, 2)"), ("sex", "large_string"), ("ok", "bool"),
    ("born", "date32[day]"), ("seen", "timestamp[us, tz=UTC]"), ("tags", "list<item: string>"), ("span", "duration[us]"),
    ("csv", None),
]  # fmt: skip
GAPS = (
    "9 columns lack public facts: age (minimum, maximum), pay (minimum, maximum), cost (minimum, maximum), sex (values), "
    "born (minimum, maximum), seen (minimum, maximum), tags (kind), span (kind), csv (kind)."
)


@pytest.mark.parametrize("format", ["toml", "table-schema"])
def test_an_unfilled_skeleton_tells_every_gap(format: str) -> None:
    text = skeleton(TYPES, format=format)
    value = tomllib.loads(text) if format == "toml" else json.loads(text)
    with pytest.raises(DomainError) as refused:
        read_domain(value)
    assert GAPS in str(refused.value)


def test_each_gap_is_marked_in_its_line() -> None:
    text = skeleton(TYPES)
    for line in text.splitlines():
        gap = line.split("#")[0].rstrip().endswith(('= ""', "= []"))
        assert gap == ("# FILL IN:" in line), line
    assert '[columns.age]  # stored as int64\nkind = "integer"  # for codes: values = [...] instead\n' in text
    assert '[columns.ok]  # stored as bool\nkind = "boolean"\n' in text
    assert "FILL IN: the kind, then values, or minimum and maximum" in text


def test_a_filled_skeleton_is_a_domain() -> None:
    text = skeleton([("age", "int64"), ("sex", "string"), ("ok", "bool")])
    filled = (
        text.replace('minimum = ""', "minimum = 0").replace('maximum = ""', "maximum = 99").replace("[]  #", '["F"]  #')
    )
    assert list(read_domain(tomllib.loads(filled))) == [
        Integer(name="age", minimum=0, maximum=99), Category(name="sex", values=("F",)), Boolean(name="ok"),
    ]  # fmt: skip


def test_a_filled_schema_is_a_domain() -> None:
    schema = json.loads(skeleton([("age", "int64"), ("sex", "string")], format="table-schema"))
    assert schema["fields"][0]["dpsynth"]["comment"] == "stored as int64; FILL IN: constraints.minimum and maximum"
    schema["fields"][0]["constraints"] = {"minimum": 0, "maximum": 99}
    schema["fields"][1]["constraints"]["enum"] = ["F"]
    assert read_domain(schema).names == ("age", "sex")


def test_public_facts_fill_what_they_know() -> None:
    reference = pd.DataFrame({"age": range(60), "note": [f"{i} words" for i in range(30)] * 2, "more": [1] * 60})
    facts = from_public(reference)
    text = skeleton([("age", None), ("note", "string"), ("other", "bool")], facts)
    domain = read_domain(tomllib.loads(text))
    assert domain.names == ("age", "note", "other")
    assert domain["age"] == Integer(name="age", minimum=0, maximum=59)
    assert '[columns.age]  # every value differs in the reference: kind = "identifier" if this is a key' in text
    assert "declared public. Check them." in text
    assert "FILL IN" not in text


def test_refused_columns_stay_gaps() -> None:
    facts = PublicFacts({}, {"note": "free text (over 1,000 values), refused"})
    for form in ("toml", "table-schema"):
        text = skeleton([("note", "string")], facts, form)
        assert "FILL IN: free text (over 1,000 values), refused" in text


def test_messages() -> None:
    with pytest.raises(DomainError, match="A domain needs at least one column"):
        skeleton([])
    with pytest.raises(DomainError, match='Unknown skeleton format "sdv". Formats: toml, table-schema'):
        skeleton([("a", None)], format="sdv")
