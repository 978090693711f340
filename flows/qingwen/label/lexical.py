"""Lexical evidence: how much the words of a block sound like page furniture, from the n-grams of its characters.

A linear model over hashed n-grams of one to three characters, folded (Simplified, half-width, lower case, every digit
0). It knows the forms of lines (发布时间：, 责任编辑, 加微信) that no rule lists. It is learned on real pages and on
pages of a grammar (``tests/quality``); the weights are data (``rules/lexical.bin``).
"""

import json
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.rules.book import weights_of_features, weights_of_words
from qingwen.text.match_view import folding

BUCKETS = 1 << 16
MOST_CHARS = 300  # of a block are read; the rest of a paragraph says nothing new
_ENDS = "\x02\x03"  # a block's first and last character
_ORDERS = (1, 2, 3)
_FACTORS = (np.uint32(2654435761), np.uint32(2246822519), np.uint32(3266489917))


def grams(words: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the n-grams of all blocks: each one's bucket, its block, and where it starts in the block."""
    marked = [f"{_ENDS[0]}{text[:MOST_CHARS]}{_ENDS[1]}" for text in words]
    codes = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = _folded()[codes]
    sizes = np.fromiter(map(len, marked), dtype=np.int64, count=len(marked))
    blocks = np.repeat(np.arange(len(marked)), sizes)
    starts = np.cumsum(sizes) - sizes
    places = np.arange(len(codes)) - starts[blocks]
    found = []
    hashed = np.zeros(len(codes), dtype=np.uint32)
    for order in _ORDERS:
        count = len(codes) - order + 1
        hashed = (hashed[:count] ^ codes[order - 1 :]) * _FACTORS[order - 1]
        hashed ^= hashed >> np.uint32(15)
        whole = blocks[:count] == blocks[order - 1 :]
        found.append((hashed[whole] % BUCKETS, blocks[:count][whole], places[:count][whole]))
    buckets, at, place = (np.concatenate(column).astype(np.int64) for column in zip(*found, strict=True))
    return buckets, at, place


def lexical_scores(words: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return, for each block, about the log odds that it is furniture."""
    weights, bias = load_weights()
    buckets, blocks, _ = grams(words)
    sums = np.bincount(blocks, weights[buckets], minlength=len(words))
    counts = np.bincount(blocks, minlength=len(words))
    return sums / np.sqrt(np.maximum(1, counts)) + bias


@lru_cache(maxsize=1)
def load_weights() -> tuple[npt.NDArray[np.float64], float]:
    """Return the weight of each bucket, and the bias."""
    table = json.loads(weights_of_features())["lexical"]
    weights = np.frombuffer(weights_of_words(), dtype=np.int8).astype(np.float64) * float(table["scale"])
    return weights, float(table["bias"])


@lru_cache(maxsize=1)
def _folded() -> npt.NDArray[np.uint32]:
    table = np.arange(0x110000, dtype=np.uint32)
    for code, other in folding().items():
        if isinstance(other, int):
            table[code] = other
        elif isinstance(other, str) and len(other) == 1:
            table[code] = ord(other)
    table[0x41:0x5B] += 32
    table[0x30:0x3A] = 0x30
    return table
