"""Duplicates: records whose texts are the same or alike, and the one that stands for each cluster.

It is the first by date, of equals the longest, of equals the one with the smallest id; one without a date comes last.
So it depends on what the dataset holds alone, not on the runs that brought it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qingwen.corpus.database import Database
from qingwen.corpus.signatures import SIZE
from qingwen.corpus.similar import BANDS, similar

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
