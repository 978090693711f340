"""A batch of pages, cleaned in a worker: files in, part files and counts out.

Nothing here imports Prefect or Delta.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields

from qingwen.clean import clean_page, unforeseen
from qingwen.corpus.kit import Kit
from qingwen.corpus.place import place_of
from qingwen.corpus.rows import pending_row, read_known, rows_of, source_row
from qingwen.corpus.staged import DONE, Staged
from qingwen.corpus.watch import CLEANING, READING, Watch
from qingwen.errors import BatchError, WorkerLostError
from qingwen.model import Cleaned, Rejection
from qingwen.read.containers import WHOLE, Share, items_of
from qingwen.read.files import page_of
from qingwen.read.items import UNAVAILABLE, Item, Source
from qingwen.rules.forgotten import RULE

LENGTHS = (200, 500, 1_000, 2_000, 5_000)


@dataclass(slots=True)
class Counts:
    """What became of pages: counts in and out, by reason and by rule; characters are code points.

    ``unchanged`` are items of a changed container that it held before; ``lengths`` counts records by the characters of
    their text: those below each of `LENGTHS`, and the longer ones. ``left_out`` are the paths that the job leaves out,
    with their pages' ids, ``unreadable`` those that cannot be read now, with the reason: both are pending.
    """

    pages: int = 0
    records: int = 0
    copies: int = 0
    unchanged: int = 0
    kept_chars: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    removed_chars: Counter[str] = field(default_factory=Counter)
    removed_blocks: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Count another's counts in."""
        self.pages += other.pages
        self.records += other.records
        self.copies += other.copies
        self.unchanged += other.unchanged
        self.kept_chars += other.kept_chars
        for name in ("rejections", "removed_chars", "removed_blocks", "edits", "flags", "lengths"):
            getattr(self, name).update(getattr(other, name))
        self.left_out.update(other.left_out)
        self.unreadable.update(other.unreadable)

    def count(self, result: Cleaned | Rejection) -> None:
        """Count one page in."""
        if isinstance(result, Rejection):
            self.rejections[result.rule] += 1
            return
        self.records += 1
        length = len(result.record.text)
        self.kept_chars += length
        self.lengths[next((f"under {most:,}" for most in LENGTHS if length < most), f"{LENGTHS[-1]:,} and more")] += 1
        for judged in result.blocks:
            if judged.text is not None:
                self.removed_chars[judged.verdict.label.value] += len(judged.text)
                self.removed_blocks[judged.verdict.rule] += 1
        self.edits.update(edit.rule for edit in result.edits)
        self.flags.update(flag.rule for flag in result.flags)

    def leave_out(self, records: int, rejections: Mapping[str, int]) -> None:
        """Count pages as copies that turned out, among all batches, to be another path's."""
        self.records -= records
        self.copies += records + sum(rejections.values())
        self.rejections.subtract(rejections)
        self.rejections = +self.rejections

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """Return the counts that `to_json` wrote."""
        counts = cls()
        for name, value in json.loads(text).items():
            setattr(counts, name, Counter(value) if isinstance(getattr(counts, name), Counter) else value)
        return counts

    def to_json(self) -> str:
        """Return the counts as JSON."""
        return json.dumps(self.plain(), ensure_ascii=False, sort_keys=True)

    def plain(self) -> dict[str, int | dict[str, int] | dict[str, str]]:
        """Return the counts as plain dictionaries and numbers."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


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


def clean_batch(job: Job, kit: Kit) -> Counts:
    """Clean a batch and write its part files; a batch that is done already is not done again.

    Pages that were taken down are rejections without a text.

    Raises:
        BatchError: this machine cannot do it now (disk); its pages stay pending.
        WorkerLostError: its memory does not suffice; the job's watch says for which page.
    """
    done = place_of(job.folder) / DONE
    if done.exists():
        return Counts.from_json(done.read_text("utf-8"))
    try:
        return _clean(job, kit)
    except MemoryError as fault:
        raise WorkerLostError("The worker's memory does not suffice.") from fault
    except OSError as fault:
        raise BatchError(f"The batch cannot be cleaned now: {type(fault).__name__}: {fault}.") from fault


def _clean(job: Job, kit: Kit) -> Counts:
    counts = Counts()
    known = read_known(job.known) if job.known else {}
    seen: dict[str, str] = {}
    with Staged(place_of(job.folder)) as staged, Watch(job.watch, kit.page_seconds) as watch:
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


def _items(job: Job, kit: Kit, watch: Watch) -> Iterator[tuple[Source, Item | None]]:
    """Yield the items of a batch, each under watch while it is used; None stands for what is not read."""
    for source in job.sources:
        if source.path in job.leave_out:
            yield source, None
            continue
        watch.at(READING, source.path)
        for item in items_of(source.path, kit.config, job.share):
            watch.at(CLEANING, item.path, item.page_id)
            yield source, item
            if item.path == job.until:
                yield source, None
                break
            watch.at(READING, item.path)


def _outcome(
    item: Item, known: Mapping[str, str], seen: dict[str, str], counts: Counts, kit: Kit
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


def _one(item: Item, kit: Kit) -> Cleaned | Rejection:
    """Clean one page; a fault nobody foresaw rejects that page alone, by its type and the function's name."""
    try:
        config, forgotten = kit.config, kit.forgotten
        if forgotten.holds(item.page_id, item.url):
            return Rejection(item.page_id, item.path, *RULE)
        page = page_of(item, config)
        if isinstance(page, Rejection):
            return page
        found = clean_page(page, config=config, rules=kit.book, sites=kit.sites)
        site, url = (found.record.facts.site, found.record.url) if isinstance(found, Cleaned) else (None, page.url)
        return Rejection(item.page_id, item.path, *RULE) if forgotten.holds(item.page_id, url, site) else found
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as fault:
        return unforeseen(item.page_id, item.path, fault)
