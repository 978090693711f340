"""Whom the page names as the article's authors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from qingwen.metadata.credits import EDITOR, REPORTER, WRITER, Credit, credits_of
from qingwen.metadata.lines import Line, PageLines, byline_rest
from qingwen.metadata.names import LONGEST_NAME, is_outlet, is_person, names_in
from qingwen.metadata.patterns import patterns, search
from qingwen.metadata.wechat import wechat_byline
from qingwen.model import LD_PEOPLE, MARKED_AUTHORS, MARKED_SOURCES, ROW_AUTHORS, WECHAT_ACCOUNT, WECHAT_AUTHOR, Label
from qingwen.text.match_view import FOLDED, view

_META_KEYS = ("article:author", "author", "byl", "dc.creator")
# So many lines that the text begins with may hold credits in any form.
_FIRST_LINES = 3
# An account that stands alone between the headline and the date; a shorter word may name the section.
_SHORTEST_ACCOUNT, _LONGEST_ACCOUNT = 3, 12
# A caption, or a credit line of the text, is short.
_LONGEST_CREDIT = 60


@dataclass(frozen=True, slots=True)
class Authors:
    """The people that the page names as authors, where, and whether it names none but an editor."""

    names: tuple[str, ...]
    where: str
    editor: bool = False


def extract_authors(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    """Return the people that the page names, from the surest place that names any.

    The places in order: WeChat's writer, credits between headline and text, the dispatch's opening, credits at the end
    and below it (a writer there joins one in the head), structured data, marked elements, a name alone beside the date
    or under the headline, and an account. Where nobody else is named, the credited editor is the author.
    """
    bylines = [line for line in lines.lead if line.label is Label.BYLINE]
    bylines += [line for line in lines.headings if search("named_writer", line.folded)]
    head = [credit for line in (*lines.head, *bylines) if line.short for credit in credits_of(line)]
    ends = [*_ending(lines), *(credit for line in lines.tail if line.short for credit in credits_of(line))]
    opening = list(_opening(lines))
    ranked: list[Authors | None] = [
        _wechat(lines, meta),
        _joined([credit for credit in head if credit.role == WRITER], ends),
        *(_in_role(place, role) for place in (head, opening, ends) for role in (WRITER, REPORTER)),
        _of_row(meta),
        _of_json_ld(lines, meta),
        _marked(lines, meta),
        _of_meta(lines, meta),
        _beside_date(lines),
        _signed(lines),
        _account(lines, meta),
        _edited([*head, *ends]),
        _outlet_account(lines, meta),
    ]
    return next(filter(None, ranked), None)


def _joined(writers: Sequence[Credit], ends: Sequence[Credit]) -> Authors | None:
    """Return the writers of the head with those at the end, if both are people: who posted it, and who wrote it."""
    people = [credit for credit in writers if all(map(is_person, credit.names))]
    more = [credit for credit in ends if credit.role == WRITER and all(map(is_person, credit.names))]
    return _of_credits([*people, *more]) if people else _of_credits(writers[:1]) if not more else None


def _in_role(credits: Sequence[Credit], role: str) -> Authors | None:
    """Return the people of a place in a role: lines one below the other are one list."""
    mine = [credit for credit in credits if credit.role == role]
    people = [credit for credit in mine if all(map(is_person, credit.names))]
    return _of_credits(mine if role == REPORTER else people or mine[:1])


def _of_credits(credits: Sequence[Credit], *, editor: bool = False) -> Authors | None:
    names = tuple(dict.fromkeys(name for credit in credits for name in credit.names))
    return Authors(names, credits[0].where, editor) if names else None


def _opening(lines: PageLines) -> Iterator[Credit]:
    """Yield the reporters in the opening of a dispatch, and the credits of short lines that the text begins with."""
    for n, line in enumerate(lines.opening):
        short = len(line.folded) <= _LONGEST_CREDIT and line.folded[-1:] not in "。!?"
        if short and (n < _FIRST_LINES or search("ending_credit", line.folded)):
            yield from credits_of(line)
            continue
        found = search("desk", line.folded[:_LONGEST_CREDIT])
        if found and (names := names_in(next(filter(None, found.groups())))):
            yield Credit(REPORTER, names, f"line {line.n + 1}")
            continue
        if found := search("dispatch", line.folded):
            words = next(filter(None, found.groups()))
            inner = [*credits_of(Line(line.n, words, words, line.label))]
            inner = [credit for credit in inner if credit.role != EDITOR]
            yield from inner or ([Credit(REPORTER, names, f"line {line.n + 1}")] if (names := names_in(words)) else [])


def _ending(lines: PageLines) -> Iterator[Credit]:
    """Yield the credits in the text's last lines: in brackets at their end, or lines that are nothing else."""
    for line in (*lines.ending, *lines.tail[:2]):
        credit = search("ending_credit", line.folded) or search("suffix_credit", line.folded)
        if len(line.folded) <= _LONGEST_CREDIT and credit:
            if line not in lines.tail:
                yield from credits_of(line)
        elif found := search("ending", line.folded):
            words = found["credits"]
            inner = list(credits_of(Line(line.n, words, words, line.label)))
            yield from inner
            if not inner and (names := names_in(words)):
                yield Credit(REPORTER, names, f"line {line.n + 1}")


def _edited(credits: Sequence[Credit]) -> Authors | None:
    """Return the first editors."""
    return next((_of_credits([credit], editor=True) for credit in credits if credit.role == EDITOR), None)


def _folded(meta: Mapping[str, str], *keys: str) -> Iterator[tuple[str, str]]:
    for key in keys:
        for value in meta.get(key, "").split("\n"):
            if value.strip():
                yield key, view(value.strip(), FOLDED).text


def _wechat(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    account = next((name for _, name in _folded(meta, WECHAT_ACCOUNT)), None)
    for key, name in _folded(meta, WECHAT_AUTHOR):
        if name != account and not is_outlet(name):
            return Authors(_plain(name), key)
    byline = wechat_byline(lines, account)
    return Authors(_plain(byline.writer), byline.where) if byline and byline.writer else None


def _plain(name: str) -> tuple[str, ...]:
    return names_in(name) or (name,)


def _of_row(meta: Mapping[str, str]) -> Authors | None:
    """Return the people whom the row of a table names as authors."""
    names = [name for _, words in _folded(meta, ROW_AUTHORS) for name in names_in(words)]
    return Authors(tuple(dict.fromkeys(names)), ROW_AUTHORS) if names else None


def _of_json_ld(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    """Return the people whom structured data names as authors and the page prints too."""
    found: list[str] = []
    near = [line.folded for line in (*lines.head, *lines.tail, *lines.opening, *lines.ending, *lines.lead)]
    marked = {name for _, name in _folded(meta, MARKED_AUTHORS)}
    for _, name in _folded(meta, LD_PEOPLE):
        names = names_in(name, trusted=True)
        found += [one for one in names if one in marked or any(one in line for line in near)]
    people = [name for name in found if is_person(name)] or found
    return Authors(tuple(dict.fromkeys(people)), LD_PEOPLE) if people else None


def _marked(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    """Return the name in an element that is called the author's, if it stands between headline and text."""
    inline = {name for _, name in _folded(meta, MARKED_AUTHORS)}
    for line in (*lines.head, *lines.lead):
        words = patterns()["byline_gaps"].split(line.folded)
        for word in [line.folded, *words]:
            element = word == line.folded and search("author_markup", line.element)
            fits = word and (element or word in inline) and len(word) <= LONGEST_NAME
            if fits and (names := names_in(word, trusted=True)):
                return Authors(names, f"line {line.n + 1}")
    return None


def _outlet_account(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    """Return the outlet whose account alone stands in an element that is called the author's."""
    inline = {name for _, name in _folded(meta, MARKED_AUTHORS)}
    for line in lines.head:
        if line.folded in inline and is_outlet(line.folded):
            return Authors((line.folded,), f"line {line.n + 1}")
    return None


def _of_meta(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    """Return the authors that the markup's head states and the page prints near its text; most heads name a site."""
    near = [line.folded for line in (*lines.head, *lines.tail, *lines.opening, *lines.ending)]
    for key, name in _folded(meta, *_META_KEYS):
        names = tuple(one for one in names_in(name) if any(one in line for line in near))
        alone = () if is_outlet(name) else names_in(name, trusted=True) if name in near else ()
        if names or alone:
            return Authors(names or alone, f"meta {key}")
    return None


def _beside_date(lines: PageLines) -> Authors | None:
    """Return the people who stand alone in a line with the date, or in a line between the headline and the date."""
    for n, line in enumerate(lines.head):
        if not line.short:
            continue
        rest = byline_rest(line)
        dated = (rest != line.folded and line.label is Label.BYLINE) or search("date", line.folded)
        near = dated or any(one.label is Label.BYLINE for one in lines.head[max(0, n - 2) : n + 3]) or n == 0
        words = [word for word in rest.replace("、", " ").split() if not is_outlet(word)]
        people = list(takewhile(is_person, words))
        if people and near and len(words) <= min(6, len(people) + bool(dated)):  # an account may follow
            return Authors(tuple(dict.fromkeys(people)), f"line {line.n + 1}")
    return None


def _signed(lines: PageLines) -> Authors | None:
    """Return the person whose name alone ends the text."""
    for line in (*lines.ending[-1:], *lines.tail[:1]):
        if is_person(line.folded) and not line.linked and line.label is not Label.NAV:
            return Authors((line.folded,), f"line {line.n + 1}")
    return None


def _account(lines: PageLines, meta: Mapping[str, str]) -> Authors | None:
    """Return the account that stands alone: between headline and date, in an element of the source, or as admin."""
    inline = {name for _, name in _folded(meta, MARKED_SOURCES, "mediaid")}
    if len(lines.head) > 1 and lines.title and search("date", lines.head[1].folded):
        name, dated = lines.head[0].folded, lines.head[1]
        alone = dated.label is Label.BYLINE and _SHORTEST_ACCOUNT <= len(name) <= _LONGEST_ACCOUNT
        if alone and not is_outlet(name) and names_in(name, trusted=True) == (name,):
            return Authors((name,), f"line {lines.head[0].n + 1}")
    for line in lines.head:
        for word in byline_rest(line).split() if line.short and line.label is Label.BYLINE else ():
            if word in inline and not is_outlet(word) and (names := names_in(word, trusted=True)) == (word,):
                return Authors(names, f"line {line.n + 1}")
    if lines.account and (names := names_in(lines.account["author"], trusted=True)):
        return Authors(names, "byline")
    return None
