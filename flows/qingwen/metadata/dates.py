"""Dates as pages write them: `read_dates` reads all in a line, each with its precision and Beijing's time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from qingwen.metadata.patterns import patterns, table
from qingwen.text.match_view import FOLDED, view

# The hours that Beijing is ahead of UTC. Taiwan and Hong Kong have the same time.
BEIJING = timedelta(hours=8)
# Kinds of dates in the order in which they are looked for. What one finds hides what later ones would find in it.
_KINDS = ("date", "era_date", "han_date", "english_date", "short_date", "dotted_date", "slashed_date", "compact_date")
# The Republic of China counts its years from 1912.
_ERA = 1911
_EARLIEST = 1990
# Precisions of a date.
MINUTE, DAY, MONTH_DAY = "minute", "day", "month-day"


@dataclass(frozen=True, slots=True)
class StatedDate:
    """A date in a line: as printed, where, in Beijing's time without a zone, and its precision.

    ``zoned`` tells that the page states the zone, ``updated`` that it calls the date that of a change.
    """

    raw: str
    start: int
    at: datetime
    precision: str
    zoned: bool = False
    updated: bool = False
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class PublicationDate:
    """A date as the page prints it, the time in Beijing (None: unknown), its precision, and where it stands.

    ``assumed`` tells that the markup states a time of a clock without its zone, which is taken for Beijing's.
    """

    raw: str | None = None
    at: datetime | None = None
    precision: str = "none"
    where: str = ""
    assumed: bool = False


def read_dates(line: str, *, day_first: bool | None = None, loose: bool = False) -> list[StatedDate]:
    """Return the dates of a line in its order; ``day_first`` tells how to read 6/2/2022, None: not known.

    A ``loose`` line is short and holds little else: ``2022 11 23`` and ``20240503`` are dates there.

    >>> [(date.at.isoformat(), date.precision) for date in read_dates("2020-01-28T18:32:00Z")]
    [('2020-01-29T02:32:00', 'minute')]
    >>> [(date.at.isoformat(), date.precision) for date in read_dates("民國101年5月25日 下午6:25")]
    [('2012-05-25T18:25:00', 'minute')]
    """
    folded = view(line, FOLDED)
    kinds = (*_KINDS, "spaced_date") if loose else tuple(kind for kind in _KINDS if kind != "compact_date")
    taken: list[tuple[int, int]] = []
    found: list[StatedDate] = []
    for kind in kinds:
        for match in patterns()[kind].finditer(folded.text):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            span = folded.back(match.start(), match.end())
            read = _read(match, kind, day_first, folded.text)
            if read is not None:
                at, precision, zoned = read
                taken.append(match.span())
                before, after = folded.text[max(0, match.start() - 12) : match.start()], folded.text[match.end() :]
                found.append(
                    StatedDate(
                        span.of(line).strip(),
                        span.start,
                        at,
                        precision,
                        zoned,
                        bool(patterns()["updated_before"].search(before) or patterns()["updated_after"].match(after)),
                        bool(patterns()["published_before"].search(before)),
                    )
                )
    return sorted(found, key=lambda date: date.start)


def _read(match: re.Match[str], kind: str, day_first: bool | None, line: str) -> tuple[datetime, str, bool] | None:
    parts = match.groupdict()
    try:
        day = _day(parts, kind, day_first)
        if day is None or day.year < _EARLIEST:
            return None
        if kind == "slashed_date" and day_first is None and _either_way(parts):
            return datetime(day.year, 1, 1), "year", False
        hour, minute = parts.get("h") or parts.get("h0"), parts.get("min") or parts.get("min0")
        if hour is None or minute is None:
            before = patterns()["time_before"].search(line[max(0, match.start() - 12) : match.start()])
            if before is None:
                return day, "day", False
            return day.replace(hour=int(before["h"]), minute=int(before["min"])), "minute", False
        at = day.replace(hour=_hour(int(hour), parts.get("half") or parts.get("tail") or ""), minute=int(minute))
        zone = parts.get("zone") or parts.get("lead") or parts.get("zone0") or ""
        shift = _shift(zone)
        return (at if shift is None else at - shift + BEIJING), "minute", shift is not None
    except ValueError:
        return None


def _day(parts: dict[str, str | None], kind: str, day_first: bool | None) -> datetime | None:
    year, month, day = parts.get("y") or "", parts.get("m") or "", parts.get("d") or parts.get("d2") or ""
    if kind == "slashed_date":
        first, second = int(parts["first"] or 0), int(parts["second"] or 0)
        swapped = first > 12 or (bool(day_first) and second <= 12)
        return datetime(int(year), second if swapped else first, first if swapped else second)
    if kind == "han_date":
        numerals = table()["numerals"]
        return datetime(int("".join(str(numerals[sign]) for sign in year)), _count(month), _count(day))
    if kind == "english_date":
        return datetime(int(year), table()["months"].index((parts.get("mon") or "").lower()[:3]) + 1, int(day))
    if kind == "era_date":
        return datetime(int(year) + _ERA, int(month), int(day))
    return datetime(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))


def _either_way(parts: dict[str, str | None]) -> bool:
    """Tell whether 6/2/2022 can be read in two ways; a time in halves of the day is American."""
    first, second = int(parts["first"] or 0), int(parts["second"] or 0)
    return first <= 12 and second <= 12 and first != second and not (parts.get("half") or parts.get("tail"))


def _count(words: str) -> int:
    """Return a number below 100 in Chinese numerals.

    >>> _count("三十一"), _count("十七"), _count("九")
    (31, 17, 9)
    """
    numerals: dict[str, int] = table()["numerals"]
    tens, ten, ones = words.rpartition("十")
    units = numerals[ones] if ones else 0
    return (numerals[tens] if tens else 1) * 10 + units if ten else units


def _hour(hour: int, half: str) -> int:
    """Return the hour of 24 for one in a half of the day, such as 下午6 or 12 AM."""
    half = half.replace(".", "").lower()
    if not half or hour > 12:
        return hour
    if half in table()["forenoon"]:
        return hour % 12 if hour == 12 and half != "中午" else hour
    if half == "中午":
        return hour + 12 if hour < 10 else hour
    late = half.startswith(("晚", "夜"))
    return (0 if late else 12) if hour == 12 else hour + 12


def _shift(zone: str) -> timedelta | None:
    """Return how far a zone is ahead of UTC; None if none is stated."""
    if not zone:
        return None
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
        return ahead if zone[0] == "+" else -ahead
    hours = table()["zones"].get(zone.upper())
    return None if hours is None else timedelta(hours=hours)


def of_epoch(seconds: str) -> datetime | None:
    """Return the Beijing time of a count of seconds since 1970, to the minute."""
    try:
        at = datetime(1970, 1, 1) + timedelta(seconds=int(seconds)) + BEIJING
    except (ValueError, OverflowError):
        return None
    return at.replace(second=0) if at.year >= _EARLIEST else None


def slashed(lines: Iterator[str]) -> bool | None:
    """Tell whether the page writes 31/1/2022 or 1/31/2022, from its dates that can be read in one way only."""
    firsts = [found for line in lines if "/" in line for found in patterns()["slashed_date"].finditer(line)]
    after = any(int(found["first"]) > 12 for found in firsts)
    before = any(int(found["second"]) > 12 for found in firsts)
    return None if after == before else after
