-- Each different text once, numbered in the order of representatives; a text has the number of its first record.
-- The first is the earliest; ties go to the longest text, then to the smallest id. Undated records sort last.
-- Reads: keys. Makes: texts.

CREATE OR REPLACE TABLE texts AS
    SELECT text_sha256, id,
        CAST(row_number() OVER (ORDER BY published_at NULLS LAST, n_chars DESC, id) - 1 AS BIGINT) AS n
    FROM (
        SELECT * FROM keys QUALIFY 1 = row_number() OVER (
            PARTITION BY text_sha256 ORDER BY published_at NULLS LAST, n_chars DESC, id
        )
    );
