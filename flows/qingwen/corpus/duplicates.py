"""Duplicates: records whose texts are the same or alike, and the one that stands for each cluster.

It is the first by date, of equals the longest, of equals the one with the smallest id; one without a date comes last.
So it depends on what the dataset holds alone, not on the runs that brought it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from qingwen.corpus.database import Database
from qingwen.corpus.signatures import SIZE
from qingwen.corpus.similar import similar

EXACT, NEAR = "exact", "near"
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


def cluster(database: Database, least: float, folder: Path) -> None:
    """Make the table ``clusters`` of the records in ``keys (id, text_sha256, published_at, n_chars)``.

    ``signatures (id, signature)`` holds a signature for each. Texts are alike from ``least`` on, 0 to 1; ``folder`` is
    where what is larger than memory goes while it is needed.
    """
    database.do(_TEXTS)
    database.do("CREATE OR REPLACE TABLE leaders (n BIGINT, first BIGINT)")
    n = database.one("SELECT count(*) FROM texts")
    if n:
        matrix = np.memmap(folder / "signatures", dtype="<u4", mode="w+", shape=(n, SIZE))
        schema = pa.schema([("n", pa.int64()), ("signature", pa.binary())])
        for batch in database.stream("SELECT n, signature FROM texts JOIN signatures USING (id)", schema):
            joined = b"".join(batch["signature"].to_pylist())
            matrix[batch["n"].to_numpy()] = np.frombuffer(joined, "<u4").reshape(-1, SIZE)
        first = similar(matrix, least, folder)
        database.add("leaders", pa.table({"n": np.arange(n), "first": first}))
        del matrix
        (folder / "signatures").unlink()
    database.do(_CLUSTERS)
