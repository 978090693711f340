"""The survey in workers: groups of pages to what they show, as files; buckets of sites to entries of the book.

Sites are dealt to buckets by their names, so that each bucket can be mined by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from zlib import crc32

import pyarrow as pa
from pyarrow import parquet

from qingwen.config import Config
from qingwen.corpus.place import Place, open_file, place_of, remove, write_whole
from qingwen.corpus.spread import MINE, SIGHT, Progress, Spread
from qingwen.corpus.survey import Chosen, Sighting, mine, sight
from qingwen.corpus.watch import READING, Watch
from qingwen.errors import BatchError
from qingwen.read.items import Source
from qingwen.rules.book import RuleBook
from qingwen.rules.sites import Site, SiteBook, load_sites

# Pages that a worker looks at in one go; and how many are mined together.
_GROUP_PAGES, _BUCKET_PAGES = 100, 20_000
_SCHEMA = pa.schema(
    [
        ("page", pa.string()),
        ("site", pa.string()),
        ("keys", pa.list_(pa.string())),
        ("sizes", pa.list_(pa.int32())),
        ("texts", pa.list_(pa.string())),
        ("spun", pa.list_(pa.string())),
    ]
)


def mined_sites(
    sample: Sequence[Chosen], spread: Spread, kit: str, folder: Place, progress: Progress
) -> Mapping[str, Site]:
    """Return entries of the sites that the kit's book does not know; ``folder`` is one that workers see.

    Raises:
        BatchError: the entries cannot be made now.
    """
    groups = [sample[at : at + _GROUP_PAGES] for at in range(0, len(sample), _GROUP_PAGES)]
    buckets = -(-len(sample) // _BUCKET_PAGES)
    seen: list[Place] = []
    looked = 0
    # A group that cannot be looked at is looked at page by page; a page that cannot is left out: cleaning names it.
    for turn in ("groups", "pages"):
        failed = []
        places = [folder / f"{turn}-{n}" for n in range(len(groups))]
        jobs = (sight_job(group, place, buckets) for group, place in zip(groups, places, strict=True))
        for n, result in spread(SIGHT, kit, jobs):
            if isinstance(result, BatchError):
                failed.append(groups[n])
            else:
                seen.append(places[n])
                looked += len(groups[n])
                progress("survey", looked, len(sample))
        groups = [[one] for group in failed for one in group]
    entries: dict[str, Site] = {}
    outs = [folder / f"sites-{bucket}.json" for bucket in range(buckets)]
    for n, result in spread(MINE, kit, (mine_job(seen, bucket, out) for bucket, out in enumerate(outs))):
        if isinstance(result, BatchError):
            raise result
        entries.update(load_sites(outs[n]).sites)
    remove(folder)
    return entries


def sight_job(chosen: Sequence[Chosen], folder: Place, buckets: int) -> str:
    """Return the job to look at pages and write what they show to ``folder``."""
    return json.dumps([[(astuple(one.source), one.share) for one in chosen], str(folder), buckets])


def sight_group(job: str, config: Config, book: RuleBook, known: frozenset[str], watch: Watch) -> str:
    """Do a `sight_job`; return the number of inputs looked at."""
    stated, folder, buckets = json.loads(job)
    found: list[list[Sighting]] = [[] for _ in range(buckets)]
    for source, share in stated:
        watch.at(READING, source[0])
        for sighting in sight(Chosen(Source(*source), tuple(share)), config, book.spun, known, book.personal):
            watch.at(READING, source[0])
            found[crc32(sighting.site.encode()) % buckets].append(sighting)
    place = place_of(folder)
    place.mkdir(parents=True, exist_ok=True)
    for bucket, some in enumerate(found):
        whole = pa.BufferOutputStream()
        parquet.write_table(_table(some), whole, compression="zstd")
        (place / f"{bucket}.parquet").write_bytes(whole.getvalue())
    return str(len(stated))


def mine_job(folders: Sequence[Place], bucket: int, out: Place) -> str:
    """Return the job to make the entries of a bucket's sites from what groups saw, and write them to ``out``."""
    return json.dumps([[str(folder / f"{bucket}.parquet") for folder in folders], str(out)])


def mine_bucket(job: str, config: Config) -> str:
    """Do a `mine_job`; return the number of sites that have an entry."""
    files, out = json.loads(job)
    sites = mine((sighting for file in files for sighting in _read(file)), config)
    write_whole(place_of(out), SiteBook(sites).to_json())
    return str(len(sites))


def _table(sightings: Sequence[Sighting]) -> pa.Table:
    rows = [
        {
            "page": one.page_id,
            "site": one.site,
            "keys": [key for key, _, _ in one.lines],
            "sizes": [size for _, size, _ in one.lines],
            "texts": [text for _, _, text in one.lines],
            "spun": sorted(one.spun),
        }
        for one in sightings
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _read(file: str) -> Iterator[Sighting]:
    with open_file(file) as opened:
        rows = parquet.read_table(opened, use_threads=False).to_pylist()
    for row in rows:
        lines = tuple(zip(row["keys"], row["sizes"], row["texts"], strict=True))
        yield Sighting(row["page"], row["site"], lines, frozenset(row["spun"]))
