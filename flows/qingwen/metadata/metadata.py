"""What a page states about its article: one function a fact, gathered by `read_metadata`."""

import re
from dataclasses import replace
from datetime import datetime

from qingwen.config import Config
from qingwen.metadata.dates import PublicationDate
from qingwen.metadata.lines import PageLines, lines_of
from qingwen.metadata.names import is_person
from qingwen.metadata.patterns import patterns, search, table
from qingwen.metadata.people import Authors, extract_authors
from qingwen.metadata.published import extract_date
from qingwen.metadata.relative import crawl_of
from qingwen.metadata.site import Site, extract_site, registrable_domain
from qingwen.metadata.source import extract_source
from qingwen.model import Metadata, Page, Segmented, Verdict

# A longer step of a breadcrumb names the article, not its section.
_LONGEST_SECTION = 12
_ARROW = re.compile("[>»›→]")
# Flags of a page's facts.
EDITOR_AS_AUTHOR, ZONE_ASSUMED = "metadata.editor-as-author", "metadata.zone-assumed"


def read_metadata(
    page: Page, segmented: Segmented, verdicts: tuple[Verdict, ...], config: Config, crawled_at: datetime | None
) -> Metadata:
    """Return what the page states about its article, with the place of each fact.

    A relative or partial date is resolved only by the time of the crawl, of the page or of the configuration; without
    one it stays in ``published_raw``, with its precision.
    """
    lines, meta = lines_of(segmented, verdicts), segmented.meta
    date = extract_date(page, lines, meta, crawl_of(crawled_at, config.crawl_date)) or PublicationDate()
    site = extract_site(page, lines, meta)
    authors = _without_site(extract_authors(lines, meta), site)
    source = extract_source(lines, meta, registrable_domain(page.url) if page.url else None)
    flags = ((EDITOR_AS_AUTHOR, authors is not None and authors.editor), (ZONE_ASSUMED, date.assumed))
    places = {
        "published_at": date.where,
        "authors": authors.where if authors else "",
        "source_name": source.where if source else "",
        "site": site.where if site else "",
    }
    return Metadata(
        site=site.name if site else None,
        authors=authors.names if authors else None,
        category=extract_category(lines),
        source_name=source.name if source else None,
        place=extract_place(lines),
        rights=lines.rights,
        published_at=date.at,
        published_precision=date.precision,
        published_raw=date.raw,
        flags=tuple(name for name, stands in flags if stands),
        places={name: where for name, where in places.items() if where},
    )


def _without_site(authors: Authors | None, site: Site | None) -> Authors | None:
    """Return the authors without an account that is the site itself."""
    if authors is None or site is None:
        return authors
    own = site.name.lower()
    names = tuple(name for name in authors.names if is_person(name) or name.lower() not in own)
    return replace(authors, names=names) if names else None


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
    found = (search("dateline_place", line.folded) for line in lines.opening[:2])
    return next((match["place"] for match in found if match), None)
