"""Every byte of a ledger file is accounted for, without SQLite's help."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from dpsynth.errors import LedgerError
from dpsynth.gate import verify
from dpsynth.gate.ledger import Ledger
from dpsynth.gate.ledger_schema import PAGE_SIZE
from dpsynth.gate.pages import scan
from tests.gate.support import ADD_REMOVE, PAIR, PAIR_NOISE, TINY, charge, opened, run_job


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> bytes:
    """A small ledger: an account, a sketch, a whole job, an open reservation."""
    path = tmp_path_factory.mktemp("sound") / "l.ledger"
    table = opened(path)
    run_job(table)
    table.reserve(TINY, job={"open": 1})
    return path.read_bytes()


@pytest.fixture(scope="module")
def deep(tmp_path_factory) -> bytes:
    """A ledger whose tree has an interior page and overflow pages."""
    path = tmp_path_factory.mktemp("deep") / "l.ledger"
    book = Ledger.open(path, ADD_REMOVE)
    for i in range(12):
        charge(book, name=f"{i}" + "x" * 9000, event=TINY)
    charge(book, name="y" * 100_000, event=TINY)
    return path.read_bytes()


def _problems(path: Path, image: bytes) -> tuple[str, ...]:
    path.write_bytes(image)
    path.chmod(0o600)
    return verify(path).problems


def _flip(image: bytes, at: int, by: int) -> bytes:
    return image[:at] + bytes((image[at] ^ by,)) + image[at + 1 :]


def test_a_sound_file_reads_as_sqlite_reads_it(sound, deep, tmp_path) -> None:
    import contextlib
    import sqlite3

    for image in (sound, deep):
        path = tmp_path / "copy"
        path.write_bytes(image)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            expected = connection.execute("SELECT seq, body, hash, payload FROM rows ORDER BY seq").fetchall()
        assert [(r.seq, r.text, r.hash, r.payload) for r in scan(image).rows] == expected
        assert _problems(path, image) == ()


def test_the_deep_file_has_what_it_is_for(deep) -> None:
    kinds = {deep[at] for at in range(PAGE_SIZE, len(deep), PAGE_SIZE)}
    assert {5, 13} <= kinds
    assert 0 in kinds  # an overflow page begins with the number of the next


@pytest.mark.parametrize("at", range(100))
def test_every_byte_of_the_header_counts(sound, tmp_path, at) -> None:
    for by in (1, 0x80, 0xFF):
        assert _problems(tmp_path / "l.ledger", _flip(sound, at, by)), f"header byte {at} ^ {by:#x}"


def _places(image: bytes, count: int, seed: int) -> list[int]:
    """Some of the bytes that are set, and some of those that are zero."""
    rng = np.random.default_rng(seed)
    filled = np.frombuffer(image, np.uint8) != 0
    picked = [rng.choice(np.flatnonzero(which), count, replace=False) for which in (filled, ~filled)]
    return sorted(int(at) for at in np.concatenate(picked))


@pytest.mark.parametrize("name", ["sound", "deep"])
def test_a_flipped_byte_anywhere_is_found(name, request, tmp_path) -> None:
    image = request.getfixturevalue(name)
    rng = np.random.default_rng(1)
    missed = [
        at for at in _places(image, 150, 2) if not _problems(tmp_path / "l", _flip(image, at, 1 << rng.integers(8)))
    ]
    assert missed == []


@pytest.mark.slow
def test_every_byte_of_every_structure_is_found_when_flipped(sound, tmp_path) -> None:
    """Every bit of every byte that is set, and one bit of every seventh zero, judged without SQLite's help."""
    missed = []
    for at, byte in enumerate(sound):
        bits = [1 << b for b in range(8)] if byte else [1 << at % 8] if at % 7 == 0 else []
        missed += [(at, bit) for bit in bits if _scans(_flip(sound, at, bit))]
    assert missed == []


def _scans(image: bytes) -> bool:
    """Whether the bytes alone pass: structure, chain, payloads and header fields."""
    from dpsynth.gate.ledger_state import LedgerState
    from dpsynth.gate.verification import _check_rows

    problems: list[str] = []
    try:
        _check_rows(scan(image), LedgerState(), problems)
    except LedgerError:
        return False
    return not problems


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b[:-1], "cut off|longer or shorter|cannot read"),
        (lambda b: b[:-PAGE_SIZE], "cannot read|longer or shorter|cut off"),
        (lambda b: b + bytes(1), "longer or shorter"),
        (lambda b: b + bytes(PAGE_SIZE), "longer or shorter"),
        (lambda b: b[:100], "cannot read"),
        (lambda b: b"", "cannot read|cut off"),
    ],
)
def test_a_file_of_another_length_is_found(sound, tmp_path, change, message) -> None:
    problems = _problems(tmp_path / "l.ledger", change(sound))
    assert any(re.search(message, problem) for problem in problems), problems


def test_a_row_that_was_taken_out_by_sql_is_found(sound, tmp_path) -> None:
    import contextlib
    import sqlite3

    for statement in (
        "DELETE FROM rows WHERE seq = 5",
        "DELETE FROM rows WHERE seq > 5",
        "UPDATE rows SET payload = NULL WHERE seq = 3",
        "INSERT INTO rows SELECT max(seq) + 1, body, hash, NULL FROM rows",
        "CREATE TABLE more (x)",
        "CREATE INDEX quick ON rows (hash)",
    ):
        path = tmp_path / "l.ledger"
        path.write_bytes(sound)
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("DROP TRIGGER rows_never_change")
            connection.execute("DROP TRIGGER rows_never_leave")
            connection.execute(statement)
            connection.commit()
        assert verify(path).problems, statement


def test_a_copy_is_as_sound_as_the_original(sound, tmp_path) -> None:
    """Copy-safe: nothing refers to the place of the file."""
    (tmp_path / "a").write_bytes(sound)
    shutil.copy(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").unlink()
    assert verify(tmp_path / "b").ok
    table = opened(tmp_path / "b")
    before = len(scan((tmp_path / "b").read_bytes()).rows)
    with table.reserve(TINY, job={"open": 2}):
        pass
    assert len(scan((tmp_path / "b").read_bytes()).rows) == before + 2
    assert verify(tmp_path / "b").ok


def test_large_answers_lie_on_overflow_pages_and_are_covered(tmp_path) -> None:
    from dpsynth.gate import Marginals, RoundedGaussian, event_of, open_table, with_slack
    from tests.gate.support import BUDGET, wide_domain, wide_frame

    path = tmp_path / "l.ledger"
    table = open_table(wide_frame(), domain=wide_domain(), ledger=path)
    query, noise = Marginals((("c0", "c1"),)), RoundedGaussian((90.0,))
    with table.reserve(with_slack(event_of(query, noise, table.unit, table.relation)), job={}, budget=BUDGET) as grant:
        (m,) = grant.release(query, noise)
    assert m.values.size >= 1_000_000
    assert path.stat().st_size > 1_000_000
    assert verify(path).ok
    image = path.read_bytes()
    assert _problems(path, _flip(image, len(image) // 2, 4))


def test_the_pair_is_what_the_fixture_holds(sound) -> None:
    bodies = [row.body for row in scan(sound).rows]
    draws = [body for body in bodies if body["type"] == "running"]
    assert draws[0]["query"]["cliques"] == [list(c) for c in PAIR.cliques]
    assert draws[0]["mechanism"]["sigmas"] == list(PAIR_NOISE.sigmas)
