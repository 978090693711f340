"""Whom the page names as the article's authors."""

from collections.abc import Iterable, Iterator, Mapping

from qingwen.metadata.lines import LONGEST_LINE, PageLines, patterns, search, table
from qingwen.text.match_view import FOLDED, view

# How many lines below the text may hold its credits: captions and an editor's line may come between.
_CREDIT_LINES = 15
# How many lines below the text may still belong to its ending.
_ENDING_LINES = 3
# Names from other languages are written out: 努尔麦麦提·阿卜杜热西提. What is longer is an office or a sentence.
_LONGEST_NAME = 20
# A byline holds time, source and names; a longer line that names a reporter is a paragraph of the news.
_LONGEST_BYLINE = 160


def extract_authors(lines: PageLines, meta: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the people that the page names, from the surest place that names any.

    The places in order: fields, dateline, credit lines, markup, ending, account. Where no author or reporter is named,
    the credited editor is the author. An account of a content management system, such as admin, is no author.
    """
    bylines, opening, ending = lines.bylines, lines.body[:2], lines.body[-2:]
    around = [line for line in (*lines.above, *lines.below[:_CREDIT_LINES]) if len(line) <= LONGEST_LINE]
    below = [line for line in lines.below[:_ENDING_LINES] if len(line) <= LONGEST_LINE]
    ranked: list[Iterable[str]] = [
        _matches("author", bylines),
        _matches("dateline_author", opening),
        _matches("desk_author", [*bylines, *lines.below_title, *around, *opening, *ending]),
        _adjacent_matches("author_line", [*bylines, *around, *opening, *ending]),
        _matches("author", around),
        _authors_of_markup(lines, meta),
        _matches("author_bare", lines.below_title),
        _matches("author_marked", lines.marked),
        _matches("author_ending", [*ending, *below]),
        [lines.account["author"]] if lines.account else [],
        _matches("editor", [*bylines, *around]),
    ]
    return next((people for names in ranked for name in names if (people := _people(name))), None)


def _people(names: str) -> tuple[str, ...]:
    """Return the people in a list of names, without accounts of content managers and without offices."""
    nobody = set(table()["nobody"])
    parts = (part for part in patterns()["list_separators"].split(names.strip()) if part)
    people = [part for part in parts if part.lower() not in nobody and not search("no_person", part)]
    return tuple(dict.fromkeys(people)) if people and max(map(len, people)) <= _LONGEST_NAME else ()


def _authors_of_markup(lines: PageLines, meta: Mapping[str, str]) -> Iterator[str]:
    """Return the authors that the markup's head states and the page prints too; most heads name a site instead."""
    printed = [line for line in lines.folded if len(line) <= LONGEST_LINE]
    stated = (view(meta[key], FOLDED).text for key in ("article:author", "author") if key in meta)
    return (name for name in stated if len(name) <= _LONGEST_NAME and any(name in line for line in printed))


def _adjacent_matches(name: str, lines: list[str]) -> Iterator[str]:
    """Yield the names of the first credit line, joined with those of the credit lines right below it."""
    found: list[str] = []
    for line in lines:
        match = search(name, line)
        if match:
            found.append(match["author"] or match["reporter"])
        elif found:
            break
    if found:
        yield "、".join(found)


def _matches(name: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        found = search(name, line) if name != "author" or len(line) <= _LONGEST_BYLINE else None
        if found:
            yield next(value for value in found.groups() if value)
