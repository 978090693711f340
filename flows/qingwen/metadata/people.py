"""Whom the page names as the article's authors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from qingwen.metadata.patterns import search, tables

# How far below the text its credits stand (pictures' captions and an editor's line may come between).
CREDIT_LINES = 15
# Names from other languages are written out: 努尔麦麦提·阿卜杜热西提. What is longer is an office or a sentence.
LONGEST_NAME = 20
# A byline says when, where from and by whom; a longer line that names a reporter is a paragraph of the news.
_LONGEST_BYLINE = 160


@dataclass(frozen=True, slots=True)
class Credits:
    """The lines that may name people, by where they stand; ``marked``: the markup itself calls them the author's."""

    bylines: list[str]
    beneath: list[str]
    marked: list[str]
    around: list[str]
    ending: list[str]
    body: list[str]
    meta: list[str]


def authors_of(credits: Credits, account: re.Match[str] | None) -> tuple[str, ...] | None:
    """Return the people that the page names, by the surest place: fields, dateline, credit lines, markup, ending.

    Where nobody is named as author or reporter, the editor whom the page credits stands.
    """
    edges = [*credits.body[:2], *credits.body[-2:]]
    ranked: list[Iterable[str]] = [
        _found("author", credits.bylines),
        _found("dateline_author", credits.body[:2]),
        _found("desk_author", [*credits.bylines, *credits.beneath, *credits.around, *edges]),
        _all_of("author_line", [*credits.bylines, *credits.around, *edges]),
        _found("author", credits.around),
        credits.meta,
        _found("author_bare", credits.beneath),
        _found("author_marked", credits.marked),
        _found("author_ending", [*credits.body[-2:], *credits.ending]),
        [account["author"]] if account else [],
        _found("editor", [*credits.bylines, *credits.around]),
    ]
    for names in ranked:
        for name in names:
            if people := _people(name):
                return people
    return None


def _people(names: str) -> tuple[str, ...]:
    """Return the people of a list of names: no accounts of content managers, no offices."""
    nobody = set(tables()[1]["nobody"])
    parts = (part for part in tables()[0]["list_separators"].split(names.strip()) if part)
    people = [part for part in parts if part.lower() not in nobody and not search("no_person", part)]
    return tuple(dict.fromkeys(people)) if people and max(map(len, people)) <= LONGEST_NAME else ()


def _all_of(name: str, lines: list[str]) -> Iterator[str]:
    """Yield the names of the first credit line together with those of the lines right below it."""
    found: list[str] = []
    for line in lines:
        match = search(name, line)
        if match:
            found += [match["author"] or match["reporter"]]
        elif found:
            break
    if found:
        yield "\u3001".join(found)


def _found(name: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        found = search(name, line) if name != "author" or len(line) <= _LONGEST_BYLINE else None
        if found:
            yield next(value for value in found.groups() if value)
