"""One article of a page: what is above its title goes, and so does a second article with a byline of its own.

Of two articles the one that fits the title is the record; the other is related matter, and the page is flagged.
"""

from collections.abc import Sequence
from itertools import accumulate

from qingwen.label.block_stats import BlockStats
from qingwen.label.crf import BODY, HEAD, TAIL
from qingwen.model import Label

# An article has so many paragraphs and characters; a teaser with its date has fewer.
_PARAGRAPHS, _CHARACTERS = 2, 80
# A headline has so many characters, an article so many in whole paragraphs.
_HEADLINE_CHARS, _LEAST_TEXT = 8, 40
# An article's byline is at most so many lines below its headline.
_BYLINE_LINES = 2


def next_article(blocks: Sequence[BlockStats], title: int | None) -> range:
    """Return the blocks of what begins at a heading of the kind of the page's title further down: other articles.

    The kind is the element with its classes (``h1.article__title``); the article itself stands in between.
    """
    kind = blocks[title].path.rpartition("/")[2] if title is not None else ""
    if title is None or not (kind.startswith(("h1", "h2")) and "title" in kind):
        return range(0)
    words, text = blocks[title].words, 0
    for n in range(title + 1, len(blocks)):
        block = blocks[n]
        other = block.path.rpartition("/")[2] == kind and block.words != words and block.size >= _HEADLINE_CHARS
        if other and text >= _LEAST_TEXT:
            return range(n, len(blocks))
        text += block.size if block.paragraph else 0
    return range(0)


def keep_one_article(
    blocks: Sequence[BlockStats], states: Sequence[int], title: int | None
) -> tuple[list[int], frozenset[int]]:
    """Return the states with one article left in them, and the blocks of the others.

    ``title`` is the block that is taken for the title. Without one the first article stays.
    """
    states = list(states) if title is None else _below_title(blocks, states, title)
    starts = _article_starts(blocks, states)
    if len(starts) < 2:
        return states, frozenset()
    articles = list(zip(starts, [*starts[1:], len(blocks)], strict=True))
    kept = articles[0] if title is None else max(articles, key=lambda article: _fit(blocks, article, title))
    inside = range(*kept)
    sizes = [block.size if state == BODY else 0 for block, state in zip(blocks, states, strict=True)]
    if 2 * sum(sizes[n] for n in inside) < sum(sizes):
        return states, frozenset()  # the model took another for the article: no headline is as sure as the model
    others = [n for n in range(starts[0], len(blocks)) if n not in inside]
    parted = list(states)
    for n in others:
        parted[n] = HEAD if n < inside.start else TAIL
    return parted, frozenset(n for n in others if blocks[n].paragraph or states[n] == BODY)


def _below_title(blocks: Sequence[BlockStats], states: Sequence[int], title: int) -> list[int]:
    """Take everything above the title out of the article, if most of its running text is below."""
    text = [block.size if state == BODY and block.prose else 0 for block, state in zip(blocks, states, strict=True)]
    if BODY not in states[:title] or sum(text[title + 1 :]) <= sum(text[:title]):
        return list(states)
    return [HEAD] * (title + 1) + list(states[title + 1 :])


def _article_starts(blocks: Sequence[BlockStats], states: Sequence[int]) -> list[int]:
    """Return the blocks at which an article starts; fewer than two: the page has one article at most."""
    headlines = [n for n, block in enumerate(blocks) if block.headline and _dated_byline_follows(blocks, n)]
    if BODY not in states or not headlines:
        return []
    paragraphs = [0, *accumulate(block.paragraph for block in blocks)]
    sizes = [0, *accumulate(block.size * block.paragraph for block in blocks)]
    ends = _ends(blocks)

    def is_article(start: int, end: int) -> bool:
        return paragraphs[end] - paragraphs[start] >= _PARAGRAPHS and sizes[end] - sizes[start] >= _CHARACTERS

    starts = [min(headlines[0], states.index(BODY))]
    for n in headlines:
        if is_article(starts[-1], n) and is_article(n, ends[n]):
            starts.append(n)
    return starts


def _ends(blocks: Sequence[BlockStats]) -> list[int]:
    """Return, for each block, where an article that starts there is over: at the next heading of other matter."""
    ends = [len(blocks)] * len(blocks)
    for n in range(len(blocks) - 2, -1, -1):
        ends[n] = n + 1 if blocks[n + 1].opens_tail else ends[n + 1]
    return ends


def _dated_byline_follows(blocks: Sequence[BlockStats], n: int) -> bool:
    """Tell whether a byline follows: a rule for bylines in the head hits the line, and the line has a year."""
    return any(
        hit.rule.label is Label.BYLINE and hit.rule.scope == "head" and _has_year(block.words)
        for block in blocks[n + 1 : n + 1 + _BYLINE_LINES]
        for hit in block.block_hits[:1]
    )


def _has_year(words: str) -> bool:
    return any(words[at : at + 2] in ("19", "20") and words[at : at + 4].isdecimal() for at in range(len(words) - 3))


def _fit(blocks: Sequence[BlockStats], article: tuple[int, int], title: int) -> float:
    """Return how well an article fits the title: it is right below it, or uses the same words."""
    (start, end), words = article, blocks[title].words
    pairs = {words[at : at + 2] for at in range(len(words) - 1)}
    text = "".join(block.words for block in blocks[start:end])
    return sum(pair in text for pair in pairs) / max(1, len(pairs)) + (start <= title < end)
