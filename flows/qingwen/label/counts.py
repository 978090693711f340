"""Characters of each block counted by kind, all blocks of a page at once, over arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.han import RANGES

_SENTENCE, _COMMA = "\u3002\uff01\uff1f!?;\uff1b", ",\uff0c\u3001"
_KINDS = 6
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """For each block how many of its characters are no white space, Han, sentence marks, commas, digits, Latin."""

    size: Ints
    han: Ints
    sentences: Ints
    commas: Ints
    digits: Ints
    latin: Ints


def count(words: Sequence[str]) -> Counts:
    """Return the counts of each block's words."""
    joined = "".join(words)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    flags = _flags()[codes]
    ends = np.cumsum(np.fromiter(map(len, words), dtype=np.int64, count=len(words)))
    starts = np.concatenate(([0], ends[:-1]))
    found = []
    for kind in range(_KINDS):
        running = np.concatenate(([0], np.cumsum((flags >> kind) & 1, dtype=np.int64)))
        found.append(running[ends] - running[starts])
    return Counts(*found)


@lru_cache(maxsize=1)
def _flags() -> npt.NDArray[np.uint8]:
    """Return the kinds of each code point as bits, in the order of `Counts`."""
    table = np.ones(0x110000, dtype=np.uint8)
    spaces = [code for code in range(0x3001) if chr(code).isspace()]
    table[spaces] = 0
    for first, last in RANGES:
        table[first : last + 1] |= 2
    for bit, characters in ((4, _SENTENCE), (8, _COMMA), (16, "0123456789")):
        table[list(map(ord, characters))] |= bit
    for first, last in ((0x41, 0x5A), (0x61, 0x7A)):
        table[first : last + 1] |= 32
    return table


def steps(values: npt.NDArray[np.float64] | Ints, bounds: Iterable[float]) -> Ints:
    """Return, for each value, how many of the bounds are not above it."""
    return np.searchsorted(np.asarray(tuple(bounds)), values, side="right")
