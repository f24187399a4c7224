"""Reads a ledger's bytes without SQLite, and accounts for every one of them.

The file is append-only, so it holds a header, one page of schema, one table's tree of pages and overflow pages, and
nothing else: no free pages, no indices, no free blocks. Each byte therefore belongs to a field with one right value, to
a row (whose values the hash chain covers), or to a gap that must be zero. What cannot be covered:

    free gaps of interior pages other than the root, which SQLite leaves uncleared. They exist only in ledgers whose
    rows (without payloads) take more than about 100 MB, and nothing reads them.

Format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass

from dpsynth.errors import LedgerError
from dpsynth.gate.chain import Row
from dpsynth.gate.ledger_schema import APPLICATION_ID, LEDGER_VERSION, PAGE_SIZE, SCHEMA

__all__ = ["Scan", "scan"]

_LOCK_PAGE = 0x40000000 // PAGE_SIZE + 1
_LEAF, _INTERIOR = 13, 5
_LARGEST_LOCAL = PAGE_SIZE - 35
_LEAST_LOCAL = (PAGE_SIZE - 12) * 32 // 255 - 23

Value = int | str | bytes | None


@dataclass(frozen=True, slots=True)
class Scan:
    """What a ledger file holds.

    Attributes:
        rows: all rows in order.
        schema_cookie: header field to compare with the first row.
        writer: SQLite version of the last writer, to compare with the last row.
    """

    rows: tuple[Row, ...]
    schema_cookie: int
    writer: int


def scan(image: bytes) -> Scan:
    """Parse the bytes of a ledger file.

    Raises:
        LedgerError: a byte that cannot stand where it stands.
    """
    cookie, writer = _check_header(image)
    walk = _Walk(image)
    schema = [[rowid, *values] for rowid, values in walk.table(1)]
    expected: list[list[Value]] = [
        [rowid, kind, name, table, 2 if kind == "table" else 0, sql]
        for rowid, (kind, name, table, sql) in enumerate(SCHEMA, 1)
    ]
    if schema != expected:
        raise LedgerError("The ledger's schema is not the one it was made with.")
    rows = []
    for seq, values in walk.table(2):
        if len(values) != 4:
            raise LedgerError(f"Row {seq} has the wrong number of columns.")
        nothing, text, digest, payload = values
        kinds = nothing is None and isinstance(text, str) and isinstance(digest, bytes)
        if not kinds or not isinstance(payload, (bytes, type(None))):
            raise LedgerError(f"Row {seq} has a column of the wrong type.")
        rows.append(Row(seq, text, digest, payload))
    walk.check_all_visited()
    return Scan(tuple(rows), cookie, writer)


def _check_header(image: bytes) -> tuple[int, int]:
    if len(image) < 2 * PAGE_SIZE or len(image) % PAGE_SIZE:
        raise LedgerError("The ledger file has been cut off.")
    head = image[:100]
    change, cookie, writer = head[24:28], head[40:44], head[96:100]
    expected = b"".join(
        (
            b"SQLite format 3\0",
            struct.pack(">H", PAGE_SIZE),
            bytes((1, 1, 0, 64, 32, 32)),  # rollback journal, no reserved bytes, the fixed payload fractions
            change,
            struct.pack(">III", len(image) // PAGE_SIZE, 0, 0),  # pages; no free pages
            cookie,
            struct.pack(">IIII", 4, 0, 0, 1),  # schema format, cache size, no auto-vacuum, UTF-8
            struct.pack(">III", LEDGER_VERSION, 0, APPLICATION_ID),
            bytes(20),
            change,  # "version valid for": equal to the change counter
            writer,
        )
    )
    if head != expected:
        where = next(i for i in range(100) if head[i] != expected[i])
        raise LedgerError(f"Byte {where} of the ledger file's header has been changed.")
    return int.from_bytes(cookie, "big"), int.from_bytes(writer, "big")


class _Walk:
    """One pass over the trees of a file."""

    def __init__(self, image: bytes) -> None:
        self.image = image
        self.pages = len(image) // PAGE_SIZE
        self.visited: set[int] = set()

    def table(self, root: int) -> list[tuple[int, list[Value]]]:
        """(rowid, values) of all rows of a table, in order."""
        found: list[tuple[int, list[Value]]] = []
        self._tree(root, found, is_root=True)
        for (one, _), (other, _) in itertools.pairwise(found):
            if other <= one:
                raise LedgerError(f"Row {other} is out of order.")
        return found

    def check_all_visited(self) -> None:
        """Refuse pages that belong to nothing."""
        for number in range(1, self.pages + 1):
            if number not in self.visited and (number != _LOCK_PAGE or any(self._page(number))):
                raise LedgerError(f"Page {number} of the ledger file belongs to no row.")

    def _page(self, number: int) -> bytes:
        return self.image[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]

    def _visit(self, number: int) -> bytes:
        if not 1 <= number <= self.pages or number in self.visited:
            raise LedgerError(f"The ledger file points to page {number}, which is not there or is used twice.")
        self.visited.add(number)
        return self._page(number)

    def _tree(self, number: int, found: list[tuple[int, list[Value]]], is_root: bool) -> None:
        page = self._visit(number)
        start = 100 if number == 1 else 0
        kind, free, count, content, fragments = struct.unpack_from(">BHHHB", page, start)
        if kind not in (_LEAF, _INTERIOR):
            raise LedgerError(f"Page {number} of the ledger file is of an unknown kind.")
        pointers_at = start + (12 if kind == _INTERIOR else 8)
        pointers_end = pointers_at + 2 * count
        if not pointers_end <= content <= PAGE_SIZE or not count:
            raise LedgerError(f"Page {number} of the ledger file has a changed header.")
        strict = kind == _LEAF or is_root
        if strict and (free or fragments or any(page[pointers_end:content])):
            raise LedgerError(f"Page {number} of the ledger file has bytes where it must be empty.")
        pointers = struct.unpack_from(f">{count}H", page, pointers_at)
        spans = []
        for at in pointers:
            if not content <= at < PAGE_SIZE - 3:
                raise LedgerError(f"Page {number} of the ledger file has a changed pointer.")
            end = self._leaf_cell(page, at, found) if kind == _LEAF else self._interior_cell(page, at, found)
            spans.append((at, end))
        if strict:
            self._check_spans(number, content, spans)
        if kind == _INTERIOR:
            self._tree(struct.unpack_from(">I", page, start + 8)[0], found, is_root=False)

    def _check_spans(self, number: int, content: int, spans: list[tuple[int, int]]) -> None:
        """The cells must tile the page from `content` to its end."""
        for at, end in sorted(spans):
            if at != content:
                raise LedgerError(f"Page {number} of the ledger file has bytes that belong to no row.")
            content = end
        if content != PAGE_SIZE:
            raise LedgerError(f"Page {number} of the ledger file has bytes that belong to no row.")

    def _interior_cell(self, page: bytes, at: int, found: list[tuple[int, list[Value]]]) -> int:
        child = struct.unpack_from(">I", page, at)[0]
        key, end = _varint(page, at + 4)
        self._tree(child, found, is_root=False)
        if not found or found[-1][0] != key:
            raise LedgerError(f"The ledger file's tree has a changed key at row {key}.")
        return end

    def _leaf_cell(self, page: bytes, at: int, found: list[tuple[int, list[Value]]]) -> int:
        size, at = _varint(page, at)
        rowid, at = _varint(page, at)
        if size > len(self.image):
            raise LedgerError(f"Row {rowid} is longer than the file.")
        if size <= _LARGEST_LOCAL:
            local, end, record = size, at + size, page[at : at + size]
        else:
            local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % (PAGE_SIZE - 4)
            local = local if local <= _LARGEST_LOCAL else _LEAST_LOCAL
            end = at + local + 4
            if end > PAGE_SIZE:
                raise LedgerError(f"Row {rowid} runs over its page.")
            record = page[at : at + local] + self._overflow(struct.unpack_from(">I", page, at + local)[0], size - local)
        if len(record) != size:
            raise LedgerError(f"Row {rowid} runs over its page.")
        found.append((rowid, _record(rowid, record)))
        return end

    def _overflow(self, number: int, size: int) -> bytes:
        parts = []
        while size:
            page = self._visit(number)
            number = struct.unpack_from(">I", page)[0]
            taken = min(size, PAGE_SIZE - 4)
            parts.append(page[4 : 4 + taken])
            size -= taken
            if not size and (number or any(page[4 + taken :])):
                raise LedgerError("An overflow page of the ledger file has bytes where it must be empty.")
        return b"".join(parts)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, position after it)."""
    value = 0
    for i in range(9):
        if at + i >= len(data):
            break
        byte = data[at + i]
        if i == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    raise LedgerError("A number in the ledger file runs over its page.")


def _record(rowid: int, data: bytes) -> list[Value]:
    header, at = _varint(data, 0)
    serials = []
    while at < header:
        serial, at = _varint(data, at)
        serials.append(serial)
    if at != header:
        raise LedgerError(f"Row {rowid} of the ledger file has a changed header.")
    values: list[Value] = []
    for serial in serials:
        width = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 8: 0, 9: 0}.get(serial, (serial - 12) // 2)
        part = data[at : at + width]
        at += width
        if serial in (7, 10, 11) or len(part) != width:
            raise LedgerError(f"Row {rowid} of the ledger file cannot be read.")
        try:
            values.append(_value(serial, part))
        except UnicodeDecodeError:
            raise LedgerError(f"Row {rowid} of the ledger file holds text that is none.") from None
    if at != len(data):
        raise LedgerError(f"Row {rowid} of the ledger file has bytes that belong to no column.")
    return values


def _value(serial: int, part: bytes) -> Value:
    if serial >= 12:
        return part.decode() if serial % 2 else part
    if serial == 0:
        return None
    return serial - 8 if serial >= 8 else int.from_bytes(part, "big", signed=True)
