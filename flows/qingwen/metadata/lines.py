"""The lines of a page by where they are, and the patterns that read metadata from them."""

import re
from collections.abc import Mapping, Sequence
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
# How many lines below the text may hold the date: forums and blogs print it there.
_DATE_LINES = 5


@dataclass(frozen=True, slots=True)
class PageLines:
    """The lines of a page, one a block, in the folded view, sorted by where they are.

    ``above`` are the lines right above the text that are no bylines, ``marked`` those of them that the markup calls the
    author's, and ``below`` all lines below the text. ``printed`` and ``dated`` are not folded: all lines as the page
    prints them, and those that may state its date. ``account`` is the byline of a content management system, such as
    ``admin 8个月前 要闻``, and ``rights`` the copyright notice as printed.
    """

    folded: Sequence[str]
    bylines: Sequence[str]
    below_title: Sequence[str]
    above: Sequence[str]
    marked: Sequence[str]
    body: Sequence[str]
    below: Sequence[str]
    breadcrumbs: Sequence[str]
    notices: Sequence[str]
    printed: Sequence[str]
    dated: Sequence[str]
    account: re.Match[str] | None
    rights: str | None


def lines_of(segmented: Segmented, verdicts: Sequence[Verdict]) -> PageLines:
    """Return the lines of a page, sorted by its verdicts."""
    printed = [segmented.words(block) for block in segmented.blocks]
    folded = view("\n".join(printed), FOLDED).text.split("\n")

    def labelled(*labels: Label) -> list[int]:
        return [n for n, verdict in enumerate(verdicts) if verdict.label in labels]

    bylines, body, notices = labelled(Label.BYLINE), labelled(Label.BODY), labelled(Label.COPYRIGHT, Label.SITE)
    first, last = (body[0], body[-1]) if body else (0, len(printed))
    above = [n for n in range(max(0, first - _LINES_ABOVE), first) if n not in bylines]
    amid = [n for n in range(first, last) if verdicts[n].rule == "sequence.dirt"] if body else []
    further = [*range(last + 1, min(len(printed), last + 1 + _DATE_LINES)), *amid]
    dated = [*bylines, *above, *(n for n in further if len(printed[n]) <= LONGEST_LINE)]
    return PageLines(
        folded=folded,
        bylines=[folded[n] for n in bylines],
        below_title=[folded[n + 1] for n in labelled(Label.TITLE) if verdicts[n].kept and n + 1 < len(folded)],
        above=[folded[n] for n in above],
        marked=[folded[n] for n in above if search("author_markup", segmented.blocks[n].path.rpartition("/")[2])],
        body=[folded[n] for n in body],
        below=folded[last + 1 :],
        breadcrumbs=[folded[n] for n, verdict in enumerate(verdicts) if verdict.rule.startswith("nav.")],
        notices=[folded[n] for n in notices],
        printed=printed,
        dated=[printed[n] for n in dated],
        account=next((found for n in bylines if (found := patterns()["account_age"].match(folded[n]))), None),
        rights=next((printed[n] for n in notices if verdicts[n].label is Label.COPYRIGHT), None),
    )


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
