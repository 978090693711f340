"""The hand-weighted baseline: where the article starts and ends, by one best split into head, article and tail.

The result is a feature of the sequence model. Weights are about log odds: positive speaks for the article. They were
set by hand on the development pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from qingwen.label.block_stats import MOSTLY_LINKED, BlockStats
from qingwen.model import Label

HEAD, ARTICLE, TAIL = "head", "article", "tail"

_PROSE, _PROSE_CHAR, _MOST_PROSE = 0.6, 0.02, 4.0  # running text, each of its characters, and all of them at most
_SHORT = -0.5  # a short line proves nothing; many of them in a row are a list
_SUBHEAD, _SUBHEAD_CHARS, _SUBHEAD_HAN = -0.2, range(4, 31), 4  # a short line between paragraphs, at least so many Han
_MAIN = 0.1  # in the markup it is a paragraph like those of the running text
_HIT = -2.0  # a rule hit: notices, share lines and footers are below an article
_AD = -0.7  # advertisements are between paragraphs too
_BYLINE = -0.8  # it looks like a byline: a notice has its date below the text
_LINKED = -2.5  # all of it is a link
_OUTSIDE = -2.5  # away from the container of the main text
_OPENER = -14.0  # an article does not go on below 相关文章
_TITLE = -9.0  # an article does not go on below its own title
_CUT_OFF = -1.5  # running text that breaks off in ... is an excerpt
_LEAVE = -2.5  # the article ends where nothing says that it does
_ENTER = 1.2  # the article starts right below its title or byline
_BELOW_OPENER = -3.5  # an article does not start below 相关文章
_HEAD_HIT, _MOST_HEAD_HITS = 0.6, 4  # a breadcrumb, a byline, a line of tools; more such hits are in a list below
_TAIL_HIT = 0.8  # a notice belongs below


@dataclass(frozen=True, slots=True)
class ZoneScores:
    """What each block scores in the head, the article and the tail, and to enter and leave the article.

    ``enter`` and ``leave``: for the article, or the tail, to start at the block (``enter`` has one more entry, behind
    the last block). ``text``: running text that speaks for the article.
    """

    head: list[float]
    article: list[float]
    tail: list[float]
    enter: list[float]
    leave: list[float]
    text: list[bool]

    def find_article(self, title: int | None) -> tuple[int, int]:
        """Return where the article starts and ends, as block numbers (half-open); start == end: no article.

        The split with the best sum of scores, found in linear time. ``title``: the block that is taken for the title.
        """
        count, article, enter = len(self.text), list(self.article), list(self.enter)
        if title is not None:
            article[title] += _TITLE
            enter[title + 1] = _ENTER
        before, inside, after = ([0.0, *accumulate(values)] for values in (self.head, article, self.tail))
        best, zones = float("-inf"), (0, 0)
        start_value, start = float("-inf"), 0
        for end in range(count + 1):
            total = start_value + inside[end] + after[count] - after[end]
            total += 0.0 if end == count else self.leave[end]
            if total > best + 1e-9:
                best, zones = total, (start, end)
            value = before[end] - inside[end] + enter[end]
            if value > start_value:
                start_value, start = value, end
        return zones if any(self.text[slice(*zones)]) else (0, 0)


def score_zones(blocks: Sequence[BlockStats]) -> ZoneScores:
    """Return the scores of each block, in page order."""
    article = [_article_score(block) for block in blocks]
    openers = [block.opens_tail and block.link_density < MOSTLY_LINKED and not block.outside for block in blocks]
    rules = [[hit.rule for hit in block.block_hits] for block in blocks]
    head_hits = [bool(some) and any(rule.scope == HEAD for rule in some) for some in rules]
    tail_hits = [bool(some) and any(rule.scope == TAIL or rule.opens_tail for rule in some) for some in rules]
    bylines = [bool(some) and any(rule.label is Label.BYLINE for rule in some) for some in rules]
    return ZoneScores(
        head=[
            _BELOW_OPENER * opens + _HEAD_HIT * (hit and n <= _MOST_HEAD_HITS)
            for opens, hit, n in zip(openers, head_hits, accumulate(head_hits), strict=True)
        ],
        article=[score + _OPENER * opens for score, opens in zip(article, openers, strict=True)],
        tail=[_TAIL_HIT * hit for hit in tail_hits],
        enter=[0.0, *(_ENTER * byline for byline in bylines)],
        leave=[0.0 if _shows_end(block) else _LEAVE for block in blocks],
        text=[block.prose and score > 0 for block, score in zip(blocks, article, strict=True)],
    )


def _article_score(block: BlockStats) -> float:
    if block.block_hits:
        rule = block.block_hits[0].rule
        if rule.label is Label.BYLINE and rule.scope == HEAD:
            return _BYLINE
        return _AD if rule.label is Label.AD else _HIT
    if block.prose:
        score = _CUT_OFF if block.cut_off else _PROSE + min(_MOST_PROSE, _PROSE_CHAR * block.size)
    elif block.main:
        score = _MAIN
    else:
        score = _SUBHEAD if block.size in _SUBHEAD_CHARS and block.han >= _SUBHEAD_HAN else _SHORT
    score = min(score, score * (1 - block.link_density)) + _LINKED * block.link_density
    return score + (_OUTSIDE if block.outside else 0.0)


def _shows_end(block: BlockStats) -> bool:
    """Tell whether a block shows by itself that the article is over: by a rule, its shape, its links or its place."""
    hit = any(hit.rule.scope != HEAD for hit in block.block_hits)
    return hit or bool(block.teaser) or block.link_density >= MOSTLY_LINKED or block.outside
