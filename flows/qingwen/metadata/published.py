"""When the article was published: the dates of lines, markup and address, weighed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from qingwen.metadata.dates import DAY, MINUTE, PublicationDate, StatedDate, of_epoch, read_dates, slashed
from qingwen.metadata.lines import LONGEST_LINE, Line, PageLines
from qingwen.metadata.patterns import patterns, search
from qingwen.metadata.relative import Crawl, part_of_date, printed, resolve_date
from qingwen.model import LD_PUBLISHED, ROW_PUBLISHED, TIMES, WECHAT_PUBLISHED, Label, Page

# What `<meta>` calls the day of publication, the surest first. A page's `date` may be that of its template.
_KEYS = (
    ROW_PUBLISHED,
    LD_PUBLISHED,
    "article:published_time",
    "article:published",
    "og:published_time",
    "bytedance:published_time",
    "weibo:article:create_at",
    "datepublished",
    "publishdate",
    "pubdate",
    "pub_date",
    "publish_date",
    "publish-date",
    "publication_date",
    "publishtime",
    "firstpublishedtime",
    "og:release_date",
    "release_date",
    "parsely-pub-date",
    "apub:time",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date",
    "dc.date.created",
    "dcterms.date",
    "dcterms.created",
    "date",
)
# A bare month further from the byline belongs to an archive.
_MONTH_LINES = 3
# A day alone, whose time stands in the next line.
_LONGEST_LEAF = 24
# So many characters may follow the time behind a headline: 楼主.
_BEHIND_TIME = 4
# How many lines below the text may hold the date.
_TAIL_LINES = 8


def extract_date(page: Page, lines: PageLines, meta: Mapping[str, str], crawl: Crawl | None) -> PublicationDate | None:
    """Return when the article was published.

    A date between headline and text is the surest, completed by the markup's time where that has the same day; then
    come the markup, lines below the text, days without a year, the address, and lines above the headline.
    """
    day_first = slashed(line.printed for line in lines.every)
    latest = datetime.combine(crawl.day, datetime.min.time()) + timedelta(days=2) if crawl else datetime.max
    shown = _best(lines.head, lines.title, day_first, latest)
    stated = _stated([one for one in _of_markup(lines, meta) if one.at and one.at < latest])
    titled = _behind_title(lines, day_first, latest)
    lead = [line for line in lines.lead if line.label is Label.BYLINE and search("tail_kept", line.folded)]
    shown = shown or titled or _best(lead, lines.title, day_first, latest)
    if shown and not (stated and _is_weak(shown)):
        return _completed(shown, stated, lines)
    if stated:
        return _with_time(stated, lines.head)
    below = _best(lines.tail[:_TAIL_LINES], lines.title, day_first, latest)
    openers = [line for n, line in enumerate(lines.opening) if n < 2 or len(line.folded) <= _LONGEST_LEAF]
    opening = _best([line for line in openers if line.short], lines.title, day_first, latest)
    posted = [line for line in lines.ending if line.short and search("tail_kept", line.folded)]
    ending = _best(posted, lines.title, day_first, latest)
    undated = resolve_date([*lines.head, *lines.tail[:_TAIL_LINES]], crawl)
    lead = [line for line in lines.lead if line.label is Label.BYLINE or search("edition", line.folded)]
    above = _best(lead, lines.title, day_first, latest)
    bylines = [line for line in lines.every if line.label is Label.BYLINE and line.short]
    labelled = _best(bylines[:3], lines.title, day_first, latest)
    address = _of_address(page, meta, latest)
    found = [opening, ending, below, undated if undated and undated.at else None, address, above, undated, labelled]
    return next(filter(None, found), None) or _month(lines.head)


def _best(lines: Sequence[Line], title: str, day_first: bool | None, latest: datetime) -> PublicationDate | None:
    """Return the first date of the lines, before one that the page calls that of a change."""
    found: list[tuple[tuple[bool, ...], PublicationDate]] = []
    for n, line in enumerate(lines):
        if (line.folded and line.folded in title) or not _may_date(line):
            continue
        for stated in _dates_at(lines, n, day_first):
            if stated.at < latest:
                where = f"line {line.n + 1}"
                plain = stated.precision == DAY and not stated.labelled
                rank = (stated.updated, stated.precision not in (MINUTE, DAY), plain, line.label is not Label.BYLINE)
                found.append((rank, PublicationDate(stated.raw, stated.at, stated.precision, where)))
    return min(found, key=lambda one: one[0])[1] if found else None


def _behind_title(lines: PageLines, day_first: bool | None, latest: datetime) -> PublicationDate | None:
    """Return the time that stands in the headline's line, behind the headline."""
    for line in lines.headings:
        for stated in read_dates(line.printed, day_first=day_first):
            ends = stated.start + len(stated.raw) + _BEHIND_TIME >= len(line.printed.rstrip(" )]）】"))
            if ends and stated.start > 0 and stated.precision == MINUTE and stated.at < latest:
                return PublicationDate(stated.raw, stated.at, MINUTE, f"line {line.n + 1}")
    return None


def _stated(found: Sequence[PublicationDate]) -> PublicationDate | None:
    """Return the first date of the markup, with the minute that another of the same day states."""
    first = next(iter(found), None)
    if first is None or first.at is None or first.precision != DAY:
        return first
    same = (one for one in found if one.precision == MINUTE and one.at and one.at.date() == first.at.date())
    return next(same, first)


def _dates_at(lines: Sequence[Line], n: int, day_first: bool | None) -> list[StatedDate]:
    """Return the dates of a line; a calendar's leaf stands in two lines."""
    line = lines[n].printed
    if n + 1 < len(lines) and len(line) <= _LONGEST_LEAF and search("time_alone", lines[n + 1].folded):
        line = f"{line} {lines[n + 1].printed}"
    loose = len(line) <= LONGEST_LINE // 2
    if found := read_dates(line, day_first=day_first, loose=loose):
        return found
    if leaf := search("leaf_date", lines[n].folded):
        return read_dates(f"{leaf['y']}-{leaf['m']}-{leaf['d']}")
    if (
        n + 1 < len(lines)
        and len(line) <= 2
        and line.isdigit()
        and (leaf := search("leaf_date", f"{line} {lines[n + 1].folded}"))
    ):
        return read_dates(f"{leaf['y']}-{leaf['m']}-{leaf['d']}")
    return []


def _may_date(line: Line) -> bool:
    """Tell whether a line may state the date: a byline, or a short line that is no sentence and no link's caption."""
    if line.label is Label.BYLINE:
        return True
    if len(line.folded) > LONGEST_LINE or "http" in line.folded:
        return False
    opens = patterns()["date"].match(line.folded) or search("tail_kept", line.folded)
    return bool(opens) or not any(mark in line.folded for mark in "。;!?")


def _is_weak(shown: PublicationDate) -> bool:
    return shown.precision not in (MINUTE, DAY)


def _completed(shown: PublicationDate, stated: PublicationDate | None, lines: PageLines) -> PublicationDate:
    """Return a day as printed with the minute that the markup states for the same day."""
    if shown.precision != DAY or stated is None or stated.precision != MINUTE or shown.at is None:
        return shown
    if stated.at is None or stated.at.date() != shown.at.date():
        return shown
    return PublicationDate(shown.raw, stated.at, MINUTE, f"{shown.where}, {stated.where}", stated.assumed)


def _with_time(stated: PublicationDate, lines: Sequence[Line]) -> PublicationDate:
    """Return a day of the markup with the time that the page prints behind the same month and day."""
    for line in lines if stated.precision == DAY and stated.at else ():
        part = part_of_date(line)
        if part and stated.at and part[:2] == (stated.at.month, stated.at.day):
            at = stated.at.replace(hour=part[2], minute=part[3])
            return PublicationDate(stated.raw, at, MINUTE, f"{stated.where}, line {line.n + 1}")
    return stated


def _of_markup(lines: PageLines, meta: Mapping[str, str]) -> Iterator[PublicationDate]:
    """Yield the dates of the markup: of a ``<time>`` whose words are printed near the headline, then others."""
    head = {line.folded for line in lines.head} | {line.printed for line in lines.head}
    for one in meta.get(TIMES, "").split("\n"):
        words, _, value = one.partition("\t")
        if len(words) > 1 and any(words in line for line in head) and (found := _machine(value, "time")):
            yield found
    for key in _KEYS[:2]:
        if found := _machine(meta.get(key, ""), key):
            yield found
    if at := of_epoch(meta.get(WECHAT_PUBLISHED, "")):
        yield PublicationDate(at.isoformat(" ", "minutes"), at, MINUTE, WECHAT_PUBLISHED)
    for key in _KEYS[2:]:
        if found := _machine(meta.get(key, ""), f"meta {key}"):
            yield found


def _machine(value: str, where: str) -> PublicationDate | None:
    """Return the date in a value of the markup; midnight to the second, in whatever zone, stands for the day."""
    value = value.split("\n")[0].strip()
    if value.isdigit() and len(value) in (10, 13):
        at = of_epoch(value[:10])
        return PublicationDate(value, at, MINUTE, where) if at else None
    found = next(iter(read_dates(value, loose=True)), None)
    if found is None or found.precision not in (MINUTE, DAY):
        return None
    if found.precision == DAY or search("midnight", found.raw):
        return PublicationDate(found.raw, found.at.replace(hour=0, minute=0), DAY, where)
    return PublicationDate(found.raw, found.at, MINUTE, where, not found.zoned)


def _of_address(page: Page, meta: Mapping[str, str], latest: datetime) -> PublicationDate | None:
    """Return the day in the page's address, with a precision of its own: the site may have moved the page."""
    for where, url in (
        ("url", page.url),
        ("meta canonical", meta.get("canonical")),
        ("meta og:url", meta.get("og:url")),
    ):
        for found in patterns()["address_date"].finditer(url or ""):
            parts = found.groupdict()
            month, day = (next(filter(None, (parts[f"{key}{n}"] for n in ("", "2", "3")))) for key in "md")
            try:
                at = datetime(int(found["y"]), int(month), int(day))
            except ValueError:
                continue
            if at < latest:
                return PublicationDate(found[0].strip("/_-"), at, "address", where)
    return None


def _month(lines: Sequence[Line]) -> PublicationDate | None:
    for line in lines[-_MONTH_LINES:]:
        if (found := search("month_date", line.folded)) and 1 <= int(found["m"]) <= 12:
            at = datetime(int(found["y"]), int(found["m"]), 1)
            return PublicationDate(printed("month_date", line), at, "month", f"line {line.n + 1}")
    return None
