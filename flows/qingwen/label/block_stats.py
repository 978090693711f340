"""What is measured of each block: its characters, rule hits, the shape of a teaser, its place in the markup."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qingwen.label.lexical import lexical_scores
from qingwen.model import HEAD_PATH, STATED_BODY, Segmented
from qingwen.rules.book import Hit, RuleBook
from qingwen.rules.site_book import SiteBook
from qingwen.text.characters import HAN, HAN_RANGES

# A paragraph may have a name or two as links; most of a list item is one. Shares of a block's characters.
SOME_LINKS, MOSTLY_LINKED = 0.3, 0.5
# A shorter headline is the name of a section, a longer one a sentence. In characters.
_HEADLINE_CHARS = range(6, 61)
# The rules of teasers and what they see: no key word is needed.
TEASER_TITLE, TEASER_SNIPPET, TEASER_ITEM = (f"structure.teaser-{what}" for what in ("title", "snippet", "item"))
SECOND = "structure.second-article"
TEASERS = {
    TEASER_TITLE: "a title that stands twice",
    TEASER_SNIPPET: "a snippet cut off at its end",
    TEASER_ITEM: "one of many below headlines that are links",
    SECOND: "below a heading of the title's kind",
}
# Running text of these shapes is never the article's.
NEVER_BODY = (TEASER_ITEM, SECOND)
# Of so many paragraphs at one place so large a share stands right below a headline that is a link; a name above a
# comment has fewer Han.
_STREAM_ITEMS, _STREAM_SHARE, _LINKED_HAN = 4, 0.8, 8
# A shorter line that is cut off may be a long title. In characters.
_SHORTEST_SNIPPET = 40
# A list of teasers has two titles and two snippets at least.
_LIST_BLOCKS = 4

# Running text has so many Han and a sentence mark, or so many characters and a comma.
_PROSE_HAN, _PROSE_CHARS = 8, 24

# In the search for the main text no block counts for more characters: all comments in one must not outweigh an article.
MOST_BLOCK_CHARS = 400
# A shorter sentence may stand in a stated text by chance.
_STATED_CHARS = 16
# A page with fewer characters of running text outside links has all its text in a link that was left open.
_LITTLE_TEXT = 120

_SENTENCE_MARKS, _COMMAS = "。！？!?;；", ",，、"
_SENTENCE_ENDS, _CLOSING_MARKS = tuple("。！？!?…：:"), "”’」』\"')）】"
_CUT_OFF = re.compile(rf"(?:\.{{3}}|…)(?:[\[（(]?[{HAN}]{{2,4}}[\]）)]?)?$")
# The longest match of `_CUT_OFF`: dots, brackets and four characters.
_CUT_OFF_CHARS = 9
# A shorter block is a line, and how it is written says something.
LINE_CHARS = 60
DATE = re.compile(
    r"(?:19|20)[0-9]{2}\s{0,9}[-年/.]\s{0,9}[0-9]{1,2}|[0-9]{1,2}-[0-9]{1,2}\s{1,9}[0-9]{1,2}:[0-9]{2}|[0-9]{1,2}:[0-9]{2}"
)
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[0-9]+")
_CHAR_KINDS = 6

Ints = npt.NDArray[np.int64]


# What the markup says of a short line: the steps of its path nearest to it, by their words.
_MARKS = {
    "caption": re.compile(
        r"figcaption|[.#_-](?:img|image|pic|photo)?-?_?caption"
        r"|[.#_-](?:img|image|pic|photo)[_-]?(?:desc|note|info|txt|text)\b"
    ),
    "ad": re.compile(
        r"[.#_-](?:ads?|adv|advert|advertise(?:ment)?|adsense|adsbygoogle"
        r"|ad-?(?:slot|box|wrap|unit|banner|area|container)|gpt|dfp|sponsor(?:ed)?|guanggao)(?![a-z])"
    ),
}
_MARKED_STEPS = 3


@lru_cache(maxsize=4096)
def mark_of(path: str) -> str | None:
    """Return what the elements around a block say that it is, ``caption`` or ``ad``, by their names; None: neither.

    >>> mark_of("body/div.content/figure/figcaption")
    'caption'
    """
    steps = "/".join(path.lower().rsplit("/", _MARKED_STEPS)[-_MARKED_STEPS:])
    return next((mark for mark, pattern in _MARKS.items() if pattern.search(steps)), None)


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
    the page; ``teaser``: the rule that sees the shape of a teaser; ``dated``: a short line with a date or
    a time; ``lexical``: about the log odds that its words are furniture; ``inside``: how likely it is inside the
    article's element (`article_element`), 1 until that is known and on a page without markup; ``stated``: whether
    the text that the markup states for the article holds it; None where it states none, or holds others of its kind;
    ``running``: for how many characters it counts as running text.
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
    dated: bool
    lexical: float
    inside: float
    stated: bool | None
    running: int

    @property
    def outside(self) -> bool:
        """Whether the block stands outside the article's element, as far as the markup tells."""
        return self.inside < 0.5

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
    text = text_stats(words)
    densities = _link_densities([block.link_density for block in segmented.blocks], text)
    copies = Counter(text.compact)
    hits = book.hits_of(words)
    block_hits = [tuple(hit for hit in some if hit.rule.cut == "block") if some else () for some in hits]
    teasers = find_teasers(words, text.size, text.ends_sentence, text.cut_off)
    for n in _streamed(text, densities, kinds):
        teasers[n] = teasers[n] or TEASER_ITEM
    lexical = lexical_scores(words)
    stated = _stated(segmented.meta.get(STATED_BODY, ""), text, kinds)
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
        teasers,
        [size < LINE_CHARS and DATE.search(line) is not None for size, line in zip(text.size, words, strict=True)],
        lexical.tolist(),
        [1.0] * len(words),
        stated,
        running_chars(text.size, text.prose, densities, block_hits, teasers, paths, stated, lexical),
    )
    return [BlockStats._make(row) for row in zip(*columns, strict=True)]


def running_chars(
    sizes: Sequence[int],
    prose: Sequence[bool],
    densities: Sequence[float],
    block_hits: Sequence[tuple[Hit, ...]],
    teasers: Sequence[str | None],
    paths: Sequence[str],
    stated: Sequence[bool | None],
    lexical: npt.NDArray[np.float64],
) -> list[int]:
    """Return for how many characters each block counts as running text: fewer if it has words of furniture."""
    columns = zip(prose, densities, block_hits, teasers, paths, stated, strict=True)
    runs = [
        runs and density < SOME_LINKS and not hits and not teaser and path != HEAD_PATH and said is not False
        for runs, density, hits, teaser, path, said in columns
    ]
    counted = np.minimum(sizes, MOST_BLOCK_CHARS) / (1 + np.exp(lexical - 1))
    found: list[int] = np.where(runs, np.round(counted), 0).astype(np.int64).tolist()
    return found


def _stated(body: str, text: TextStats, kinds: Sequence[str]) -> list[bool | None]:
    """Return, for each block, whether the text that the markup states for the article holds it (see `BlockStats`)."""
    if not body:
        return [None] * len(kinds)
    columns = zip(text.compact, text.size, text.prose, strict=True)
    held = [prose and size >= _STATED_CHARS and compact in body for compact, size, prose in columns]
    found = {kind for kind, mine in zip(kinds, held, strict=True) if mine}
    return [mine or (None if kind in found or not found else False) for kind, mine in zip(kinds, held, strict=True)]


def _streamed(text: TextStats, densities: Sequence[float], kinds: Sequence[str]) -> Iterator[int]:
    """Yield the paragraphs of a stream of other articles: each opens one, below the headline that links to it."""
    items: dict[str, list[int]] = {}
    for n in range(1, len(kinds)):
        if kinds[n] and text.prose[n] and densities[n] < SOME_LINKS:
            items.setdefault(kinds[n], []).append(n)
    for found in items.values():
        below = sum(densities[n - 1] >= MOSTLY_LINKED and text.han[n - 1] >= _LINKED_HAN for n in found)
        if len(found) >= _STREAM_ITEMS and below >= _STREAM_SHARE * len(found):
            yield from found


def _link_densities(densities: list[float], text: TextStats) -> list[float]:
    """Return the shares of characters inside links; 0 for running text where all of it is in one that was left open."""
    free = linked = 0
    for size, prose, density in zip(text.size, text.prose, densities, strict=True):
        free += size if prose and density < MOSTLY_LINKED else 0
        linked += size if prose and density >= MOSTLY_LINKED else 0
    if free >= _LITTLE_TEXT or linked < 2 * _LITTLE_TEXT:
        return densities
    return [0.0 if prose else density for prose, density in zip(text.prose, densities, strict=True)]


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
