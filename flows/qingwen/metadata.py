"""What a page states of its article: date with its precision, authors, source, category, place, site, rights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from qingwen.config import Config
from qingwen.model import Facts, Label, Page, Segmented, Verdict
from qingwen.rules.tables import read_table
from qingwen.views import FOLDED, view

# A bare month far from the byline is an archive's.
_MONTH_LINES = 2
# Second-level names under which registries of this field sell domains.
_SECOND = frozenset("com net org gov edu ac co idv info".split())


@dataclass(frozen=True, slots=True)
class _Stamp:
    raw: str | None = None
    at: datetime | None = None
    precision: str = "none"


@lru_cache(maxsize=1)
def _tables() -> tuple[Mapping[str, re.Pattern[str]], Mapping[str, Any]]:
    table = read_table("metadata.toml")
    people = table["people"].replace("{NAME}", f"(?:{table['name']})")
    stated = {key: value for key, value in table.items() if isinstance(value, str) and key != "people"}
    return {key: re.compile(value.replace("{PEOPLE}", people)) for key, value in stated.items()}, table


def read_facts(
    page: Page, segmented: Segmented, verdicts: tuple[Verdict, ...], config: Config, crawled_at: datetime | None
) -> Facts:
    """Return what the page states of its article.

    A relative or partial date stays ``published_raw`` with its precision unless a crawl date (of the configuration or
    the container) resolves it. A CMS account such as admin is no author.
    """
    words = [segmented.words(block) for block in segmented.blocks]
    lines = [view(text, FOLDED).text for text in words]
    bylines = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.BYLINE]
    body = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.BODY]
    titles = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.TITLE and verdict.kept]
    # A byline may be glued to the first or the last lines of the body, or stand among what the head dropped.
    near = [n for n in range(max(0, body[0] - 8), body[0]) if n not in bylines] if body else []
    below = range(body[-1] + 1, min(len(lines), body[-1] + 4)) if body else ()
    crawl = crawled_at.date() if crawled_at else config.crawl_date
    stated = [words[n] for n in bylines + near] + [words[n] for n in below if len(words[n]) <= 80]
    stamp = _published(stated, segmented.meta, crawl)
    account = next((found for n in bylines if (found := _tables()[0]["account_age"].match(lines[n]))), None)
    crumbs = [lines[n] for n, verdict in enumerate(verdicts) if verdict.rule.startswith("nav.")]
    notices = [n for n, verdict in enumerate(verdicts) if verdict.label in (Label.COPYRIGHT, Label.SITE)]
    opening = [lines[n] for n in body[:2]]
    around = [lines[n] for n in (*near, *below) if len(lines[n]) <= 80]
    return Facts(
        site=_site(page, segmented.meta, [lines[n] for n in notices]),
        category=(account["category"].strip() or None) if account else _category(crumbs),
        authors=_authors(
            [lines[n] for n in bylines],
            [lines[n + 1] for n in titles if n + 1 < len(lines)],
            around,
            [lines[n] for n in body],
            account,
            segmented.meta,
        ),
        source_name=_source([lines[n] for n in bylines + near + body[-2:]]),
        place=next((found["place"] for line in opening if (found := _search("dateline_place", line))), None),
        rights=next((words[n] for n in notices if verdicts[n].label is Label.COPYRIGHT), None),
        published_at=stamp.at,
        published_precision=stamp.precision,
        published_raw=stamp.raw,
    )


def _search(name: str, line: str) -> re.Match[str] | None:
    return _tables()[0][name].search(line)


def _published(lines: Iterable[str], meta: Mapping[str, str], crawl: date | None) -> _Stamp:
    lines = list(lines)
    for name, read in (("date", _absolute), ("us_date", _slashed)):
        for line in lines:
            if (found := _search(name, line)) and (stamp := read(found)):
                return stamp
    for key in ("article:published_time", "publishdate", "pubdate", "datepublished", "weibo:article:create_at"):
        if key in meta and (found := _search("date", meta[key])) and (stamp := _absolute(found)):
            return stamp
    for line in lines:
        found = _search("relative", line)
        if found:
            return _relative(found, crawl)
    for line in lines:
        if (found := _search("day_only", line)) and (stamp := _month_day(found, crawl)):
            return stamp
    for line in lines[:_MONTH_LINES]:
        if (found := _search("month_date", line)) and 1 <= int(found["m"]) <= 12:
            return _Stamp(found[0], datetime(int(found["y"]), int(found["m"]), 1), "month")
    return _Stamp()


def _absolute(found: re.Match[str]) -> _Stamp | None:
    parts = found.groupdict()
    try:
        at = datetime(int(parts["y"]), int(parts["m"]), int(parts["d"]))
        if parts["h"] is not None:
            return _Stamp(found[0].strip(), at.replace(hour=int(parts["h"]), minute=int(parts["min"])), "minute")
    except ValueError:
        return None
    return _Stamp(found[0].strip(), at, "day")


def _slashed(found: re.Match[str]) -> _Stamp | None:
    """Read 9/17/2004; where both numbers may be the month only the year is sure."""
    first, second = int(found["m"]), int(found["d"])
    if first <= 12 and second <= 12 and first != second:
        return _Stamp(found[0].strip(), datetime(int(found["y"]), 1, 1), "year")
    return _absolute(found)


def _relative(found: re.Match[str], crawl: date | None) -> _Stamp:
    raw = found[0].strip()
    if found["m"] is not None:
        day = _last_before(int(found["m"]), int(found["d"]), crawl)
        return _Stamp(raw, day, "day") if day else _Stamp(raw, None, "month-day")
    ago = _search("ago", raw)
    hours = _tables()[1]["hours"]
    if crawl is None or ago is None or ago["unit"] not in hours:
        return _Stamp(raw, None, "none")
    day = datetime(crawl.year, crawl.month, crawl.day) - timedelta(hours=int(ago["n"]) * hours[ago["unit"]])
    return _Stamp(raw, day.replace(hour=0), "day")


def _month_day(found: re.Match[str], crawl: date | None) -> _Stamp | None:
    month, day = int(found["m"]), int(found["d"])
    if not (1 <= month <= 12 and 1 <= day <= 31 and int(found["h"]) < 24):
        return None
    at = _last_before(month, day, crawl)
    if at is None:
        return _Stamp(found[0].strip(), None, "month-day")
    return _Stamp(found[0].strip(), at.replace(hour=int(found["h"]), minute=int(found["min"])), "minute")


def _last_before(month: int, day: int, crawl: date | None) -> datetime | None:
    """Return the last such day on or before the crawl date."""
    for year in (crawl.year, crawl.year - 1) if crawl else ():
        try:
            at = datetime(year, month, day)
        except ValueError:
            continue
        if crawl and at.date() <= crawl:
            return at
    return None


def _authors(
    bylines: list[str],
    beneath: list[str],
    around: list[str],
    body: list[str],
    account: re.Match[str] | None,
    meta: Mapping[str, str],
) -> tuple[str, ...] | None:
    """Return the people that the page names first: in its byline, in lines around the text, in its dateline or end."""
    named = [*_found("author", bylines), *_found("dateline_author", body[:2])]
    named += [*_found("author_line", [*bylines, *around, *body[:2], *body[-2:]])]
    named += [
        *_found("author", around),
        *_found("author_bare", beneath),
        *_found("author_ending", [*body[-2:], *around[-2:]]),
    ]
    if account:
        named.append(account["author"])
    named += [meta["article:author"]] if "article:author" in meta else []
    nobody = set(_tables()[1]["nobody"])
    for name in named:
        people = [part for part in _tables()[0]["list_separators"].split(name.strip()) if part]
        people = [part for part in people if part.lower() not in nobody and not _search("no_person", part)]
        if people and max(map(len, people)) <= 20:
            return tuple(dict.fromkeys(people))
    return None


def _found(name: str, lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        found = _search(name, line) if name != "author" or len(line) <= 160 else None
        if found:
            yield next(value for value in found.groups() if value)


def _source(lines: list[str]) -> str | None:
    absent = set(_tables()[1]["no_source"])
    for line in lines:
        found = _search("source", line) if len(line) <= 160 else None
        if found and found["source"] not in absent:
            return found["source"]
    return None


def _category(crumbs: list[str]) -> str | None:
    patterns, table = _tables()
    for line in crumbs:
        found = patterns["breadcrumb"].match(line)
        if not found or not re.search(r"[>\u00bb\u203a\u2192]", line):
            continue
        steps = [step.strip() for step in patterns["breadcrumb_step"].split(found["steps"]) if step.strip()]
        kept = [step for step in steps[1:] if step not in table["no_category"] and len(step) <= 12]
        if kept:
            return kept[-1]
    return None


def _site(page: Page, meta: Mapping[str, str], notices: list[str]) -> str | None:
    """Return the registrable domain of the URL, else the site's name as stated on the page, else None."""
    if page.url:
        return registrable_domain(page.url)
    for line in notices:
        if found := _search("site_notice", line):
            return found["site"] or found["site2"]
    for line in notices:
        if found := _search("copyright_holder", line):
            return found["site"]
    return meta.get("og:site_name") or None


def registrable_domain(url: str) -> str | None:
    """Return the part of a URL's host that a registry sells.

    >>> registrable_domain("https://news.sina.com.cn/c/1.html"), registrable_domain("http://www.ifeng.com")
    ('sina.com.cn', 'ifeng.com')
    """
    host = (urlsplit(url if "//" in url else f"//{url}").hostname or "").strip(".")
    steps = host.split(".")
    if len(steps) < 2 or steps[-1].isdigit():
        return host or None
    take = 3 if len(steps) >= 3 and len(steps[-1]) == 2 and steps[-2] in _SECOND else 2
    return ".".join(steps[-take:])
