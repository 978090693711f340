"""What is measured of each block: its characters, rule hits, the shape of a teaser, its place in the markup."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qingwen.model import Segmented
from qingwen.rules.book import Hit, RuleBook
from qingwen.rules.site_book import SiteBook
from qingwen.text.characters import HAN, HAN_RANGES

# A paragraph may have a name or two as links; most of a list item is one. Shares of a block's characters.
SOME_LINKS, MOSTLY_LINKED = 0.3, 0.5
# A shorter headline is the name of a section, a longer one a sentence. In characters.
_HEADLINE_CHARS = range(6, 61)
# In the search for the main text no block counts for more characters: all comments in one must not outweigh an article.
_MOST_BLOCK_CHARS = 400
# How much of a block's text counts for its parent, and for the two elements above that.
_ANCESTOR_SHARES = (1.0, 0.5, 0.25)

# The rules of teasers: a title, the same title again, and a snippet that is cut off. No key word is needed.
TEASER_TITLE, TEASER_SNIPPET = "structure.teaser-title", "structure.teaser-snippet"
# A shorter line that is cut off may be a long title. In characters.
_SHORTEST_SNIPPET = 40
# A list of teasers has two titles and two snippets at least.
_LIST_BLOCKS = 4

# Running text has so many Han and a sentence mark, or so many characters and a comma.
_PROSE_HAN, _PROSE_CHARS = 8, 24

_SENTENCE_MARKS, _COMMAS = "。！？!?;；", ",，、"
_SENTENCE_ENDS, _CLOSING_MARKS = tuple("。！？!?…：:"), "”’」』\"')）】"
_CUT_OFF = re.compile(rf"(?:\.{{3}}|…)(?:[\[（(]?[{HAN}]{{2,4}}[\]）)]?)?$")
# The longest match of `_CUT_OFF`: dots, brackets and four characters.
_CUT_OFF_CHARS = 9
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[0-9]+")
_CHAR_KINDS = 6

Ints = npt.NDArray[np.int64]


class TextStats(NamedTuple):
    """What the words of each block say by themselves, in columns; `BlockStats` says what they mean."""

    compact: list[str]
    size: list[int]
    han: list[int]
    sentence_marks: list[int]
    commas: list[int]
    digits: list[int]
    latin: list[int]
    ends_sentence: list[bool]
    cut_off: list[bool]
    prose: list[bool]


class BlockStats(NamedTuple):
    """The measures of one block.

    ``compact`` are the words without white space, ``size`` counts their characters; ``prose``: it reads like running
    text; ``cut_off``: it ends as an excerpt ends; ``copies``: how often the same words are on the page; ``path_kind``:
    the DOM path without its numbers, which all items of a list share; ``block_hits``: the hits of rules that remove
    whole blocks; ``opens_tail``: the article is over below it; ``template``: why the line belongs to its site, not to
    the page; ``teaser``: the rule that sees the shape of a teaser; ``outside``: it is outside the container of the main
    text; ``main``: it has the path kind of most running text.
    """

    words: str
    compact: str
    size: int
    han: int
    sentence_marks: int
    commas: int
    digits: int
    latin: int
    ends_sentence: bool
    cut_off: bool
    prose: bool
    link_density: float
    copies: int
    path: str
    path_kind: str
    hits: tuple[Hit, ...]
    block_hits: tuple[Hit, ...]
    opens_tail: bool
    template: str | None
    teaser: str | None
    outside: bool
    main: bool

    @property
    def headline(self) -> bool:
        """Whether the line may head an article: as long as a headline, no sentence, hit by no rule, in no list."""
        bare = not self.block_hits and not self.teaser and self.link_density < MOSTLY_LINKED
        return bare and self.size in _HEADLINE_CHARS and not self.ends_sentence

    @property
    def paragraph(self) -> bool:
        """Whether the block reads like a whole paragraph of an article."""
        whole = self.prose and self.ends_sentence and not self.cut_off and self.link_density < SOME_LINKS
        return whole and not self.block_hits and not self.teaser and not self.outside


def measure(
    segmented: Segmented, book: RuleBook, sites: SiteBook | None = None, site: str | None = None
) -> list[BlockStats]:
    """Return the measures of each block, in page order; ``site`` is the page's name in ``sites``."""
    words = [segmented.words(block) for block in segmented.blocks]
    paths = [block.path for block in segmented.blocks]
    kind_of = {path: _NUMBER.sub("", path) for path in set(paths)}
    kinds = [kind_of[path] for path in paths]
    densities = [block.link_density for block in segmented.blocks]
    text = text_stats(words)
    copies = Counter(text.compact)
    hits = book.hits_of(words)
    block_hits = [tuple(hit for hit in some if hit.rule.cut == "block") if some else () for some in hits]
    running = [
        min(size, _MOST_BLOCK_CHARS) if prose and density < SOME_LINKS and not hit else 0
        for size, prose, density, hit in zip(text.size, text.prose, densities, block_hits, strict=True)
    ]
    container, main_kind = _main_text(paths, kinds, running)
    columns = (
        words,
        *text,
        densities,
        [copies[key] for key in text.compact],
        paths,
        kinds,
        hits,
        block_hits,
        [bool(some) and any(hit.rule.opens_tail for hit in some) for some in hits],
        _templates(words, sites, site),
        find_teasers(words, text.size, text.ends_sentence, text.cut_off),
        [container is not None and not f"{path}/".startswith(container) for path in paths],
        [kind == main_kind for kind in kinds],
    )
    return [BlockStats._make(row) for row in zip(*columns, strict=True)]


def text_stats(words: Sequence[str]) -> TextStats:
    """Return what the words of each block say by themselves."""
    compact = [_SPACE.sub("", text) for text in words]
    counts = _char_counts(words)
    prose = [
        han >= _PROSE_HAN and (marks > 0 or (commas > 0 and size >= _PROSE_CHARS))
        for size, han, marks, commas in zip(*counts[:4], strict=True)
    ]
    ends = [text.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_ENDS) for text in words]
    cut_off = [_CUT_OFF.search(text, max(0, len(text) - _CUT_OFF_CHARS)) is not None for text in words]
    return TextStats._make((compact, *counts, ends, cut_off, prose))


def _char_counts(words: Sequence[str]) -> list[list[int]]:
    """Return how many characters of each kind each block's words have: a row for each kind of `_flags`."""
    codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    flags = _flags()[codes]
    ends = np.cumsum(np.fromiter(map(len, words), dtype=np.int64, count=len(words)))
    starts = np.concatenate(([0], ends[:-1]))
    counts = []
    for kind in range(_CHAR_KINDS):
        running = np.concatenate(([0], np.cumsum((flags >> kind) & 1, dtype=np.int64)))
        counts.append((running[ends] - running[starts]).tolist())
    return counts


@lru_cache(maxsize=1)
def _flags() -> npt.NDArray[np.uint8]:
    """Return the kinds of each code point as bits: not white space, Han, sentence mark, comma, digit, Latin letter."""
    table = np.ones(0x110000, dtype=np.uint8)
    spaces = [code for code in range(0x3001) if chr(code).isspace()]
    table[spaces] = 0
    for first, last in HAN_RANGES:
        table[first : last + 1] |= 2
    for bit, characters in ((4, _SENTENCE_MARKS), (8, _COMMAS), (16, "0123456789")):
        table[list(map(ord, characters))] |= bit
    for first, last in ((0x41, 0x5A), (0x61, 0x7A)):
        table[first : last + 1] |= 32
    return table


def steps(values: npt.NDArray[np.float64] | Ints, bounds: Iterable[float]) -> Ints:
    """Return, for each value, how many of the bounds are not above it."""
    return np.searchsorted(np.asarray(tuple(bounds)), values, side="right")


def _templates(words: Sequence[str], sites: SiteBook | None, site: str | None) -> list[str | None]:
    """Return, for each block that recurs on the page's site, the evidence in words.

    The page's own title is not a template, even if other pages link to it: it begins a ``<title>`` that is no template.
    """
    if sites is None or site not in sites.sites:
        return [None] * len(words)
    found = [sites.evidence(site, text) for text in words]
    if found and not found[0]:
        own = _SPACE.sub("", words[0])
        found = [None if own.startswith(_SPACE.sub("", text)) else why for text, why in zip(words, found, strict=True)]
    return found


def _main_text(paths: Sequence[str], kinds: Sequence[str], running: Sequence[int]) -> tuple[str | None, str | None]:
    """Return the path of the element with most running text, with a slash behind it, and the kind of most paragraphs.

    ``running``: how many characters of running text each block counts for. A block counts for its parent and, less, for
    the elements above it (as in readability). A dump, or a page without running text, has neither.
    """
    containers: Counter[str] = Counter()
    paragraphs: Counter[str] = Counter()
    for path, kind, size in zip(paths, kinds, running, strict=True):
        if size and path:
            paragraphs[kind] += size
            elements = path.split("/")
            for up, share in enumerate(_ANCESTOR_SHARES, 1):
                if len(elements) > up:
                    containers["/".join(elements[:-up])] += int(share * size)
    if not containers:
        return None, None
    container = max(containers, key=lambda path: (containers[path], -len(path)))
    return f"{container}/", max(paragraphs, key=lambda kind: (paragraphs[kind], kind))


def find_teasers(
    words: Sequence[str], sizes: Sequence[int], ends_sentence: Sequence[bool], cut_off: Sequence[bool]
) -> list[str | None]:
    """Return, for each block in the shape of a teaser, the rule that says so; the columns are those of `TextStats`.

    A teaser is a title that is repeated above a cut-off snippet, or a title with its snippet in a list of such pairs.
    """
    count = len(words)
    found: list[str | None] = [None] * count
    for n in range(count - 2):
        if words[n] == words[n + 1] and cut_off[n + 2] and sizes[n + 2] > sizes[n + 1]:
            found[n : n + 3] = TEASER_TITLE, TEASER_TITLE, TEASER_SNIPPET

    def is_pair(n: int) -> bool:
        title = not ends_sentence[n] and not cut_off[n]
        return title and cut_off[n + 1] and sizes[n + 1] >= _SHORTEST_SNIPPET

    n = 0
    while n + 3 < count:
        end = n
        while end + 1 < count and is_pair(end):
            end += 2
        if end - n >= _LIST_BLOCKS:
            found[n:end] = [TEASER_TITLE, TEASER_SNIPPET] * ((end - n) // 2)
        n = max(end, n + 1)
    return found
