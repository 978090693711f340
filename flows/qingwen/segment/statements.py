"""What a page's markup states of its article outside its text.

JSON-LD, microdata, ``<time>``, elements that are named after an author or a source, and the variables of WeChat's
pages. It is read from the markup as it came, so that both HTML readers agree.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import unescape
from itertools import chain
from typing import Any

from qingwen.model import (
    LD_PEOPLE,
    LD_PUBLISHED,
    LD_PUBLISHER,
    MARKED_AUTHORS,
    MARKED_SOURCES,
    TIMES,
    WECHAT_ACCOUNT,
    WECHAT_AUTHOR,
    WECHAT_PUBLISHED,
)

_ARTICLES = ("Article", "Posting", "Report", "WebPage", "Question", "Answer")
_LD_START, _LD_END = "application/ld+json", "</script"
_MOST_SCRIPTS, _MOST_LD_CHARS, _MOST_LD_VALUES, _MOST_THINGS = 20, 200_000, 2_000, 200
_LD_CONTROL = re.compile(r"[\x00-\x1f]+")
# What an element's class or id says of the text in it.
_MARKS = {
    MARKED_AUTHORS: ("author", "reporter", "byline", "writer", "zuozhe"),
    MARKED_SOURCES: ("source", "laiyuan"),
}
_MOST_MARKED, _TAG_CHARS, _MARKED_CHARS = 200, 400, 600
_NAMED = re.compile(r"""\b(?:class|id|rel|itemprop)\s{0,3}=\s{0,3}["']?[^"'>]{0,200}$""", re.I)
_TAG = re.compile(r"<[^<>]{0,600}>")
_LONGEST_NAME = 40
_TIME = re.compile(
    r"""<(?:time|span|div|p|em|abbr)\b[^<>]{0,300}?\b(?:datetime|data-publish-?time)\s{0,3}=\s{0,3}["']([^"'<>]{8,40})["'][^<>]{0,300}>""",
    re.I,
)
_MOST_TIMES = 60
_MICRODATA = re.compile(r"""<[a-z][^<>]{0,300}?\bitemprop\s{0,3}=\s{0,3}["']datePublished["'][^<>]{0,300}>""", re.I)
_VALUE = re.compile(r"""\b(?:content|datetime)\s{0,3}=\s{0,3}["']([^"'<>]{8,40})["']""", re.I)
_WECHAT_SIGN = "rich_media"
_CT = re.compile(r"""\b(?:var\s{1,3}ct|ori_create_time)\s{0,3}[=:]\s{0,3}["']([0-9]{10})["']""")
_NICKNAME = re.compile(r"""\bvar\s{1,3}nickname\s{0,3}=\s{0,3}(?:htmlDecode\(|JsDecode\()?["']([^"'<>\n]{1,60})["']""")
_AUTHOR = re.compile(r"""\bvar\s{1,3}author\s{0,3}=\s{0,3}(?:htmlDecode\(|JsDecode\()?["']([^"'<>\n]{1,40})["']""")


def statements_of(markup: str) -> dict[str, str]:
    """Return what the markup states of its article, by the keys of this module.

    >>> statements_of('<i itemprop="datePublished" content="2021-03-04T05:06:00+08:00">3月4日</i>')
    {'ld:published': '2021-03-04T05:06:00+08:00'}
    """
    lowered = markup.replace("İ", "I").lower()  # as long as the markup: no other letter's lower case has two
    found: dict[str, list[str]] = {}
    readers = (_of_json_ld, _of_microdata, _of_elements, _of_wechat)
    for key, value in chain.from_iterable(read(markup, lowered) for read in readers):
        words = " ".join(unescape(value).split())
        if words and words not in found.setdefault(key, []):
            found[key].append(words)
    times = list(_times(markup)) if "datetime" in lowered or "data-publish" in lowered else []
    return {key: "\n".join(values) for key, values in {**found, TIMES: times}.items() if values}


def _of_json_ld(markup: str, lowered: str) -> Iterator[tuple[str, str]]:
    at = lowered.find(_LD_START)
    for _ in range(_MOST_SCRIPTS):
        start, end = markup.find(">", at), lowered.find(_LD_END, at)
        if at < 0 or start < 0 or end < start:
            return
        text = markup[start + 1 : min(end, start + _MOST_LD_CHARS)]
        at = lowered.find(_LD_START, end)
        try:
            tree = json.loads(_LD_CONTROL.sub(" ", text).strip().removesuffix(";"))
        except (ValueError, RecursionError):
            continue
        yield from _of_things(list(_things(tree)))


def _things(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a JSON-LD tree: itself, those of its list, and those of its graph."""
    left = [tree]
    for _ in range(_MOST_LD_VALUES):
        if not left:
            return
        one = left.pop(0)
        if isinstance(one, list):
            left = [*one[:_MOST_THINGS], *left][:_MOST_LD_VALUES]
        elif isinstance(one, Mapping):
            yield one
            left += [one[key] for key in ("@graph", "mainEntity") if isinstance(one.get(key), (list, Mapping))]


def _of_things(things: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    named = {str(thing["@id"]): thing for thing in things if "@id" in thing}
    for thing in things:
        if not str(_first(thing.get("@type"))).endswith(_ARTICLES):
            continue
        if isinstance(day := _first(thing.get("datePublished")), str):
            yield LD_PUBLISHED, day
        publisher = _named(thing.get("publisher"), named)
        yield from ((LD_PUBLISHER, name) for _, name in publisher)
        for kind, name in _named(thing.get("author"), named):
            if not kind.endswith(("organization", "corporation")) and name not in [name for _, name in publisher]:
                yield LD_PEOPLE, name


def _named(value: Any, things: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return type and name of the people or outlets in a value."""
    found = []
    for one in value[:_MOST_THINGS] if isinstance(value, list) else [value]:
        whole = things.get(str(one.get("@id")), one) if isinstance(one, Mapping) and "name" not in one else one
        name = _first(whole.get("name")) if isinstance(whole, Mapping) else whole
        kind = str(_first(whole.get("@type"))) if isinstance(whole, Mapping) else "person"
        if isinstance(name, str) and name.strip():
            found.append((kind.lower(), " ".join(unescape(name).split())))
    return found


def _of_microdata(markup: str, lowered: str) -> Iterator[tuple[str, str]]:
    at = lowered.find("datepublished")
    start = markup.rfind("<", max(0, at - _TAG_CHARS), at) if at >= 0 else -1
    if start >= 0 and (tag := _MICRODATA.match(markup, start)) and (value := _VALUE.search(tag[0])):
        yield LD_PUBLISHED, value[1]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _of_elements(markup: str, lowered: str) -> Iterator[tuple[str, str]]:
    """Yield the first words in each element whose class or id says author or source."""
    for key, words in _MARKS.items():
        for word in words:
            at = -1
            for _ in range(_MOST_MARKED):
                at = lowered.find(word, at + 1)
                if at < 0:
                    break
                start = markup.rfind("<", max(0, at - _TAG_CHARS), at)
                end = markup.find(">", at, at + _TAG_CHARS)
                if start < 0 or end < 0 or not _NAMED.search(markup[start:at].rpartition(">")[2]):
                    continue
                texts = _TAG.split(markup[end + 1 : end + 1 + _MARKED_CHARS])
                name = next((text for text in texts[:4] if text.strip()), "")
                if 2 <= len(name.strip()) <= _LONGEST_NAME and "<" not in name:
                    yield key, name


def _times(markup: str) -> Iterator[str]:
    """Yield the words and the machine's time of each ``<time>``, with a tab between them."""
    for n, found in enumerate(_TIME.finditer(markup)):
        if n == _MOST_TIMES:
            return
        words = " ".join(unescape("".join(_TAG.split(markup[found.end() : found.end() + 200])[:2])).split())
        yield f"{words[:60]}\t{found[1]}"


def _of_wechat(markup: str, _: str) -> Iterator[tuple[str, str]]:
    """Yield account, writer and time of a page of WeChat: from its head, else from the variables of its scripts."""
    if _WECHAT_SIGN not in markup:
        return
    for key, name, pattern in ((WECHAT_ACCOUNT, "js_name", _NICKNAME), (WECHAT_AUTHOR, "js_author_name", _AUTHOR)):
        shown = re.search(rf"""\bid=["']{name}["'][^<>]{{0,300}}>\s{{0,99}}([^<>]{{1,60}}?)\s{{0,99}}<""", markup)
        if found := shown or pattern.search(markup):
            yield key, found[1]
    if found := _CT.search(markup):
        yield WECHAT_PUBLISHED, found[1]
