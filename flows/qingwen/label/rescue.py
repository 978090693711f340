"""What the sequence decision would lose of an article: its first heading, news behind an advertisement, a signature.

Losing a sentence of news is the worst fault; these shapes prove by themselves that the article goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from qingwen.label.block_stats import SOME_LINKS, Features
from qingwen.label.crf import BODY, DIRT
from qingwen.model import Label

# So many advertisements in a row are looked behind; an agent's sheet below the article has more.
_MOST_ADS = 2
# And so many short sentences; a list of remarks has more.
_MOST_LINES = 3
# Characters of a whole paragraph; a sentence of fewer may be a reader's remark.
_SHORTEST = 20
# Of Han in a heading; a button or a section's name has fewer.
_SHORTEST_HEADING = 8
# One row with a tab in it may be two links side by side.
_LEAST_ROWS = 2
_DATE_LINE = re.compile(r"(?:19|20|\u4e8c)\S{1,3}\u5e74\S{1,3}\u6708\S{1,3}\u65e5")
# The longest names of offices: the name of a province, of a commission, and of an office of that.
_LONGEST_NAME = 25

RESCUES: Mapping[str, str] = {
    "rescue.heading": "a line between the byline and the first paragraph",
    "rescue.behind-ad": "a whole paragraph behind an advertisement",
    "rescue.behind-lines": "a whole paragraph follows, or is, behind short sentences",
    "rescue.table": "the rows of a table that the article's text leads to",
    "rescue.signature": "the name and the date that close a notice",
}


def rescue(features: Sequence[Features], states: Sequence[int], title: int | None) -> tuple[list[int], dict[int, str]]:
    """Return the states with the article's start and end put right, and which rescue (of `RESCUES`) kept a block.

    ``title`` is the block of the title, or None.
    """
    found = list(states)
    rescued: dict[int, str] = {}
    rescues: list[tuple[str, Callable[[], None]]] = [
        ("rescue.heading", lambda: _opening(features, found, title)),
        ("rescue.behind-ad", lambda: _behind_ad(features, found)),
        ("rescue.behind-lines", lambda: _behind_lines(features, found)),
        ("rescue.table", lambda: _table(features, found)),
        ("rescue.signature", lambda: _signature(features, found)),
    ]
    for name, put_right in rescues:
        if BODY not in found:
            break
        before = list(found)
        put_right()
        rescued |= {n: name for n, state in enumerate(found) if state == BODY != before[n]}
    return found, rescued


def _last(states: Sequence[int]) -> int:
    return max(n for n, state in enumerate(states) if state == BODY)


def _opening(features: Sequence[Features], states: list[int], title: int | None) -> None:
    """A line between the byline and the first paragraph is the article's own: a subtitle or its first heading."""
    first = states.index(BODY)
    n = first - 1
    if title is None or n <= title + 1 or not features[n - 1].block_hits:
        return
    feature, beside = features[n], features[first]
    plain = not feature.hits and not feature.structure and feature.link_density == 0 and not feature.outside
    heading = feature.han >= _SHORTEST_HEADING or feature.words[-1:] in ":\uff1a"
    if plain and heading and feature.kind == beside.kind and feature.copies == 1:
        states[n] = BODY


def _behind_ad(features: Sequence[Features], states: list[int]) -> None:
    """A whole paragraph right behind an advertisement, itself right behind the article: the article goes on."""
    last = _last(states)
    n = last + 1
    while n < len(features) and n - last <= _MOST_ADS and _is_ad(features[n]):
        n += 1
    if last + 1 < n < len(features) and _is_paragraph(features[n]):
        states[last + 1 : n] = [DIRT] * (n - last - 1)
        states[n] = BODY
        _behind_ad(features, states)


def _behind_lines(features: Sequence[Features], states: list[int]) -> None:
    """A whole paragraph behind up to three sentences too short to be one (an interview's): the article goes on."""
    last = _last(states)
    n = last + 1
    while n < len(features) and n - last <= _MOST_LINES and _is_short_sentence(features[n], features[last]):
        if _is_paragraph(features[n]):
            break
        n += 1
    if last + 1 <= n < len(features) and _is_paragraph(features[n]) and features[n].kind == features[last].kind:
        states[last + 1 : n + 1] = [BODY] * (n - last)
        _behind_lines(features, states)


def _table(features: Sequence[Features], states: list[int]) -> None:
    """Rows of a data table right behind the article, two and more: what its last sentence leads to."""
    last = n = _last(states)
    while n + 1 < len(features) and _is_row(features[n + 1]):
        n += 1
    if n - last >= _LEAST_ROWS:
        states[last + 1 : n + 1] = [BODY] * (n - last)


def _signature(features: Sequence[Features], states: list[int]) -> None:
    """The issuing body's name and the date in full, the last two lines of a notice."""
    last = _last(states)
    for name in (last, last + 1):
        date = name + 1
        if date < len(features) and _is_name(features[name]) and _DATE_LINE.fullmatch(features[date].words):
            states[name] = states[date] = BODY
            return


def _is_ad(feature: Features) -> bool:
    return any(hit.rule.label is Label.AD for hit in feature.block_hits)


def _is_paragraph(feature: Features) -> bool:
    whole = feature.prose and feature.ends and not feature.cut_off and feature.size >= _SHORTEST
    plain = not feature.hits and not feature.structure and not feature.outside
    return whole and plain and feature.link_density < SOME_LINKS


def _is_short_sentence(feature: Features, beside: Features) -> bool:
    """Tell whether a line ends a sentence, or is said by somebody, and has nothing against it."""
    plain = not feature.hits and not feature.structure and feature.link_density == 0 and not feature.cut_off
    return plain and feature.kind == beside.kind and feature.ends and feature.han >= 3 and feature.copies == 1


def _is_row(feature: Features) -> bool:
    plain = not feature.hits and not feature.structure and feature.link_density == 0 and not feature.outside
    return plain and "\t" in feature.words


def _is_name(feature: Features) -> bool:
    return feature.han == feature.size <= _LONGEST_NAME and not feature.hits and feature.link_density == 0
