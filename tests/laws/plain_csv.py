"""The rule for lines of a CSV file, read byte by byte: the twin of `dpsynth.engines.delimited`."""

from __future__ import annotations

LINE_CAP = 2**24


def plain_fields(line: bytes, delimiter: bytes, width: int) -> list[bytes] | None:
    """The fields of one line (without its end), None where the line is no row."""
    line = line.removesuffix(b"\r").replace(b"\r", b" ")
    if not line or len(line) > LINE_CAP:
        return None
    fields, i = [], 0
    while True:
        if line[i : i + 1] == b'"':
            field, i = b"", i + 1
            while True:
                if i >= len(line):
                    return None  # never closed
                if line[i : i + 2] == b'""':
                    field, i = field + b'"', i + 2
                elif line[i : i + 1] == b'"':
                    i += 1
                    break
                else:
                    field, i = field + line[i : i + 1], i + 1
            if i < len(line) and line[i : i + 1] != delimiter:
                return None  # something stands between a closing quote and the next delimiter
            raw_empty = False
        else:
            stop = line.find(delimiter, i)
            stop = len(line) if stop < 0 else stop
            field = line[i:stop]
            if b'"' in field:
                return None  # a quote inside an unquoted field
            raw_empty, i = not field, stop
        fields.append((field, raw_empty))
        if i >= len(line):
            break
        i += 1  # past the delimiter
    surplus = fields[width:]
    if len(fields) < width or not all(empty for _, empty in surplus):
        return None
    return [field for field, _ in fields[:width]]
