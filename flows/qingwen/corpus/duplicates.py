"""Duplicates: records with the same text, and the one that stands for each cluster.

It is the first by date, of equals the longest, of equals the one with the smallest id; one without a date comes last.
So it depends on what the dataset holds alone, not on the runs that brought it.
"""

from __future__ import annotations

from qingwen.corpus.database import Database

EXACT = "exact"
_CLUSTERS = f"""
CREATE OR REPLACE TABLE clusters AS
    SELECT id, nullif(first_value(id) OVER of_text, id) AS duplicate_of, '{EXACT}' AS kind,
        CAST(count(*) OVER (PARTITION BY text_sha256) AS INTEGER) AS cluster_size
    FROM keys
    WINDOW of_text AS (PARTITION BY text_sha256 ORDER BY published_at NULLS LAST, n_chars DESC, id)
    QUALIFY count(*) OVER (PARTITION BY text_sha256) > 1
"""


def cluster(database: Database) -> None:
    """Make the table ``clusters`` of the records in ``keys (id, text_sha256, published_at, n_chars)``."""
    database.do(_CLUSTERS)
