"""What the sequence decision would lose of an article: its first heading, news behind an advertisement, a signature.

Losing a sentence of news is the worst fault; these shapes prove by themselves that the article goes on.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from qingwen.label.article_element import heads_item
from qingwen.label.block_stats import MOSTLY_LINKED, BlockStats
from qingwen.label.crf import BODY, DIRT
from qingwen.model import Label

# A paragraph is looked for behind so many advertisements in a row; an agent's sheet below the article has more.
_MOST_ADS = 2
# And behind so many lines that nothing speaks against; a list of headlines has more.
_MOST_LINES = 8
# A sentence with fewer words of furniture, as log odds, is news.
_NEWS_WORDS = -0.7
# Beside the article's own paragraphs, in an element of their own, one with less is another.
_OWN_WORDS = 1.5
_SURELY_NEWS, _LONG_CHARS = -2.0, 40
# A line with more is furniture, if it is not too short to tell.
_FURNITURE_WORDS, _SHORT_CHARS = 3.5, 5
_ITEM = re.compile(r"[•·●○◆■▪※*-]|[(（]?[0-9一二三四五六七八九十]{1,3}[、.)）．]|[^，。：:\s]{1,12}[：:]\S")
# A sentence has so many Han. One of fewer characters may be a reader's remark.
_SENTENCE_HAN = 2
_PARAGRAPH_CHARS = 20
# A button or the name of a section has fewer Han.
_HEADING_HAN = 8
# Fewer lines in a row may be a box inside the article.
_LIST_LINES = 4
# So many lines without a Han character make a program.
_CODE_SHARE = 0.8
# One row with a tab in it may be two links side by side.
_TABLE_ROWS = 2
_DATE_LINE = re.compile(r"(?:19|20|二)\S{1,3}年\S{1,3}月\S{1,3}日")

# What a rescue proposes: new states of blocks, by number. It sees the blocks, the states and the title's number.
Proposal = Mapping[int, int]
Propose = Callable[[Sequence[BlockStats], Sequence[int], int | None], Proposal]


@dataclass(frozen=True, slots=True)
class Rescue:
    """A way to find lost blocks, with the rule's id and the reason that a verdict gives."""

    rule: str
    why: str
    propose: Propose


def rescue(
    blocks: Sequence[BlockStats], states: Sequence[int], title: int | None
) -> tuple[list[int], dict[int, Rescue]]:
    """Return the states with all rescues applied, and the rescue of each block that one made body.

    ``title`` is the block of the title, or None.
    """
    found, rescued = list(states), dict[int, Rescue]()
    for one in RESCUES if BODY in states else ():
        for n, state in one.propose(blocks, tuple(found), title).items():
            if state == BODY != found[n]:
                rescued[n] = one
            found[n] = state
    return found, rescued


def _heading(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """A line between the byline and the first paragraph is a subtitle or the first heading."""
    first = states.index(BODY)
    n = first - 1
    if title is None or n <= title + 1 or not blocks[n - 1].block_hits:
        return {}
    block = blocks[n]
    fields = block.words.count(":") + block.words.count("：") > 1  # 出版：更新：
    heading = block.han >= _HEADING_HAN or block.words[-1:] in ":："
    own = not block.outside and block.path_kind == blocks[first].path_kind and block.copies == 1
    return {n: BODY} if heading and own and _is_plain(block) and not fields else {}


def _rows(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """Many lines in a row between paragraphs, with nothing against them, are the article's table, list or program.

    What is longer than all its paragraphs is the page's, unless it has the words of news, or is a program. In the
    markup such lines stand at the place of some of its own.
    """
    found: dict[int, int] = {}
    run: list[int] = []
    text = sum(block.size for block, state in zip(blocks, states, strict=True) if state == BODY)
    own = {block.path_kind for block, state in zip(blocks, states, strict=True) if state == BODY}
    for n in range(states.index(BODY), _last(states) + 1):
        if states[n] == DIRT and _is_plain(blocks[n]) and blocks[n].path_kind in own:
            run.append(n)
            continue
        words = sum(blocks[m].lexical for m in run)
        short = words < _FURNITURE_WORDS * len(run) and sum(blocks[m].size for m in run) <= text
        code = sum(not blocks[m].han for m in run) >= _CODE_SHARE * len(run)
        if len(run) >= _LIST_LINES and (words < 0 or code or (short and not blocks[n].path)):
            found |= dict.fromkeys(run, BODY)
        run = []
    return found


def _behind_ads(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """The article goes on in a whole paragraph right behind an advertisement that is right behind the article."""
    found: dict[int, int] = {}
    last = _last(states)
    while True:
        n = last + 1
        while n < len(blocks) and n - last <= _MOST_ADS and _is_ad(blocks[n]):
            n += 1
        if n == last + 1 or n == len(blocks) or not _is_paragraph(blocks[n]):
            return found
        found |= {**dict.fromkeys(range(last + 1, n), DIRT), n: BODY}
        last = n


def _own_kind(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """In the markup the article goes on in whole paragraphs at the place of its own, up to another byline: a box, a
    button or a player stands between. Behind a heading of other matter the place is the same element, by name."""
    text = Counter[str]()
    for block, state in zip(blocks, states, strict=True):
        if state == BODY and block.path:
            text[block.path_kind] += block.size
    if not text:
        return {}
    own, first = max(text, key=lambda kind: (text[kind], kind)), _last(states) + 1
    around, below = own.rpartition("/")[0], False
    named = any(mark in step for step in own.split("/")[-2:] for mark in ".#")
    further = []
    for n in range(first, len(blocks)):
        block = blocks[n]
        if _is_byline(block):
            break
        below = below or (block.opens_tail and block.link_density < MOSTLY_LINKED)
        beside = block.path_kind.startswith(f"{around}/") and not below
        # What heads an item stands in its element; a list of links in another element heads nothing.
        headed = heads_item(blocks[n - 1]) and (not named or blocks[n - 1].path_kind.startswith(around))
        if not _is_paragraph(block._replace(inside=1.0)) or headed:
            continue
        if beside or (block.path_kind == own and (named or not below)):
            most = _OWN_WORDS if "/" in around and not below else _NEWS_WORDS
            further += [n] if block.lexical < most else []
    return {n: BODY if n in further else DIRT for n in range(first, further[-1] + 1)} if further else {}


def _is_byline(block: BlockStats) -> bool:
    return any(hit.rule.label is Label.BYLINE and hit.rule.scope == "head" for hit in block.block_hits)


def _reads_as_article(block: BlockStats) -> bool:
    return _is_paragraph(block) and block.lexical <= _NEWS_WORDS


def _behind_lines(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """The article goes on in short sentences with the words of news, in items below a colon, or in a whole paragraph
    behind a few lines."""
    found: dict[int, int] = {}
    last = _last(states)
    while (end := _goes_on(blocks, last)) > last:
        found |= dict.fromkeys(range(last + 1, end + 1), BODY)
        last = end
    return found


def _goes_on(blocks: Sequence[BlockStats], last: int) -> int:
    """Return the last block of the next step in which an article goes on behind ``last``; ``last``: it does not."""
    following = blocks[last + 1 : last + 2 + _MOST_LINES]
    plain = list(takewhile(lambda block: _may_go_on(block) and block.path_kind == blocks[last].path_kind, following))
    if not plain or plain[0].copies > 1:
        return last
    if _is_sentence(plain[0]) and plain[0].lexical <= _NEWS_WORDS:
        return last + 1
    if plain[0].words[-1:] in ":：" and len(plain) > 1 and _ITEM.match(plain[1].words):
        return last + 2
    if _ITEM.match(plain[0].words) and (blocks[last].words[-1:] in ":：" or _ITEM.match(blocks[last].words)):
        return last + 1
    for n, block in enumerate(plain):
        if _reads_as_article(block):
            return last + 1 + n
    return last


def _may_go_on(block: BlockStats) -> bool:
    """Tell whether nothing in a line speaks against an article around it: no rule, no link, no words of furniture."""
    return _is_plain(block) and (block.size < _SHORT_CHARS or block.lexical < _FURNITURE_WORDS)


def _table(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """Rows of a data table right behind the article: its last sentence leads to them."""
    last = n = _last(states)
    while n + 1 < len(blocks) and _is_row(blocks[n + 1]):
        n += 1
    return dict.fromkeys(range(last + 1, n + 1), BODY) if n - last >= _TABLE_ROWS else {}


def _signature(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """The issuing body's name and the full date are the last two lines of a notice."""
    last = _last(states)
    for name in (last, last + 1):
        date = name + 1
        if date < len(blocks) and _is_name(blocks[name]) and _DATE_LINE.fullmatch(blocks[date].words):
            return {name: BODY, date: BODY}
    return {}


RESCUES = (
    Rescue("rescue.heading", "a line between the byline and the first paragraph", _heading),
    Rescue("rescue.own-kind", "a whole paragraph further down, at the place of the article's paragraphs", _own_kind),
    Rescue("rescue.rows", "a table, a list or a program between paragraphs", _rows),
    Rescue("rescue.behind-ad", "a whole paragraph behind an advertisement", _behind_ads),
    Rescue("rescue.behind-lines", "a whole paragraph follows, or is, behind short sentences", _behind_lines),
    Rescue("rescue.table", "the rows of a table that the article's text leads to", _table),
    Rescue("rescue.signature", "the name and the date that close a notice", _signature),
)


def _last(states: Sequence[int]) -> int:
    return max(n for n, state in enumerate(states) if state == BODY)


def _is_plain(block: BlockStats) -> bool:
    return not block.hits and not block.teaser and block.link_density == 0


def _is_ad(block: BlockStats) -> bool:
    return any(hit.rule.label is Label.AD for hit in block.block_hits)


def _is_paragraph(block: BlockStats) -> bool:
    """Tell whether a block is a whole paragraph; a credit may follow the last sentence of one that surely is news."""
    news = block.size >= _LONG_CHARS and block.lexical <= _SURELY_NEWS
    whole = block._replace(ends_sentence=True) if news else block
    return whole.paragraph and block.size >= _PARAGRAPH_CHARS


def _is_sentence(block: BlockStats) -> bool:
    return block.ends_sentence and block.han >= _SENTENCE_HAN and not block.cut_off


def _is_row(block: BlockStats) -> bool:
    return "\t" in block.words and _is_plain(block) and not block.outside


def _is_name(block: BlockStats) -> bool:
    return block.han == block.size and not block.hits and block.link_density == 0
