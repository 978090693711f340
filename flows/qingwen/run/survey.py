"""Learn what recurs on the pages of each site: its own lines, and swapped words. Workers do it, through files.

Survey jobs read groups of pages and write their lines; mine jobs make the entries of the SiteBook from those lines.
Sites are dealt to buckets by their names, so that each bucket can be mined by itself.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import pyarrow as pa
from pyarrow import parquet

from qingwen.config import Config
from qingwen.dataset.location import Location, location_of, open_file, remove, write_whole
from qingwen.dataset.progress import Progress
from qingwen.errors import BatchError, EndedError
from qingwen.metadata.site import site_key
from qingwen.model import Rejection
from qingwen.normalize.masking import hide
from qingwen.read.containers import is_container, raw_pages
from qingwen.read.page import RawPage, Source, page_of
from qingwen.rules.personal_data import PersonalDataTable
from qingwen.rules.site_book import Site, SiteBook, Template, line_key, load_sites
from qingwen.rules.swapped_words import SwappedWordTable
from qingwen.run.jobs import Executor, MineJob, SurveyFile, SurveyJob, WorkerContext
from qingwen.run.stuck_pages import READING, Watch
from qingwen.segment.segment import segment

# Lines of fewer characters recur by chance.
_SHORTEST_LINE = 2
# So many characters of a line are kept for people to read.
_SHOWN = 40
# A line of so many characters is a paragraph: paragraphs tell pages apart.
_PARAGRAPH = 40
# Pages that share so much of their paragraphs are one article and its repost: they count as one page of the site.
_ALIKE = 0.5
# The size of an item in a container, compressed: 2 KB (text) to 15 KB (HTML) in news crawls.
_ITEM_BYTES = 5_000
# Inputs that a worker looks at in one job; and how many are mined together.
_GROUP_PAGES, _BUCKET_PAGES = 100, 20_000

_NOTHING_PERSONAL = PersonalDataTable()
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


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of one surveyed page: key, size in characters, beginning; and the keys of those with swapped words."""

    page_id: str
    site: str
    lines: tuple[tuple[str, int, str], ...]
    spun: frozenset[str] = frozenset()


def choose_sample(sources: Iterable[Source], config: Config) -> list[SurveyFile]:
    """Return the inputs to survey: all, or about as many pages as the configuration allows.

    Files are chosen by the digests of their paths. Of a container that holds more pages than are left, going by its
    size, every k-th item is surveyed.
    """
    ranked = ((hashlib.blake2b(source.path.encode(errors="surrogateescape")).digest(), source) for source in sources)
    sample: list[SurveyFile] = []
    left = config.survey_pages
    for _, source in heapq.nsmallest(left, ranked, key=lambda pair: pair[0]):
        if left <= 0:
            break
        pages = source.size // _ITEM_BYTES + 1 if is_container(source.path) else 1
        every = -(-pages // left)
        sample.append(SurveyFile(source, (0, every)))
        left -= -(-pages // every)
    return sorted(sample, key=lambda file: file.source.path)


def page_lines(
    file: SurveyFile,
    config: Config,
    spun: SwappedWordTable,
    known: frozenset[str] = frozenset(),
    personal: PersonalDataTable = _NOTHING_PERSONAL,
) -> Iterator[PageLines]:
    """Yield the lines of each page of a file; a page that cannot be read, or of a known or unnamed site, yields none.

    Where the configuration asks for it, ``personal`` data is masked in what is kept for people to read.
    """
    try:
        for item in raw_pages(file.source.path, config, file.share):
            lines = _lines_of(item, config, spun, known, personal)
            if lines is not None:
                yield lines
    except (OSError, BatchError):  # cleaning meets the same fault, and names it
        return


def _lines_of(
    item: RawPage, config: Config, spun: SwappedWordTable, known: frozenset[str], personal: PersonalDataTable
) -> PageLines | None:
    try:
        page = page_of(item, config)
        document = page if isinstance(page, Rejection) else segment(page, config)
    except Exception:  # cleaning meets the same fault, and rejects the page by its name
        return None
    if isinstance(page, Rejection) or isinstance(document, Rejection):
        return None
    shown, _ = hide(document, config, personal)
    site = site_key(page, shown)
    if site is None or site in known:
        return None
    lines = {document.words(block): shown.words(block)[:_SHOWN] for block in document.blocks}
    kept = tuple((line_key(text), len(text), seen) for text, seen in lines.items() if len(text) >= _SHORTEST_LINE)
    return PageLines(page.id, site, kept, frozenset(line_key(text) for text in lines if spun.proves(text)))


def learn_sites(surveyed: Iterable[PageLines], config: Config) -> dict[str, Site]:
    """Return the entries of sites with enough unlike pages; the order of pages does not matter."""
    by_site: dict[str, dict[str, PageLines]] = {}
    for page in surveyed:
        by_site.setdefault(page.site, {})[page.page_id] = page
    entries = {}
    for name, pages in sorted(by_site.items()):
        unlike = _unlike([pages[page_id] for page_id in sorted(pages)], config.max_site_pages)
        if len(unlike) >= config.min_site_pages:
            templates = _templates(unlike, config)
            entries[name] = Site(len(unlike), templates, _n_spun(unlike, templates, config))
    return entries


def _n_spun(pages: Sequence[PageLines], templates: Mapping[str, Template], config: Config) -> int:
    """Return how many pages hold a swapped word in a line of their own; 0 where they are too few to judge the site.

    Recurring lines do not count: an agent's advertisement may be spun while the articles are not.
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


def survey_sites(
    sample: Sequence[SurveyFile],
    execute: Executor,
    context: str,
    folder: Location,
    progress: Progress,
) -> Mapping[str, Site]:
    """Return entries of the sites that the workers' SiteBook does not know; ``folder`` is one that workers see.

    Raises:
        BatchError: the entries cannot be made now.
    """
    buckets = -(-len(sample) // _BUCKET_PAGES)
    folders, looked_at = list[Location](), 0
    # A group of inputs that fails is surveyed again input by input; one that fails then is left out: cleaning names it.
    groups: list[Sequence[SurveyFile]] = [sample[at : at + _GROUP_PAGES] for at in range(0, len(sample), _GROUP_PAGES)]
    for turn in ("groups", "pages"):
        jobs = [SurveyJob(tuple(group), str(folder / f"{turn}-{n}"), buckets) for n, group in enumerate(groups)]
        groups = []
        for n, result in execute(context, jobs):
            if isinstance(result, EndedError):
                raise result
            if isinstance(result, BatchError):
                groups += [(file,) for file in jobs[n].files]
            else:
                folders.append(folder / f"{turn}-{n}")
                looked_at += len(jobs[n].files)
                progress("survey", looked_at, len(sample))
    entries: dict[str, Site] = {}
    outs = [folder / f"sites-{bucket}.json" for bucket in range(buckets)]
    mine_jobs = [
        MineJob(tuple(str(group / f"{bucket}.parquet") for group in folders), str(out))
        for bucket, out in enumerate(outs)
    ]
    for n, result in execute(context, mine_jobs):
        if isinstance(result, BatchError):
            raise result
        entries.update(load_sites(outs[n]).sites)
    remove(folder)
    return entries


def survey_pages(job: SurveyJob, context: WorkerContext, watch: Watch) -> int:
    """Do a survey job; return the number of inputs looked at."""
    buckets: list[list[PageLines]] = [[] for _ in range(job.buckets)]
    known = frozenset(context.sites.sites)
    for file in job.files:
        watch.at(READING, file.source.path)
        for lines in page_lines(file, context.config, context.book.spun, known, context.book.personal):
            watch.at(READING, file.source.path)
            buckets[crc32(lines.site.encode()) % job.buckets].append(lines)
    folder = location_of(job.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for n, bucket in enumerate(buckets):
        whole = pa.BufferOutputStream()
        parquet.write_table(_table(bucket), whole, compression="zstd")
        write_whole(folder / f"{n}.parquet", whole.getvalue().to_pybytes())
    return len(job.files)


def mine_bucket(job: MineJob, config: Config) -> int:
    """Do a mine job; return the number of sites that have an entry."""
    sites = learn_sites((lines for file in job.files for lines in _read(file)), config)
    write_whole(location_of(job.out), SiteBook(sites).to_json())
    return len(sites)


def _table(surveyed: Sequence[PageLines]) -> pa.Table:
    rows = [
        {
            "page": page.page_id,
            "site": page.site,
            "keys": [key for key, _, _ in page.lines],
            "sizes": [size for _, size, _ in page.lines],
            "texts": [text for _, _, text in page.lines],
            "spun": sorted(page.spun),
        }
        for page in surveyed
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


def _read(file: str) -> Iterator[PageLines]:
    with open_file(file) as opened:
        rows = parquet.read_table(opened, use_threads=False).to_pylist()
    for row in rows:
        lines = tuple(zip(row["keys"], row["sizes"], row["texts"], strict=True))
        yield PageLines(row["page"], row["site"], lines, frozenset(row["spun"]))
