"""Maintain a dataset between runs: join small files, remove old ones, take pages down."""

from collections.abc import Collection
from dataclasses import dataclass, field

from qingwen.dataset import delta
from qingwen.dataset.dataset import check_dataset, new_name, versions_of
from qingwen.dataset.location import Location
from qingwen.dataset.part_files import Staged
from qingwen.dataset.rows import rows_of, source_row
from qingwen.dataset.schema import TABLES
from qingwen.model import Rejection
from qingwen.read.page import RawPage, Source
from qingwen.rules.takedowns import FORGOTTEN, RULE, Forgotten, load_forgotten
from qingwen.run.near_duplicates import cluster
from qingwen.run.publish import Commit, OpenDataset, merge, next_number, open_dataset, publish

# The file size that object stores and readers of Parquet like best.
FILE_BYTES = 256 * 1024 * 1024

_COPIES = ("duplicate_of", "duplicate_kind", "cluster_size")


@dataclass(slots=True)
class Compacted:
    """Files before and after, by table; and how many records had old copies of their columns of ``duplicates``."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    refreshed: int = 0


def compact(dataset: Location, file_bytes: int = FILE_BYTES) -> Compacted:
    """Join the small files of each table, and refresh the columns of ``records`` that copy ``duplicates``.

    Readers see the dataset as it was or as it is; the old files stay until `vacuum`.

    Raises:
        SetupError: there is no dataset.
        PublishError: a run holds it.
    """
    with open_dataset(check_dataset(dataset)) as opened:
        database = opened.database
        for name in ("records", "duplicates"):
            database.view(name, delta.files(dataset, name), TABLES[name])
        database.do(
            "CREATE TABLE stale AS SELECT r.id, d.duplicate_of, d.kind AS duplicate_kind, "
            "coalesce(d.cluster_size, 1) AS cluster_size FROM records r LEFT JOIN duplicates d USING (id) "
            "WHERE (r.duplicate_of, r.duplicate_kind, r.cluster_size) "
            "IS DISTINCT FROM (d.duplicate_of, d.kind, coalesce(d.cluster_size, 1))"
        )
        done = Compacted(refreshed=database.one("SELECT count(*) FROM stale"))
        if done.refreshed:
            delta.update(dataset, "records", database.table("SELECT * FROM stale"), _COPIES, label=new_name(dataset))
        for name in TABLES:
            done.files[name] = delta.join_small_files(dataset, name, file_bytes)
    return done


def vacuum(dataset: Location, keep_hours: int = 0) -> int:
    """Remove the files that no table uses any more; return how many.

    Afterwards a plain glob of a table's files is exact. Whoever still reads a version older than ``keep_hours`` loses
    its files.

    Raises: as `compact`.
    """
    with open_dataset(check_dataset(dataset)):
        return sum(delta.remove_unused(dataset, name, keep_hours) for name in TABLES)


def forget(
    dataset: Location, ids: Collection[str] = (), urls: Collection[str] = (), sites: Collection[str] = ()
) -> Forgotten:
    """Take pages down: by id, by URL, or all of a site. Return the pages found, by id.

    Their rows go from every table; ``sources`` and ``rejections`` say that they were taken down, and a tombstone keeps
    later runs from bringing them back. Run `vacuum` to remove the files that still hold the old rows.

    Raises: as `compact`.
    """
    with open_dataset(check_dataset(dataset)) as opened:
        pages = _pages_of(opened, ids, urls, sites)
        # Every copy of a page goes with it, and stays gone wherever else it comes from.
        asked = Forgotten(frozenset(ids) | pages, frozenset(urls), frozenset(sites))
        texts = {FORGOTTEN: load_forgotten(opened.state / FORGOTTEN).joined(asked).to_json()}
        run, versions = new_name(dataset), versions_of(dataset)
        merge(opened, [_stage_rejections(opened, run)] if pages else [])
        cluster(opened.database, versions["min_similarity"])
        publish(opened, Commit(next_number(dataset), run, (FORGOTTEN,), **versions), texts)
    return Forgotten(pages)


def _pages_of(
    opened: OpenDataset, ids: Collection[str], urls: Collection[str], sites: Collection[str]
) -> frozenset[str]:
    """Make the table ``forgotten`` of the pages to take down, from ``records`` and ``sources``; return their ids."""
    database = opened.database
    for name in ("records", "sources"):
        database.view(name, delta.files(opened.path, name), TABLES[name])
    database.do("CREATE TABLE forgotten (page VARCHAR)")
    for column, values in (("id", ids), ("url", urls), ("site", sites)):
        database.do(f"INSERT INTO forgotten SELECT id FROM records WHERE list_contains(?, {column})", sorted(values))
    for column, values in (("page_id", ids), ("url", urls)):
        database.do(
            f"INSERT INTO forgotten SELECT page_id FROM sources WHERE list_contains(?, {column})", sorted(values)
        )
    return frozenset(page for (page,) in database.rows("SELECT DISTINCT page FROM forgotten"))


def _stage_rejections(opened: OpenDataset, part: str) -> str:
    """Write part files in which each page of the table ``forgotten`` is rejected as taken down; return their name."""
    with Staged(opened.staging / part) as staged:
        for path, page, container, size, modified in opened.database.each(
            "SELECT source_path, page_id, container, size, modified FROM sources "
            "WHERE page_id IN (SELECT page FROM forgotten) AND outcome <> 'superseded' ORDER BY source_path"
        ):
            rejection = Rejection(page, path, *RULE)
            source = Source(container or path, size, modified)
            staged.add({**rows_of(rejection), "sources": [source_row(source, RawPage(path, rejection), "rejection")]})
        staged.finish("{}")
    return part
