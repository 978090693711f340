"""Join two datasets of any size in DuckDB; the result is tables of what differs."""

from collections.abc import Iterator
from contextlib import contextmanager

from qingwen.dataset import delta
from qingwen.dataset.database import Database
from qingwen.dataset.dataset import snapshot
from qingwen.dataset.location import Location
from qingwen.dataset.schema import TABLES

OLD, NEW = "old", "new"
RECORD, PENDING = "record", "pending"
CHANGED, APPEARED, WENT = "changed", "appeared", "went"
# The effects of a rule that are counted. A block counts the characters of its span.
KINDS = ("blocks", "characters", "edits", "flags", "rejections")
_READ = ("records", "blocks", "edits", "flags", "rejections", "sources")


@contextmanager
def differences(old: Location, new: Location) -> Iterator[Database]:
    """Yield a database with the differences of two datasets; it closes with the context.

    - views ``old_blocks`` … ``new_sources``: the tables; ``old_labelled``, ``new_labelled``: blocks; the article
      of a rejected page counts as removed by the rule that rejected it;
    - ``pages (page, path, was, now, change)``: RECORD, the rule of the rejection, PENDING, or null where the page is no
      input; CHANGED, APPEARED or WENT where the record did so;
    - ``effects (page, rule, old_blocks, new_blocks …, differs)``: what each rule did on the pages that both have.

    Blocks are matched by their place in the page's text, which is the same in both. Any change before an edit or a flag
    moves it, so these are matched by what they change, and counted. Edits of the layout follow from all others and are
    left out.

    Raises:
        SetupError: one of the two is not a dataset.
    """
    pair = [(age, snapshot(dataset, any_version=True)) for age, dataset in ((OLD, old), (NEW, new))]
    with Database() as database:
        for age, tables in pair:
            for name in _READ:
                database.view(f"{age}_{name}", delta.files(tables, name), TABLES[name])
            database.do(_LABELLED.format(age=age))
        for statement in (_PAGES, *_PENDING, _EFFECTS):
            database.do(statement)
        yield database


_LABELLED = """
CREATE VIEW {age}_labelled AS
    SELECT page_id AS page, start, "end", kept, label, text,
        CASE WHEN NOT kept THEN CASE WHEN label = 'body' OR b.rule = 'sequence.title' THEN coalesce(r.rule, b.rule)
            ELSE b.rule END END AS rule
    FROM {age}_blocks b LEFT JOIN (SELECT page_id, rule FROM {age}_rejections) r USING (page_id)
"""


def _outcomes(age: str) -> str:
    return (
        f"(SELECT id AS page, source_path AS path, '{RECORD}' AS outcome, title, text_sha256 FROM {age}_records "
        f"UNION ALL SELECT page_id, source_path, rule, NULL, NULL FROM {age}_rejections)"
    )


_PAGES = f"""
CREATE TABLE pages AS
    SELECT page, coalesce(n.path, o.path) AS path, o.outcome AS was, n.outcome AS now,
        CASE WHEN now = was AND (o.title, o.text_sha256) IS DISTINCT FROM (n.title, n.text_sha256) THEN '{CHANGED}'
            WHEN now = '{RECORD}' AND was IS DISTINCT FROM now THEN '{APPEARED}'
            WHEN was = '{RECORD}' AND was IS DISTINCT FROM now THEN '{WENT}' END AS change
    FROM {_outcomes(OLD)} o FULL JOIN {_outcomes(NEW)} n USING (page)
"""
_PENDING = tuple(
    f"UPDATE pages SET {outcome} = '{PENDING}' WHERE {outcome} IS NULL "
    f"AND path IN (SELECT source_path FROM {age}_sources WHERE outcome = '{PENDING}')"
    for outcome, age in (("was", OLD), ("now", NEW))
)


def _done(age: str) -> str:
    """Return the query for the effects of rules, one row each; ``trace`` distinguishes effects on one page."""
    return f"""
    SELECT '{age}' AS age, page, rule, 1 AS blocks, "end" - start AS characters, 0 AS edits, 0 AS flags,
        0 AS rejections, hash(start, "end", label) AS trace
    FROM {age}_labelled WHERE NOT kept
    UNION ALL SELECT '{age}', page_id, rule, 0, 0, 1, 0, 0, hash(part, before, after)
    FROM {age}_edits WHERE NOT starts_with(rule, 'layout.')
    UNION ALL SELECT '{age}', page_id, rule, 0, 0, 0, 1, 0, hash(part, form, candidate) FROM {age}_flags
    UNION ALL SELECT '{age}', page_id, rule, 0, 0, 0, 0, 1, hash(stage) FROM {age}_rejections"""


_SUMS = ", ".join(
    f"coalesce(sum({kind}) FILTER (age = '{age}'), 0) AS {age}_{kind}" for kind in KINDS for age in (OLD, NEW)
)
_EFFECTS = f"""
CREATE TABLE effects AS
    SELECT page, rule, {_SUMS},
        sum(trace) FILTER (age = '{OLD}') IS DISTINCT FROM sum(trace) FILTER (age = '{NEW}') AS differs
    FROM ({_done(OLD)} UNION ALL {_done(NEW)})
    SEMI JOIN (SELECT page FROM pages WHERE was IS NOT NULL AND now IS NOT NULL) USING (page)
    GROUP BY page, rule
"""
