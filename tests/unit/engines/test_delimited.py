"""CSV, one record per line."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from dpsynth.engines import delimited
from dpsynth.engines.delimited import DelimitedFile, readable_lines
from dpsynth.errors import SourceError


def read(path: Path, *names: str) -> list[tuple[bytes, ...]]:
    names = names or ("a", "b")
    batches = DelimitedFile(path, names).batches(names)
    return [row for batch in batches for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def writer(content: bytes, name: str = "t.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return writer


Write = Callable[..., Path]


@pytest.mark.parametrize("delimiter", [b",", b";", b"\t", b"|"])
def test_the_delimiter_is_found_in_the_header(write: Write, delimiter: bytes) -> None:
    path = write(delimiter.join([b"c", b"b", b"a"]) + b"\n" + delimiter.join([b"1", b"2", b"3"]))
    assert read(path) == [(b"3", b"2")]


def test_a_column_name_may_hold_another_delimiter(write: Write) -> None:
    assert read(write(b'"a;x","b"\n1,2\n'), "a;x", "b") == [(b"1", b"2")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_byte_order_mark(write: Write, end: bytes, last: bool, mark: bytes) -> None:
    path = write(mark + end.join([b"a,b", b"1,2", b"3,4"]) + (end if last else b""))
    assert read(path) == [(b"1", b"2"), (b"3", b"4")]


def test_header_names_are_trimmed_and_may_be_quoted(write: Write) -> None:
    assert read(write(b' a ,"b"\n1,2\n')) == [(b"1", b"2")]


READABLE = [
    (b"1,2", (b"1", b"2")),
    (b" 1 ,", (b" 1 ", b"")),
    (b'"1,5","a""b"', (b"1,5", b'a"b')),
    (b'"",""""', (b"", b'"')),
    (b"1,2,,", (b"1", b"2")),
    (b"\xff,\x00", (b"\xff", b"\x00")),
    (b"1\r5,2", (b"1 5", b"2")),
    (b"'1,2'", (b"'1", b"2'")),
    (b"\xef\xbb\xbf1,2", (b"\xef\xbb\xbf1", b"2")),
]
UNREADABLE = [
    b"",
    b"1",
    b"1,2,3",
    b'"1,2',
    b'1",2',
    b'1,"2',
    b'1,2"',
    b'"1"x,2',
    b'1,x"2"',
    b'1,"2""',
    b'1,2,""',
    b'1,2,,"',
    b' "1",2',
]


@pytest.mark.parametrize(("line", "fields"), READABLE)
def test_readable_lines(write: Write, line: bytes, fields: tuple[bytes, bytes]) -> None:
    """Alone, and between all others."""
    assert read(write(b"a,b\n" + line)) == [fields]
    everything = b"\n".join([b"a,b", *UNREADABLE, line, *UNREADABLE])
    assert read(write(everything)) == [fields]


@pytest.mark.parametrize("line", UNREADABLE)
def test_unreadable_lines_are_no_rows_and_change_no_other(write: Write, line: bytes) -> None:
    others = [line for line, _ in READABLE]
    content = b"\n".join([b"a,b", *others[:4], line, *others[4:]])
    assert read(write(content)) == [fields for _, fields in READABLE]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_blocks_do_not_matter(write: Write, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [line for line, _ in READABLE] + UNREADABLE
    path = write(b"a,b\n" + b"\n".join(lines * 3))
    monkeypatch.setattr(delimited, "_BLOCK", block)
    assert read(path) == [fields for _, fields in READABLE] * 3


@pytest.mark.parametrize("block", [5, 16, 1000])
def test_a_very_long_line_is_no_row(write: Write, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", block)
    monkeypatch.setattr(delimited, "LINE_CAP", 20)
    lines = [b"1,2", b"x" * 18 + b",3", b"x" * 19 + b",4", b"x" * 500 + b",5", b"6,7", b"x" * 30 + b",8"]
    assert read(write(b"a,b\n" + b"\n".join(lines))) == [(b"1", b"2"), (b"x" * 18, b"3"), (b"6", b"7")]


@pytest.mark.parametrize("block", [1, 3, 4, 5, 16, 1000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("before", [b"", b"\n", b"y\n", b"yy\n", b"yyy\n"])
def test_a_line_of_the_cap_is_judged_alone(
    write: Write, block: int, end: bytes, before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "_BLOCK", block)
    monkeypatch.setattr(delimited, "LINE_CAP", 20)
    path = write(b"a\n" + before + b"x" * 20 + end + b"x" * 21 + end + b"z" + end)
    assert read(path, "a") == [(before.strip(),)] * bool(before.strip()) + [(b"x" * 20,), (b"z",)]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("t.csv.gz", gzip.compress),
        ("t.csv.bz2", bz2.compress),
        ("t.csv.xz", lzma.compress),
        ("t.csv.zst", lambda raw: pa.Codec("zstd").compress(raw).to_pybytes()),
        ("t.CSV.GZ", lambda raw: gzip.compress(raw[:7]) + gzip.compress(raw[7:])),
    ],
)
def test_compressed_files(write: Write, name: str, pack: Callable[[bytes], bytes]) -> None:
    rows = b"".join(b"%d,%d\n" % (i, i) for i in range(1000))
    assert len(read(write(pack(b"a,b\n" + rows), name))) == 1000


@pytest.mark.parametrize("content", [b"", b"\n1,2\n", b"  \n"])
def test_no_header(write: Write, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"t.csv has no header line with the names of the columns."):
        read(write(content))


def test_utf16_is_refused(write: Write) -> None:
    with pytest.raises(SourceError, match=r"t.csv is UTF-16 text. Save it as UTF-8."):
        read(write("a,b\n1,2".encode("utf-16")))


def test_a_file_without_header_shows_none_of_its_first_record(write: Write) -> None:
    with pytest.raises(SourceError, match="no column 'a'") as caught:
        read(write(b"canary,canary\n1,2\n"))
    assert "canary" not in str(caught.value)


def test_doubled_columns(write: Write) -> None:
    with pytest.raises(SourceError, match="several columns named 'a'"):
        read(write(b"a,b,a\n1,2,3\n"))
    assert read(write(b"a,b,x,x\n1,2,3,4\n")) == [(b"1", b"2")]


def test_a_file_of_one_column(write: Write) -> None:
    assert read(write(b'a\n1\n\n""\n,\n2,\n'), "a") == [(b"1",), (b"",), (b"",), (b"2",)]


def test_header_alone(write: Write) -> None:
    assert read(write(b"a,b")) == []
    assert read(write(b"a,b\n")) == []


def test_good_blocks_are_passed_on_as_they_are() -> None:
    block = b'1,2\n"3",4\n'
    assert readable_lines(block, ",", 2) is block
