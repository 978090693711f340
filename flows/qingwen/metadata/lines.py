"""The lines of a page by where they are, and the patterns that read metadata from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qingwen.model import Label, Segmented, Verdict
from qingwen.rules.character_tables import read_table
from qingwen.text.match_view import FOLDED, view

# A longer line is no byline and no credit line, unless a rule says so.
LONGEST_LINE = 80
# How many lines above the text may hold a byline that is glued to other text.
_LINES_ABOVE = 8


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of a page, one a block, by number, and which of them are where.

    ``printed`` are the lines as the page prints them, ``folded`` the same lines in the folded view. ``above`` are the
    lines right above the text that are no bylines, ``below`` all lines below it, ``marked`` those of ``above`` that the
    markup calls the author's, and ``amid`` lines between paragraphs that are no text.
    """

    printed: Sequence[str]
    folded: Sequence[str]
    titles: Sequence[int]
    bylines: Sequence[int]
    body: Sequence[int]
    above: Sequence[int]
    below: Sequence[int]
    amid: Sequence[int]
    marked: Sequence[int]
    breadcrumbs: Sequence[int]
    notices: Sequence[int]
    copyrights: Sequence[int]

    def at(self, numbers: Iterable[int], *, longest: int | None = None) -> list[str]:
        """Return the folded lines with some numbers; with ``longest``, only those of at most so many characters."""
        lines = (self.folded[n] for n in numbers)
        return [line for line in lines if longest is None or len(line) <= longest]


def lines_of(segmented: Segmented, verdicts: Sequence[Verdict]) -> PageLines:
    """Return the lines of a page, sorted by its verdicts."""
    printed = [segmented.words(block) for block in segmented.blocks]

    def labelled(*labels: Label) -> list[int]:
        return [n for n, verdict in enumerate(verdicts) if verdict.label in labels]

    bylines, body = labelled(Label.BYLINE), labelled(Label.BODY)
    first, last = (body[0], body[-1]) if body else (0, len(printed))
    above = [n for n in range(max(0, first - _LINES_ABOVE), first) if n not in bylines]
    return PageLines(
        printed=printed,
        folded=view("\n".join(printed), FOLDED).text.split("\n"),
        titles=[n for n in labelled(Label.TITLE) if verdicts[n].kept],
        bylines=bylines,
        body=body,
        above=above,
        below=range(last + 1, len(printed)),
        amid=[n for n in range(first, last) if verdicts[n].rule == "sequence.dirt"] if body else [],
        marked=[n for n in above if search("author_markup", segmented.blocks[n].path.rpartition("/")[2])],
        breadcrumbs=[n for n, verdict in enumerate(verdicts) if verdict.rule.startswith("nav.")],
        notices=labelled(Label.COPYRIGHT, Label.SITE),
        copyrights=labelled(Label.COPYRIGHT),
    )


def account_of(lines: PageLines) -> re.Match[str] | None:
    """Return the byline of a content management system, such as ``admin 8个月前 要闻``: account, age and category."""
    return next((found for line in lines.at(lines.bylines) if (found := patterns()["account_age"].match(line))), None)


@lru_cache(maxsize=1)
def table() -> Mapping[str, Any]:
    """Return ``rules/metadata.toml``, parsed: its patterns and its lists of words."""
    return read_table("metadata.toml")


@lru_cache(maxsize=1)
def patterns() -> Mapping[str, re.Pattern[str]]:
    """Return the patterns of the table by name, compiled."""
    stated = {key: value for key, value in table().items() if isinstance(value, str) and key != "people"}
    people = table()["people"].replace("{NAME}", f"(?:{table()['name']})")
    for name, pattern in (("{PEOPLE}", people), ("{SURNAME}", table()["surname"])):
        stated = {key: value.replace(name, pattern) for key, value in stated.items()}
    return {key: re.compile(value) for key, value in stated.items()}


def search(name: str, line: str) -> re.Match[str] | None:
    """Return the first match of a named pattern in a line of the folded view."""
    return patterns()[name].search(line)
