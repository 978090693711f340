"""A second article on one page: a headline with a dated byline of its own, and paragraphs below it.

Of two the one that fits the title is the record (DESIGN section 3); the other is related matter, and the page flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from qingwen.label.block_stats import SOME_LINKS, Features, is_headline
from qingwen.label.crf import BODY, HEAD, TAIL
from qingwen.model import Label

SECOND = "structure.second-article"
# Paragraphs and characters that make an article; a teaser with its date has less.
_PARAGRAPHS, _CHARACTERS = 2, 80
# How far below its headline an article's byline stands.
_BYLINE = 2


def part_articles(
    features: Sequence[Features], states: Sequence[int], title: int | None
) -> tuple[list[int], frozenset[int]]:
    """Return the states with one article left in them, and the blocks of the others.

    ``title`` is the block that is surely the title; without one the first article stays.
    """
    starts = _starts(features, states)
    if len(starts) < 2:
        return list(states), frozenset()
    ends = [*starts[1:], len(features)]
    words = features[title].words if title is not None else ""
    kept = max(range(len(starts)), key=lambda k: (_fit(features, starts[k], ends[k], title, words), -k))
    inside = sum(features[n].size for n in range(starts[kept], ends[kept]) if states[n] == BODY)
    if 2 * inside < sum(feature.size for feature, state in zip(features, states, strict=True) if state == BODY):
        return list(states), frozenset()  # the model took another for the article: no headline is as sure as it
    others = [n for k in range(len(starts)) if k != kept for n in range(starts[k], ends[k])]
    parted = list(states)
    for n in others:
        parted[n] = HEAD if n < starts[kept] else TAIL
    return parted, frozenset(n for n in others if _told(features[n]) or states[n] == BODY)


def _starts(features: Sequence[Features], states: Sequence[int]) -> list[int]:
    """Return where each article among the blocks begins; fewer than two: there is one article at most."""
    heads = [n for n in range(len(features)) if is_headline(features[n]) and _dated_below(features, n)]
    if BODY not in states or not heads:
        return []
    told = [0, *accumulate(_told(feature) for feature in features)]
    sizes = [0, *accumulate(feature.size * _told(feature) for feature in features)]
    ends = _ends(features)

    def is_article(start: int, end: int) -> bool:
        return told[end] - told[start] >= _PARAGRAPHS and sizes[end] - sizes[start] >= _CHARACTERS

    found = [min(heads[0], states.index(BODY))]
    for n in heads:
        if is_article(found[-1], n) and is_article(n, ends[n]):
            found.append(n)
    return found


def _ends(features: Sequence[Features]) -> list[int]:
    """Return, for each block, where an article that starts there is over: at a heading of other matter, or the end."""
    found = [len(features)] * len(features)
    for n in range(len(features) - 2, -1, -1):
        found[n] = n + 1 if features[n + 1].opens_tail else found[n + 1]
    return found


def _told(feature: Features) -> bool:
    """Tell whether a block reads like a paragraph of an article, wherever the model put it."""
    whole = feature.prose and feature.ends and not feature.cut_off and feature.link_density < SOME_LINKS
    return whole and not feature.block_hits and not feature.structure and not feature.outside


def _dated_below(features: Sequence[Features], n: int) -> bool:
    """Tell whether the byline of an article follows: a rule for a page's head hits, and the line holds a year."""
    following = features[n + 1 : n + 1 + _BYLINE]
    return any(
        hit.rule.label is Label.BYLINE and hit.rule.scope == "head" and _holds_year(feature.words)
        for feature in following
        for hit in feature.block_hits[:1]
    )


def _holds_year(words: str) -> bool:
    return any(words[at : at + 2] in ("19", "20") and words[at : at + 4].isdecimal() for at in range(len(words) - 3))


def _fit(features: Sequence[Features], start: int, end: int, title: int | None, words: str) -> float:
    """Return how well an article fits the title: it stands right below it, or says the same words."""
    if title is None:
        return 0.0
    grams = {words[at : at + 2] for at in range(len(words) - 1)}
    said = "".join(feature.words for feature in features[start:end])
    same = sum(gram in said for gram in grams) / max(1, len(grams))
    return same + (start <= title < end)
