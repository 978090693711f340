-- Records whose texts are equal or alike, with the representative of their cluster.
-- Reads: keys, texts, leaders (the first text of each text's cluster, by number). Makes: clusters.

CREATE OR REPLACE TABLE clusters AS
    WITH members AS (
        SELECT keys.id, leader.id AS representative, keys.text_sha256 = leader.text_sha256 AS equal
        FROM keys JOIN texts USING (text_sha256) JOIN leaders USING (n) JOIN texts leader ON leader.n = leaders.first
    )
    SELECT id, nullif(representative, id) AS duplicate_of,
        CASE WHEN CASE WHEN representative = id THEN bool_and(equal) OVER cluster ELSE equal END
            THEN 'exact' ELSE 'near' END AS kind,
        CAST(count(*) OVER cluster AS INTEGER) AS cluster_size
    FROM members WINDOW cluster AS (PARTITION BY representative) QUALIFY count(*) OVER cluster > 1;
