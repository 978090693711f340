"""The decision over the sequence: head, article, tail. One best path through three states that only move forward.

Weights are in natural units of evidence (about log odds): positive speaks for the article. They were set by hand on
the development pages; what each means stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from qingwen.label.block_stats import MOSTLY_LINKED, Features
from qingwen.model import Label

HEAD, ARTICLE, TAIL = "head", "article", "tail"


@dataclass(frozen=True, slots=True)
class Weights:
    """Hand-set weights of the sequence decision."""

    prose_base: float = 0.6  # a block of running text
    prose_char: float = 0.02  # for each of its characters, up to prose_most
    prose_most: float = 4.0
    short: float = -0.5  # a short line proves nothing; many of them in a row are a list
    subhead: float = -0.2  # a short line between paragraphs
    beside_text: float = 0.1  # in the markup it is a paragraph like those of the running text
    dirt: float = -2.0  # a rule hit: notices, share lines and footers stand below an article
    ad: float = -0.7  # an advertisement hit: those stand between paragraphs too
    head_rule: float = -0.8  # it looks like a byline: a date below a notice is its own
    linked: float = -2.5  # all of it is a link
    structure: float = -3.0  # it has a teaser's shape
    outside: float = -2.5  # away from the container of the main text
    opener: float = -14.0  # an article does not go on below 相关文章
    title: float = -9.0  # an article does not go on below its own title
    cut_off: float = -1.5  # running text that breaks off in ... is an excerpt
    leave: float = -2.5  # the article ends where nothing says that it does
    enter: float = 1.2  # the article starts right below its title or byline
    below_opener: float = -3.5  # an article does not start below 相关文章
    head_hit: float = 0.6  # a breadcrumb or byline belongs above
    tail_hit: float = 0.8  # a notice belongs below


WEIGHTS = Weights()
# Lists below an article hold dates too; a head has a breadcrumb, a byline, a line of tools.
_HEAD_HITS = 4
# Characters of a heading between paragraphs, and how many are Han at least.
_SUBHEAD, _LEAST_HAN = range(4, 31), 4


def article_weight(feature: Features, weights: Weights = WEIGHTS) -> float:
    """Return how much a block speaks for being part of the article."""
    if feature.structure:
        return weights.structure
    hit = feature.block_hits[0] if feature.block_hits else None
    if hit is not None:
        if hit.rule.label is Label.BYLINE and hit.rule.scope == HEAD:
            return weights.head_rule
        return weights.ad if hit.rule.label is Label.AD else weights.dirt
    if feature.prose:
        weight = weights.prose_base + min(weights.prose_most, weights.prose_char * feature.size)
        weight = weights.cut_off if feature.cut_off else weight
    else:
        weight = weights.subhead if feature.size in _SUBHEAD and feature.han >= _LEAST_HAN else weights.short
        weight = weights.beside_text if feature.main else weight
    weight = min(weight, weight * (1 - feature.link_density)) + weights.linked * feature.link_density
    return weight + (weights.outside if feature.outside else 0.0)


def zones(features: Sequence[Features], title: int | None, weights: Weights = WEIGHTS) -> tuple[int, int]:
    """Return where the article starts and ends, as block numbers (half-open); start == end: there is none.

    Maximises the sum of the states' weights: before the start the head's, from the end on the tail's. ``title`` is the
    block that is surely the title, or None.
    """
    count = len(features)
    article = [article_weight(feature, weights) for feature in features]
    openers = [_opens(feature) for feature in features]
    for n in range(count):
        article[n] += weights.opener * openers[n]
    if title is not None and title < count:
        article[title] += weights.title
    head, hits = [weights.below_opener * opens for opens in openers], 0
    for n, feature in enumerate(features):
        if hits < _HEAD_HITS and _hits(feature, HEAD):
            head[n] += weights.head_hit
            hits += 1
    tail = [weights.tail_hit if _hits(feature, TAIL) else 0.0 for feature in features]
    before, inside, after = ([0.0, *accumulate(values)] for values in (head, article, tail))
    best, found = float("-inf"), (0, 0)
    start_value, start = float("-inf"), 0
    for end in range(count + 1):
        total = start_value + inside[end] + after[count] - after[end]
        total += 0.0 if end == count or _says_over(features[end]) else weights.leave
        if total > best + 1e-9:
            best, found = total, (start, end)
        # The best start for an article that ends further down, carried along: linear time.
        value = before[end] - inside[end] + (weights.enter if _may_enter(features, end, title) else 0.0)
        if value > start_value:
            start_value, start = value, end
    return (
        found if any(feature.prose and article_weight(feature) > 0 for feature in features[slice(*found)]) else (0, 0)
    )


def _opens(feature: Features) -> bool:
    """Tell whether a heading such as 相关文章 stands among the article's blocks, and is no button or side column."""
    return feature.opens_tail and feature.link_density < MOSTLY_LINKED and not feature.outside


def _may_enter(features: Sequence[Features], n: int, title: int | None) -> bool:
    """Tell whether the block before ``n`` is the title or a byline."""
    if n == 0:
        return False
    return title == n - 1 or any(hit.rule.label is Label.BYLINE for hit in features[n - 1].block_hits)


def _says_over(feature: Features) -> bool:
    """Tell whether a block shows by itself that the article is over: a rule, its shape, its links or its place."""
    hit = any(hit.rule.scope != HEAD for hit in feature.block_hits)
    return hit or bool(feature.structure) or feature.link_density >= MOSTLY_LINKED or feature.outside


def _hits(feature: Features, scope: str) -> bool:
    return any(hit.rule.scope == scope or (hit.rule.opens_tail and scope == TAIL) for hit in feature.block_hits)
