"""Look at one page, or at the first pages of a dataset: show, explain, restore, head."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from qingwen.cli.exits import DONE, PENDING, put, say
from qingwen.cli.options import Dataset, PageId, Settings, with_settings
from qingwen.errors import SetupError

if TYPE_CHECKING:
    from qingwen.model import Cleaned, Rejection

Url = Annotated[str | None, Option(metavar="URL", help="The address that the page was saved from.")]


@with_settings
def show(
    settings: Settings,
    page: Annotated[
        str,
        Argument(
            metavar="PAGE",
            help="A page's file; an item of a container: crawl.warc.gz#17, pages.zip!a.html; - for standard input.",
        ),
    ],
    url: Url = None,
    format: Annotated[Literal["text", "json"], Option(help="The text, or the whole record.")] = "text",
) -> int:
    """Print the article of one page, without Prefect.

    Nothing is written: see what one page gives, and what a rule or a threshold does to it.

    \b
    Examples:
      qingwen show seeds/000_fa0feccd83b6dce8.txt
      qingwen show seeds/000_fa0feccd83b6dce8.txt --format json
      qingwen show - --url http://www.example.cn/a/1.html < seeds/000_fa0feccd83b6dce8.txt
    """
    from qingwen.model import Rejection

    result = _cleaned(page, url, settings)
    if isinstance(result, Rejection):
        return say(f"{page}: no article ({result.stage}: {result.rule}). {result.detail}", PENDING)
    if format == "json":
        put(json.dumps(result.record.row(), ensure_ascii=False, indent=1, default=str), exact=True)
    else:
        put(f"{result.record.title}\n\n{result.record.text}", exact=True)
    return DONE


@with_settings
def explain(
    settings: Settings,
    page: Annotated[
        str, Argument(metavar="PAGE|DATASET", help="A page, as in qingwen show; or a dataset, with an ID.")
    ],
    id: Annotated[str | None, PageId.__metadata__[0]] = None,
    url: Url = None,
) -> int:
    """Print a page with each removal and change marked and its rule named.

    A line that begins with - was removed, with its label, rule and reason; [a→b] was changed. ← marks a line
    that the date, the authors, the source or the site comes from.

    \b
    Examples:
      qingwen explain seeds/000_fa0feccd83b6dce8.txt
      qingwen explain data/corpus f6ba1c28
    """
    from qingwen.clean import restore_parts
    from qingwen.model import BODY, TITLE, Rejection
    from qingwen.review.explain import explain
    from qingwen.review.fact_places import places_of
    from qingwen.review.terminal import print_lines

    if id is not None:
        from qingwen.dataset.location import location_of
        from qingwen.dataset.lookup import look_up

        stored = look_up(location_of(page), id)
        row = stored.row
        outcome = (
            f"rejected ({row['stage']}: {row['rule']}). {row['detail']}" if stored.rejected else f"record {row['id']}"
        )
        heading = f"{row['source_path']}: {outcome}"
        text = restore_parts(stored.parts, stored.blocks, stored.edits)
        places = {} if stored.rejected else places_of(row, stored.blocks, text)
        print_lines(explain(heading, stored.parts, stored.blocks, stored.edits, stored.flags, row=row, places=places))
        return DONE
    result = _cleaned(page, url, settings)
    if isinstance(result, Rejection):
        heading = f"{page}: rejected ({result.stage}: {result.rule}). {result.detail}"
        print_lines(explain(heading, {TITLE: "", BODY: ""}, result.blocks, (), ()))
    else:
        record = result.record
        parts = {TITLE: record.title, BODY: record.text}
        heading, row = f"{page}: record {record.id}", record.row()
        places = places_of(row, result.blocks, restore_parts(parts, result.blocks, result.edits))
        print_lines(explain(heading, parts, result.blocks, result.edits, result.flags, row=row, places=places))
    return DONE


def _cleaned(page: str, url: str | None, settings: Settings) -> Cleaned | Rejection:
    from qingwen.clean import clean_page
    from qingwen.model import Rejection
    from qingwen.read.containers import page_named, page_on

    config, book = settings.config, settings.book()
    read = page_on(sys.stdin.buffer, config, url) if page == "-" else page_named(page, config, url)
    return read if isinstance(read, Rejection) else clean_page(read, config=config, rules=book)


def restore(dataset: Dataset, id: PageId) -> int:
    """Print the original text of a page, rebuilt from the tables.

    The text is exact, except where personal data is masked; on a terminal, what would steer it is escaped.

    \b
    Examples:
      qingwen restore data/corpus f6ba1c28
    """
    from qingwen.clean import restore_parts
    from qingwen.dataset.location import location_of
    from qingwen.dataset.lookup import look_up

    stored = look_up(location_of(dataset), id)
    if not stored.blocks:
        raise SetupError(f"{id}: rejected before it was cut into blocks ({stored.row['rule']}); no text is held.")
    put(restore_parts(stored.parts, stored.blocks, stored.edits), exact=True, end="")
    return DONE


def head(
    dataset: Dataset,
    rows: Annotated[int, Option("--rows", "-n", min=1, metavar="N", help="How many to print.")] = 10,
    rejected: Annotated[bool, Option("--rejected", help="Rejected pages, with the reason.")] = False,
    flag: Annotated[str | None, Option(metavar="NAME", help="Only records with this flag.")] = None,
) -> int:
    """Print the first records of a dataset as a table.

    With --rejected, print the first rejected pages. Read one of either: qingwen explain DATASET ID.

    \b
    Examples:
      qingwen head data/corpus
      qingwen head data/corpus -n 50 --rejected
    """
    from qingwen.dataset.location import location_of
    from qingwen.dataset.lookup import head
    from qingwen.review.terminal import counted, print_table, record_table, rejection_table

    if rejected and flag:
        raise SetupError("--flag: selects records; leave out --rejected.")
    found = head(location_of(dataset), rows, rejected=rejected, flag=flag)
    print_table((rejection_table if rejected else record_table)(found.rows))
    in_all = f"{counted(found.records, 'record')}, {counted(found.rejections, 'rejection')} in all"
    put(f"\n{len(found.rows)} shown; {in_all}.")
    if found.rows:
        first = found.rows[0].get("id") or found.rows[0]["page_id"]
        put(f"Read one: qingwen explain {shlex.quote(dataset)} {str(first)[:8]}")
    elif found.rejections and not rejected:
        put(f"Why none? qingwen head {shlex.quote(dataset)} --rejected")
    return DONE
