"""Where the article came from: the outlet that the page names as its source."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qingwen.metadata.lines import Line, PageLines, byline_rest
from qingwen.metadata.names import is_outlet, is_person
from qingwen.metadata.patterns import patterns, search, table
from qingwen.metadata.wechat import wechat_byline
from qingwen.model import MARKED_AUTHORS, MARKED_SOURCES, WECHAT_ACCOUNT, Label
from qingwen.text.match_view import FOLDED, view

# How many lines below the text may name its source.
_TAIL_LINES = 10
_LONGEST_SOURCE = 30
# A line of more words is no byline without labels.
_BYLINE_WORDS = 3
# A shorter name may be an outlet's: 长河.
_PERSON_CHARS = 3
_META_KEYS = ("contentsource", "mediaid", "source")


@dataclass(frozen=True, slots=True)
class Source:
    """The name of the source, and where the page states it."""

    name: str
    where: str


def extract_source(lines: PageLines, meta: Mapping[str, str], domain: str | None) -> Source | None:
    """Return the source of the article; ``domain`` is the site of the page's address, for a page that names itself.

    The places in order: a field between headline and text or below it, WeChat's account, the outlet beside the date or
    in an element that is called the source's, a licence, the dispatch's dateline, and the reporter's paper.
    """
    tail = lines.tail[:_TAIL_LINES]
    fields = [line for line in (*lines.head, *tail, *lines.ending, *lines.lead) if line.short]
    ranked = (
        _fields(fields),
        _wechat(lines, meta),
        _marked(lines, meta),
        _beside_date(lines),
        _matches("licensed_source", [*tail, *lines.ending]),
        _matches("told_source", lines.opening[:1]),
        _matches("dateline_source", [*lines.head, *lines.opening[:2]]),
        _matches("reporter_outlet", [*lines.head, *tail]),
        _of_meta(lines, meta),
    )
    for source in (one for place in ranked for one in place):
        if source.name in table()["own_site"]:
            return Source(domain, source.where) if domain else source
        return source
    return None


def _valid(name: str) -> bool:
    bad = name in table()["no_source"] or len(name) > _LONGEST_SOURCE or search("no_source_form", name)
    person = len(name) == _PERSON_CHARS and is_person(name) and not is_outlet(name)
    return len(name) >= 2 and not bad and not person and any(map(str.isalpha, name))


def _fields(lines: list[Line]) -> Iterator[Source]:
    for line in lines:
        for found in patterns()["source"].finditer(line.folded):
            name = found["source"]
            if name not in table()["own_site"] and (end := patterns()["source_end"].search(name, 1)):
                name = name[: end.start()]
            name = name.strip(" -—·,.|*“”\"'")
            name = (
                name.strip("《》") if name.startswith("《") and name.count("《") == 1 and name.endswith("》") else name
            )
            if _valid(name):
                yield Source(name, f"line {line.n + 1}")


def _wechat(lines: PageLines, meta: Mapping[str, str]) -> Iterator[Source]:
    account = view(meta.get(WECHAT_ACCOUNT, "").split("\n")[0], FOLDED).text or None
    if account:
        yield Source(account, WECHAT_ACCOUNT)
    elif byline := wechat_byline(lines):
        yield Source(byline.account, byline.where)


def _marked(lines: PageLines, meta: Mapping[str, str]) -> Iterator[Source]:
    """Yield what stands in an element that is called the source's, between headline and text."""
    inline = {view(name, FOLDED).text.strip() for name in meta.get(MARKED_SOURCES, "").split("\n")} - {""}
    outlets = {view(name, FOLDED).text.strip() for name in meta.get(MARKED_AUTHORS, "").split("\n")}
    inline |= {name for name in outlets if is_outlet(name)}
    for n, line in enumerate(lines.head):
        if not any(one.label is Label.BYLINE for one in lines.head[max(0, n - 3) : n + 4]):
            continue
        for word in dict.fromkeys([line.folded, *byline_rest(line).split()]):
            element = word == line.folded and search("source_markup", line.element)
            fits = (element or word in inline) and _valid(word) and not is_person(word)
            if fits and (is_outlet(word) or not any(map(str.isdigit, word))):
                yield Source(word, f"line {line.n + 1}")


def _beside_date(lines: PageLines) -> Iterator[Source]:
    """Yield an outlet, or the site by its name in the ``<title>``, that stands with the date or in a line around it."""
    parts = patterns()["title_gaps"].split(lines.every[0].folded) if lines.every else [""]
    own = "".join(parts[-1].split()) if len(parts) > 1 else ""
    for n, line in enumerate(lines.head):
        if not line.short:
            continue
        words = byline_rest(line).split()
        near = line.label is Label.BYLINE or any(one.label is Label.BYLINE for one in lines.head[max(0, n - 3) : n + 4])
        named = bool(words) and (is_outlet(words[0]) or words[0] == own)
        if near and named and len(words) <= _BYLINE_WORDS and _valid(words[0]):
            yield Source(words[0], f"line {line.n + 1}")


def _matches(name: str, lines: Sequence[Line]) -> Iterator[Source]:
    for line in lines:
        found = search(name, line.folded)
        stated = next(filter(None, found.groups()), None) if found else None
        if stated and _valid(stated):
            yield Source(stated, f"line {line.n + 1}")


def _of_meta(lines: PageLines, meta: Mapping[str, str]) -> Iterator[Source]:
    """Yield the source that the markup's head states, if the page prints it near its text."""
    near = [line.folded for line in (*lines.head, *lines.tail, *lines.opening[:1])]
    for key in _META_KEYS:
        name = view(meta.get(key, ""), FOLDED).text.strip()
        if key == "source" and not is_outlet(name):
            continue
        if _valid(name) and any(name in line for line in near):
            yield Source(name, f"meta {key}")
