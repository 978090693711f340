"""What keeps a dataset in order between runs: small files joined, old ones removed, pages taken down, changes told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from qingwen.dataset import delta
from qingwen.dataset.dataset import check_dataset, new_name
from qingwen.dataset.location import Location
from qingwen.dataset.part_files import Staged
from qingwen.dataset.rows import rows_of, source_row
from qingwen.dataset.schema import TABLES
from qingwen.model import Rejection
from qingwen.read.page import RawPage, Source
from qingwen.rules.takedowns import FORGOTTEN, RULE, Forgotten, load_forgotten
from qingwen.run.open_dataset import OpenDataset

# What object stores and readers of Parquet like best.
FILE_BYTES = 256 * 1024 * 1024

_COPIES = ("duplicate_of", "duplicate_kind", "cluster_size")


@dataclass(slots=True)
class Compacted:
    """Files before and after, by table; and how many records had other copies of what duplicates says."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    refreshed: int = 0


def compact(dataset: Location, file_bytes: int = FILE_BYTES) -> Compacted:
    """Join the small files of each table, and refresh in ``records`` what ``duplicates`` says of them.

    Readers see the dataset as it was or as it is; the old files stay until `vacuum`.

    Raises:
        SetupError: no dataset stands there.
        PublishError: a run holds it.
    """
    with OpenDataset(check_dataset(dataset)) as held:
        database = held.database
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
    with OpenDataset(check_dataset(dataset)):
        return sum(delta.remove_unused(dataset, name, keep_hours) for name in TABLES)


# What an id's change and a later one come to.
def forget(
    dataset: Location, ids: Collection[str] = (), urls: Collection[str] = (), sites: Collection[str] = ()
) -> Forgotten:
    """Take pages down: by id, by URL, or all of a site. Return what was found, by id.

    Their rows go from every table; in ``sources`` and ``rejections`` stands that they were taken down, and a tombstone
    keeps runs to come from bringing them back. Run `vacuum` to remove the files that still hold the old rows.

    Raises: as `compact`.
    """
    with OpenDataset(check_dataset(dataset)) as held:
        database = held.database
        asked = load_forgotten(held.state / FORGOTTEN).joined(
            Forgotten(frozenset(ids), frozenset(urls), frozenset(sites))
        )
        for name in ("records", "sources"):
            database.view(name, delta.files(dataset, name), TABLES[name])
        database.do("CREATE TABLE gone (page VARCHAR)")
        for column, values in (("id", ids), ("url", urls), ("site", sites)):
            database.do(f"INSERT INTO gone SELECT id FROM records WHERE list_contains(?, {column})", sorted(values))
        database.do("INSERT INTO gone SELECT page_id FROM sources WHERE list_contains(?, page_id)", sorted(ids))
        database.do("INSERT INTO gone SELECT page_id FROM sources WHERE list_contains(?, url)", sorted(urls))
        found = frozenset(page for (page,) in database.rows("SELECT DISTINCT page FROM gone"))
        # Every copy of a page goes with it, and stays gone wherever else it comes from.
        asked = asked.joined(Forgotten(found))
        run = new_name(dataset)
        folder = held.staging / run
        with Staged(folder) as staged:
            for path, page, container, size, modified in database.each(
                "SELECT source_path, page_id, container, size, modified FROM sources "
                "WHERE page_id IN (SELECT page FROM gone) AND outcome <> 'superseded' ORDER BY source_path"
            ):
                rejection = Rejection(page, path, *RULE)
                source = Source(container or path, size, modified)
                gone = source_row(source, RawPage(path, rejection), "rejection")
                staged.add({**rows_of(rejection), "sources": [gone]})
            staged.finish("{}")
        beside = {FORGOTTEN: asked.to_json()}
        versions = held.versions
        similarity = versions["min_similarity"]
        held.publish(run, [folder] if found else [], [], versions, beside, min_similarity=similarity)
    return Forgotten(found)
