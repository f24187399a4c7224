"""Laws of the engines: the same table gives the same counts and the same identity, wherever it lies and however typed."""

from __future__ import annotations

import gzip
import itertools
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpsynth.domain.columns import Boolean, Category, Datetime, Grid, Integer, Outside, Real, Resolution
from dpsynth.domain.table import Domain
from dpsynth.encoding.groupings import merge_adjacent
from dpsynth.engines.delimited import readable_lines
from dpsynth.engines.open import open_engine
from tests.laws.naive import naive_codes
from tests.laws.plain_csv import plain_fields

DOMAIN = Domain(
    (
        Category(name="word", values=("a", "b c", "ü", "d,e", 'f"g'), outside=Outside.OTHER),
        Category(name="code", values=("0", "1", "22")),
        Boolean(name="flag"),
        Integer(name="age", minimum=0, maximum=99),
        Integer(name="money", minimum=0, maximum=10_000, special=(0,), grid=Grid("log")),
        Real(name="share", minimum=-1.0, maximum=1.0),
        Datetime(name="when", minimum=datetime(2020, 1, 1), maximum=datetime(2021, 1, 1), resolution=Resolution.HOUR),
    )
)
KEY = bytes(range(32))

rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b c", "ü", "d,e", 'f"g', "unseen", "-"]) | st.none(),
        st.sampled_from([0, 1, 22, 3]) | st.none(),
        st.booleans() | st.none(),
        st.integers(-5, 120) | st.none(),
        st.integers(0, 20_000) | st.none(),
        st.floats(-1.5, 1.5, width=32).map(lambda x: round(x, 3)) | st.none(),
        st.datetimes(datetime(2019, 12, 1), datetime(2021, 2, 1)).map(lambda t: t.replace(microsecond=0)) | st.none(),
    ),
    max_size=15,
)


def forms(table: list[tuple[Any, ...]], folder: Path) -> dict[str, Any]:
    """The same rows as every kind of table."""
    objects = pd.DataFrame(table, columns=list(DOMAIN.names), dtype=object)
    typed = pd.DataFrame(
        {
            "word": pd.array(objects["word"], dtype="string"),
            "code": pd.array(objects["code"], dtype="Int16"),
            "flag": pd.array(objects["flag"], dtype="boolean"),
            "age": pd.to_numeric(objects["age"]).astype("float64"),
            "money": pd.array(objects["money"], dtype="Int64"),
            "share": objects["share"].astype("float64"),
            "when": pd.to_datetime(objects["when"]).astype("datetime64[ms]"),
        }
    )
    categories = objects.astype("category")
    zoned = typed.assign(when=typed["when"].dt.tz_localize("UTC").dt.tz_convert("America/New_York"))
    arrow = pa.Table.from_pandas(typed, preserve_index=False)
    files = {
        name: folder / name for name in ("a.csv", "b.csv.gz", "c.parquet", "d.parquet", "e.tsv", "one.csv", "two.csv")
    }
    objects.to_csv(files["a.csv"], index=False)
    files["b.csv.gz"].write_bytes(gzip.compress(zoned.to_csv(index=False).encode()))
    objects.to_csv(files["e.tsv"], index=False, sep="\t")
    parquet.write_table(arrow, files["c.parquet"])
    texts = pa.table(
        {name: [None if v is None else str(v) for v in objects[name]] for name in DOMAIN.names}, schema=None
    )
    parquet.write_table(texts, files["d.parquet"])
    objects[:1].to_csv(files["one.csv"], index=False)
    objects[1:].to_csv(files["two.csv"], index=False)
    return {
        "objects": objects,
        "typed": typed.set_index("word", drop=False),
        "categories": categories,
        "zoned": zoned,
        "reversed": objects[::-1][list(reversed(DOMAIN.names))],
        "with more columns": typed.assign(more=1),
        "records": [{k: v for k, v in row.items() if v is not None} for row in objects.to_dict("records")],
        "arrow": arrow,
        "arrow in chunks": pa.concat_tables([arrow[:1], arrow[1:]]),
        "arrow texts": texts,
        "polars": pl.from_arrow(arrow),
        **{name: path for name, path in files.items() if name not in ("one.csv", "two.csv")},
        "two files": [files["one.csv"], str(files["two.csv"])],
    }


@given(rows)
@settings(max_examples=12)
def test_every_form_of_a_table_gives_the_same_counts_and_identity(table: list[tuple[Any, ...]]) -> None:
    cliques = [
        (),
        *((name,) for name in DOMAIN.names),
        ("word", "code"),
        ("age", "flag"),
        ("when", "word"),
        ("share", "flag"),
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name, source in forms(table, Path(folder)).items():
            engine = open_engine(source, DOMAIN)
            groupings = {"when": merge_adjacent(engine.encoder.by_name("when"), 20)}
            identity = engine.fingerprint(KEY)
            found[name] = engine.counts(cliques, groupings), identity.digest, identity.sketch.tolist()
        counts, digest, sketch = found["objects"]
        assert int(counts[0]) == len(table)
        for name, (other, other_digest, other_sketch) in found.items():
            for clique, a, b in zip(cliques, counts, other, strict=True):
                assert np.array_equal(a, b), (name, clique)
            assert other_digest == digest, name
            assert other_sketch == sketch, name
    encoder = open_engine(pd.DataFrame(columns=list(DOMAIN.names)), DOMAIN).encoder
    for j, column in enumerate(encoder.columns):
        codes = naive_codes(column, [row[j] for row in table])
        grouped = merge_adjacent(column, 20).cells[codes] if column.column.name == "when" else codes
        assert counts[1 + j].tolist() == np.bincount(grouped, minlength=len(counts[1 + j])).tolist()


lines = st.lists(
    st.binary(max_size=12)
    | st.lists(
        st.sampled_from([b",", b'"', b'""', b"a", b"b c", b"\xff", b"\x00", b"\r", b" ", b"1", b'"x"', b'"d,e"']),
        max_size=9,
    ).map(b"".join)
)


@given(lines.map(lambda found: [line.replace(b"\n", b"") for line in found]), st.integers(1, 4))
@settings(max_examples=400)
def test_lines_are_judged_as_their_plain_twin_judges_them(found: list[bytes], width: int) -> None:
    block = b"".join(line + b"\n" for line in found)
    kept = [plain_fields(line, b",", width) for line in found]
    expected = sum(fields is not None for fields in kept)
    clean = readable_lines(block, ",", width) if block else b""
    assert clean.count(b"\n") == expected
    alone = b"".join(readable_lines(line + b"\n", ",", width) for line in found)
    assert clean == alone


@pytest.mark.parametrize("width", [1, 2, 3])
@given(found=lines)
@settings(max_examples=60)
def test_a_csv_file_is_the_sum_of_its_lines(width: int, found: list[bytes]) -> None:
    """No line, however broken, changes how another one is read."""
    domain = Domain(tuple(Category(name=f"c{j}", values=("a", "b c", "1", "x", "d,e", '"')) for j in range(width)))
    header = b",".join(name.encode() for name in domain.names)
    found = [line.replace(b"\n", b"") for line in found]
    kept = [fields for line in found if (fields := plain_fields(line, b",", width)) is not None]
    cliques = [(), *((name,) for name in domain.names)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(b"\n".join([header, *found]))
        counts = open_engine(path, domain).counts(cliques, {})
    assert int(counts[0]) == len(kept)
    encoder = open_engine([], domain).encoder
    for j, column in enumerate(encoder.columns):
        codes = naive_codes(column, [fields[j] for fields in kept])
        assert counts[1 + j].tolist() == np.bincount(codes, minlength=column.size).tolist()


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 80), st.integers(0, 2**32), st.booleans(),
    st.integers(1, 4),
)  # fmt: skip
@settings(max_examples=100)
def test_kernel_equals_a_loop(sizes: list[int], count: int, seed: int, everything: bool, batches: int) -> None:
    from dpsynth.engines.kernel import Counter

    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, size, count).astype(np.uint8) for size in sizes]
    places = range(len(sizes))
    cliques = [c for r in range(len(sizes) + 1) for c in itertools.permutations(places, r)]
    if not everything:
        cliques = [cliques[i] for i in rng.choice(len(cliques), min(3, len(cliques)), replace=False)]
    counter = Counter(sizes, cliques)
    for part in np.array_split(np.arange(count), batches):
        counter.add([column[part] for column in columns], rows=len(part))
    for clique, flat in zip(cliques, counter.split(), strict=True):
        slow = np.zeros([sizes[j] for j in clique], np.int64)
        for i in range(count):
            slow[tuple(columns[j][i] for j in clique)] += 1
        assert flat.dtype == np.int64
        assert flat.tolist() == slow.ravel().tolist()
