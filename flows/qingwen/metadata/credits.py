"""Whom a line credits, by role: `credits_of`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from qingwen.metadata.lines import Line
from qingwen.metadata.names import LONGEST_NAME, is_person, names_in
from qingwen.metadata.patterns import patterns, search, table

WRITER, REPORTER, EDITOR, _OTHER = "author", "reporter", "editor", "other"
# What parts a name from the role of the next one.
_GAPS = ("", *" 、,;/)|")
# A longer name without a common surname, where an editor should be, is an office.
_LONGEST_EDITOR = 3


@dataclass(frozen=True, slots=True)
class Credit:
    """The people whom a line names in a role, and where it stands."""

    role: str
    names: tuple[str, ...]
    where: str


def credits_of(line: Line) -> Iterator[Credit]:
    """Yield the people whom a line credits, by role; a role that only names an outlet in front of another is none."""
    formed = _in_form(line)
    if formed is not None:
        yield formed
    else:
        yield from _in_roles(line)


def _in_form(line: Line) -> Credit | None:
    """Return the credit of a line with names in front of the role, or of one in the form of a forum's or a blog's."""
    text, where = line.folded, f"line {line.n + 1}"
    suffixed, desk, account = (search(name, text) for name in ("suffix_credit", "desk", "account_form"))
    if suffixed and (names := names_in(suffixed["names"])):
        return Credit(EDITOR if suffixed["editor"] else REPORTER, names, where)
    if desk and (names := names_in(next(filter(None, desk.groups())))):
        return Credit(REPORTER, names, where)
    name = next(filter(None, account.groups())) if account else None
    if name and search("account", name) and not search("no_person", name) and name.lower() not in table()["nobody"]:
        return Credit(WRITER, (name,), where)
    return None


def _in_roles(line: Line) -> Iterator[Credit]:
    """Yield the names behind each role of a line."""
    text, roles = line.folded, list(patterns()["credit"].finditer(line.folded))
    for role, following in zip_longest(roles, roles[1:]):
        kind, between = role.lastgroup or _OTHER, text[role.end() : following.start() if following else len(text)]
        if kind == _OTHER or (following is not None and kind == REPORTER and following[0] == "摄"):
            continue
        if following is not None and following.lastgroup in (REPORTER, WRITER) and between[-1:] not in _GAPS:
            continue  # 文｜晚报记者: the outlet of the role behind it
        mark = patterns()["role_mark"].match(between)
        stated = mark[0] if mark else ""
        rest = between[len(stated) :]
        names = _listed(rest, trusted=bool(stated) and kind == WRITER, rare=bool(stated))
        if kind == EDITOR:
            names = _editors(names, rest if ":" in stated else "")
        if names:
            yield Credit(kind, names, f"line {line.n + 1}")


def _editors(names: tuple[str, ...], words: str) -> tuple[str, ...]:
    """Return the editors among names, else the one account in Latin letters that the words begin with."""
    people = tuple(name for name in names if is_person(name) or len(name) <= _LONGEST_EDITOR)
    account = search("editor_account", words.strip())
    return people or (() if account is None or account[0] in table()["nobody"] else (account[0],))


def _listed(words: str, *, trusted: bool, rare: bool) -> tuple[str, ...]:
    """Return the names of a list up to the bracket, the date or the sentence that ends it."""
    end = patterns()["list_end"].search(words)
    names = names_in(words[: end.start()] if end else words, trusted=trusted, rare=rare)
    return names if all(len(name) <= LONGEST_NAME for name in names) else ()
