"""What `open_table` accepts and refuses."""

from __future__ import annotations

import inspect
import time

import pytest

import dpsynth
from dpsynth.domain.unit import person, rows
from dpsynth.errors import InputError, SourceError
from dpsynth.gate import Performance, open_table, verify
from tests.gate.support import DOMAIN, REPLACE_ONE, frame, opened, rows_of, run_job


def test_it_is_dpsynth_open() -> None:
    assert dpsynth.open is open_table


def test_signature() -> None:
    given = inspect.signature(open_table).parameters
    assert list(given) == [
        "source", "domain", "unit", "relation", "ledger", "account", "cap", "engine", "performance", "seed_not_private",
    ]  # fmt: skip
    assert all(p.kind is p.KEYWORD_ONLY for name, p in given.items() if name != "source")


def test_the_default_ledger(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "mine.ledger"))
    table = open_table(frame(), domain=DOMAIN)
    assert table.ledger_path == (tmp_path / "mine.ledger").resolve()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": person("id", 3)}, r"person\(id, 3\) is not built yet\.\nMake one row per person"),
        ({"account": " "}, "An account needs a name that is not empty"),
        ({"seed_not_private": "7"}, "must be a whole number, or None"),
        ({"seed_not_private": True}, "must be a whole number, or None"),
    ],
)
def test_impossible_arguments(ledger, settings, message) -> None:
    with pytest.raises(InputError, match=message):
        opened(ledger, **settings)
    assert not ledger.exists()


def test_a_table_that_is_not_there_makes_no_ledger(ledger) -> None:
    with pytest.raises(SourceError):
        open_table("no-such-file.csv", domain=DOMAIN, ledger=ledger)
    assert not ledger.exists()


def test_units_of_several_rows_and_replace_one(ledger) -> None:
    table = opened(ledger, unit=rows(3), relation=REPLACE_ONE)
    assert (table.unit, table.relation) == (rows(3), REPLACE_ONE)
    assert rows_of(ledger)[0]["relation"] == "replace_one"
    assert rows_of(ledger)[1]["unit"] == "rows(3)"


def test_test_mode_stamps_everything(ledger) -> None:
    table = opened(ledger, seed_not_private=5)
    assert not table.private
    run_job(table)
    assert [body["private"] for body in rows_of(ledger) if "private" in body] == [False] * 3
    assert verify(ledger).warnings == ("Some charges were made with a test seed and are NOT PRIVATE.",)


def test_a_test_seed_repeats_and_no_seed_does_not(tmp_path) -> None:
    def values(name: str, seed: int | None) -> list[int]:
        return [int(v.sum()) for v in run_job(opened(tmp_path / name, seed_not_private=seed))]

    assert values("a", 5) == values("b", 5) != values("c", 6)
    assert values("d", None) != values("e", None)


def test_a_seeded_run_is_never_replayed_as_a_private_one(ledger) -> None:
    seeded = [v.tolist() for v in run_job(opened(ledger, seed_not_private=5))]
    assert [v.tolist() for v in run_job(opened(ledger), budget=None)] != seeded
    assert [body["private"] for body in rows_of(ledger) if body["type"] == "reserved"] == [False, True]


def test_the_engine_may_be_named_twice(ledger, tmp_path) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    for settings in ({"engine": "memory"}, {"performance": Performance(engine="memory")}):
        assert opened(ledger, tmp_path / "t.csv", **settings).account == "table-1"
    with pytest.raises(SourceError, match="Unknown engine 'spark'"):
        opened(ledger, performance=Performance(engine="spark"))


def test_opening_is_quick(ledger) -> None:
    opened(ledger)
    start = time.process_time()
    opened(ledger)
    assert time.process_time() - start < 0.5
