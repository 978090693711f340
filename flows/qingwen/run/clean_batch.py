"""Clean a batch of pages in a worker: files in, part files and counts out.

Nothing here imports Prefect or Delta.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from qingwen.clean import clean_page, unforeseen
from qingwen.dataset.location import location_of
from qingwen.dataset.part_files import DONE, Staged
from qingwen.dataset.rows import pending_row, read_known, rows_of, source_row
from qingwen.errors import BatchError, WorkerLostError
from qingwen.model import Cleaned, Rejection
from qingwen.read.containers import raw_pages
from qingwen.read.page import UNAVAILABLE, RawPage, Source, page_of
from qingwen.rules.takedowns import RULE, Forgotten
from qingwen.run.jobs import CleanJob, Counts, WorkerContext
from qingwen.run.stuck_pages import CLEANING, READING, Watch
from qingwen.run.takedowns import judge


def clean_batch(job: CleanJob, context: WorkerContext) -> Counts:
    """Clean a batch and write its part files; a batch that is done already is not done again.

    Pages that were taken down are rejections without a text.

    Raises:
        BatchError: this machine cannot do it now (disk); its pages stay pending.
        WorkerLostError: its memory does not suffice; the job's watch says at which page.
    """
    done = location_of(job.folder) / DONE
    if done.exists():
        with suppress(ValueError):  # it is damaged: the batch is cleaned again
            return Counts.from_json(done.read_text("utf-8"))
    try:
        return _clean(job, context)
    except MemoryError as fault:
        raise WorkerLostError("The worker's memory does not suffice.") from fault
    except OSError as fault:
        raise BatchError(f"The batch cannot be cleaned now: {type(fault).__name__}: {fault}.") from fault


def _clean(job: CleanJob, context: WorkerContext) -> Counts:
    counts = Counts()
    known = read_known(job.known) if job.known else {}
    seen: dict[str, str] = {}
    gone: set[str] = set()  # pages that were taken down: their addresses are not written
    with Staged(location_of(job.folder)) as staged, Watch(job.watch, context.page_seconds) as watch:
        for source, item in _items(job, context, watch):
            if item is None or item.page_id in job.leave_out:
                path, page = (source.path, "") if item is None else (item.path, item.page_id)
                counts.left_out[path] = page
                staged.add({"sources": [pending_row(source, path)]})
                continue
            if isinstance(item.octets, Rejection) and item.octets.rule == UNAVAILABLE:
                counts.unreadable[item.path] = item.octets.detail
                staged.add({"sources": [pending_row(source, item.path)]})
                continue
            outcome, result = _outcome(item, known, seen, counts, context)
            rows = {} if result is None else rows_of(result)
            if isinstance(result, Rejection) and result.rule == RULE[1]:
                gone.add(item.page_id)
            if item.page_id in gone:
                item = replace(item, url=None)
            staged.add({**rows, "sources": [source_row(source, item, outcome, result)]})
        staged.finish(counts.to_json())
    return counts


def _items(job: CleanJob, context: WorkerContext, watch: Watch) -> Iterator[tuple[Source, RawPage | None]]:
    """Yield the items of a batch, each under watch while it is used; None: from here on the file is not read."""
    for source in job.sources:
        if source.path in job.leave_out:
            yield source, None
            continue
        watch.at(READING, source.path)
        for item in raw_pages(source.path, context.config, job.share):
            watch.at(CLEANING, item.path, item.page_id)
            yield source, item
            if item.path == job.until:
                yield source, None
                break
            watch.at(READING, item.path)


def _outcome(
    item: RawPage, known: Mapping[str, str], seen: dict[str, str], counts: Counts, context: WorkerContext
) -> tuple[str, Cleaned | Rejection | None]:
    """Return an item's outcome in ``sources`` and, if it had to be cleaned here, the result."""
    counts.pages += 1
    page = item.page_id
    if known.get(item.path) == page:
        counts.unchanged += 1
        return "unchanged", None
    first = seen.get(page)
    if first is not None:
        counts.copies += 1
        if first < item.path:
            return "copy", None
    seen[page] = item.path
    result = _clean_item(item, context)
    if first is None:
        counts.count(result)
    return "rejection" if isinstance(result, Rejection) else "record", result


def _clean_item(item: RawPage, context: WorkerContext) -> Cleaned | Rejection:
    """Clean one page; a fault nobody foresaw rejects that page alone, by its type and the function's name."""
    try:
        forgotten = context.forgotten
        if forgotten.holds(item.page_id, item.url):
            return Rejection(item.page_id, item.path, *RULE)
        page = page_of(item, context.config)
        if isinstance(page, Rejection):
            return page
        result = clean_page(page, config=context.config, rules=context.book, sites=context.sites)
        return judge(result, page.url, forgotten, context.config.min_similarity) if forgotten != Forgotten() else result
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as fault:
        return unforeseen(item.page_id, item.path, fault)
