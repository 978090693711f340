"""The facts of a page, gathered from its bylines, its text's edges, its notices and its markup's head."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from qingwen.config import Config
from qingwen.metadata.dates import published
from qingwen.metadata.patterns import search, tables
from qingwen.metadata.people import CREDIT_LINES, LONGEST_NAME, Credits, authors_of
from qingwen.metadata.site import site_of
from qingwen.model import Label, Metadata, Page, Segmented, Verdict
from qingwen.text.match_view import FOLDED, view

# How far below the text its ending and its source stand.
_ENDING_LINES = 3
# How far below the text a forum or a blog prints when it was posted.
_DATE_LINES = 5
# A longer line is no line of fields.
_LONGEST_FIELD = 160
# Nor is a longer one a byline, or a line of credits, where no rule says so.
_LONGEST_LINE = 80
# A byline may be glued so far above the text.
_NEAR = 8
# A longer step of a breadcrumb names the article, not its section.
_LONGEST_SECTION = 12


def read_facts(
    page: Page, segmented: Segmented, verdicts: tuple[Verdict, ...], config: Config, crawled_at: datetime | None
) -> Metadata:
    """Return what the page states of its article.

    A relative or partial date stays ``published_raw`` with its precision unless a crawl date (of the configuration or
    the container) resolves it. A CMS account such as admin is no author.
    """
    words = [segmented.words(block) for block in segmented.blocks]
    lines = view("\n".join(words), FOLDED).text.split("\n")
    bylines = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.BYLINE]
    body = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.BODY]
    titles = [n for n, verdict in enumerate(verdicts) if verdict.label is Label.TITLE and verdict.kept]
    # A byline may be glued to the first or the last lines of the body, or stand among what the head dropped.
    near = [n for n in range(max(0, body[0] - _NEAR), body[0]) if n not in bylines] if body else []
    below, foot, far = (_below(body, len(lines), some) for some in (_ENDING_LINES, _DATE_LINES, CREDIT_LINES))
    crawl = crawled_at.date() if crawled_at else config.crawl_date
    # A dated line may stand among the body's blocks when the model took a byline's neighbours for text.
    dirt = [n for n in range(body[0], body[-1]) if verdicts[n].rule == "sequence.dirt"] if body else []
    stated = [words[n] for n in bylines + near] + [words[n] for n in (*foot, *dirt) if len(words[n]) <= _LONGEST_LINE]
    stamp = published(stated, words, segmented.meta, crawl)
    account = next((found for n in bylines if (found := tables()[0]["account_age"].match(lines[n]))), None)
    crumbs = [lines[n] for n, verdict in enumerate(verdicts) if verdict.rule.startswith("nav.")]
    notices = [n for n, verdict in enumerate(verdicts) if verdict.label in (Label.COPYRIGHT, Label.SITE)]
    opening = [lines[n] for n in body[:2]]
    around = [lines[n] for n in (*near, *far) if len(lines[n]) <= _LONGEST_LINE]
    return Metadata(
        site=site_of(page, segmented.meta, [lines[n] for n in notices]),
        category=(account["category"].strip() or None) if account else _category(crumbs),
        authors=authors_of(
            Credits(
                bylines=[lines[n] for n in bylines],
                beneath=[lines[n + 1] for n in titles if n + 1 < len(lines)],
                marked=[lines[n] for n, block in enumerate(segmented.blocks) if n in near and _is_author(block.path)],
                around=around,
                ending=[lines[n] for n in below if len(lines[n]) <= _LONGEST_LINE],
                body=[lines[n] for n in body],
                meta=_stated_author(segmented.meta, lines),
            ),
            account,
        ),
        source_name=_source([lines[n] for n in (*bylines, *near, *below, *body[-2:])], opening),
        place=next((found["place"] for line in opening if (found := search("dateline_place", line))), None),
        rights=next((words[n] for n in notices if verdicts[n].label is Label.COPYRIGHT), None),
        published_at=stamp.at,
        published_precision=stamp.precision,
        published_raw=stamp.raw,
    )


def _below(body: Sequence[int], count: int, most: int) -> range:
    """Return the blocks right below the text, of ``count`` in all."""
    return range(body[-1] + 1, min(count, body[-1] + 1 + most)) if body else range(0)


def _is_author(path: str) -> bool:
    return search("author_markup", path.rpartition("/")[2]) is not None


def _stated_author(meta: Mapping[str, str], lines: Iterable[str]) -> list[str]:
    """Return the author that the markup's head states, where the page prints the name too: most heads name a site."""
    stated = [view(meta[key], FOLDED).text for key in ("article:author", "author") if key in meta]
    printed = [line for line in lines if len(line) <= _LONGEST_LINE]
    return [name for name in stated if len(name) <= LONGEST_NAME and any(name in line for line in printed)]


def _source(lines: list[str], opening: list[str]) -> str | None:
    """Return where the article came from: a field that says so, a name behind the date, else the dispatch's opening."""
    absent = set(tables()[1]["no_source"])
    fields = [line for line in lines if len(line) <= _LONGEST_FIELD]
    for name, some in (("source", fields), ("source_dated", fields), ("dateline_source", [*fields, *opening])):
        for line in some:
            found = search(name, line)
            stated: str | None = next(filter(None, found.groups()), None) if found else None
            if stated and stated not in absent:
                return stated
    return None


def _category(crumbs: list[str]) -> str | None:
    patterns, table = tables()
    for line in crumbs:
        found = patterns["breadcrumb"].match(line)
        if not found or not re.search(r"[>\u00bb\u203a\u2192]", line):
            continue
        steps = [step.strip() for step in patterns["breadcrumb_step"].split(found["steps"]) if step.strip()]
        kept = [step for step in steps[1:] if step not in table["no_category"] and len(step) <= _LONGEST_SECTION]
        if kept:
            return kept[-1]
    return None
