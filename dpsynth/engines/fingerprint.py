"""The private identity of a table under a secret key.

A row's hash is SipHash-2-4 (keyed) of the sum over its columns of keyed hashes of (column name, canonical value). The
canonical value knows nothing of the domain's bins, the type of the column or the engine: a cell that reads as a finite
number is that float64, one that reads as a point in time is its UTC microsecond, anything else its trimmed text; null,
NaN and the usual texts for "nothing" are one value. So a table that was copied, reordered, saved in another format or
read with other types has the same row hashes, and a slightly changed table shares most of them.

What the sketch (the 512 smallest distinct row hashes) tells:
    without the key   how many distinct rows the table has, roughly, and whether two sketches under one key share rows;
                      nothing about what is in them
    with the key      whether a guessed row is likely to be among those 512
So key and sketch stay in the ledger file (mode 0600) and leave it together or not at all.

What is counted is finer than this in places ("NA" may be a listed value or a missing one) and depends on the domain, so
the codes digest tells besides whether two tables are encoded alike: only then is a stored answer the answer of both.

What the sketch cannot do: a table with other columns, renamed columns or recoded values (1/2 for "male"/"female") has
other hashes. A declared account name covers such cases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["SKETCH_SIZE", "Fingerprint", "digest_codes", "fingerprint"]

SKETCH_SIZE = 512
# Texts that programs write for "nothing"; not the domain's list, so that editing the domain does not change a table's
# identity.
_NOTHING = ("", "nan", "nat", "none", "null", "<na>", "na", "n/a")
_MISSING, _NUMBER, _INSTANT, _CODE = 1, 2, 3, 4


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """Private identity of a table under a ledger's secret key; never printed, never leaves the ledger file.

    Attributes:
        sketch: uint64[<= 512], the smallest distinct keyed hashes of rows, increasing.
        digest: bytes[16], keyed order-free hash of the whole multiset of rows.
        codes_digest: bytes[16], keyed order-free hash of the multiset of encoded rows, and of the domain.
    """

    sketch: np.ndarray
    digest: bytes
    codes_digest: bytes

    def __repr__(self) -> str:
        return "Fingerprint(...)"


def fingerprint(
    batches: Iterable[Iterator[tuple[str, pa.Array | pa.ChunkedArray]]], key: bytes, codes_digest: bytes
) -> Fingerprint:
    """Identity of a table in one pass and bounded memory.

    Args:
        batches: named columns of equal length, batch by batch.
        key: the secret; any length.
        codes_digest: what `digest_codes` gave for the same table.
    """
    sketch, sums = np.empty(0, np.uint64), np.zeros(2, np.uint64)
    row_key = _words(key, b"row", 2)
    for batch in batches:
        total: np.ndarray | None = None
        for name, column in batch:
            hashes = _column_hashes(column, _words(key, b"column:" + name.encode(), 3), key)
            total = hashes if total is None else total + hashes
        if total is None or not len(total):
            continue
        first, second = _siphash(total, row_key)
        sums += np.array([first.sum(dtype=np.uint64), second.sum(dtype=np.uint64)])
        if len(sketch) == SKETCH_SIZE:
            first = first[first < sketch[-1]]
        sketch = np.unique(np.concatenate([sketch, first]))[:SKETCH_SIZE]
    digest = hashlib.blake2b(sums.astype("<u8").tobytes(), key=_short(key), digest_size=16, person=b"table")
    return Fingerprint(sketch, digest.digest(), codes_digest)


def digest_codes(batches: Iterable[Sequence[np.ndarray]], sizes: Sequence[int], domain: str, key: bytes) -> bytes:
    """Keyed order-free hash of a multiset of encoded rows, in one pass and bounded memory.

    Args:
        batches: encoded columns of equal length, batch by batch.
        sizes: cells of each column.
        domain: digest of the domain that gave the codes.
        key: the secret; any length.

    Returns:
        bytes[16]; equal for equal multisets of rows under one domain.
    """
    sums, row_key = np.zeros(2, np.uint64), _words(key, b"coded row", 2)
    tables = [
        _mix(np.arange(size, dtype=np.uint64), _CODE, _words(key, b"codes:%d" % place, 3))
        for place, size in enumerate(sizes)
    ]
    for batch in batches:
        total = np.zeros(len(batch[0]), np.uint64)
        for table, codes in zip(tables, batch, strict=True):
            total += table[codes]
        first, second = _siphash(total, row_key)
        sums += np.array([first.sum(dtype=np.uint64), second.sum(dtype=np.uint64)])
    message = sums.astype("<u8").tobytes() + domain.encode()
    return hashlib.blake2b(message, key=_short(key), digest_size=16, person=b"codes").digest()


def _short(key: bytes) -> bytes:
    return key if len(key) <= 64 else hashlib.blake2b(key).digest()


def _words(key: bytes, purpose: bytes, count: int) -> np.ndarray:
    """uint64[count] derived from the key for one purpose."""
    return np.frombuffer(hashlib.blake2b(purpose, key=_short(key), digest_size=8 * count).digest(), dtype="<u8")


def _column_hashes(column: pa.Array | pa.ChunkedArray, words: np.ndarray, key: bytes) -> np.ndarray:
    chunks = getattr(column, "chunks", [column])
    return np.concatenate([np.empty(0, np.uint64), *(_array_hashes(chunk, words, key) for chunk in chunks)])


def _array_hashes(array: pa.Array, words: np.ndarray, key: bytes) -> np.ndarray:
    from dpsynth.encoding.values import Form, MissingPolicy, read_cells

    cells = read_cells(array, MissingPolicy.of(()))
    if cells.form is Form.NUMBER:
        hashes = _number_hashes(cells.values, words)
    elif cells.form is Form.INSTANT:
        hashes = _mix(cells.values.astype(np.uint64), _INSTANT, words)
    elif cells.form is Form.BOOLEAN:
        hashes = np.array([_text_hash("False", words, key), _text_hash("True", words, key)])[cells.values.astype(int)]
    else:
        hashes = _texts_hashes(cells.values, words, key)
    return cells.spread(hashes, _mix(np.zeros(1, np.uint64), _MISSING, words)[0])


def _number_hashes(numbers: np.ndarray, words: np.ndarray) -> np.ndarray:
    # Adding 0.0 turns -0.0 into 0.0.
    return _mix((numbers + 0.0).view(np.uint64), _NUMBER, words)


def _texts_hashes(texts: pa.Array, words: np.ndarray, key: bytes) -> np.ndarray:
    import pyarrow as pa
    import pyarrow.compute as pc

    from dpsynth.encoding.texts import booleans_of, instants_of, numbers_of

    coded = texts.dictionary_encode()
    unique = coded.dictionary
    numbers = numbers_of(unique)
    instants, dated = instants_of(unique)
    truth = booleans_of(unique)
    nothing = pc.is_in(pc.utf8_lower(unique), pa.array(_NOTHING, pa.large_string())).to_numpy(zero_copy_only=False)
    hashes = _number_hashes(numbers, words)
    hashes[dated] = _mix(instants[dated].astype(np.uint64), _INSTANT, words)
    for i in np.flatnonzero(np.isnan(numbers) & ~dated & ~nothing):
        text = str(bool(truth[i])) if truth[i] >= 0 else unique[i].as_py()
        hashes[i] = _text_hash(text, words, key)
    hashes[nothing] = _mix(np.zeros(1, np.uint64), _MISSING, words)
    return hashes[coded.indices.to_numpy(zero_copy_only=False)]


def _text_hash(text: str, words: np.ndarray, key: bytes) -> np.uint64:
    digest = hashlib.blake2b(text.encode(), key=_short(key), digest_size=8, salt=words[:2].tobytes()).digest()
    return np.frombuffer(digest, dtype="<u8")[0]


def _mix(values: np.ndarray, kind: int, words: np.ndarray) -> np.ndarray:
    """Keyed 64-bit mixing of one word per cell. Collisions are as rare as chance; secrecy is the row hash's task."""
    mixed = (values ^ words[0]) + np.uint64(kind * int(words[1]) % 2**64)
    for multiplier in (np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)):
        mixed ^= mixed >> np.uint64(33)
        mixed *= multiplier
    return (mixed ^ (mixed >> np.uint64(33))) + words[2]


def _siphash(words: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SipHash-2-4 with 128-bit output of one 8-byte message per entry, vectorised.

    Source: aumasson2012siphash.
    """
    state = [
        np.full(len(words), initial ^ key[i % 2])
        for i, initial in enumerate(
            np.array([0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573], np.uint64)
        )
    ]
    state[1] ^= np.uint64(0xEE)
    for block in (words, np.uint64(8 << 56)):
        state[3] ^= block
        _rounds(state, 2)
        state[0] ^= block
    state[2] ^= np.uint64(0xEE)
    _rounds(state, 4)
    first = state[0] ^ state[1] ^ state[2] ^ state[3]
    state[1] ^= np.uint64(0xDD)
    _rounds(state, 4)
    return first, state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state: list[np.ndarray], count: int) -> None:
    for _ in range(count):
        state[0] += state[1]
        state[2] += state[3]
        state[1] = _rotate(state[1], 13) ^ state[0]
        state[3] = _rotate(state[3], 16) ^ state[2]
        state[0] = _rotate(state[0], 32)
        state[2] += state[1]
        state[0] += state[3]
        state[1] = _rotate(state[1], 17) ^ state[2]
        state[3] = _rotate(state[3], 21) ^ state[0]
        state[2] = _rotate(state[2], 32)


def _rotate(words: np.ndarray, bits: int) -> np.ndarray:
    return (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))
