"""Grants on files: what was charged for is what is read, and stored answers need no file."""

from __future__ import annotations

import contextlib

import pytest

from dpsynth.errors import SourceError
from tests.gate.support import PAIR, PAIR_NOISE, frame, kinds_of, opened, run_job, same
from tests.unit.gate.test_grant import _reserve


def test_a_file_that_was_swapped_is_not_drawn_from(ledger, tmp_path) -> None:
    """Other rows than those that were charged for; nothing is taken, and the right file may be put back."""
    path = tmp_path / "t.csv"
    frame().to_csv(path, index=False)
    kept = path.with_name("kept.csv")
    table = opened(ledger, path)
    with contextlib.suppress(SourceError), _reserve(table) as grant:
        path.rename(kept)
        frame().iloc[:5].to_csv(path, index=False)
        with pytest.raises(SourceError, match=r"^t\.csv is not the file any more that was opened") as raised:
            grant.release(PAIR, PAIR_NOISE)
        assert kinds_of(ledger)[-1] == "reserved"
        raise raised.value
    kept.replace(path)
    assert len(run_job(table)) == 3
    assert kinds_of(ledger).count("reserved") == 1


def test_stored_answers_need_no_file(ledger, tmp_path) -> None:
    path = tmp_path / "t.csv"
    frame().to_csv(path, index=False)
    table = opened(ledger, path)
    wanted = run_job(table)
    path.unlink()
    assert same(run_job(table), wanted)
