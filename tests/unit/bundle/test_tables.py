"""The synthetic table survives its file."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from dpsynth.bundle.tables import FORMATS, format_of, missing_text, read_table, write_table
from dpsynth.domain.columns import Boolean, Category, Datetime, Identifier, Integer, Real
from dpsynth.domain.table import Domain
from dpsynth.errors import InputError

DOMAIN = Domain(
    (
        Identifier(name="id"),
        Category(name="code", values=("01", "1", 'a"b', "c,d", "NA", "ü\nx")),
        Boolean(name="ok"),
        Integer(name="age", minimum=0, maximum=99),
        Real(name="pay", minimum=0.0, maximum=1.0),
        Datetime(
            name="day", minimum=datetime.fromisoformat("2020-01-01"), maximum=datetime.fromisoformat("2021-01-01")
        ),
    )
)


def _frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["1", "2", "3"],
            "code": ["01", None, 'a"b'],
            "ok": pd.array([True, None, False], dtype="boolean"),
            "age": pd.array([1, None, 99], dtype="Int64"),
            "pay": [0.1, None, 1.0],
            "day": pd.to_datetime(["2020-01-02", None, "2020-12-31"]),
        }
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_cells_survive(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    write_table(_frame(), path, domain=DOMAIN, format=kind)
    back = read_table(path, domain=DOMAIN, format=kind)
    assert list(back.columns) == list(DOMAIN.names)
    for name in DOMAIN.names:
        given = [None if pd.isna(v) else v for v in _frame()[name]]
        assert [None if pd.isna(v) else v for v in back[name]] == given, name


def test_whole_numbers_and_booleans_keep_plain_types_where_nothing_is_missing(tmp_path: Path) -> None:
    domain = DOMAIN.select(["ok", "age"])
    frame = pd.DataFrame({"ok": [True, False], "age": [1, 2]})
    write_table(frame, tmp_path / "t.csv", domain=domain, format="csv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv", domain=domain, format="csv"), frame)


def test_odd_texts_survive_a_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"code": list(DOMAIN["code"].values)})  # type: ignore[attr-defined]
    domain = DOMAIN.select(["code"])
    write_table(frame, tmp_path / "t.csv", domain=domain, format="csv")
    assert list(read_table(tmp_path / "t.csv", domain=domain, format="csv")["code"]) == list(frame["code"])


@pytest.mark.parametrize(("texts", "written"), [(("",), ""), (("?",), "?"), ((), ""), (("?", ""), "")])
def test_a_missing_cell_is_written_as_the_domain_reads_it(tmp_path: Path, texts: tuple[str, ...], written: str) -> None:
    domain = Domain((Category(name="a", values=("x",)), Category(name="b", values=("x",))), missing_values=texts)
    assert missing_text(domain) == written
    write_table(pd.DataFrame({"a": ["x", None], "b": ["x", "x"]}), tmp_path / "t.csv", domain=domain, format="csv")
    assert (tmp_path / "t.csv").read_text() == f"a,b\nx,x\n{written},x\n"


def test_the_format_comes_from_the_name() -> None:
    assert format_of(Path("a.CSV")) == "csv"
    assert format_of(Path("a.b.parquet")) == "parquet"
    with pytest.raises(InputError, match=r"Cannot tell the format of a\.txt\.\nEnd the name in \.csv or \.parquet\."):
        format_of(Path("a.txt"))
