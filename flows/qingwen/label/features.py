"""What is measured of each block: text statistics, layout, rule hits, and how it stands to its neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qingwen.model import Segmented
from qingwen.rules.book import Hit, RuleBook
from qingwen.rules.sites import SiteBook

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SENTENCE = re.compile(r"[\u3002\uff01\uff1f!?;\uff1b]")
_COMMA = re.compile(r"[,\uff0c\u3001]")
_ENDS = re.compile(r"[\u3002\uff01\uff1f!?\u2026\uff1a:][\u201d\u2019\u300d\u300f\"')\uff09\u3011]*$")
_CUT_OFF = re.compile(r"(?:\.{3,}|\u2026+)(?:[\[\uff08(]?[\u4e00-\u9fff]{2,4}[\]\uff09)]?)?$")
_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Features:
    """The measures of one block.

    ``size`` counts characters without white space, ``sentences`` and ``commas`` marks; ``copies`` how often the same
    words stand on the page; ``cut_off``: it ends where an excerpt was cut; ``outside``: away from the page's main
    text; ``main``: where most of that text stands; ``template``: why the line is its site's own, whatever it says.
    """

    words: str
    size: int
    han: int
    sentences: int
    commas: int
    ends: bool
    cut_off: bool
    link_density: float
    copies: int
    path: str
    hits: tuple[Hit, ...]
    structure: str | None = None
    outside: bool = False
    main: bool = False
    template: str | None = None

    @property
    def kind(self) -> str:
        """Return the DOM path without its numbers: what items of one list have in common."""
        return _NUMBER.sub("", self.path)

    @property
    def block_hits(self) -> tuple[Hit, ...]:
        """Return the hits of rules that remove whole blocks."""
        return tuple(hit for hit in self.hits if hit.rule.cut == "block")

    @property
    def opens_tail(self) -> bool:
        """Tell whether the block is a heading below which the article is over."""
        return any(hit.rule.opens_tail for hit in self.hits)

    @property
    def prose(self) -> bool:
        """Tell whether the block reads like running text."""
        return self.han >= 8 and (self.sentences > 0 or (self.commas > 0 and self.size >= 24))


def measure(
    segmented: Segmented, book: RuleBook, sites: SiteBook | None = None, site: str | None = None
) -> list[Features]:
    """Return the features of each block, in page order; ``site`` is the page's name in the ``sites``."""
    words = [segmented.words(block) for block in segmented.blocks]
    keys = [_SPACE.sub("", text) for text in words]
    copies = Counter(keys)
    templates = _templates(words, sites, site)
    found: list[Features] = []
    hits = book.hits_of(words)
    for n, (block, text, key) in enumerate(zip(segmented.blocks, words, keys, strict=True)):
        found.append(
            Features(
                words=text,
                size=len(key),
                han=len(_HAN.findall(text)),
                sentences=len(_SENTENCE.findall(text)),
                commas=len(_COMMA.findall(text)),
                ends=_ENDS.search(text) is not None,
                cut_off=_CUT_OFF.search(text) is not None,
                link_density=block.link_density,
                copies=copies[key],
                path=block.path,
                hits=hits[n],
                template=templates.get(n),
            )
        )
    return found


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

    A container is a DOM path; a block counts for its parent and, half, for the parent's parent (as readability does).
    """
    weights: Counter[str] = Counter()
    for feature in features:
        if feature.prose and feature.link_density < 0.3 and not feature.block_hits:
            steps = feature.path.split("/")
            for up, share in ((1, 1.0), (2, 0.5), (3, 0.25)):
                if len(steps) > up:
                    weights["/".join(steps[:-up])] += int(share * min(feature.size, 400))
    if not weights:
        return list(features)
    container = max(weights, key=lambda path: (weights[path], -len(path)))
    kinds: Counter[str] = Counter()
    for feature in features:
        if feature.prose and feature.link_density < 0.3 and not feature.block_hits:
            kinds[feature.kind] += min(feature.size, 400)
    most = max(kinds, key=lambda kind: (kinds[kind], kind))
    return [
        replace(feature, outside=not f"{feature.path}/".startswith(f"{container}/"), main=feature.kind == most)
        for feature in features
    ]
