"""A batch of pages, cleaned in a worker: files in, part files and counts out.

Nothing here imports Prefect or Delta.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from qingwen.clean import clean_page, unforeseen
from qingwen.dataset.location import location_of
from qingwen.dataset.part_files import DONE, Staged
from qingwen.dataset.rows import pending_row, read_known, rows_of, source_row
from qingwen.errors import BatchError, WorkerLostError
from qingwen.model import Cleaned, Rejection
from qingwen.read.containers import WHOLE, Share, raw_pages
from qingwen.read.page import UNAVAILABLE, RawPage, Source, page_of
from qingwen.rules.takedowns import RULE
from qingwen.run.report import Counts
from qingwen.run.watchdog import CLEANING, READING, Watch
from qingwen.run.worker_context import WorkerContext


@dataclass(frozen=True, slots=True)
class Job:
    """A batch for a worker: the files to clean, and the folder that its part files go to.

    Of a container, ``share`` says which items; ``known`` is a file of what the dataset holds of them already.
    ``watch`` is the file that says what the worker is at. ``leave_out`` are ids of pages at which workers died, and
    files at whose reading they did; of a container nothing is read behind the item ``until``.
    """

    sources: tuple[Source, ...]
    folder: str
    share: Share = WHOLE
    known: str | None = None
    watch: str | None = None
    leave_out: frozenset[str] = frozenset()
    until: str | None = None

    def to_json(self) -> str:
        """Return the job as JSON."""
        return json.dumps({**asdict(self), "leave_out": sorted(self.leave_out)})

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Return the job that `to_json` wrote."""
        stated = json.loads(text)
        stated["sources"] = tuple(Source(**source) for source in stated["sources"])
        stated["share"], stated["leave_out"] = tuple(stated["share"]), frozenset(stated["leave_out"])
        return cls(**stated)


def clean_batch(job: Job, kit: WorkerContext) -> Counts:
    """Clean a batch and write its part files; a batch that is done already is not done again.

    Pages that were taken down are rejections without a text.

    Raises:
        BatchError: this machine cannot do it now (disk); its pages stay pending.
        WorkerLostError: its memory does not suffice; the job's watch says for which page.
    """
    done = location_of(job.folder) / DONE
    if done.exists():
        return Counts.from_json(done.read_text("utf-8"))
    try:
        return _clean(job, kit)
    except MemoryError as fault:
        raise WorkerLostError("The worker's memory does not suffice.") from fault
    except OSError as fault:
        raise BatchError(f"The batch cannot be cleaned now: {type(fault).__name__}: {fault}.") from fault


def _clean(job: Job, kit: WorkerContext) -> Counts:
    counts = Counts()
    known = read_known(job.known) if job.known else {}
    seen: dict[str, str] = {}
    with Staged(location_of(job.folder)) as staged, Watch(job.watch, kit.page_seconds) as watch:
        for source, item in _items(job, kit, watch):
            if item is None or item.page_id in job.leave_out:
                path, page = (source.path, "") if item is None else (item.path, item.page_id)
                counts.left_out[path] = page
                staged.add({"sources": [pending_row(source, path)]})
                continue
            if isinstance(item.octets, Rejection) and item.octets.rule == UNAVAILABLE:
                counts.unreadable[item.path] = item.octets.detail
                staged.add({"sources": [pending_row(source, item.path)]})
                continue
            outcome, result = _outcome(item, known, seen, counts, kit)
            rows = {} if result is None else rows_of(result)
            staged.add({**rows, "sources": [source_row(source, item, outcome, result)]})
        staged.finish(counts.to_json())
    return counts


def _items(job: Job, kit: WorkerContext, watch: Watch) -> Iterator[tuple[Source, RawPage | None]]:
    """Yield the items of a batch, each under watch while it is used; None stands for what is not read."""
    for source in job.sources:
        if source.path in job.leave_out:
            yield source, None
            continue
        watch.at(READING, source.path)
        for item in raw_pages(source.path, kit.config, job.share):
            watch.at(CLEANING, item.path, item.page_id)
            yield source, item
            if item.path == job.until:
                yield source, None
                break
            watch.at(READING, item.path)


def _outcome(
    item: RawPage, known: Mapping[str, str], seen: dict[str, str], counts: Counts, kit: WorkerContext
) -> tuple[str, Cleaned | Rejection | None]:
    """Return what becomes of an item, and what cleaning it gave, if it has to be cleaned here."""
    counts.pages += 1
    name = item.page_id
    if known.get(item.path) == name:
        counts.unchanged += 1
        return "unchanged", None
    first = seen.get(name)
    if first is not None:
        counts.copies += 1
        if first < item.path:
            return "copy", None
    seen[name] = item.path
    result = _one(item, kit)
    if first is None:
        counts.count(result)
    return "rejection" if isinstance(result, Rejection) else "record", result


def _one(item: RawPage, kit: WorkerContext) -> Cleaned | Rejection:
    """Clean one page; a fault nobody foresaw rejects that page alone, by its type and the function's name."""
    try:
        config, forgotten = kit.config, kit.forgotten
        if forgotten.holds(item.page_id, item.url):
            return Rejection(item.page_id, item.path, *RULE)
        page = page_of(item, config)
        if isinstance(page, Rejection):
            return page
        found = clean_page(page, config=config, rules=kit.book, sites=kit.sites)
        site, url = (found.record.metadata.site, found.record.url) if isinstance(found, Cleaned) else (None, page.url)
        return Rejection(item.page_id, item.path, *RULE) if forgotten.holds(item.page_id, url, site) else found
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as fault:
        return unforeseen(item.page_id, item.path, fault)
