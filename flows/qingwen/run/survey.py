"""The survey in workers: groups of pages to what they show, as files; buckets of sites to entries of the book.

Sites are dealt to buckets by their names, so that each bucket can be mined by itself.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from zlib import crc32

import pyarrow as pa
from pyarrow import parquet

from qingwen.config import Config
from qingwen.dataset.location import Location, location_of, open_file, remove, write_whole
from qingwen.dataset.progress import Progress
from qingwen.errors import BatchError
from qingwen.metadata.site import site_key
from qingwen.model import Rejection
from qingwen.normalize.masking import hide
from qingwen.read.containers import WHOLE, Share, is_container, raw_pages
from qingwen.read.page import RawPage, Source, page_of
from qingwen.rules.book import RuleBook
from qingwen.rules.personal_data import PersonalDataTable
from qingwen.rules.site_book import Site, SiteBook, Template, line_key, load_sites
from qingwen.rules.swapped_words import SwappedWordTable
from qingwen.run.executor import MINE, SIGHT, Executor
from qingwen.run.watchdog import READING, Watch
from qingwen.segment.segment import segment

# Lines shorter than this recur by chance; so many characters of a line are kept for people to read.
_SHORTEST, _SHOWN = 2, 40

# From so many characters on a line is a paragraph: it tells pages apart.
_PARAGRAPH = 40

# Pages that share so much of their paragraphs are one article and its repost: they prove a line of the site once.
_ALIKE = 0.5

NONE = PersonalDataTable()

# What an item of a container takes, compressed: from 2 (text) to 15 KB (HTML) in news crawls.
_ITEM_BYTES = 5_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file to survey and, of a container, the share of its items."""

    source: Source
    share: Share = WHOLE


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of one surveyed page: key, size in characters, beginning; and the keys of those with swapped words."""

    page_id: str
    site: str
    lines: tuple[tuple[str, int, str], ...]
    spun: frozenset[str] = frozenset()


def choose_sample(sources: Iterable[Source], config: Config) -> list[Chosen]:
    """Return the inputs to survey: all, or about as many pages as the configuration allows.

    Files are chosen by their paths' digests. Of a container that holds more pages than are left, going by its size,
    every k-th is looked at.
    """
    ranked = ((hashlib.blake2b(source.path.encode(errors="surrogateescape")).digest(), source) for source in sources)
    chosen: list[Chosen] = []
    left = config.survey_pages
    for _, source in heapq.nsmallest(left, ranked, key=lambda pair: pair[0]):
        if left <= 0:
            break
        pages = source.size // _ITEM_BYTES + 1 if is_container(source.path) else 1
        every = -(-pages // left)
        chosen.append(Chosen(source, (0, every)))
        left -= -(-pages // every)
    return sorted(chosen, key=lambda one: one.source.path)


def sight(
    chosen: Chosen,
    config: Config,
    spun: SwappedWordTable,
    known: frozenset[str] = frozenset(),
    personal: PersonalDataTable = NONE,
) -> Iterator[PageLines]:
    """Yield what pages show of their sites; one that cannot be read, or whose site is known or not named, adds none.

    Where the configuration asks for it, what is ``personal`` is masked in what is kept for people to read.
    """
    try:
        for item in raw_pages(chosen.source.path, config, chosen.share):
            found = _sight(item, config, spun, known, personal)
            if found is not None:
                yield found
    except (OSError, BatchError):  # cleaning meets the same fault, and names it
        return


def _sight(
    item: RawPage, config: Config, spun: SwappedWordTable, known: frozenset[str], personal: PersonalDataTable
) -> PageLines | None:
    try:
        page = page_of(item, config)
        found = page if isinstance(page, Rejection) else segment(page, config)
    except Exception:  # cleaning meets the same fault, and rejects the page by its name
        return None
    if isinstance(page, Rejection) or isinstance(found, Rejection):
        return None
    shown, _ = hide(found, config, personal)
    site = site_key(page, shown)
    if site is None or site in known:
        return None
    lines = {found.words(block): shown.words(block)[:_SHOWN] for block in found.blocks}
    kept = tuple((line_key(text), len(text), seen) for text, seen in lines.items() if len(text) >= _SHORTEST)
    return PageLines(page.id, site, kept, frozenset(line_key(text) for text in lines if spun.proves(text)))


def mine(sightings: Iterable[PageLines], config: Config) -> dict[str, Site]:
    """Return the entries of the sites of which enough unlike pages were seen; independent of the order."""
    by_site: dict[str, dict[str, PageLines]] = {}
    for sighting in sightings:
        by_site.setdefault(sighting.site, {})[sighting.page_id] = sighting
    found = {}
    for name, pages in sorted(by_site.items()):
        unlike = _unlike([pages[page] for page in sorted(pages)], config.max_site_pages)
        if len(unlike) >= config.min_site_pages:
            templates = _templates(unlike, config)
            found[name] = Site(len(unlike), templates, _n_spun(unlike, templates, config))
    return found


def _n_spun(pages: Sequence[PageLines], templates: Mapping[str, Template], config: Config) -> int:
    """Return on how many pages a line of their own holds a swapped word; 0 where that is too few to speak of the site.

    A template proves nothing: an agent's advertisement may be spun while the articles are not.
    """
    n = sum(bool(page.spun - templates.keys()) for page in pages)
    return n if n >= max(config.min_spun_pages, config.min_spun_share * len(pages)) else 0


def _unlike(pages: Sequence[PageLines], most: int) -> list[PageLines]:
    """Return pages of which no two share half of their paragraphs' characters, the first by id first."""
    chosen: list[tuple[PageLines, Mapping[str, int]]] = []
    for page in pages:
        paragraphs = {key: size for key, size, _ in page.lines if size >= _PARAGRAPH}
        if all(_shared(paragraphs, other) < _ALIKE for _, other in chosen):
            chosen.append((page, paragraphs))
        if len(chosen) == most:
            break
    return [page for page, _ in chosen]


def _shared(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    shared = sum(size for key, size in one.items() if key in other)
    return shared / max(1, min(sum(one.values()), sum(other.values())))


def _templates(pages: Sequence[PageLines], config: Config) -> dict[str, Template]:
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for page in pages:
        for key, _, text in page.lines:
            counts[key] += 1
            texts[key] = min(texts.get(key, text), text)
    least = max(config.min_template_pages, config.min_template_share * len(pages))
    return {key: Template(n, texts[key]) for key, n in counts.items() if n >= least}


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
    sample: Sequence[Chosen], spread: Executor, kit: str, folder: Location, progress: Progress
) -> Mapping[str, Site]:
    """Return entries of the sites that the kit's book does not know; ``folder`` is one that workers see.

    Raises:
        BatchError: the entries cannot be made now.
    """
    groups = [sample[at : at + _GROUP_PAGES] for at in range(0, len(sample), _GROUP_PAGES)]
    buckets = -(-len(sample) // _BUCKET_PAGES)
    seen: list[Location] = []
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


def sight_job(chosen: Sequence[Chosen], folder: Location, buckets: int) -> str:
    """Return the job to look at pages and write what they show to ``folder``."""
    return json.dumps([[(astuple(one.source), one.share) for one in chosen], str(folder), buckets])


def sight_group(job: str, config: Config, book: RuleBook, known: frozenset[str], watch: Watch) -> str:
    """Do a `sight_job`; return the number of inputs looked at."""
    stated, folder, buckets = json.loads(job)
    found: list[list[PageLines]] = [[] for _ in range(buckets)]
    for source, share in stated:
        watch.at(READING, source[0])
        for sighting in sight(Chosen(Source(*source), tuple(share)), config, book.spun, known, book.personal):
            watch.at(READING, source[0])
            found[crc32(sighting.site.encode()) % buckets].append(sighting)
    place = location_of(folder)
    place.mkdir(parents=True, exist_ok=True)
    for bucket, some in enumerate(found):
        whole = pa.BufferOutputStream()
        parquet.write_table(_table(some), whole, compression="zstd")
        (place / f"{bucket}.parquet").write_bytes(whole.getvalue())
    return str(len(stated))


def mine_job(folders: Sequence[Location], bucket: int, out: Location) -> str:
    """Return the job to make the entries of a bucket's sites from what groups saw, and write them to ``out``."""
    return json.dumps([[str(folder / f"{bucket}.parquet") for folder in folders], str(out)])


def mine_bucket(job: str, config: Config) -> str:
    """Do a `mine_job`; return the number of sites that have an entry."""
    files, out = json.loads(job)
    sites = mine((sighting for file in files for sighting in _read(file)), config)
    write_whole(location_of(out), SiteBook(sites).to_json())
    return str(len(sites))


def _table(sightings: Sequence[PageLines]) -> pa.Table:
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


def _read(file: str) -> Iterator[PageLines]:
    with open_file(file) as opened:
        rows = parquet.read_table(opened, use_threads=False).to_pylist()
    for row in rows:
        lines = tuple(zip(row["keys"], row["sizes"], row["texts"], strict=True))
        yield PageLines(row["page"], row["site"], lines, frozenset(row["spun"]))
