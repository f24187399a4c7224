"""The one source of random bits behind privacy noise.

`SystemEntropy` asks the operating system for every word and keeps no buffer, so a fork cannot repeat a stream.
`SeededEntropy` exists for tests: whatever it touches is stamped "not private" and can never be certified.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from typing import ClassVar, final

import numpy as np

__all__ = ["AbstractEntropy", "SeededEntropy", "SystemEntropy"]


class AbstractEntropy(ABC):
    """A stream of uniform 64-bit words."""

    __slots__ = ()

    private: ClassVar[bool]
    """False where anyone could repeat the stream; read by the gate, which stamps what such a stream touched."""

    @abstractmethod
    def words(self, count: int) -> np.ndarray:
        """uint64[count], uniform and independent."""


@final
class SystemEntropy(AbstractEntropy):
    """Words from the operating system (`os.urandom`); nothing is kept between calls."""

    __slots__ = ()
    private = True

    def words(self, count: int) -> np.ndarray:
        """uint64[count] straight from the operating system."""
        return np.frombuffer(os.urandom(8 * count), dtype=np.uint64) if count else np.empty(0, np.uint64)


@final
class SeededEntropy(AbstractEntropy):
    """Reproducible words for tests. NOT PRIVATE: anyone who knows the seed can take the noise off again."""

    __slots__ = ("_bits",)
    private = False

    def __init__(self, seed: int) -> None:
        self._bits = np.random.Philox(key=seed)

    def words(self, count: int) -> np.ndarray:
        """uint64[count] from a Philox counter."""
        return self._bits.random_raw(count).astype(np.uint64, copy=False) if count else np.empty(0, np.uint64)
