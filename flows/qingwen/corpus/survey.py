"""The survey of sites: which lines recur on a site's pages, and whether its articles hold swapped words.

What a batch saw is a `Sighting` a page; all make a book.

A line counts once for each *unlike* page that holds it, so that copies and reposts of one article prove nothing.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from qingwen.config import Config
from qingwen.errors import BatchError
from qingwen.metadata.site import site_key
from qingwen.model import Rejection
from qingwen.normalize.mask import hide
from qingwen.read.containers import WHOLE, Share, is_container, items_of
from qingwen.read.files import page_of
from qingwen.read.items import Item, Source
from qingwen.rules.personal import PersonalTable
from qingwen.rules.sites import Site, Template, line_key
from qingwen.rules.spun import SpunTable
from qingwen.segment.pages import segment

# Lines shorter than this recur by chance; so many characters of a line are kept for people to read.
_SHORTEST, _SHOWN = 2, 40
# From so many characters on a line is a paragraph: it tells pages apart.
_PARAGRAPH = 40
# Pages that share so much of their paragraphs are one article and its repost: they prove a line of the site once.
_ALIKE = 0.5
NONE = PersonalTable()
# What an item of a container takes, compressed: from 2 (text) to 15 KB (HTML) in news crawls.
_ITEM_BYTES = 5_000


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file to survey and, of a container, the share of its items."""

    source: Source
    share: Share = WHOLE


@dataclass(frozen=True, slots=True)
class Sighting:
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
    spun: SpunTable,
    known: frozenset[str] = frozenset(),
    personal: PersonalTable = NONE,
) -> Iterator[Sighting]:
    """Yield what pages show of their sites; one that cannot be read, or whose site is known or not named, adds none.

    Where the configuration asks for it, what is ``personal`` is masked in what is kept for people to read.
    """
    try:
        for item in items_of(chosen.source.path, config, chosen.share):
            found = _sight(item, config, spun, known, personal)
            if found is not None:
                yield found
    except (OSError, BatchError):  # cleaning meets the same fault, and names it
        return


def _sight(
    item: Item, config: Config, spun: SpunTable, known: frozenset[str], personal: PersonalTable
) -> Sighting | None:
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
    return Sighting(page.id, site, kept, frozenset(line_key(text) for text in lines if spun.proves(text)))


def mine(sightings: Iterable[Sighting], config: Config) -> dict[str, Site]:
    """Return the entries of the sites of which enough unlike pages were seen; independent of the order."""
    by_site: dict[str, dict[str, Sighting]] = {}
    for sighting in sightings:
        by_site.setdefault(sighting.site, {})[sighting.page_id] = sighting
    found = {}
    for name, pages in sorted(by_site.items()):
        unlike = _unlike([pages[page] for page in sorted(pages)], config.max_site_pages)
        if len(unlike) >= config.min_site_pages:
            templates = _templates(unlike, config)
            found[name] = Site(len(unlike), templates, _n_spun(unlike, templates, config))
    return found


def _n_spun(pages: Sequence[Sighting], templates: Mapping[str, Template], config: Config) -> int:
    """Return on how many pages a line of their own holds a swapped word; 0 where that is too few to speak of the site.

    A template proves nothing: an agent's advertisement may be spun while the articles are not.
    """
    n = sum(bool(page.spun - templates.keys()) for page in pages)
    return n if n >= max(config.min_spun_pages, config.min_spun_share * len(pages)) else 0


def _unlike(pages: Sequence[Sighting], most: int) -> list[Sighting]:
    """Return pages of which no two share half of their paragraphs' characters, the first by id first."""
    chosen: list[tuple[Sighting, Mapping[str, int]]] = []
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


def _templates(pages: Sequence[Sighting], config: Config) -> dict[str, Template]:
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for page in pages:
        for key, _, text in page.lines:
            counts[key] += 1
            texts[key] = min(texts.get(key, text), text)
    least = max(config.min_template_pages, config.min_template_share * len(pages))
    return {key: Template(n, texts[key]) for key, n in counts.items() if n >= least}
