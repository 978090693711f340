"""Maintain a dataset between runs: join small files, remove old ones, take pages down."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pyarrow as pa

from qingwen.config import Config
from qingwen.dataset import delta
from qingwen.dataset.dataset import check_dataset, new_name, pin, versions_of
from qingwen.dataset.layout import REVIEW
from qingwen.dataset.location import Location, remove
from qingwen.dataset.minhash import signature
from qingwen.dataset.part_files import NAMES, Staged
from qingwen.dataset.rows import Rows, flag_row, rows_of, source_row
from qingwen.dataset.schema import KEYS, TABLES
from qingwen.errors import SetupError
from qingwen.metadata.site import registrable_domain
from qingwen.model import SCHEMA_VERSION, Flag, Rejection
from qingwen.read.page import RawPage, Source
from qingwen.rules.site_book import SITES, SiteBook, load_sites
from qingwen.rules.takedowns import FORGOTTEN, RULE, Forgotten, load_forgotten, places, url_digest
from qingwen.run.near_duplicates import cluster
from qingwen.run.publish import Commit, OpenDataset, merge, next_number, open_dataset, publish
from qingwen.run.takedowns import SAME_PLACE, SIMILAR, flags_of, likeness, may_be_alike, sketch_of

# The file size that object stores and readers of Parquet like best.
FILE_BYTES = 256 * 1024 * 1024

# So many flagged records are in memory at once when pages are taken down.
_FLAGGED_AT_ONCE = 200
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


@dataclass(frozen=True, slots=True)
class TakenDown:
    """The ids of the pages that `forget` took down, and of the records that stay, ``flagged`` as they look like one."""

    ids: frozenset[str]
    flagged: frozenset[str]


def forget(
    dataset: Location, ids: Collection[str] = (), urls: Collection[str] = (), sites: Collection[str] = ()
) -> TakenDown:
    """Take pages down: by id, by URL, or all of a site. Return the pages found, by id.

    An id may be cut to its first digits where no other begins so. Other pages with the same cleaned text go too (not
    for a site: others may print its texts), and so do other versions of a page: a similar text at its path or address.
    Their rows go from every table; ``sources`` and ``rejections`` say that they were taken down, and a tombstone keeps
    later runs from bringing them back. What only looks like them is flagged. The review page beside the tables goes
    too. Run `vacuum` to remove the files that still hold the old rows.

    Raises: as `compact`; SetupError if no page has one of the ids, URLs or sites: then nothing is taken down.
    """
    with open_dataset(check_dataset(dataset, any_version=True)) as opened:
        run = new_name(dataset)
        versions = {"schema_version": SCHEMA_VERSION, "min_similarity": Config().min_similarity, **versions_of(dataset)}
        before = load_forgotten(opened.state / FORGOTTEN)
        gone, flags = _spread(opened, _pages_asked(opened, ids, urls, sites), before, versions["min_similarity"])
        known = load_sites(opened.state / SITES).sites
        texts = {
            FORGOTTEN: before.joined(gone).to_json(),
            SITES: SiteBook({name: site for name, site in known.items() if name not in sites}).to_json(),
        }
        # Before anything is decided: a run that is killed from here on is finished by the next one.
        remove(dataset / REVIEW)
        database = opened.database
        database.create("forgotten", pa.table({"page": pa.array(sorted(gone.ids), pa.string())}))
        merge(opened, [_stage_rejections(opened, run), _stage_flagged(opened, f"{run}-flagged", flags)])
        _take_out_addresses(opened)
        cluster(database, versions["min_similarity"])
        publish(opened, Commit(next_number(dataset), run, tuple(sorted(texts)), **versions), texts)
    return TakenDown(gone.ids, frozenset(flags))


def _pages_asked(
    opened: OpenDataset, ids: Collection[str], urls: Collection[str], sites: Collection[str]
) -> tuple[Forgotten, frozenset[str]]:
    """Make the table ``known_pages``; return what is asked for, with the pages that it names, and the sites' pages."""
    database = opened.database
    for name in ("records", "sources"):
        database.view(name, delta.files(opened.path, name), TABLES[name])
    database.do(
        "CREATE TABLE known_pages AS SELECT id AS page, source_path AS path, url, site FROM records "
        "UNION SELECT page_id, source_path, url, NULL FROM sources WHERE page_id IS NOT NULL"
    )
    pages = {_page_of(opened, id_) for id_ in ids}
    of_urls: dict[str, set[str]] = defaultdict(set)
    of_sites: dict[str | None, set[str]] = defaultdict(set)
    rows = database.each("SELECT page, url, site FROM known_pages") if urls or sites else ()
    for page, url, site in rows:
        if url is not None:
            of_urls[url_digest(url)].add(page)
            of_sites[registrable_domain(url) if sites else None].add(page)
        of_sites[site].add(page)
    for url in urls:
        if url_digest(url) not in of_urls:
            raise SetupError(f"{url}: no page of {opened.path} has this URL. Nothing was taken down.")
        pages |= of_urls[url_digest(url)]
    for name in sites:
        if not name or name not in of_sites:
            raise SetupError(f"{name!r}: no page of {opened.path} has this id or site. Nothing was taken down.")
    on_sites = frozenset(page for name in sites for page in of_sites[name])
    return Forgotten(frozenset(pages), frozenset(urls), frozenset(sites)), on_sites


def _page_of(opened: OpenDataset, start: str) -> str:
    """Return the id that begins with these digits.

    Raises:
        SetupError: there is none, or more than one.
    """
    query = "SELECT page FROM known_pages WHERE starts_with(page, ?)"
    found = {page for (page,) in opened.database.rows(query, start)} if start else set()
    if not found:
        raise SetupError(f"{start!r}: no page of {opened.path} has this id or site. Nothing was taken down.")
    if len(found) > 1 and start not in found:
        raise SetupError(f"{start}: the ids of {len(found)} pages begin so; give more of it. Nothing was taken down.")
    return start if start in found else found.pop()


def _spread(
    opened: OpenDataset, asked: tuple[Forgotten, frozenset[str]], before: Forgotten, least: float
) -> tuple[Forgotten, dict[str, tuple[Flag, ...]]]:
    """Return all that is to go, with its tombstones; and the flags of the records that look like it.

    What runs would refuse, now that these pages are gone, goes with them.
    """
    named, of_sites = asked
    database = opened.database
    while True:
        gone = _tombstones(opened, named, of_sites)
        total, placed, newly_placed, more = before.joined(gone), set[str](), set[str](), set[str]()
        # As a run does: a page stands at the path and the address of its record.
        for page, path, url, sha256 in database.each("SELECT id, source_path, url, text_sha256 FROM records"):
            if gone.holds(page, None, None, sha256):
                more.add(page)
            if total.has_place(path, url):
                placed.add(page)
                newly_placed |= {page} if gone.has_place(path, url) else set()
        flags: dict[str, tuple[Flag, ...]] = {}
        for page, alike in _likely(opened, gone.sketches, total.sketches, newly_placed):
            if page in placed and alike >= least:
                more.add(page)
            else:
                flags[page] = tuple(flags_of(alike, placed=page in placed, least=least))
        if more <= gone.ids:
            return gone, {page: found for page, found in flags.items() if found and page not in gone.ids}
        named = replace(named, ids=named.ids | more)


def _likely(
    opened: OpenDataset, sketches: frozenset[str], every: frozenset[str], placed: Collection[str]
) -> Iterator[tuple[str, float]]:
    """Yield the records that are ``placed`` or may be like one of ``sketches``, with their likeness to ``every``."""
    for batch in delta.batches(opened.path, "signatures", ("id", "signature")):
        ids, signed = batch["id"].to_pylist(), batch["signature"].to_pylist()
        for at in {*may_be_alike(sketches, signed), *(at for at, page in enumerate(ids) if page in placed)}:
            yield ids[at], likeness(every, signed[at])


def _tombstones(opened: OpenDataset, named: Forgotten, of_sites: frozenset[str]) -> Forgotten:
    """Return what is asked for with the texts, places and sketches of its pages; of a site's pages no texts."""
    pages = named.ids | of_sites
    database = opened.database
    database.create("going", pa.table({"page": pa.array(sorted(pages), pa.string())}))
    stood = database.each("SELECT path, url FROM known_pages SEMI JOIN going USING (page)")
    texts = database.each("SELECT id, text_sha256 FROM records JOIN going ON page = id")
    signed = delta.read(opened.path, "signatures", ("signature",), where=("id", sorted(pages)))["signature"]
    sketches = set(map(sketch_of, signed.to_pylist()))
    sketches |= {sketch_of(signature(text)) for text in _texts_of_rejected(opened, pages) if text}
    return Forgotten(
        pages,
        named.urls,
        named.sites,
        frozenset(sha256[:32] for page, sha256 in texts if page in named.ids),
        frozenset(place for path, url in stood for place in places(path, url)),
        frozenset(sketches),
    )


def _texts_of_rejected(opened: OpenDataset, pages: Collection[str]) -> Iterator[str]:
    """Yield the texts of those pages that are rejections: all their blocks."""
    rejected = delta.read(opened.path, "rejections", ("page_id",), where=("page_id", sorted(pages)))["page_id"]
    texts: dict[str, list[str]] = defaultdict(list)
    columns = ("page_id", "n", "text")
    for row in (
        delta.read(opened.path, "blocks", columns, where=("page_id", rejected.to_pylist())).sort_by("n").to_pylist()
    ):
        texts[row["page_id"]].append(row["text"] or "")
    yield from map("\n".join, texts.values())


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


def _stage_flagged(opened: OpenDataset, part: str, flags: Mapping[str, tuple[Flag, ...]]) -> str:
    """Write part files of records that stay, with their new flags in the place of earlier ones; return their name."""
    with Staged(opened.staging / part) as staged:
        pages = sorted(flags)
        for at in range(0, len(pages), _FLAGGED_AT_ONCE):
            some = pages[at : at + _FLAGGED_AT_ONCE]
            rows: dict[str, Rows] = {page: defaultdict(list) for page in some}
            for name in NAMES:
                key = {"sources": "page_id"}.get(name, KEYS[name])
                for row in delta.read(opened.path, name, where=(key, some)).to_pylist():
                    rows[row[key]][name].append(row)
            for page in some:
                (record,) = rows[page]["records"]
                names = {name for name in record["flags"] if name not in (SIMILAR, SAME_PLACE)}
                record["flags"] = sorted(names | {flag.rule for flag in flags[page]})
                found = [row for row in rows[page]["flags"] if row["rule"] not in (SIMILAR, SAME_PLACE)]
                rows[page]["flags"] = [*found, *(flag_row(page, flag) for flag in flags[page])]
                # Copies of the page keep their rows.
                rows[page]["sources"] = [row for row in rows[page]["sources"] if row["outcome"] == "record"]
                staged.add(rows[page])
        staged.finish("{}")
    return part
