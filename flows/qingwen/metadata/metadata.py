"""What a page states about its article: one function a fact, gathered by `read_metadata`."""

import re
from datetime import datetime

from qingwen.config import Config
from qingwen.metadata.dates import PublicationDate, extract_date
from qingwen.metadata.lines import PageLines, lines_of, patterns, search, table
from qingwen.metadata.people import extract_authors
from qingwen.metadata.site import extract_site
from qingwen.model import Metadata, Page, Segmented, Verdict

# How many lines below the text may name its source.
_SOURCE_LINES = 3
# A longer line holds no fields.
_LONGEST_FIELD = 160
# A longer step of a breadcrumb names the article, not its section.
_LONGEST_SECTION = 12
_ARROW = re.compile("[>»›→]")


def read_metadata(
    page: Page, segmented: Segmented, verdicts: tuple[Verdict, ...], config: Config, crawled_at: datetime | None
) -> Metadata:
    """Return what the page states about its article.

    A relative or partial date is resolved only by a crawl date, of the page or of the configuration; without one it
    stays in ``published_raw``, with its precision.
    """
    lines, meta = lines_of(segmented, verdicts), segmented.meta
    crawl_date = crawled_at.date() if crawled_at else config.crawl_date
    date = extract_date(lines, meta, crawl_date) or PublicationDate()
    return Metadata(
        site=extract_site(page, lines, meta),
        authors=extract_authors(lines, meta),
        category=extract_category(lines),
        source_name=extract_source(lines),
        place=extract_place(lines),
        rights=lines.rights,
        published_at=date.at,
        published_precision=date.precision,
        published_raw=date.raw,
    )


def extract_source(lines: PageLines) -> str | None:
    """Return the source of the article: from a field, from a name behind the date, else from a dispatch's dateline."""
    no_source = set(table()["no_source"])
    near = (*lines.bylines, *lines.above, *lines.below[:_SOURCE_LINES], *lines.body[-2:])
    fields = [line for line in near if len(line) <= _LONGEST_FIELD]
    opening = lines.body[:2]
    for name, some in (("source", fields), ("source_dated", fields), ("dateline_source", [*fields, *opening])):
        for line in some:
            found = search(name, line)
            stated: str | None = next(filter(None, found.groups()), None) if found else None
            if stated and stated not in no_source:
                return stated
    return None


def extract_category(lines: PageLines) -> str | None:
    """Return the section of the site: from an account's byline, else the last step of a breadcrumb that names one."""
    if lines.account:
        return lines.account["category"].strip() or None
    for line in lines.breadcrumbs:
        found = patterns()["breadcrumb"].match(line)
        if not found or not _ARROW.search(line):
            continue
        steps = [step.strip() for step in patterns()["breadcrumb_step"].split(found["steps"]) if step.strip()]
        sections = [step for step in steps[1:] if step not in table()["no_category"] and len(step) <= _LONGEST_SECTION]
        if sections:
            return sections[-1]
    return None


def extract_place(lines: PageLines) -> str | None:
    """Return the place in the dispatch's dateline (``新华社太原5月16日电``)."""
    found = (search("dateline_place", line) for line in lines.body[:2])
    return next((match["place"] for match in found if match), None)
