"""Entropy that says what it is told, for tests of the map from words to draws."""

from __future__ import annotations

import numpy as np

from dpsynth.noise import AbstractEntropy


class ScriptedEntropy(AbstractEntropy):
    """Hands out the given answers in order; a request of another length fails the test."""

    private = False

    def __init__(self, *answers: object) -> None:
        self.answers = [np.asarray(answer, dtype=np.uint64) for answer in answers]

    def words(self, count: int) -> np.ndarray:
        answer = self.answers.pop(0)
        assert answer.size == count
        return answer


class CountingEntropy(AbstractEntropy):
    """Passes another source on and counts the words."""

    private = False

    def __init__(self, source: AbstractEntropy) -> None:
        self.source, self.asked = source, []

    def words(self, count: int) -> np.ndarray:
        self.asked.append(count)
        return self.source.words(count)
