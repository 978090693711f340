"""What the sequence decision would lose of an article: its first heading, news behind an advertisement, a signature.

Losing a sentence of news is the worst fault; these shapes prove by themselves that the article goes on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from qingwen.label.crf import BODY, DIRT
from qingwen.label.features import Features
from qingwen.model import Label

# So many advertisements in a row are looked behind; an agent's sheet below the article has more.
_MOST_ADS = 2
_MOST_LINES = 3
_SHORTEST = 20
_SHORTEST_HEADING = 8
_DATE_LINE = re.compile(r"(?:19|20|\u4e8c)\S{1,3}\u5e74\S{1,3}\u6708\S{1,3}\u65e5")
_LONGEST_NAME = 25


def rescue(features: Sequence[Features], states: Sequence[int], title: int | None) -> list[int]:
    """Return the states with the article's start and end put right. ``title`` is the block of the title, or None."""
    found = list(states)
    body = [n for n, state in enumerate(found) if state == BODY]
    if body:
        _opening(features, found, body[0], title)
        _behind_ad(features, found, body[-1])
        _behind_lines(features, found, max(n for n, state in enumerate(found) if state == BODY))
        _signature(features, found)
    return found


def _opening(features: Sequence[Features], states: list[int], first: int, title: int | None) -> None:
    """A line between the byline and the first paragraph is the article's own: a subtitle or its first heading."""
    n = first - 1
    if title is None or n <= title + 1 or not features[n - 1].block_hits:
        return
    feature, beside = features[n], features[first]
    plain = not feature.hits and not feature.structure and feature.link_density == 0 and not feature.outside
    heading = feature.han >= _SHORTEST_HEADING or feature.words[-1:] in ":\uff1a"
    if plain and heading and feature.kind == beside.kind and feature.copies == 1:
        states[n] = BODY


def _behind_ad(features: Sequence[Features], states: list[int], last: int) -> None:
    """A whole paragraph right behind an advertisement, itself right behind the article: the article goes on."""
    n = last + 1
    while n < len(features) and n - last <= _MOST_ADS and _is_ad(features[n]):
        n += 1
    if last + 1 < n < len(features) and _is_paragraph(features[n]):
        states[last + 1 : n] = [DIRT] * (n - last - 1)
        states[n] = BODY
        _behind_ad(features, states, n)


def _behind_lines(features: Sequence[Features], states: list[int], last: int) -> None:
    """A whole paragraph behind one or two sentences too short to be one (an interview's): the article goes on."""
    n = last + 1
    while n < len(features) and n - last <= _MOST_LINES and _is_short_sentence(features[n], features[last]):
        if _is_paragraph(features[n]):
            break
        n += 1
    if last + 1 <= n < len(features) and _is_paragraph(features[n]) and features[n].kind == features[last].kind:
        states[last + 1 : n + 1] = [BODY] * (n - last)
        _behind_lines(features, states, n)


def _signature(features: Sequence[Features], states: list[int]) -> None:
    """The issuing body's name and the date in full, the last two lines of a notice."""
    last = max(n for n, state in enumerate(states) if state == BODY)
    for name in (last, last + 1):
        date = name + 1
        if date < len(features) and _is_name(features[name]) and _DATE_LINE.fullmatch(features[date].words):
            states[name] = states[date] = BODY
            return


def _is_ad(feature: Features) -> bool:
    return any(hit.rule.label is Label.AD for hit in feature.block_hits)


def _is_paragraph(feature: Features) -> bool:
    whole = feature.prose and feature.ends and not feature.cut_off and feature.size >= _SHORTEST
    return whole and not feature.hits and not feature.structure and feature.link_density < 0.3 and not feature.outside


def _is_short_sentence(feature: Features, beside: Features) -> bool:
    """Tell whether a line ends a sentence, or is said by somebody, and has nothing against it."""
    plain = not feature.hits and not feature.structure and feature.link_density == 0 and not feature.cut_off
    return plain and feature.kind == beside.kind and feature.ends and feature.han >= 3 and feature.copies == 1


def _is_name(feature: Features) -> bool:
    return feature.han == feature.size <= _LONGEST_NAME and not feature.hits and feature.link_density == 0
