"""A batch of pages, cleaned in a worker: files in, part files and counts out.

Workers import neither Prefect nor Delta; they compile the rules once.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from multiprocessing import connection, parent_process
from pathlib import Path

from qingwen.clean import clean_page
from qingwen.config import Config
from qingwen.errors import BatchError
from qingwen.model import Cleaned, Rejection
from qingwen.read.files import page_id, read_bytes, to_page
from qingwen.read.inputs import Source
from qingwen.rules.book import RuleBook, load_rules
from qingwen.rules.sites import SiteBook

DONE = "done.json"


@dataclass(slots=True)
class Counts:
    """What became of pages: counts in and out, by reason and by rule; characters are code points."""

    pages: int = 0
    records: int = 0
    copies: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    removed_chars: Counter[str] = field(default_factory=Counter)
    removed_blocks: Counter[str] = field(default_factory=Counter)
    edits: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Count another's counts in."""
        self.pages += other.pages
        self.records += other.records
        self.copies += other.copies
        for name in ("rejections", "removed_chars", "removed_blocks", "edits", "flags"):
            getattr(self, name).update(getattr(other, name))

    def count(self, result: Cleaned | Rejection) -> None:
        """Count one page in."""
        if isinstance(result, Rejection):
            self.rejections[result.rule] += 1
            return
        self.records += 1
        for judged in result.blocks:
            if judged.text is not None:
                self.removed_chars[judged.verdict.label.value] += len(judged.text)
                self.removed_blocks[judged.verdict.rule] += 1
        self.edits.update(edit.rule for edit in result.edits)
        self.flags.update(flag.rule for flag in result.flags)

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """Return the counts that `to_json` wrote."""
        counts = cls()
        for name, value in json.loads(text).items():
            setattr(counts, name, Counter(value) if isinstance(value, dict) else value)
        return counts

    def to_json(self) -> str:
        """Return the counts as JSON."""
        return json.dumps(self.plain(), ensure_ascii=False, sort_keys=True)

    def plain(self) -> dict[str, int | dict[str, int]]:
        """Return the counts as plain dictionaries and numbers."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class Job:
    """A batch for a worker: the files to clean, and the folder that its part files go to."""

    sources: tuple[Source, ...]
    folder: str


@dataclass(frozen=True, slots=True)
class _Settings:
    config: Config
    book: RuleBook
    sites: SiteBook


_settings: _Settings | None = None


def start_worker(config: Config, rules: str | None, sites: SiteBook) -> None:
    """Make a process a worker: compile the rules once, and die with the parent, however that dies."""
    global _settings
    _settings = _Settings(config, load_rules(Path(rules) if rules else None), sites)
    watch_parent()


def watch_parent() -> None:
    """End this process when its parent ends, however that ends."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def work(job: Job) -> str:
    """Clean a batch in a worker that was started; return its counts as JSON."""
    if _settings is None:
        raise BatchError("The worker was not started: call start_worker first.")
    return clean_batch(job, _settings.config, _settings.book, _settings.sites).to_json()


def clean_batch(job: Job, config: Config, book: RuleBook, sites: SiteBook) -> Counts:
    """Clean a batch and write its part files; a batch that is done already is not done again.

    Raises:
        BatchError: this machine cannot do it now (memory, disk); its pages stay pending.
    """
    folder = Path(job.folder)
    done = folder / DONE
    if done.exists():
        return Counts.from_json(done.read_text("utf-8"))
    try:
        return _clean(job.sources, folder, config, book, sites)
    except (MemoryError, OSError) as fault:
        raise BatchError(f"The batch cannot be cleaned now: {type(fault).__name__}: {fault}.") from fault


def _clean(sources: Sequence[Source], folder: Path, config: Config, book: RuleBook, sites: SiteBook) -> Counts:
    from qingwen.corpus.rows import ITEM, Rows, arrow, rows_of, source_row, write_rows

    counts = Counts()
    tables: Rows = {name: [] for name in ("records", "blocks", "edits", "flags", "rejections", "sources")}
    seen: set[str] = set()
    for n, source in enumerate(sources):
        counts.pages += 1
        item = f"{folder.name}.{n}"
        octets = read_bytes(source.path, config)
        name = octets.page_id if isinstance(octets, Rejection) else page_id(octets)
        if name in seen:
            counts.copies += 1
            tables["sources"].append({**source_row(source, name, "copy", None), ITEM: item})
            continue
        seen.add(name)
        result = octets if isinstance(octets, Rejection) else _one(octets, source.path, config, book, sites)
        counts.count(result)
        for table, rows in rows_of(result).items():
            tables[table] += [{**row, ITEM: item} for row in rows]
        outcome = "rejection" if isinstance(result, Rejection) else "record"
        tables["sources"].append({**source_row(source, name, outcome, result), ITEM: item})
    under_way = folder.with_name(f"{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(under_way, ignore_errors=True)
    under_way.mkdir(parents=True)
    for table, rows in tables.items():
        write_rows(under_way / f"{table}.parquet", arrow(table, rows))
    (under_way / DONE).write_text(counts.to_json(), "utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    under_way.rename(folder)
    return counts


def _one(octets: bytes, path: str, config: Config, book: RuleBook, sites: SiteBook) -> Cleaned | Rejection:
    """Clean one page; a fault nobody foresaw rejects that page alone, by its type and the function's name."""
    try:
        page = to_page(octets, path, config)
        return page if isinstance(page, Rejection) else clean_page(page, config=config, rules=book, sites=sites)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as fault:
        frames = traceback.extract_tb(fault.__traceback__)
        where = frames[-1].name if frames else "?"
        detail = f"{type(fault).__name__} in {where}: please report the page."
        return Rejection(page_id(octets), path, "fault", "fault.unforeseen", detail)
