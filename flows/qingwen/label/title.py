"""Which block is the title, and which characters of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qingwen.label.block_stats import Features, is_headline
from qingwen.label.crf import BODY, HEAD
from qingwen.label.zones import zones
from qingwen.model import Label, Segmented
from qingwen.text.characters import HAN
from qingwen.text.spans import Span

_SUFFIX = re.compile(
    r"\s{0,20}(?:_{1,20}|[|\uff5c]|\s[-\u2013\u2014]{1,20}\s|[-\u2013\u2014]{2,20}"
    rf"|(?<=[{HAN}\u201d\u300d\u300b)\uff09!\uff01?\uff1f])[-\u2013\u2014](?=[{HAN}A-Za-z]))\s{{0,20}}"
)
_STEP = re.compile(r"[\u3009\u00bb\u203a>\uff1e]\s*")
_SPACE = re.compile(r"\s+")
_HEADINGS = ("h1", "h2", "h3")
_NAME = re.compile(r"[\w-]*")
# Characters of a title: shorter is a section's name, longer a sentence. Few may be Han: a score, a product.
_SHORTEST, _LONGEST = 5, 80
_LEAST_HAN = 4
# A path through the site, or a row of links, has more bars or cells than a title with its site's name.
_MOST_BARS = 1
# Above the article stand a title, a byline and tools; what is further up is the page's own.
_LOOK_BACK = 30
# No title is longer, with all that may stand behind it.
_LOOKED_AT = 300
# A shorter line that begins the page's <title> may as well be the name of the site or of the section.
_NAMED = 7
# So many times as much running text below the title as above it: what is above is a teaser or a column.
_MOSTLY = 2
# The last part of a <title> may be the site's name too; a headline is longer.
_ENDS_TITLE = 9
HEAD_PATH = "head/title"
# What speaks for a line above the article to be its title, in points set by hand: a byline below it outweighs all else.
# Below the least none is taken: the page shows no title.
_A_LINE_UP, _OF_USUAL_SIZE, _A_SENTENCE, _ABOVE_BYLINE, _A_HEADING, _A_LINK = -0.15, 1.0, -1.5, 2.0, 1.0, -2.0
_USUAL = range(9, 46)
_LEAST_POINTS = -2.0


def sure_title(features: Sequence[Features]) -> int | None:
    """Return the number of the block that is surely the title: the page names it in its ``<title>``, or it is the h1.

    In a dump the first line often is the ``<title>``; a later line that begins it, or ends it behind the site's name,
    is the title.
    """
    if not features:
        return None
    stated = features[0].solid
    ending = {_key(part) for part in _SUFFIX.split(features[0].words[:_LOOKED_AT])[1:]}
    later = [n for n in range(1, len(features)) if _fits(features[n])]
    named = [n for n in later if _names(stated, features[n].solid)]
    named = named or [n for n in later if features[n].size >= _ENDS_TITLE and features[n].solid in ending]
    if named:
        heads = [n for n in named if _tag(features[n]) in _HEADINGS]
        return (heads or named)[0]
    heads = [n for n in later if _tag(features[n]) == "h1"]
    return heads[0] if len(heads) == 1 else None


def likely_title(features: Sequence[Features]) -> int | None:
    """Return the block that is surely the title; in a dump else the likeliest above where the hand-set zones start."""
    sure = sure_title(features)
    if sure is not None or not features or features[-1].path:
        return sure
    start, end = zones(features, None)
    return best_title(features, start) if start < end else None


def _names(stated: str, words: str) -> bool:
    return len(words) >= _NAMED and stated.startswith(words)


def best_title(features: Sequence[Features], start: int) -> int | None:
    """Return the likeliest title among the blocks before the article's start, or None."""
    best: tuple[float, int] | None = None
    for n in range(start - 1, max(-1, start - 1 - _LOOK_BACK), -1):
        feature = features[n]
        if not _fits(feature) or feature.block_hits or feature.structure:
            continue
        score = _A_LINE_UP * (start - n)
        score += _OF_USUAL_SIZE if feature.size in _USUAL else 0.0
        score += _A_SENTENCE if feature.ends and feature.words[-1:] not in "!?\uff01\uff1f\u2026" else 0.0
        score += _ABOVE_BYLINE if _byline_follows(features, n) else 0.0
        score += _A_HEADING if _tag(feature) in _HEADINGS else 0.0
        score += _A_LINK * feature.link_density
        if best is None or score > best[0]:
            best = (score, n)
    if best is None or best[0] <= _LEAST_POINTS:
        return None
    n = best[1]
    # Two headlines, one right below the other: the lower is the subtitle, unless a byline says that it is the title.
    while n > 0 and not _byline_follows(features, n) and _stands_alone(features[n - 1]):
        n -= 1
    return n


def _stands_alone(feature: Features) -> bool:
    """Tell whether a line is a headline by itself: not so short as a section's name."""
    return feature.size >= _USUAL.start and _fits(feature) and is_headline(feature)


def below_title(features: Sequence[Features], states: Sequence[int], title: int) -> list[int]:
    """Return the states with nothing above the title left in the article, where most of its running text is below."""
    solid = [
        feature.size if state == BODY and feature.prose else 0 for feature, state in zip(features, states, strict=True)
    ]
    if BODY not in states[:title] or sum(solid[title + 1 :]) <= _MOSTLY * sum(solid[:title]):
        return list(states)
    return [HEAD] * (title + 1) + list(states[title + 1 :])


def title_span(segmented: Segmented, n: int) -> Span:
    """Return the characters of the title block that are the title: of a ``<title>`` the part before the site's name."""
    block = segmented.blocks[n]
    words = segmented.words(block)
    offset = block.span.of(segmented.text).index(words) if words else 0
    start = block.span.start + offset
    path = [cut.end() for cut in _STEP.finditer(words) if cut.end() < len(words)]  # a mark at the end leads nowhere
    if len(path) >= 2:  # the way to the page stands before its title
        return Span(start + path[-1], start + len(words))
    end = len(words)
    if block.path == HEAD_PATH or (n == 0 and not block.path):
        found = next((cut for cut in _SUFFIX.finditer(words[:_LOOKED_AT]) if cut.start() >= _SHORTEST), None)
        end = found.start() if found else end
    return Span(start, start + end)


def _byline_follows(features: Sequence[Features], n: int) -> bool:
    following = features[n + 1 : n + 3]
    return any(hit.rule.label is Label.BYLINE for feature in following for hit in feature.block_hits[:1])


def _tag(feature: Features) -> str:
    """Return the name of the element that a block is."""
    found = _NAME.match(feature.path, feature.path.rfind("/") + 1)
    return found[0] if found else ""


def _fits(feature: Features) -> bool:
    return (
        not feature.template
        and _SHORTEST <= feature.size <= _LONGEST
        and feature.han >= _LEAST_HAN
        and feature.words.count("|") + feature.words.count("\t") <= _MOST_BARS
    )


def _key(words: str) -> str:
    return _SPACE.sub("", words)
