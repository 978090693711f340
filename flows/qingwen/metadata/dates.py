"""When the article was published, as precisely as the page states it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from qingwen.metadata.lines import PageLines, patterns, search, table

# A bare month further from the byline belongs to an archive.
_MONTH_LINES = 2


@dataclass(frozen=True, slots=True)
class PublicationDate:
    """A date as the page prints it, the time in Beijing (None: unknown), and its precision."""

    raw: str | None = None
    at: datetime | None = None
    precision: str = "none"


def extract_date(lines: PageLines, meta: Mapping[str, str], crawl: date | None) -> PublicationDate | None:
    """Return when the article was published, by the lines near it, else by the markup's head, else a part of a date.

    The crawl date resolves relative and partial dates. Dates are read from the lines as the page prints them.
    """
    for line in lines.dated:
        if (found := search("date", line)) and (stated := _absolute(found)):
            return stated
    for line in lines.dated:
        if (found := search("slashed_date", line)) and (stated := _slashed(found, _day_first(lines.printed))):
            return stated
    for key in ("article:published_time", "publishdate", "pubdate", "datepublished", "weibo:article:create_at"):
        if key in meta and (found := search("date", meta[key])) and (stated := _absolute(found)):
            return stated
    for line in lines.dated:
        if found := search("relative", line):
            return _relative(found, crawl)
    for line in lines.dated:
        if (found := search("day_only", line)) and (stated := _month_day(found, crawl)):
            return stated
    for line in lines.dated[:_MONTH_LINES]:
        if (found := search("month_date", line)) and 1 <= int(found["m"]) <= 12:
            return PublicationDate(found[0], datetime(int(found["y"]), int(found["m"]), 1), "month")
    return None


def _absolute(found: re.Match[str]) -> PublicationDate | None:
    parts = found.groupdict()
    try:
        at = datetime(int(parts["y"]), int(parts["m"]), int(parts["d"]))
        if parts["h"] is not None:
            return PublicationDate(
                found[0].strip(), at.replace(hour=int(parts["h"]), minute=int(parts["min"])), "minute"
            )
    except ValueError:
        return None
    return PublicationDate(found[0].strip(), at, "day")


def _slashed(found: re.Match[str], day_first: bool | None) -> PublicationDate | None:
    """Read 9/17/2004 or 17/9/2004; only the year is sure where nothing shows which number is the month."""
    raw, half = found[0].strip(), found["half"]
    first, second, year = int(found["first"]), int(found["second"]), int(found["y"])
    if first <= 12 and second <= 12 and first != second and day_first is None and half is None:
        return PublicationDate(raw, datetime(year, 1, 1), "year")
    month, day = (second, first) if first > 12 or (day_first and second <= 12) else (first, second)
    try:
        at = datetime(year, month, day)
        if found["h"] is None:
            return PublicationDate(raw, at, "day")
        hour = int(found["h"]) % 12 + 12 * (half.upper() == "PM") if half else int(found["h"])
        return PublicationDate(raw, at.replace(hour=hour, minute=int(found["min"])), "minute")
    except ValueError:
        return None


def _day_first(page: Iterable[str]) -> bool | None:
    """Tell whether the page writes 31/1/2022 or 1/31/2022, from its dates that can be read in one way only."""
    firsts = [found for line in page if "/" in line for found in patterns()["slashed_date"].finditer(line)]
    after = any(int(found["first"]) > 12 for found in firsts)
    before = any(int(found["second"]) > 12 for found in firsts)
    return None if after == before else after


def _relative(found: re.Match[str], crawl: date | None) -> PublicationDate:
    raw = found[0].strip()
    if found["m"] is not None:
        day = _last_before(int(found["m"]), int(found["d"]), crawl)
        return PublicationDate(raw, day, "day") if day else PublicationDate(raw, None, "month-day")
    ago = search("ago", raw)
    hours = table()["hours"]
    if crawl is None or ago is None or ago["unit"] not in hours:
        return PublicationDate(raw, None, "none")
    day = datetime(crawl.year, crawl.month, crawl.day) - timedelta(hours=int(ago["n"]) * hours[ago["unit"]])
    return PublicationDate(raw, day.replace(hour=0), "day")


def _month_day(found: re.Match[str], crawl: date | None) -> PublicationDate | None:
    month, day = int(found["m"]), int(found["d"])
    if not (1 <= month <= 12 and 1 <= day <= 31 and int(found["h"]) < 24):
        return None
    at = _last_before(month, day, crawl)
    if at is None:
        return PublicationDate(found[0].strip(), None, "month-day")
    return PublicationDate(found[0].strip(), at.replace(hour=int(found["h"]), minute=int(found["min"])), "minute")


def _last_before(month: int, day: int, crawl: date | None) -> datetime | None:
    """Return the last day with this month and number that is not after the crawl date."""
    for year in (crawl.year, crawl.year - 1) if crawl else ():
        try:
            at = datetime(year, month, day)
        except ValueError:
            continue
        if crawl and at.date() <= crawl:
            return at
    return None
