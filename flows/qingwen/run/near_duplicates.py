"""Near duplicates: cluster records whose texts are equal or alike, by MinHash signatures and banded hashing (LSH).

The representative of a cluster is the earliest record; ties go to the longest text, then to the smallest id. Undated
records sort last. So it depends on what the dataset holds, not on the runs that brought it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qingwen.dataset.database import Database
from qingwen.dataset.minhash import SIZE
from qingwen.run.sql import make

BANDS = 64
_ROWS = SIZE // BANDS
# Of more texts in one band each is paired with the first alone: a million equal openings make no trillion pairs.
_CROWD = 32
# Beyond so many texts a chain of likenesses is no cluster: only texts like the first belong to it.
MOST_CHAINED = 1_000
_CHUNK = 1 << 16
_ODD = np.uint64(0x9E3779B97F4A7C15)

Array = Any
"""A numpy array."""


def similar(signatures: Array, least: float, folder: Path, most_chained: int = MOST_CHAINED) -> Array:
    """Return, for each text, the number of the first text of its cluster; a text unlike all others has its own.

    Args:
        signatures: matrix of shape (texts, 256), 32-bit unsigned; may be larger than memory.
        least: the share of equal values from which two texts are alike.
        folder: where an index of 512 bytes a text is kept while it is needed.
        most_chained: the largest cluster that may hold texts which are not like its first.
    """
    first = np.arange(len(signatures))
    if len(first) < 2:
        return first
    index = folder / f"bands-{len(first)}"
    keys = _band_keys(signatures, index)
    for band in range(BANDS):
        for one, other in _pairs(np.asarray(keys[band])):
            apart = first[one] != first[other]
            one, other = one[apart], other[apart]
            alike = _alike(signatures, one, other, least)
            _join(first, one[alike], other[alike])
        first = _settled(first)
    del keys
    index.unlink()
    return _unchained(signatures, first, least, folder, most_chained)


def _band_keys(signatures: Array, path: Path) -> Array:
    """Return a number for each band and text, of shape (bands, texts): equal where the band's values are."""
    keys = np.memmap(path, dtype=np.uint64, mode="w+", shape=(BANDS, len(signatures)))
    for at in range(0, len(signatures), _CHUNK):
        rows = np.asarray(signatures[at : at + _CHUNK]).reshape(-1, BANDS, _ROWS)
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


def cluster(database: Database, least: float) -> None:
    """Make the table ``clusters`` of the records in ``keys``, with their ``signatures (id, signature)``.

    Texts are alike from ``least`` on, 0 to 1. Tables larger than memory lie in the database's folder meanwhile.
    """
    make(database, "texts")
    n = database.one("SELECT count(*) FROM texts")
    first = np.arange(n)
    if n:
        path = database.folder / "signatures"
        matrix = np.memmap(path, dtype="<u4", mode="w+", shape=(n, SIZE))
        schema = pa.schema([("n", pa.int64()), ("signature", pa.binary())])
        for batch in database.stream("SELECT n, signature FROM texts JOIN signatures USING (id)", schema):
            joined = b"".join(batch["signature"].to_pylist())
            matrix[batch["n"].to_numpy()] = np.frombuffer(joined, "<u4").reshape(-1, SIZE)
        first = similar(matrix, least, database.folder)
        del matrix
        path.unlink()
    database.create("leaders", pa.table({"n": np.arange(n), "first": first}))
    make(database, "clusters")
