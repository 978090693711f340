"""Which block is the title, and which of its characters.

Most pages name their title. Where a page does not, or the article starts above it, the likeliest line above is it.
"""

import re
from collections.abc import Sequence
from itertools import accumulate

from qingwen.label.block_stats import MOSTLY_LINKED, BlockStats
from qingwen.model import HEAD_PATH, Label, Segmented
from qingwen.text.characters import HAN
from qingwen.text.spans import Span

_SUFFIX = re.compile(
    r"\s{0,20}(?:_{1,20}|[|｜]|\s[-–—]{1,20}\s|[-–—]{2,20}"
    rf"|(?<=[{HAN}”」》)）!！?？])[-–—](?=[{HAN}A-Za-z]))\s{{0,20}}"
)
# What follows a bar or a long dash is the site's name only if it reads like one; else it is part of the headline.
_IN_HEADLINES = re.compile(r"[|｜]|[-–—]{2}")
_SITE_NAME = re.compile(
    r"(?:[网網报報社台雲云刊]|新[闻聞]|[频頻]道|[论論][坛壇]|社[区區]|博客|在[线線]|[资資][讯訊]|首页|首頁)$|[A-Za-z]{2,}|[_|｜]"
)
# The day or the time that is printed behind a headline.
_WHEN = (
    r"(?:(?:19|20)[0-9]{2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?(?:\s{1,3}[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)?"
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)"
)
_DATED = re.compile(rf"\s{{1,9}}{_WHEN}$|\s{{0,9}}[\[【(（]{_WHEN}[\]】)）]$")
_BREADCRUMB_MARK = re.compile(r"[〉»›>＞]\s*")
_SPACE = re.compile(r"\s+")
_HEADINGS = ("h1", "h2", "h3")
_TAG = re.compile(r"[\w-]*")
# A shorter line is the name of a section. Few of its characters may be Han: a score, a product.
_SHORTEST, _LEAST_HAN = 5, 4
# A breadcrumb, or a row of links, has more bars or cells than a title with its site's name.
_MOST_BARS = 1
# A shorter line that begins the <title> may be the name of the site or of the section; so may one inside it, or at its
# end. An element for headings says that it is none.
_SHORTEST_START, _SHORTEST_INSIDE, _SHORTEST_END = 7, 8, 9
# What some sites print before a headline, in the <title> or on the page.
_PREFIX = re.compile(
    r"[(（][^()（）]{0,20}(?:私信|消息|通知|未读)[^()（）]{0,9}[)）]\s*|\[(?:图|組圖|组图|图文|視頻|视频)\]\s*"
)
# The number of the page, as a forum's archive prints it.
_PAGE_NUMBER = re.compile(r"\s{0,3}[(（]页\s?[0-9]{1,4}[)）]$")
# What is glued to a headline, a date or a time behind it among it.
_GLUED_CHARS, _GLUED_WHEN = 30, re.compile(rf"\s{{0,9}}[\[【(（]?\s{{0,3}}{_WHEN}")
# So many of a headline's pairs of characters stand in the article's text.
_SUPPORTED = 0.5
# Points for a line above the article to be its title. A byline below it outweighs all else.
_LINE_UP, _USUAL_SIZE, _SENTENCE, _ABOVE_BYLINE, _HEADING, _LINK = -0.15, 1.0, -1.5, 2.0, 1.0, -2.0
_DATED_LINE = -1.5  # it may be a byline that no rule knows
_SUBTITLE = -2.0  # a dash opens a subtitle
_USUAL_CHARS, _HEADLINE_CHARS = range(9, 46), range(6, 61)
# A page without a line of more points shows no title.
_LEAST_POINTS = -2.0


def decide_title(blocks: Sequence[BlockStats], hint: int | None, start: int) -> int | None:
    """Return the title above an article that starts at ``start``: the hint, or else the likeliest line.

    A dump may begin with its headline and the article right below; where both read alike, the first line is the title.
    """
    if hint is not None and hint < start:
        return hint
    found = _likeliest(blocks, start)
    if found is None and _is_first_headline(blocks, start):
        return start
    of_heading = found is not None and (_tag(blocks[found]) in _HEADINGS or _byline_follows(blocks, found))
    return 0 if start > 0 and not of_heading and _is_of_article(blocks, start) else found


def named_title(blocks: Sequence[BlockStats]) -> int | None:
    """Return the block that the page names as its title: it is in the ``<title>``, or it is the only h1.

    The first block is the ``<title>``, often of a dump too. The title is a later block that begins it, stands in it as
    a heading, or ends it behind the site's name; a date may be glued to it.
    """
    if not blocks:
        return None
    states = blocks[0].path in ("", HEAD_PATH)
    stated = _SPACE.sub("", _PREFIX.sub("", blocks[0].words, count=1)) if states else ""
    first = _SPACE.sub("", _headline(blocks[0].words))
    rest = {_SPACE.sub("", part) for part in _SUFFIX.split(blocks[0].words)[1:]}
    later = list(range(int(states), len(blocks)))
    named = [n for n in later if _begins(stated, first, blocks[n])]
    if not named and stated:
        named = (
            [n for n in later if _is_inside(stated, blocks[n])]
            or [n for n in later if _is_glued(first, blocks[n])]
            or [n for n in later if blocks[n].size >= _SHORTEST_END and blocks[n].compact in rest]
        )
        named = [n for n in named if _may_be_title(blocks[n])]
    if named:
        return next((n for n in named if _tag(blocks[n]) in _HEADINGS), named[0])
    # A heading that is a link, which the <title> does not name, leads to the front page.
    later = [n for n in later if blocks[n].link_density < MOSTLY_LINKED and _may_be_title(blocks[n])]
    headings = [n for n in later if _tag(blocks[n]) == "h1"]
    if len(headings) != 1:
        headings = [n for n in later if _tag(blocks[n]) in _HEADINGS and _is_named_title(blocks[n])]
    return headings[0] if len(headings) == 1 else None


def _headline(words: str) -> str:
    """Return the part of a ``<title>`` before the names of the section and the site."""
    words = _PREFIX.sub("", words, count=1)
    for mark in reversed(list(_SUFFIX.finditer(words))):
        shortest = _SHORTEST if mark[0] == mark[0].strip(" _") else _LEAST_HAN  # a bare dash may be in a headline
        if mark.start() < shortest or not _is_suffix(words, mark):
            break
        words = words[: mark.start()]
    return words


def _begins(stated: str, headline: str, block: BlockStats) -> bool:
    """Tell whether a block begins the ``<title>``; a short one is a heading, and all of the headline."""
    if block.size < _SHORTEST_START:
        return block.han >= _LEAST_HAN and _tag(block) in _HEADINGS and block.compact == headline
    return stated.startswith(block.compact) and _may_be_title(block)


def _is_inside(stated: str, block: BlockStats) -> bool:
    return block.size >= _SHORTEST_INSIDE and _tag(block) in _HEADINGS and block.compact in stated


def _is_glued(headline: str, block: BlockStats) -> bool:
    """Tell whether a headline begins a block, right before a date and little else, or ends it behind a tag."""
    more = block.size - len(headline)
    if len(headline) < _SHORTEST_START or not 0 < more <= _GLUED_CHARS:
        return False
    begins = block.compact.startswith(headline) and _GLUED_WHEN.match(block.compact, len(headline)) is not None
    return begins or (block.compact[0] in "[【" and block.compact.endswith(headline))


def _is_of_article(blocks: Sequence[BlockStats], start: int) -> bool:
    """Tell whether the ``<title>`` is the article's headline, though no line of the page says it again.

    Most of a headline's pairs of characters stand in the article; those of the site's name do not.
    """
    headline = _SPACE.sub("", _headline(blocks[0].words))
    if blocks[0].path not in ("", HEAD_PATH) or len(headline) not in _HEADLINE_CHARS or not _may_be_title(blocks[0]):
        return False
    if any(headline in block.compact for block in blocks[1:start]):
        return False  # the name of the site or of the section, in a line that says more
    text = "".join(block.compact for block in blocks[start:] if block.prose)
    pairs = [headline[n : n + 2] for n in range(len(headline) - 1)]
    return sum(pair in text for pair in pairs) >= _SUPPORTED * len(pairs)


def _likeliest(blocks: Sequence[BlockStats], start: int) -> int | None:
    """Return the likeliest title above the block at which the article starts."""
    between = [0, *accumulate(not block.block_hits for block in blocks[:start])]  # what a rule knows is no distance
    points = {
        n: _points(blocks, n) + _LINE_UP * (between[start] - between[n])
        for n in range(start - 1, -1, -1)
        if _may_be_title(blocks[n]) and not blocks[n].block_hits and not blocks[n].teaser
    }
    best = max(points, key=points.__getitem__, default=None)
    if best is None or points[best] <= _LEAST_POINTS:
        return None
    # Of two headlines in a row the lower is the subtitle, unless a byline follows it.
    while best > 0 and not _byline_follows(blocks, best) and _is_long_headline(blocks[best - 1]):
        best -= 1
    return best


def _is_first_headline(blocks: Sequence[BlockStats], start: int) -> bool:
    """Tell whether an article begins with a line like a headline, above a paragraph that ends a sentence."""
    line, below = blocks[start], blocks[start + 1 : start + 4]
    headline = line.size in _HEADLINE_CHARS and line.words[-1:] not in "。；;，,：:…" and _may_be_title(line)
    return headline and not line.path and not line.block_hits and any(block.paragraph for block in below)


def _points(blocks: Sequence[BlockStats], n: int) -> float:
    block = blocks[n]
    points = _USUAL_SIZE if block.size in _USUAL_CHARS else 0.0
    points += _SENTENCE if block.ends_sentence and block.words[-1:] not in "!?！？…" else 0.0
    points += _ABOVE_BYLINE if _byline_follows(blocks, n) else 0.0
    points += _HEADING if _tag(block) in _HEADINGS else 0.0
    points += _DATED_LINE if block.dated else 0.0
    points += _SUBTITLE if block.words[:1] in "—–-" else 0.0
    return points + _LINK * block.link_density


def _is_long_headline(block: BlockStats) -> bool:
    """Tell whether a line is a headline, and too long for the name of a section."""
    return block.size >= _USUAL_CHARS.start and _may_be_title(block) and block.headline


def _byline_follows(blocks: Sequence[BlockStats], n: int) -> bool:
    return any(hit.rule.label is Label.BYLINE for block in blocks[n + 1 : n + 3] for hit in block.block_hits[:1])


def _may_be_title(block: BlockStats) -> bool:
    long_enough = block.size >= _SHORTEST and block.han >= _LEAST_HAN
    return long_enough and not block.template and block.words.count("|") + block.words.count("\t") <= _MOST_BARS


def _is_named_title(block: BlockStats) -> bool:
    """Tell whether the id or the classes of an element say title."""
    return "title" in re.split("[.#]", block.path.rpartition("/")[2].lower(), maxsplit=1)[-1]


def _tag(block: BlockStats) -> str:
    found = _TAG.match(block.path, block.path.rfind("/") + 1)
    return found[0] if found else ""


def title_span(segmented: Segmented, n: int) -> Span:
    """Return the characters of the title block that are the title: of a ``<title>`` the part before the site's name."""
    block = segmented.blocks[n]
    words = segmented.words(block)
    start = block.span.start + block.span.of(segmented.text).index(words)
    steps = [mark.end() for mark in _BREADCRUMB_MARK.finditer(words) if mark.end() < len(words)]
    if len(steps) >= 2:  # a breadcrumb is before the title
        return Span(start + steps[-1], start + len(words))
    end = len(words)
    first = segmented.words(segmented.blocks[0])
    headline = _headline(first)
    if n and _SHORTEST_START <= len(headline) < end:
        if words.startswith(headline) and _GLUED_WHEN.match(words, len(headline)):
            return Span(start, start + len(headline))
        if words[0] in "[【" and words.endswith(headline):
            return Span(start + end - len(headline), start + end)
    if n == 0 or block.path == HEAD_PATH or words == first:
        end = words.index(headline) + len(headline)
    dated = _DATED.search(words, 0, end) or _PAGE_NUMBER.search(words, 0, end)
    end = dated.start() if dated and dated.start() >= _SHORTEST else end
    prefix = _PREFIX.match(words)
    return Span(start + (prefix.end() if prefix and prefix.end() < end else 0), start + end)


def _is_suffix(words: str, mark: re.Match[str]) -> bool:
    """Tell whether what follows a mark is the name of the site, or of its section, and no part of the headline."""
    return not _IN_HEADLINES.match(mark[0].strip()) or _SITE_NAME.search(words, mark.end()) is not None
