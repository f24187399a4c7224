"""Opening, locking and losing a ledger file: one clear message each, and nothing lost."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from dpsynth.errors import LedgerError
from dpsynth.gate import ledger as ledger_module
from dpsynth.gate import ledger_schema, verify
from dpsynth.gate.ledger import Ledger
from tests.gate.support import ADD_REMOVE, REPLACE_ONE, TINY, charge, kinds_of, python, rows_of

needs_modes = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def test_a_new_ledger_is_private_to_its_owner_from_its_first_byte(ledger, monkeypatch) -> None:
    seen = []
    create = ledger_schema.create_file

    def watched(path: Path) -> sqlite3.Connection:
        connection = create(path)
        seen.append(stat.S_IMODE(path.stat().st_mode))
        return connection

    monkeypatch.setattr(ledger_module, "create_file", watched)
    old = os.umask(0)
    try:
        Ledger.open(ledger, ADD_REMOVE)
    finally:
        os.umask(old)
    assert seen == [0o600]
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    assert os.listdir(ledger.parent) == [ledger.name]


def test_a_new_folder_is_private_too(tmp_path) -> None:
    Ledger.open(tmp_path / "new" / "l.ledger", ADD_REMOVE)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_loose_copy_is_tightened(ledger) -> None:
    Ledger.open(ledger, ADD_REMOVE)
    ledger.chmod(0o644)
    assert verify(ledger).warnings == ("Other users may read the file: its mode should be 0600.",)
    Ledger.open(ledger)
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600


def test_one_file_after_every_change(ledger) -> None:
    book = Ledger.open(ledger, ADD_REMOVE)
    made = charge(book)
    made.lease.release()
    assert os.listdir(ledger.parent) == [ledger.name]


def test_two_relations_do_not_mix(ledger) -> None:
    Ledger.open(ledger, ADD_REMOVE)
    with pytest.raises(
        LedgerError, match=r"holds charges under add_remove; replace_one was asked\.\nOne ledger has one"
    ):
        Ledger.open(ledger, REPLACE_ONE)
    assert Ledger.open(ledger, ADD_REMOVE).path == ledger.resolve()


def test_a_missing_ledger_is_not_made_without_a_relation(ledger) -> None:
    with pytest.raises(LedgerError, match=r"cannot be opened in .*\nCheck the path and the access rights"):
        Ledger.open(ledger)
    assert not ledger.exists()


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0" + bytes(5000), b"colour,size\nred,1\n" * 1000])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(ledger, content) -> None:
    ledger.write_bytes(content)
    with pytest.raises(LedgerError, match=r"is corrupt or not a ledger|is empty"):
        Ledger.open(ledger, ADD_REMOVE)
    assert ledger.read_bytes() == content


def test_another_database_is_refused(ledger) -> None:
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(LedgerError, match="is corrupt or not a ledger"):
        Ledger.open(ledger, ADD_REMOVE)


def test_a_ledger_of_another_version_is_refused(ledger, monkeypatch) -> None:
    monkeypatch.setattr(ledger_module, "LEDGER_VERSION", 2)
    monkeypatch.setattr("dpsynth.gate.ledger_state.LEDGER_VERSION", 2)
    Ledger.open(ledger, ADD_REMOVE)
    monkeypatch.undo()
    with pytest.raises(LedgerError, match="its version is 2; this dpsynth reads 1"):
        Ledger.open(ledger, ADD_REMOVE)


def test_rows_never_change_and_never_leave(ledger) -> None:
    Ledger.open(ledger, ADD_REMOVE)
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        for statement in ("UPDATE rows SET body = '{}'", "DELETE FROM rows"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


def test_a_row_that_was_edited_by_force_is_noticed(ledger) -> None:
    charge(Ledger.open(ledger, ADD_REMOVE))
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        connection.execute("DROP TRIGGER rows_never_change")
        connection.execute("UPDATE rows SET body = replace(body, '\"epsilon\":1.0', '\"epsilon\":9.0')")
        connection.commit()
    with pytest.raises(LedgerError, match=r"chain is broken at row \d+: rows were changed, lost or inserted"):
        Ledger.open(ledger)


def test_a_file_that_was_swapped_while_open_is_noticed(ledger, tmp_path) -> None:
    book = Ledger.open(ledger, ADD_REMOVE)
    charge(book)
    other = Ledger.open(tmp_path / "other.ledger", ADD_REMOVE)
    os.replace(other.path, ledger)
    with pytest.raises(LedgerError, match="is not the file that was opened"):
        charge(book)


def test_a_lock_that_is_never_given_back_is_told(ledger, monkeypatch) -> None:
    book = Ledger.open(ledger, ADD_REMOVE)
    charge(book)
    before = rows_of(ledger)
    monkeypatch.setattr(ledger_schema, "BUSY_SECONDS", 0.05)
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match=r"is locked: another process .*\nNothing was charged\. Wait"):
            charge(book, name="other")
        holder.execute("ROLLBACK")
    assert rows_of(ledger) == before
    assert charge(book, name="other", budget=None).seq > 0


def test_a_full_disk_is_told_and_nothing_is_lost(ledger, monkeypatch) -> None:
    book = Ledger.open(ledger, ADD_REMOVE)
    charge(book)
    before = rows_of(ledger)
    connect = ledger_module.connect

    def small(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(ledger_module, "connect", small)

    def fill() -> None:
        for i in range(200):
            charge(book, name=f"job {i}" + "x" * 4000, event=TINY)

    with pytest.raises(LedgerError, match=r"the disk is full\.\nWhat was charged stays charged"):
        fill()
    monkeypatch.undo()
    assert rows_of(ledger)[: len(before)] == before
    assert verify(ledger).ok


def test_a_file_size_limit_of_the_system_is_told_and_nothing_is_lost(ledger) -> None:
    """The same through the operating system: writes fail beyond a limit."""
    done = python(
        """
        import resource, sys
        from pathlib import Path
        from tests.gate.support import *
        path = Path(sys.argv[1])
        book = Ledger.open(path, ADD_REMOVE)
        charge(book)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, path.stat().st_size))
        try:
            for i in range(100):
                charge(book, name=f"{i}" + "x" * 9000, event=TINY)
        except Exception as error:
            print(type(error).__name__, error)
        """,
        str(ledger),
    )
    assert done.stdout.startswith("LedgerError The ledger test.ledger cannot")
    assert verify(ledger).ok
    assert "reserved" in kinds_of(ledger)


@needs_modes
def test_a_read_only_folder_is_told(tmp_path) -> None:
    """In a child that gives up the superuser's rights, where it has them."""
    folder = tmp_path / "closed"
    folder.mkdir()
    ledger = folder / "l.ledger"
    charge(Ledger.open(ledger, ADD_REMOVE))
    before = rows_of(ledger)
    for path in (ledger, folder, *folder.parents[:3]):
        path.chmod(path.stat().st_mode | 0o055)
    ledger.chmod(0o666)
    folder.chmod(0o555)
    done = python(
        """
        import os, sys
        from pathlib import Path
        from tests.gate.support import *
        book, folder = Ledger(Path(sys.argv[1])), Path(sys.argv[1]).parent
        if os.geteuid() == 0:
            os.setgroups([])
            os.setuid(65534)
        for attempt in (lambda: charge(book, budget=None), lambda: Ledger.open(folder / "new.ledger", ADD_REMOVE)):
            try:
                attempt()
            except Exception as error:
                print(type(error).__name__, error)
        """,
        str(ledger),
    )
    folder.chmod(0o755)
    assert (
        done.stdout.count("LedgerError") == done.stdout.count("cannot be written: it or its folder is read-only.") == 2
    )
    assert os.listdir(folder) == [ledger.name]
    assert rows_of(ledger) == before


def test_what_the_system_says_of_a_read_only_folder() -> None:
    """The words for the case above, whoever runs the tests."""
    with pytest.raises(LedgerError, match=r"it or its folder is read-only\.\nGive write access, or name another"):
        with ledger_schema.sqlite_failures(Path("l.ledger")):
            raise sqlite3.OperationalError("attempt to write a readonly database")
    with pytest.raises(LedgerError, match="read-only"):
        with ledger_schema.sqlite_failures(Path("l.ledger")):
            raise PermissionError(13, "Permission denied")
    with pytest.raises(LedgerError, match=r"the file system failed \(OSError\)"):
        with ledger_schema.sqlite_failures(Path("l.ledger")):
            raise OSError(5, "Input/output error")


def test_a_crash_while_the_file_is_made_leaves_no_ledger(ledger) -> None:
    python(
        """
        import os, signal, sys
        from pathlib import Path
        from tests.gate.support import *
        import dpsynth.gate.ledger as module
        module.publish = lambda draft, path: os.kill(os.getpid(), signal.SIGKILL)
        Ledger.open(Path(sys.argv[1]), ADD_REMOVE)
        """,
        str(ledger),
        expect=-9,
    )
    assert not ledger.exists()
    assert verify(Ledger.open(ledger, ADD_REMOVE).path).ok


def test_two_makers_of_one_ledger_agree(ledger) -> None:
    """Whoever comes second uses the first one's file and key."""
    barrier = threading.Barrier(8)
    heads = []

    def make() -> None:
        barrier.wait()
        with Ledger.open(ledger, ADD_REMOVE).reading() as state:
            heads.append((state.secret, state.head))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heads) == 8
    assert len(set(heads)) == 1
    assert os.listdir(ledger.parent) == [ledger.name]


def test_a_file_system_without_hard_links(ledger, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    Ledger.open(ledger, ADD_REMOVE)
    assert stat.S_IMODE(ledger.stat().st_mode) == 0o600
    assert verify(ledger).ok
    assert ledger_schema._publish_by_copy(ledger, ledger) is False


def test_default_path(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DPSYNTH_LEDGER", str(tmp_path / "here.ledger"))
    assert ledger_schema.default_ledger_path() == tmp_path / "here.ledger"
    monkeypatch.delenv("DPSYNTH_LEDGER")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert ledger_schema.default_ledger_path() == tmp_path / "dpsynth" / "ledger.sqlite"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ledger_schema.default_ledger_path() == tmp_path / ".local" / "share" / "dpsynth" / "ledger.sqlite"


def test_every_commit_is_synced_with_its_folder(ledger) -> None:
    Ledger.open(ledger, ADD_REMOVE)
    with contextlib.closing(ledger_schema.connect(ledger)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (3,)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
