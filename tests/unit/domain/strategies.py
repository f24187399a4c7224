"""Random valid domains, for laws."""

from __future__ import annotations

from datetime import datetime

from hypothesis import strategies as st

from dpsynth.domain import (
    AbstractColumn,
    Boolean,
    Category,
    Datetime,
    Domain,
    Grid,
    Identifier,
    Integer,
    Real,
    Resolution,
)
from dpsynth.domain.columns import Outside
from dpsynth.errors import DomainError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
names = texts.filter(lambda text: bool(text.strip()))
finite = st.floats(-1e300, 1e300)
whole = st.integers(-(2**53), 2**53)
moments = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))
clip_or_missing = st.sampled_from([Outside.CLIP, Outside.MISSING])
common = {"required": st.booleans(), "description": texts}


def grids(low: float, high: float) -> st.SearchStrategy[Grid]:
    inner = st.lists(st.floats(low, high, exclude_min=True, exclude_max=True), max_size=4, unique=True)
    edges = inner.map(lambda found: Grid("edges", edges=(low, *sorted(found), high))) if low < high else st.nothing()
    cells = st.none() | st.integers(1, 1_000_000)
    return st.builds(Grid, st.sampled_from(["equal", "log"]), cells) | edges


@st.composite
def columns(draw: st.DrawFn, name: str) -> AbstractColumn:
    kind = draw(st.sampled_from([Category, Boolean, Integer, Real, Datetime, Identifier]))
    more = {key: draw(strategy) for key, strategy in common.items()}
    if kind is Category:
        values = draw(st.lists(texts.map(str.strip).filter(bool), min_size=1, max_size=6, unique=True))
        outside = draw(st.sampled_from([Outside.MISSING, Outside.OTHER]))
        label = draw(names.map(str.strip).filter(lambda text: text not in values))
        return Category(
            name=name, values=tuple(values), outside=outside, other_label=label, ordered=draw(st.booleans()), **more
        )
    if kind is Boolean:
        return Boolean(name=name, **more)
    if kind is Identifier:
        return Identifier(name=name, prefix=draw(texts), **more)
    more["outside"] = draw(clip_or_missing)
    if kind is Datetime:
        low, high = sorted([draw(moments), draw(moments)])
        if draw(st.booleans()):
            low, high = (bound.replace(hour=0, minute=0, second=0, microsecond=0) for bound in (low, high))
        grid = Grid(cells=draw(st.none() | st.integers(1, 5000)))
        return Datetime(
            name=name, minimum=low, maximum=high, resolution=draw(st.sampled_from(Resolution)), grid=grid, **more
        )
    if kind is Integer:
        low, high = sorted([draw(whole), draw(whole)])
        special = tuple(draw(st.lists(whole, max_size=3, unique=True)))
        return Integer(name=name, minimum=low, maximum=high, special=special, grid=draw(grids(low, high)), **more)
    low, high = sorted([draw(finite), draw(finite)])
    if low == high:
        high = low + max(1.0, abs(low))
    special = tuple(draw(st.lists(finite, max_size=3, unique_by=lambda value: value + 0.0)))
    decimals = draw(st.none() | st.integers(0, 15))
    return Real(
        name=name, minimum=low, maximum=high, special=special, grid=draw(grids(low, high)), decimals=decimals, **more
    )


@st.composite
def domains(draw: st.DrawFn) -> Domain:
    found = tuple(draw(columns(name)) for name in draw(st.lists(names, min_size=1, max_size=5, unique=True)))
    labels = [None, *(column.name for column in found if not isinstance(column, Identifier))]
    label, title = draw(st.sampled_from(labels)), draw(texts)
    missing = tuple(draw(st.lists(texts, max_size=3)))
    try:
        return Domain(found, label, missing, title)
    except DomainError:  # a text that is both a value and a mark of missing cells
        return Domain(found, label, ("",), title)
