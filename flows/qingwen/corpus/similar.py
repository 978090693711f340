"""Clusters of alike texts by their signatures: LSH bands propose pairs, the whole signatures decide.

64 bands of 4 values: a pair of similarity .45 shares a band with probability .93, one of .55 with .998 (Leskovec and
others, Mining of Massive Datasets, ch. 3). Clusters are the connected components of the pairs that are alike. All of it
is a function of the signatures in their order; neither runs nor workers show in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from qingwen.corpus.signatures import SIZE

BANDS = 64
_ROWS = SIZE // BANDS
# Of more texts in one band each is paired with the first alone: a million equal openings make no trillion pairs.
_CROWD = 32
# Beyond so many texts a chain of likenesses is no cluster: only what is like the first belongs to it.
MOST_CHAINED = 1_000
_CHUNK = 1 << 16
_ODD = np.uint64(0x9E3779B97F4A7C15)

Array = Any
"""A numpy array."""


def similar(
    signatures: Array, least: float, folder: Path, most_chained: int = MOST_CHAINED, groups: Iterable[Array] = ()
) -> Array:
    """Return, for each text, the number of the first text of its cluster; a text unlike all others has its own.

    Args:
        signatures: matrix of shape (texts, 256), 32-bit unsigned; may be larger than memory.
        least: the share of equal values from which two texts are alike.
        folder: where an index of 512 bytes a text goes while it is needed.
        most_chained: the largest cluster that may hold texts which are not like its first.
        groups: what `connected` found for groups of bands that together are all; without it that is done here.
    """
    first = np.arange(len(signatures))
    for found in groups or (connected(signatures, range(BANDS), least, folder),):
        led = np.flatnonzero(found != np.arange(len(found)))
        _join(first, led, found[led])
        first = _settled(first)
    return _unchained(signatures, first, least, folder, most_chained)


def connected(signatures: Array, bands: range, least: float, folder: Path) -> Array:
    """Return, for each text, the number of the first text that pairs of these bands lead it to."""
    first = np.arange(len(signatures))
    if len(first) < 2:
        return first
    index = folder / f"bands-{bands.start}-{bands.stop}-{len(first)}"
    keys = _band_keys(signatures, bands, index)
    for row in range(len(bands)):
        for one, other in _pairs(np.asarray(keys[row])):
            apart = first[one] != first[other]
            one, other = one[apart], other[apart]
            alike = _alike(signatures, one, other, least)
            _join(first, one[alike], other[alike])
        first = _settled(first)
    del keys
    index.unlink()
    return first


def connect_file(matrix: str, texts: int, bands: Sequence[int], least: float, out: str) -> str:
    """Write what `connected` finds in the bands from the first to before the second, as 64-bit numbers, to ``out``.

    ``matrix`` is a file of so many signatures. Returns the number of texts that were led to another.
    """
    signatures = np.memmap(matrix, dtype="<u4", mode="r", shape=(texts, SIZE))
    found = connected(signatures, range(*bands), least, Path(out).parent)
    found.astype("<i8").tofile(out)
    return str(int(np.count_nonzero(found != np.arange(texts))))


def _band_keys(signatures: Array, bands: range, path: Path) -> Array:
    """Return a number for each band and text, of shape (bands, texts): equal where the band's values are."""
    keys = np.memmap(path, dtype=np.uint64, mode="w+", shape=(len(bands), len(signatures)))
    columns = slice(bands.start * _ROWS, bands.stop * _ROWS)
    for at in range(0, len(signatures), _CHUNK):
        rows = np.asarray(signatures[at : at + _CHUNK, columns]).reshape(-1, len(bands), _ROWS)
        mixed = np.zeros(rows.shape[:2], dtype=np.uint64)
        for place in range(_ROWS):
            mixed = (mixed ^ rows[:, :, place]) * _ODD
            mixed ^= mixed >> np.uint64(29)
        keys[:, at : at + _CHUNK] = mixed.T
    return keys


def _pairs(keys: Array) -> Iterator[tuple[Array, Array]]:
    """Yield pairs (the smaller number first) of texts with equal keys, some at a time."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    sizes = np.diff(np.r_[starts, len(keys)])
    crowded = sizes > _CROWD
    if crowded.any():
        # Each with the first of its group.
        leaders = np.repeat(starts[crowded], sizes[crowded])
        places = np.flatnonzero(np.repeat(crowded, sizes))
        later = places != leaders
        yield order[leaders[later]], order[places[later]]
    starts, sizes = starts[~crowded], sizes[~crowded]
    # Each with every one before it.
    for step in range(1, int(sizes.max(initial=1))):
        inside = sizes > step
        starts, sizes = starts[inside], sizes[inside]
        for before in range(step):
            yield order[starts + before], order[starts + step]


def _alike(signatures: Array, one: Array, other: Array, least: float) -> Array:
    found = np.zeros(len(one), dtype=bool)
    for at in range(0, len(one), _CHUNK // 16):
        some = slice(at, at + _CHUNK // 16)
        equal = np.asarray(signatures[one[some]]) == np.asarray(signatures[other[some]])
        found[some] = np.count_nonzero(equal, axis=1) >= least * SIZE
    return found


def _join(first: Array, one: Array, other: Array) -> None:
    """Unite the clusters of pairs; the smaller number leads."""
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        a, b = _root(first, a), _root(first, b)
        if a != b:
            first[max(a, b)] = min(a, b)


def _root(first: Array, at: int) -> int:
    while first[at] != at:
        first[at] = first[first[at]]
        at = int(first[at])
    return at


def _settled(first: Array) -> Array:
    """Return every text's leader, through all that lead one another."""
    while True:
        further = first[first]
        if np.array_equal(further, first):
            return first
        first = further


def _unchained(signatures: Array, first: Array, least: float, folder: Path, most: int) -> Array:
    """Take clusters that are too large apart: what is like their first stays, the rest is clustered by itself."""
    leaders, sizes = np.unique(first, return_counts=True)
    for leader in leaders[sizes > most]:
        members = np.flatnonzero(first == leader)
        near = _alike(signatures, np.full(len(members), leader), members, least)
        rest = members[~near]
        if len(rest):
            first[rest] = rest[similar(np.asarray(signatures[rest]), least, folder, most)]
    return first
