"""Duplicates: records whose texts are the same or alike, and the one that stands for each cluster.

It is the first by date, of equals the longest, of equals the one with the smallest id; one without a date comes last.
So it depends on what the dataset holds alone, not on the runs that brought it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qingwen.dataset.database import Database
from qingwen.dataset.minhash import SIZE

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


EXACT, NEAR = "exact", "near"

# From so many texts on, groups of so many bands are compared in workers: fewer take less time than starting them.
SPREAD_FROM, _TOGETHER = 200_000, 8

KEYS = "id, text_sha256, published_at, n_chars"

_ORDER = "published_at NULLS LAST, n_chars DESC, id"

# A text stands under the number of its first record.
_TEXTS = f"""
CREATE OR REPLACE TABLE texts AS
    SELECT text_sha256, id, CAST(row_number() OVER (ORDER BY {_ORDER}) - 1 AS BIGINT) AS n
    FROM (SELECT * FROM keys QUALIFY row_number() OVER (PARTITION BY text_sha256 ORDER BY {_ORDER}) = 1)
"""

_CLUSTERS = f"""
CREATE OR REPLACE TABLE clusters AS
    WITH members AS (
        SELECT keys.id, leader.id AS stands, keys.text_sha256 = leader.text_sha256 AS equal
        FROM keys JOIN texts USING (text_sha256) JOIN leaders USING (n) JOIN texts leader ON leader.n = leaders.first
    )
    SELECT id, nullif(stands, id) AS duplicate_of,
        CASE WHEN CASE WHEN stands = id THEN bool_and(equal) OVER cluster ELSE equal END
            THEN '{EXACT}' ELSE '{NEAR}' END AS kind,
        CAST(count(*) OVER cluster AS INTEGER) AS cluster_size
    FROM members WINDOW cluster AS (PARTITION BY stands) QUALIFY count(*) OVER cluster > 1
"""


Connect = Callable[[Iterable[str]], None]

"""Does the jobs of `similar.connect_file` elsewhere, all of them."""


def cluster(database: Database, least: float, folder: Path, connect: Connect | None = None) -> None:
    """Make the table ``clusters`` of the records in ``keys (id, text_sha256, published_at, n_chars)``.

    ``signatures (id, signature)`` holds a signature for each. Texts are alike from ``least`` on, 0 to 1; ``folder`` is
    where what is larger than memory goes while it is needed. Many texts are compared by ``connect``, some bands a job.
    """
    database.do(_TEXTS)
    database.do("CREATE OR REPLACE TABLE leaders (n BIGINT, first BIGINT)")
    n = database.one("SELECT count(*) FROM texts")
    if n:
        path = folder / "signatures"
        matrix = np.memmap(path, dtype="<u4", mode="w+", shape=(n, SIZE))
        schema = pa.schema([("n", pa.int64()), ("signature", pa.binary())])
        for batch in database.stream("SELECT n, signature FROM texts JOIN signatures USING (id)", schema):
            joined = b"".join(batch["signature"].to_pylist())
            matrix[batch["n"].to_numpy()] = np.frombuffer(joined, "<u4").reshape(-1, SIZE)
        groups = _connected_elsewhere(path, n, least, connect) if connect and n >= SPREAD_FROM else ()
        first = similar(matrix, least, folder, groups=groups)
        database.add("leaders", pa.table({"n": np.arange(n), "first": first}))
        del matrix
        path.unlink()
    database.do(_CLUSTERS)


def _connected_elsewhere(matrix: Path, texts: int, least: float, connect: Connect) -> Iterator[Any]:
    made = {range(at, at + _TOGETHER): matrix.with_name(f"connected-{at}") for at in range(0, BANDS, _TOGETHER)}
    stated = {"matrix": str(matrix.absolute()), "texts": texts, "least": least}
    connect(
        json.dumps({**stated, "bands": [bands.start, bands.stop], "out": str(path.absolute())})
        for bands, path in made.items()
    )
    for path in made.values():
        yield np.fromfile(path, dtype="<i8")
        path.unlink()
