"""MinHash signatures of texts: they tell how similar two texts are, without the texts.

A signature holds, for each of 256 hash functions, the smallest value over the text's shingles (runs of four letters,
case and punctuation left out). The share of equal values estimates the Jaccard similarity of the shingles with a
standard error of at most 1/32 (Broder 1997). Datasets keep their signatures, so the functions never change.
"""

import re
from typing import Any

import numpy as np

from qingwen.text.characters import code_points

SIZE = 256
SHINGLE = 4
_LETTERS = re.compile(r"[^\W_]+")
_ODD = np.uint64(0x9E3779B97F4A7C15)
# Shingles that are hashed at a time: their matrix takes 2 MB.
_CHUNK = 2048


def _mixed(numbers: Any) -> Any:
    """Hash an array of numbers to 32 bits each, by splitmix64: every bit of the input counts."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (numbers >> np.uint64(32)).astype(np.uint32)


# The hash functions x -> factor * x + offset in 32 bits, with odd factors, from fixed seeds.
_SEEDS = _mixed(np.arange(1, 2 * SIZE + 1, dtype=np.uint64) * _ODD)
_FACTORS, _OFFSETS = _SEEDS[:SIZE] | np.uint32(1), _SEEDS[SIZE:]


def signature(text: str) -> bytes:
    """Return the signature of a text: 256 numbers of 32 bits, little-endian.

    >>> one, other = (signature(text) for text in ("会议今天上午在北京召开。", "会议，今天上午在北京召开"))
    >>> one == other, similarity(one, signature("会议今天上午在北京召开，至明日结束。")) > 0.4
    (True, True)
    """
    letters = "".join(_LETTERS.findall(text)).casefold()
    codes = code_points(letters).astype(np.uint64)
    n = max(1, len(codes) - SHINGLE + 1)
    shingles = np.zeros(n, dtype=np.uint64)
    for at in range(min(SHINGLE, len(codes))):
        shingles = shingles * np.uint64(0x110000) + codes[at : at + n]
    shingles = _mixed(np.unique(shingles))
    smallest = np.full(SIZE, np.iinfo(np.uint32).max, dtype=np.uint32)
    for at in range(0, len(shingles), _CHUNK):
        hashed = shingles[at : at + _CHUNK, None] * _FACTORS + _OFFSETS
        np.minimum(smallest, hashed.min(axis=0), out=smallest)
    return smallest.astype("<u4").tobytes()


def similarity(one: bytes, other: bytes) -> float:
    """Estimate the Jaccard similarity of two texts from their signatures, 0 to 1."""
    return float(np.mean(np.frombuffer(one, "<u4") == np.frombuffer(other, "<u4")))
