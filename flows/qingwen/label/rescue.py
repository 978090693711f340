"""What the sequence decision would lose of an article: its first heading, news behind an advertisement, a signature.

Losing a sentence of news is the worst fault; these shapes prove by themselves that the article goes on.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qingwen.label.block_stats import BlockStats
from qingwen.label.crf import BODY, DIRT
from qingwen.model import Label

# A paragraph is looked for behind so many advertisements in a row; an agent's sheet below the article has more.
_MOST_ADS = 2
# And behind so many short sentences; a list of remarks has more.
_MOST_LINES = 3
# A sentence of fewer characters may be a reader's remark.
_PARAGRAPH_CHARS = 20
# A button or the name of a section has fewer Han.
_HEADING_HAN = 8
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
    heading = block.han >= _HEADING_HAN or block.words[-1:] in ":："
    own = not block.outside and block.path_kind == blocks[first].path_kind and block.copies == 1
    return {n: BODY} if heading and own and _is_plain(block) else {}


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


def _behind_lines(blocks: Sequence[BlockStats], states: Sequence[int], title: int | None) -> Proposal:
    """The article goes on in a whole paragraph behind a few sentences too short to be one (an interview)."""
    found: dict[int, int] = {}
    last = _last(states)
    while True:
        n = last + 1
        while n < len(blocks) and n - last <= _MOST_LINES and _is_short_sentence(blocks[n], blocks[last]):
            if _is_paragraph(blocks[n]):
                break
            n += 1
        if n == len(blocks) or not _is_paragraph(blocks[n]) or blocks[n].path_kind != blocks[last].path_kind:
            return found
        found |= dict.fromkeys(range(last + 1, n + 1), BODY)
        last = n


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
    return block.paragraph and block.size >= _PARAGRAPH_CHARS


def _is_short_sentence(block: BlockStats, beside: BlockStats) -> bool:
    """Tell whether a line ends a sentence, or introduces one (记者：), and nothing speaks against it."""
    sentence = block.ends_sentence and block.han >= 3 and block.path_kind == beside.path_kind
    return sentence and _is_plain(block) and not block.cut_off and block.copies == 1


def _is_row(block: BlockStats) -> bool:
    return "\t" in block.words and _is_plain(block) and not block.outside


def _is_name(block: BlockStats) -> bool:
    return block.han == block.size and not block.hits and block.link_density == 0
