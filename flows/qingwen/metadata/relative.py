"""Days that only the time of the crawl resolves: 昨天, 3小时前, 05-29 09:26."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from qingwen.metadata.dates import BEIJING, DAY, MINUTE, MONTH_DAY, PublicationDate
from qingwen.metadata.lines import Line
from qingwen.metadata.patterns import patterns, search, table
from qingwen.text.match_view import FOLDED, view

# Hours ago, where only the day of the crawl is known: up to so many the same day, from so many on the day before.
_SAME_DAY, _DAY_BEFORE = 6, 18


@dataclass(frozen=True, slots=True)
class Crawl:
    """When the page was fetched, in Beijing's time: its day, and the time if it is known."""

    day: date
    at: datetime | None = None


def crawl_of(fetched_at: datetime | None, day: date | None) -> Crawl | None:
    """Return when a page was fetched, from its time in UTC, else from a day that the user states.

    >>> crawl_of(datetime(2024, 5, 19, 23, 30), None).day
    datetime.date(2024, 5, 20)
    """
    if fetched_at is not None:
        utc = fetched_at if fetched_at.tzinfo is None else fetched_at.astimezone(UTC).replace(tzinfo=None)
        return Crawl((utc + BEIJING).date(), utc + BEIJING)
    return Crawl(day) if day else None


def resolve_date(lines: Sequence[Line], crawl: Crawl | None) -> PublicationDate | None:
    """Return a date that only the day of the crawl resolves: 昨天, 3小时前, 05-29 09:26."""
    for line in lines:
        if not line.short:
            continue
        where = f"line {line.n + 1}"
        if found := search("relative", line.folded):
            return _relative(printed("relative", line), found["m"], found["d"], where, crawl)
        if found := search("near_day", line.folded):
            return _near_day(found, printed("near_day", line).strip(" :：|·"), where, crawl)
    for line in lines:
        if part := part_of_date(line):
            month, day, hour, minute = part
            at = _last_before(month, day, crawl)
            raw, where = printed("day_only", line), f"line {line.n + 1}"
            if at is None:
                return PublicationDate(raw, None, MONTH_DAY, where)
            return PublicationDate(raw, at.replace(hour=hour, minute=minute), MINUTE, where)
    return None


def printed(name: str, line: Line) -> str:
    """Return what a pattern finds in a line, as printed."""
    folded = view(line.printed, FOLDED)
    found = patterns()[name].search(folded.text)
    return folded.back(*found.span()).of(line.printed).strip() if found else ""


def _relative(raw: str, month: str | None, day: str | None, where: str, crawl: Crawl | None) -> PublicationDate:
    if month is not None and day is not None:
        at = _last_before(int(month), int(day), crawl)
        return PublicationDate(raw, at, DAY if at else MONTH_DAY, where)
    ago = search("ago", view(raw, FOLDED).text)
    hours: Mapping[str, int] = table()["hours"]
    if crawl is None or ago is None or ago["unit"] not in hours:
        return PublicationDate(raw, None, "none", where)
    count, each = int(ago["n"]), hours[ago["unit"]]
    if crawl.at is None or each >= 24:
        passed = count * each // 24
        if each == 1 and count > _SAME_DAY:
            if not _DAY_BEFORE <= count <= 24:
                return PublicationDate(raw, None, "none", where)
            passed = 1
        return PublicationDate(raw, _midnight(crawl.day) - timedelta(days=passed), DAY, where)
    minutes = {"分钟": count}.get(ago["unit"], 0) + 60 * count * each
    return PublicationDate(raw, _midnight((crawl.at - timedelta(minutes=minutes)).date()), DAY, where)


def _near_day(found: re.Match[str], raw: str, where: str, crawl: Crawl | None) -> PublicationDate:
    if crawl is None:
        return PublicationDate(raw, None, "none", where)
    at = _midnight(crawl.day) - timedelta(days=table()["days_back"][found["day"]])
    if found["h"] is None or int(found["h"]) > 23 or int(found["min"]) > 59:
        return PublicationDate(raw, at, DAY, where)
    late = (found["half"] or "") in ("下午", "晚", "晚上") and int(found["h"]) < 12
    return PublicationDate(raw, at.replace(hour=int(found["h"]) + 12 * late, minute=int(found["min"])), MINUTE, where)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _last_before(month: int, day: int, crawl: Crawl | None) -> datetime | None:
    """Return the last day with this month and number that is not after the crawl."""
    for year in (crawl.day.year, crawl.day.year - 1) if crawl else ():
        try:
            at = datetime(year, month, day)
        except ValueError:
            continue
        if crawl and at.date() <= crawl.day:
            return at
    return None


def part_of_date(line: Line) -> tuple[int, int, int, int] | None:
    """Return month, day, hour and minute of a line that states no year."""
    found = search("day_only", line.folded) if line.short else None
    if found is None:
        return None
    month, day = int(found["m"] or found["m2"]), int(found["d"] or found["d2"])
    hour, minute = int(found["h"]), int(found["min"])
    valid = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60
    return (month, day, hour, minute) if valid else None
