"""What is measured of each block: text statistics, layout, rule hits, and how it stands to its neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qingwen.model import Segmented
from qingwen.rules.book import Hit, RuleBook
from qingwen.rules.site_book import SiteBook
from qingwen.text.characters import HAN, HAN_RANGES

_SENTENCE, _COMMA = "\u3002\uff01\uff1f!?;\uff1b", ",\uff0c\u3001"

_KINDS = 6

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """For each block how many of its characters are no white space, Han, sentence marks, commas, digits, Latin."""

    size: Ints
    han: Ints
    sentences: Ints
    commas: Ints
    digits: Ints
    latin: Ints


def count(words: Sequence[str]) -> Counts:
    """Return the counts of each block's words."""
    joined = "".join(words)
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    flags = _flags()[codes]
    ends = np.cumsum(np.fromiter(map(len, words), dtype=np.int64, count=len(words)))
    starts = np.concatenate(([0], ends[:-1]))
    found = []
    for kind in range(_KINDS):
        running = np.concatenate(([0], np.cumsum((flags >> kind) & 1, dtype=np.int64)))
        found.append(running[ends] - running[starts])
    return Counts(*found)


@lru_cache(maxsize=1)
def _flags() -> npt.NDArray[np.uint8]:
    """Return the kinds of each code point as bits, in the order of `Counts`."""
    table = np.ones(0x110000, dtype=np.uint8)
    spaces = [code for code in range(0x3001) if chr(code).isspace()]
    table[spaces] = 0
    for first, last in HAN_RANGES:
        table[first : last + 1] |= 2
    for bit, characters in ((4, _SENTENCE), (8, _COMMA), (16, "0123456789")):
        table[list(map(ord, characters))] |= bit
    for first, last in ((0x41, 0x5A), (0x61, 0x7A)):
        table[first : last + 1] |= 32
    return table


def steps(values: npt.NDArray[np.float64] | Ints, bounds: Iterable[float]) -> Ints:
    """Return, for each value, how many of the bounds are not above it."""
    return np.searchsorted(np.asarray(tuple(bounds)), values, side="right")


_ENDS, _CLOSES = "\u3002\uff01\uff1f!?\u2026\uff1a:", "\u201d\u2019\u300d\u300f\"')\uff09\u3011"

_CUT_OFF = re.compile(f"(?:\\.{{3}}|\u2026)(?:[\\[\uff08(]?[{HAN}]{{2,4}}[\\]\uff09)]?)?$")

# Dots and what may stand behind them have no more characters than this.
_CUT_OFF_CHARS = 12

_SPACE = re.compile(r"\s+")

_NUMBER = re.compile(r"[0-9]+")

# A paragraph may name a thing or two as links; of a list's item most is one. Shares of a block's characters.
SOME_LINKS, MOSTLY_LINKED = 0.3, 0.5

# How much of a block counts for its parent, and for the two above that, when the main text is looked for.
_SHARES = (1.0, 0.5, 0.25)

# Characters of a headline; shorter is a section's name.
_SHORTEST_HEADLINE, _LONGEST_HEADLINE = 6, 60

# No block counts for more characters of running text: one with all comments in it shall not outweigh the article.
_A_PARAGRAPH = 400


@dataclass(slots=True)
class Features:
    """The measures of one block; `mark_teasers` and `mark_outside` fill in the last of them.

    ``solid`` are the words without white space, ``size`` counts them, ``sentences`` and ``commas`` such marks,
    ``copies`` how often the same words stand on the page; ``prose``: it reads like running text; ``cut_off``: it ends
    where an excerpt was cut; ``kind``: the DOM path without its numbers, what items of one list have in common;
    ``block_hits``: the hits of rules that remove whole blocks; ``opens_tail``: below it the article is over;
    ``template``: why the line is its site's own, whatever it says; ``outside``: away from the page's main text;
    ``main``: where most of that text stands.
    """

    words: str
    solid: str
    size: int
    han: int
    sentences: int
    commas: int
    digits: int
    latin: int
    ends: bool
    cut_off: bool
    prose: bool
    link_density: float
    copies: int
    path: str
    kind: str
    hits: tuple[Hit, ...]
    block_hits: tuple[Hit, ...]
    opens_tail: bool
    template: str | None = None
    structure: str | None = None
    outside: bool = False
    main: bool = False


def measure(
    segmented: Segmented, book: RuleBook, sites: SiteBook | None = None, site: str | None = None
) -> list[Features]:
    """Return the features of each block, in page order; ``site`` is the page's name in the ``sites``."""
    words = [segmented.words(block) for block in segmented.blocks]
    keys = [_SPACE.sub("", text) for text in words]
    copies = Counter(keys)
    templates = _templates(words, sites, site)
    counts = count(words)
    columns = (counts.size, counts.han, counts.sentences, counts.commas, counts.digits, counts.latin)
    counted = zip(*(column.tolist() for column in columns), strict=True)
    found: list[Features] = []
    rows = zip(segmented.blocks, words, keys, book.hits_of(words), counted, strict=True)
    for n, (block, text, key, hits, (size, han, sentences, commas, digits, latin)) in enumerate(rows):
        found.append(
            Features(
                words=text,
                solid=key,
                size=size,
                han=han,
                sentences=sentences,
                commas=commas,
                digits=digits,
                latin=latin,
                ends=text.rstrip(_CLOSES)[-1:] in tuple(_ENDS),
                cut_off=_CUT_OFF.search(text, max(0, len(text) - _CUT_OFF_CHARS)) is not None,
                prose=han >= 8 and (sentences > 0 or (commas > 0 and size >= 24)),
                link_density=block.link_density,
                copies=copies[key],
                path=block.path,
                kind=_kind(block.path),
                hits=hits,
                block_hits=tuple(hit for hit in hits if hit.rule.cut == "block") if hits else (),
                opens_tail=any(hit.rule.opens_tail for hit in hits) if hits else False,
                template=templates.get(n),
            )
        )
    return found


def is_headline(feature: Features) -> bool:
    """Tell whether a line may head an article: as long as a headline is, no sentence, no rule's and no list's."""
    bare = not feature.block_hits and not feature.structure and feature.link_density < MOSTLY_LINKED
    return bare and _SHORTEST_HEADLINE <= feature.size <= _LONGEST_HEADLINE and not feature.ends


@lru_cache(maxsize=65536)
def _kind(path: str) -> str:
    return _NUMBER.sub("", path)


def _templates(words: Sequence[str], sites: SiteBook | None, site: str | None) -> dict[int, str]:
    """Return, by number, the blocks that recur on the page's site, with the evidence in words.

    The page's own title is none, though the site's other pages list it: it begins a ``<title>`` that is the page's own.
    """
    if sites is None or site not in sites.sites:
        return {}
    found = {n: why for n, text in enumerate(words) if (why := sites.evidence(site, text))}
    if 0 not in found:
        own = _SPACE.sub("", words[0])
        found = {n: why for n, why in found.items() if not own.startswith(_SPACE.sub("", words[n]))}
    return found


def mark_outside(features: Sequence[Features]) -> list[Features]:
    """Mark the blocks of an HTML page that stand outside the container with most of its running text.

    A container is a DOM path; a block counts for its parent and, less, for those above it (as readability does).
    """
    weights: Counter[str] = Counter()
    for feature in features:
        if feature.prose and feature.link_density < SOME_LINKS and not feature.block_hits:
            steps = feature.path.split("/")
            for up, share in enumerate(_SHARES, 1):
                if len(steps) > up:
                    weights["/".join(steps[:-up])] += int(share * min(feature.size, _A_PARAGRAPH))
    if not weights:
        return list(features)
    container = max(weights, key=lambda path: (weights[path], -len(path)))
    kinds: Counter[str] = Counter()
    for feature in features:
        if feature.prose and feature.link_density < SOME_LINKS and not feature.block_hits:
            kinds[feature.kind] += min(feature.size, _A_PARAGRAPH)
    most = max(kinds, key=lambda kind: (kinds[kind], kind))
    for feature in features:
        feature.outside = not f"{feature.path}/".startswith(f"{container}/")
        feature.main = feature.kind == most
    return list(features)
