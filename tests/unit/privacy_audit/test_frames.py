"""One encoding for all tables, from any frame, and clear words where that is impossible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from privacy_audit.errors import HoldoutError, InputError
from privacy_audit.frames import align, hash_rows, shared_rows, stack


def mixed(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), "D")
    return pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "whole": rng.integers(0, 3, n),
            "text": rng.choice(["x", "y ", "z", None], n),
            "day": days,
            "flag": rng.random(n) < 0.5,
            "listed": pd.Categorical(rng.choice(["p", "q"], n)),
            "nothing": np.full(n, np.nan),
        }
    )


REAL, SYNTHETIC, HOLDOUT = mixed(60, 1), mixed(50, 2), mixed(40, 3)


def _sources(folder: Path) -> dict[str, Any]:
    REAL.to_csv(folder / "real.csv", index=False)
    REAL.to_parquet(folder / "real.parquet")
    relation = duckdb.sql("select * from frame", connection=_connected(REAL))
    return {
        "polars": pl.from_pandas(REAL),
        "lazy": pl.from_pandas(REAL).lazy(),
        "arrow": pa.Table.from_pandas(REAL),
        "duckdb": relation,
        "csv": folder / "real.csv",
        "parquet": str(folder / "real.parquet"),
        "shuffled index": REAL.set_index(np.arange(60) // 2),
        "objects": REAL.astype({"whole": float, "listed": object}),
    }


def _connected(frame: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.register("frame", frame)
    return connection


def test_any_frame_gives_the_same_arrays(tmp_path: Path) -> None:
    expected = align(REAL, SYNTHETIC, holdout=HOLDOUT)
    assert [c.kind for c in expected.columns] == [
        "number", "number", "category", "number", "category", "category", "number",
    ]  # fmt: skip
    for name, source in _sources(tmp_path).items():
        found = align(source, SYNTHETIC, holdout=HOLDOUT)
        assert found.columns == expected.columns, name
        np.testing.assert_allclose(found.real.numbers, expected.real.numbers, err_msg=name)
        np.testing.assert_array_equal(found.real.codes, expected.real.codes, err_msg=name)


def test_values_are_the_union_and_missing_has_its_own_code() -> None:
    tables = align(pd.DataFrame({"a": ["x", None]}), pd.DataFrame({"a": ["y", " x "]}))
    (column,) = tables.columns
    assert column.values == ("x", "y")
    assert column.size == 3
    assert tables.real.codes[:, 0].tolist() == [0, 2]
    assert tables.synthetic.codes[:, 0].tolist() == [1, 0]
    assert tables.real.frame()["a"].isna().tolist() == [False, True]


def test_swapping_members_and_holdout_changes_no_code() -> None:
    one, two = align(REAL, SYNTHETIC, holdout=HOLDOUT), align(HOLDOUT, SYNTHETIC, holdout=REAL)
    assert one.columns == two.columns
    assert two.holdout is not None
    np.testing.assert_array_equal(hash_rows(one.real), hash_rows(two.holdout))


def test_numbers_written_as_texts_meet_numbers() -> None:
    tables = align(pd.DataFrame({"a": [1, 2, 3]}), pd.DataFrame({"a": ["1.0", " 2", "x"]}))
    assert tables.columns[0].values == ("1", "1.0", "2", "3", "x") or tables.columns[0].kind == "category"
    clean = align(pd.DataFrame({"a": [1, 2, 3]}), pd.DataFrame({"a": ["1.0", " 2", "3"]}))
    assert clean.columns[0].kind == "number"
    np.testing.assert_array_equal(clean.real.numbers, clean.synthetic.numbers)


def test_texts_of_many_numbers_are_numbers_and_of_few_are_categories() -> None:
    many = pd.DataFrame({"a": [str(i) for i in range(30)], "b": [str(i % 3) for i in range(30)]})
    kinds = [column.kind for column in align(many, many).columns]
    assert kinds == ["number", "category"]


def test_infinite_numbers_are_cut_to_the_scale() -> None:
    tables = align(pd.DataFrame({"a": [0.0, np.inf, 5.0]}), pd.DataFrame({"a": [-np.inf, 1.0]}))
    assert tables.real.numbers[:, 0].tolist() == [0.0, 5.0, 5.0]
    assert tables.synthetic.numbers[:, 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("form", ["mapping", "toml", "json", "list of columns"])
def test_a_public_domain_fixes_kinds_values_and_bounds(form: str, tmp_path: Path) -> None:
    domain: Any = {"a": ["2", "1"], "b": (0, 10)}
    if form == "toml":
        (tmp_path / "d.toml").write_text("[columns.a]\nvalues = ['2', '1']\n[columns.b]\nminimum = 0\nmaximum = 10\n")
        domain = tmp_path / "d.toml"
    elif form == "json":
        (tmp_path / "d.json").write_text('{"columns": {"a": {"values": [2, 1]}, "b": {"low": 0, "high": 10}}}')
        domain = str(tmp_path / "d.json")
    elif form == "list of columns":
        domain = {"columns": [{"name": "a", "values": [2, 1]}, {"name": "b", "min": 0, "max": 10}]}
    rows = pd.DataFrame({"a": [1, 2, 3], "b": [1.0, 99.0, None]})
    tables = align(rows, rows, domain=domain)
    assert tables.columns[0].values == ("2", "1", "3")  # a value outside the domain is not dropped in silence
    assert (tables.columns[1].low, tables.columns[1].high) == (0.0, 10.0)
    assert tables.real.numbers[:2, 0].tolist() == [1.0, 10.0]


def test_wrong_tables_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The synthetic table has other columns: missing 'flag'; unknown none\."):
        align(REAL, SYNTHETIC.drop(columns="flag"))
    with pytest.raises(InputError, match="The synthetic table has no rows"):
        align(REAL, SYNTHETIC.iloc[:0])
    with pytest.raises(InputError, match=r"cannot be read \(FileNotFoundError\)"):
        align(tmp_path / "none.csv", SYNTHETIC)
    with pytest.raises(InputError, match=r"cannot be read \(TypeError\)"):
        align(3, SYNTHETIC)
    with pytest.raises(InputError, match="two columns of one name"):
        align(pd.concat([REAL, REAL], axis=1), SYNTHETIC)
    with pytest.raises(InputError, match="No synthetic table was given"):
        align(REAL, None)
    with pytest.raises(InputError, match="no column to audit"):
        align(REAL, SYNTHETIC, columns=[])
    with pytest.raises(InputError, match=r"domain none\.toml cannot be read"):
        align(REAL, SYNTHETIC, domain=tmp_path / "none.toml")
    with pytest.raises(InputError, match="'number' is not understood"):
        align(REAL, SYNTHETIC, domain={"number": 3})
    with pytest.raises(InputError, match="'number' is no number"):
        align(REAL, SYNTHETIC, domain={"number": {"minimum": "low"}})


def test_columns_may_be_chosen() -> None:
    assert [c.name for c in align(REAL, SYNTHETIC.drop(columns="flag"), columns=["whole", "text"]).columns] == [
        "whole",
        "text",
    ]


def test_overlap_of_members_and_holdout_is_refused_unless_told() -> None:
    with pytest.raises(HoldoutError, match="The real and holdout tables share 60 rows"):
        align(REAL, SYNTHETIC, holdout=REAL)
    with pytest.raises(HoldoutError, match="holdout and reference"):
        align(REAL, SYNTHETIC, holdout=HOLDOUT, reference=HOLDOUT)
    assert align(REAL, SYNTHETIC, holdout=REAL, check_disjoint=False).holdout is not None


def test_natural_twins_are_no_overlap_but_are_told() -> None:
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.choice(["a", "b"], (300, 3)), columns=list("abc"))
    tables = align(rows[:100], rows[200:], holdout=rows[100:200])
    assert tables.notes == ("rows of holdout that also occur in real: 100, no more than natural twins explain",)
    assert tables.holdout is not None
    assert shared_rows(tables.real, tables.holdout)[0] == 100


def test_a_unit_column_proves_disjointness() -> None:
    first, second = REAL.assign(person=range(60)), HOLDOUT.assign(person=range(60, 100))
    tables = align(first, SYNTHETIC, holdout=second, unit="person")
    assert "person" not in [c.name for c in tables.columns]
    with pytest.raises(HoldoutError, match="share units of 'person'"):
        align(first, SYNTHETIC, holdout=second.assign(person=range(40)), unit="person")
    with pytest.raises(InputError, match="The real table has no unit column 'person'"):
        align(REAL, SYNTHETIC, unit="person")


def test_rows_hash_by_content() -> None:
    tables = align(REAL, SYNTHETIC)
    twice = stack(tables.real, tables.real)
    assert (hash_rows(twice)[:60] == hash_rows(twice)[60:]).all()
    assert len(np.unique(hash_rows(tables.real))) == 60
    zero = align(pd.DataFrame({"a": [0.0, -0.0]}), pd.DataFrame({"a": [np.nan, np.nan]}))
    assert len(np.unique(hash_rows(zero.real))) == len(np.unique(hash_rows(zero.synthetic))) == 1


def test_select_and_restrict_keep_rows_and_columns_together() -> None:
    tables = align(REAL, SYNTHETIC)
    part = tables.real.select(np.array([5, 3])).restrict(["text", "number"])
    assert [c.name for c in part.columns] == ["number", "text"]
    assert part.frame()["number"].tolist() == REAL["number"].iloc[[5, 3]].tolist()


def test_a_thousand_columns() -> None:
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.normal(size=(30, 1000)))
    tables = align(wide[:15], wide[15:])
    assert tables.real.numbers.shape == (15, 1000)
    assert tables.columns[999].name == "999"
