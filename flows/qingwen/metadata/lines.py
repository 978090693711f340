"""The lines of a page by where they are: above the headline, between it and the text, the text's ends, below it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qingwen.metadata.patterns import patterns, search
from qingwen.model import Label, Segmented, Verdict
from qingwen.text.match_view import FOLDED, view

# A longer line is no byline and no credit line, unless a rule says so.
LONGEST_LINE = 80
# A byline holds time, source and names; a longer line that names a reporter is a paragraph of the news.
LONGEST_BYLINE = 160
# How many lines above the text may hold its byline: rows of tools stand between; without a headline, fewer.
_HEAD_LINES, _UNTITLED_LINES = 60, 10
# How many lines above the headline, below the text, and at either end of the text may state something.
_LEAD_LINES, _TAIL_LINES, _END_LINES, _OPENING_LINES = 8, 14, 3, 6
_REPEATED = 12
# A line with a larger share of its characters inside links is a link.
_SOME_LINKS = 0.5
_RELATED = (Label.RELATED,)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: number, as printed, in the folded view, label, element, and whether it is a link."""

    n: int
    printed: str
    folded: str
    label: Label
    element: str = ""
    linked: bool = False

    @property
    def short(self) -> bool:
        """Tell whether the line may be a byline or a credit line."""
        return len(self.folded) <= (LONGEST_BYLINE if self.label is Label.BYLINE else LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of a page, one a block, by where they are.

    ``head`` are those between headline and text, ``headings`` those of the headline, ``lead`` those right above it,
    ``opening`` and ``ending`` the first and the last of the text, and ``tail`` those below it up to the first list of
    other articles. ``account`` is the byline of a content management system, such as ``admin 8个月前 要闻``, ``rights``
    the copyright notice as printed.
    """

    every: Sequence[Line]
    title: str
    headings: Sequence[Line]
    lead: Sequence[Line]
    head: Sequence[Line]
    opening: Sequence[Line]
    ending: Sequence[Line]
    tail: Sequence[Line]
    breadcrumbs: Sequence[str]
    notices: Sequence[str]
    account: re.Match[str] | None
    rights: str | None


def lines_of(segmented: Segmented, verdicts: Sequence[Verdict]) -> PageLines:
    """Return the lines of a page, sorted by its verdicts."""
    printed = [segmented.words(block).replace("\n", " ") for block in segmented.blocks]
    folded = view("\n".join(printed), FOLDED).text.split("\n")
    every = [
        Line(n, words, folded[n], verdicts[n].label, block.path.rpartition("/")[2], block.link_density > _SOME_LINKS)
        for n, (words, block) in enumerate(zip(printed, segmented.blocks, strict=True))
    ]
    body = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.BODY]
    first, last = (body[0], body[-1]) if body else (len(every), len(every))
    titles = [n for n in range(first) if verdicts[n].label is Label.TITLE and first - n <= _HEAD_LINES]
    # The text may repeat its headline.
    title = next((n for n in titles if titles[-1] - n <= _REPEATED), None)
    start = max(0, first - _UNTITLED_LINES) if title is None else title + 1
    stated = every[0].folded if every else ""
    names = {stated, *(every[n].folded for n in titles)}
    amid = [
        every[n] for n in range(first, last) if verdicts[n].rule == "sequence.dirt" or verdicts[n].label is Label.BYLINE
    ]
    notices = [line for line in every if line.label in (Label.COPYRIGHT, Label.SITE)]
    return PageLines(
        every=every,
        title=every[title].folded if title is not None else "",
        headings=[every[n] for n in titles],
        lead=every[max(0, start - 1 - _LEAD_LINES) : max(0, start - 1)] if title is not None else [],
        head=[line for line in every[start:first] if line.folded not in names and line.label not in _RELATED],
        opening=[every[n] for n in body[:_OPENING_LINES]],
        ending=[every[n] for n in body[-_END_LINES:]],
        tail=[*_tail(every[last + 1 :]), *amid[:_TAIL_LINES]],
        breadcrumbs=[folded[n] for n, verdict in enumerate(verdicts) if verdict.rule.startswith("nav.")],
        notices=[line.folded for line in notices],
        account=next(
            (found for line in every if line.label is Label.BYLINE and (found := search("account_age", line.folded))),
            None,
        ),
        rights=next((line.printed for line in notices if line.label is Label.COPYRIGHT), None),
    )


def byline_rest(line: Line) -> str:
    """Return a byline without its dates, counts and labels."""
    text = line.folded
    for name in ("date", "short_date", "dotted_date", "relative", "near_day", "byline_noise"):
        text = patterns()[name].sub(" ", text)
    return " ".join(text.split()).strip(" |·:-,●■□◎▲◆")


def _tail(below: Sequence[Line]) -> Iterator[Line]:
    """Yield the lines below the text that belong to it: those above the first list of other articles."""
    for line in below[:_TAIL_LINES]:
        if search("tail_kept", line.folded):
            yield line
            continue
        if line.label in _RELATED or patterns()["tail_stop"].match(line.folded):
            return
        yield line
