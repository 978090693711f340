"""The decision over the sequence: head, article, tail. One best path through three states that only move forward.

Weights are in natural units of evidence (about log odds): positive speaks for the article. They were set by hand on
the development pages; what each means stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from qingwen.label.features import Features

HEAD, ARTICLE, TAIL = "head", "article", "tail"


@dataclass(frozen=True, slots=True)
class Weights:
    """Hand-set weights of the sequence decision."""

    prose_base: float = 0.6  # a block of running text
    prose_char: float = 0.02  # for each of its characters, up to prose_most
    prose_most: float = 4.0
    short: float = -0.5  # a short line proves nothing; many of them in a row are a list
    subhead: float = -0.2  # a short line between paragraphs
    dirt: float = -2.0  # a rule that may act inside an article hit
    edge_dirt: float = -1.5  # a rule of the head or the tail hit
    linked: float = -2.5  # all of it is a link
    structure: float = -3.0  # it has a teaser's shape
    outside: float = -2.5  # away from the container of the main text
    opener: float = -14.0  # an article does not go on below 相关文章
    title: float = -9.0  # an article does not go on below its own title
    head_hit: float = 0.6  # a breadcrumb or byline belongs above
    tail_hit: float = 0.8  # a notice belongs below


WEIGHTS = Weights()


def article_weight(feature: Features, weights: Weights = WEIGHTS) -> float:
    """Return how much a block speaks for being part of the article."""
    if feature.structure:
        return weights.structure
    if feature.block_hits:
        inside = any(hit.rule.scope in ("any", "article") for hit in feature.block_hits)
        return weights.dirt if inside else weights.edge_dirt
    if feature.prose:
        weight = weights.prose_base + min(weights.prose_most, weights.prose_char * feature.size)
    else:
        weight = weights.subhead if 4 <= feature.size <= 30 and feature.han >= 4 else weights.short
    weight = min(weight, weight * (1 - feature.link_density)) + weights.linked * feature.link_density
    return weight + (weights.outside if feature.outside else 0.0)


def zones(features: Sequence[Features], title: int | None, weights: Weights = WEIGHTS) -> tuple[int, int]:
    """Return where the article starts and ends, as block numbers (half-open); start == end: there is none.

    Maximises the sum of the states' weights: before the start the head's, from the end on the tail's. ``title`` is the
    block that is surely the title, or None.
    """
    count = len(features)
    article = [article_weight(feature, weights) for feature in features]
    for n, feature in enumerate(features):
        if feature.opens_tail:
            article[n] += weights.opener
    if title is not None and title < count:
        article[title] += weights.title
    head = [weights.head_hit if _hits(feature, HEAD) else 0.0 for feature in features]
    tail = [weights.tail_hit if _hits(feature, TAIL) else 0.0 for feature in features]
    before = [0.0, *accumulate(head)]
    inside = [0.0, *accumulate(article)]
    after = [0.0, *accumulate(tail)]
    best, found = float("-inf"), (0, 0)
    start_value, start = float("-inf"), 0
    for end in range(count + 1):
        # The best start for an article that ends here, carried along: linear time.
        value = before[end] - inside[end]
        if value > start_value:
            start_value, start = value, end
        total = start_value + inside[end] + after[count] - after[end]
        if total > best + 1e-9:
            best, found = total, (start, end)
    return found


def _hits(feature: Features, scope: str) -> bool:
    return any(hit.rule.scope == scope or (hit.rule.opens_tail and scope == TAIL) for hit in feature.block_hits)
