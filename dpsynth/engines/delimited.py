"""Delimited text (CSV) -> Arrow columns of bytes, streamed, one record per line.

Why not duckdb or a plain CSV parser: there, a stray quote joins a record with those after it, so that one bad record
changes how others are read and adding one line can move many counts. Here the rule is per line:

    a record is one line, ended by LF, CR LF or the end of the file (a CR before that end is part of it); a quoted
    field cannot hold a line break (text with line breaks belongs in Parquet)
    a line is *unreadable*, and is no row, when it is empty, longer than 16 MiB, has another number of fields than the
    header (surplus empty fields at its end aside), or holds a quote that is neither around a whole field nor doubled
    within one
    everything else is a row; bytes that are not UTF-8 read as U+FFFD, a lone CR as a space, NUL as itself

So the table of a file is the multiset of its readable lines. All cells are text; the encoders decide what they say.
The delimiter is found from the header line only, which is public.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from dpsynth.engines.frames import find_columns
from dpsynth.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DelimitedFile", "readable_lines"]

LINE_CAP = 2**24
_BLOCK = 2**22
_NEWLINE, _QUOTE = 10, 34
_MARK = b"\xef\xbb\xbf"
_DELIMITERS = (",", ";", "\t", "|")


class DelimitedFile:
    """One CSV file, plain or compressed (.gz, .bz2, .xz, .zst), with a header line.

    Raises:
        SourceError: there is no header line, or a wanted column is not in it, or there twice.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path = path
        with _open(path) as stream:
            header, _ = _header(stream, path)
        labels, self._delimiter = _labels(header, names)
        self._width = len(labels)
        self._places = find_columns(labels, names)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns as Arrow binary, a few MiB of text at a time."""
        with _open(self._path) as stream:
            _, rest = _header(stream, self._path)
            for block in _lines(stream, rest):
                clean = readable_lines(block, self._delimiter, self._width)
                if clean:
                    yield self._parse(clean, names)

    def _parse(self, clean: bytes, names: Sequence[str]) -> pa.RecordBatch:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        wanted = [str(self._places[name]) for name in names]
        table = arrow_csv.read_csv(
            # The parser strips a byte-order mark from the start of what it gets; it shall not be one of the first cell.
            pa.BufferReader(_MARK + clean),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(j) for j in range(self._width)], block_size=len(clean) + 4, use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._delimiter,
                quote_char='"',
                double_quote=True,
                escape_char=False,
                newlines_in_values=False,
                # A line of the one column that is wanted may be cut to nothing.
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(wanted, pa.binary()),
                include_columns=wanted,
                null_values=[],
                strings_can_be_null=False,
                check_utf8=False,
            ),
        )
        columns = [table.column(name).combine_chunks() for name in wanted]
        return pa.RecordBatch.from_arrays(columns, names=list(names))


def readable_lines(block: bytes, delimiter: str, width: int) -> bytes:
    """The readable lines of a block of whole lines, cut to `width` fields, each ended by LF.

    Guarantee: each line is kept or dropped by itself, and a parser that knows quotes finds `width` fields in each.
    """
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    data = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    starts = np.concatenate([[0], ends[:-1] + 1])
    delimiters = np.flatnonzero(data == ord(delimiter))
    good = (ends > starts) & (ends - starts <= LINE_CAP)
    if b'"' in block:
        good, delimiters = _judge_quotes(data, starts, ends, delimiters, ord(delimiter), good)
    before = np.concatenate([[0], np.searchsorted(delimiters, ends)])
    surplus = np.diff(before) - (width - 1)
    good &= surplus >= 0
    # A line with more fields is readable if nothing but delimiters follows the last wanted field.
    longer = np.flatnonzero(good & (surplus > 0))
    cuts = delimiters[before[longer] + width - 1]
    good[longer] = ends[longer] - cuts == surplus[longer]
    if good.all() and not len(longer):
        return block
    keep = np.repeat(good, ends - starts + 1)
    edge = np.zeros(len(data) + 1, np.int8)
    edge[cuts] += 1
    edge[ends[longer]] -= 1
    keep &= np.cumsum(edge[:-1], dtype=np.int8) == 0
    return data[keep].tobytes()


def _judge_quotes(
    data: np.ndarray, starts: np.ndarray, ends: np.ndarray, delimiters: np.ndarray, delimiter: int, good: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lines whose quotes are in order, and the delimiters that stand outside quotes."""
    quotes = np.flatnonzero(data == _QUOTE)
    first = np.searchsorted(quotes, starts)
    line = np.searchsorted(ends, quotes)
    opening = (np.arange(len(quotes)) - first[line]) % 2 == 0
    previous, following = data[quotes - 1], data[quotes + 1]
    at_start = (quotes == starts[line]) | (previous == delimiter)
    # A quote inside a quoted field is doubled: it closes and opens again at once.
    fine = np.where(
        opening,
        at_start | (previous == _QUOTE),
        (following == delimiter) | (following == _NEWLINE) | (following == _QUOTE),
    )
    good = good.copy()
    good[line[~fine]] = False
    good &= np.diff(np.append(first, len(quotes))) % 2 == 0
    inside = (np.searchsorted(quotes, delimiters) - first[np.searchsorted(ends, delimiters)]) % 2 == 1
    return good, delimiters[~inside]


def _lines(stream: BinaryIO, rest: bytes) -> Iterator[bytes]:
    """Blocks of whole lines, each ended by LF; lines longer than LINE_CAP are left out."""
    carry, skipping = rest, False
    while True:
        block = stream.read(_BLOCK)
        text = carry + (block or b"\n")
        stop = text.rfind(b"\n") + 1
        whole, carry = text[:stop], text[stop:]
        if skipping and stop:
            whole, skipping = whole[whole.index(b"\n") + 1 :], False
        # One byte more may be the CR of a line end; whatever is kept is judged by `readable_lines`, without it.
        if len(carry) > LINE_CAP + 1:
            carry, skipping = b"", True
        if whole:
            yield whole
        if not block:
            return


def _open(path: Path) -> BinaryIO:
    import pyarrow as pa

    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if suffix == ".bz2":
        return cast(BinaryIO, bz2.open(path, "rb"))
    if suffix == ".xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    if suffix in (".zst", ".zstd"):
        return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(path)), "zstd"))
    return path.open("rb")


def _header(stream: BinaryIO, path: Path) -> tuple[str, bytes]:
    """The first line, and what was read beyond it."""
    text = b""
    while b"\n" not in text:
        block = stream.read(_BLOCK)
        if not block or len(text) > LINE_CAP:
            break
        text += block
    line, _, rest = text.partition(b"\n")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SourceError(f"{path.name} is UTF-16 text. Save it as UTF-8.")
    header = line.removeprefix(_MARK).decode("utf-8", errors="replace").strip("\r")
    if not header.strip() or len(line) > LINE_CAP:
        raise SourceError(f"{path.name} has no header line with the names of the columns.")
    return header, rest


def _labels(header: str, names: Sequence[str]) -> tuple[list[str], str]:
    """Column names and the delimiter under which most wanted names are found (the earlier of _DELIMITERS in a tie)."""
    best: tuple[int, list[str], str] | None = None
    for delimiter in _DELIMITERS:
        try:
            labels = [label.strip() for label in next(csv.reader([header], delimiter=delimiter))]
        except csv.Error:
            continue
        found = len(set(labels).intersection(names))
        if best is None or found > best[0]:
            best = found, labels, delimiter
    assert best is not None
    return best[1], best[2]
