"""Maintain a dataset between runs: join small files, remove old ones, take pages down."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

import pyarrow as pa

from qingwen.config import Config
from qingwen.dataset import delta
from qingwen.dataset.dataset import check_dataset, new_name, pin, versions_of
from qingwen.dataset.layout import REVIEW
from qingwen.dataset.location import Location, remove
from qingwen.dataset.part_files import Staged
from qingwen.dataset.rows import rows_of, source_row
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError
from qingwen.model import SCHEMA_VERSION, Rejection
from qingwen.read.page import RawPage, Source
from qingwen.rules.site_book import SITES, SiteBook, load_sites
from qingwen.rules.takedowns import FORGOTTEN, RULE, Forgotten, load_forgotten, url_digest
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
    with open_dataset(check_dataset(dataset, any_version=True)) as opened:
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


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """The files and log entries that were removed, or would be; and files in the tables' folders that no run wrote."""

    removed: tuple[Location, ...]
    foreign: tuple[Location, ...]


def vacuum(dataset: Location, keep_hours: int = 0, *, dry_run: bool = False) -> Vacuumed:
    """Remove the files that no table uses any more, and the log entries that nobody needs; return them.

    Afterwards a plain glob of a table's files is exact, but for files that no run wrote: these are left. Whoever still
    reads a version older than ``keep_hours`` loses its files. ``dry_run`` removes nothing.

    Raises: as `compact`.
    """
    with open_dataset(check_dataset(dataset, any_version=True)):
        if not dry_run:
            for name in TABLES:
                delta.keep_texts_out_of_the_log(dataset, name)
            pin(dataset)
        unused = [delta.find_unused(dataset, name, keep_hours) for name in TABLES]
        found = Vacuumed(tuple(p for one in unused for p in one.ours), tuple(p for one in unused for p in one.foreign))
        for place in () if dry_run else found.removed:
            remove(place)
        return found


def forget(
    dataset: Location, ids: Collection[str] = (), urls: Collection[str] = (), sites: Collection[str] = ()
) -> Forgotten:
    """Take pages down: by id, by URL, or all of a site. Return the pages found, by id.

    An id may be cut to its first digits where no other begins so. Their rows go from every table; ``sources`` and
    ``rejections`` say that they were taken down, and a tombstone keeps later runs from bringing them back. The review
    page beside the tables goes too. Run `vacuum` to remove the files that still hold the old rows.

    Raises: as `compact`; SetupError if no page has one of the ids, URLs or sites: then nothing is taken down.
    """
    with open_dataset(check_dataset(dataset, any_version=True)) as opened:
        pages = _pages_of(opened, ids, urls, sites)
        # Every copy of a page goes with it, and stays gone wherever else it comes from.
        asked = Forgotten(pages, frozenset(urls), frozenset(sites))
        known = load_sites(opened.state / SITES).sites
        texts = {
            FORGOTTEN: load_forgotten(opened.state / FORGOTTEN).joined(asked).to_json(),
            SITES: SiteBook({name: site for name, site in known.items() if name not in sites}).to_json(),
        }
        run = new_name(dataset)
        versions = {"schema_version": SCHEMA_VERSION, "min_similarity": Config().min_similarity, **versions_of(dataset)}
        # Before anything is decided: a run that is killed from here on is finished by the next one.
        remove(dataset / REVIEW)
        merge(opened, [_stage_rejections(opened, run)])
        _take_out_addresses(opened)
        cluster(opened.database, versions["min_similarity"])
        publish(opened, Commit(next_number(dataset), run, tuple(sorted(texts)), **versions), texts)
    return Forgotten(pages)


def _pages_of(
    opened: OpenDataset, ids: Collection[str], urls: Collection[str], sites: Collection[str]
) -> frozenset[str]:
    """Make the table ``forgotten`` of the pages to take down, from ``records`` and ``sources``; return their ids."""
    database = opened.database
    for name in ("records", "sources"):
        database.view(name, delta.files(opened.path, name), TABLES[name])
    database.do(
        "CREATE TABLE known_pages AS SELECT id AS page, url, site FROM records "
        "UNION SELECT page_id, url, NULL FROM sources WHERE page_id IS NOT NULL"
    )
    pages = {_page_of(opened, id_) for id_ in ids}
    for site in sites:
        pages |= _found(opened, site, "SELECT page FROM known_pages WHERE site = ?")
    digests: dict[str, set[str]] = defaultdict(set)
    for page, url in database.each("SELECT page, url FROM known_pages WHERE url IS NOT NULL") if urls else ():
        digests[url_digest(url)].add(page)
    for url in urls:
        if url_digest(url) not in digests:
            raise SetupError(f"{url}: no page of {opened.path} has this URL. Nothing was taken down.")
        pages |= digests[url_digest(url)]
    database.create("forgotten", pa.table({"page": pa.array(sorted(pages), pa.string())}))
    return frozenset(pages)


def _page_of(opened: OpenDataset, start: str) -> str:
    """Return the id that begins with these digits."""
    found = _found(opened, start, "SELECT page FROM known_pages WHERE starts_with(page, ?)")
    if len(found) > 1 and start not in found:
        raise SetupError(f"{start}: the ids of {len(found)} pages begin so; give more of it. Nothing was taken down.")
    return start if start in found else found.pop()


def _found(opened: OpenDataset, wanted: str, query: str) -> set[str]:
    """Return the pages of a query with one value.

    Raises:
        SetupError: there are none.
    """
    found = {page for (page,) in opened.database.rows(query, wanted)} if wanted else set()
    if not found:
        raise SetupError(f"{wanted!r}: no page of {opened.path} has this id or site. Nothing was taken down.")
    return found


def _take_out_addresses(opened: OpenDataset) -> None:
    """Leave no address of a page of ``forgotten`` in ``sources``, where paths that held it once state it too."""
    database = opened.database
    database.do(
        "CREATE TABLE once AS SELECT DISTINCT path FROM retired "
        "WHERE page IN (SELECT page FROM forgotten) AND path NOT IN (SELECT path FROM outdated)"
    )
    for name in ("held", "retired"):
        database.do(f"INSERT INTO stated SELECT * FROM {name} SEMI JOIN once USING (path)")
    database.do("INSERT INTO outdated SELECT path FROM once")
    database.do("UPDATE stated SET url = NULL WHERE page_id IN (SELECT page FROM forgotten)")


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
