"""What crosses to a worker and back: the context of a run, once, as a file; jobs, and the counts that come of them.

Jobs hold names and numbers only. A worker may run on another machine: it needs this package, and to see the dataset
and the inputs under the same names. Nothing here imports Prefect, Delta or DuckDB.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import TypeAdapter

from qingwen.config import Config
from qingwen.dataset.location import Location, location_of, write_whole
from qingwen.errors import BatchError, SetupError
from qingwen.model import Cleaned, Rejection
from qingwen.read.containers import WHOLE, Share
from qingwen.read.page import Source
from qingwen.rules.book import RuleBook, compile_rules, extra_tables
from qingwen.rules.site_book import SiteBook
from qingwen.rules.takedowns import Forgotten

# Records are counted by the length of their text: below each of these, and beyond the last.
LENGTHS = (200, 500, 1_000, 2_000, 5_000)


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What all pages of a run are cleaned with.

    ``folder`` is the run's working folder, from which relative paths start. ``page_seconds`` is how long a worker may
    stay at a page, 0 for no limit.
    """

    config: Config
    book: RuleBook
    sites: SiteBook
    forgotten: Forgotten = Forgotten()  # noqa: RUF009  it is frozen
    folder: str = ""
    page_seconds: int = 0


@dataclass(frozen=True, slots=True)
class _ContextFile:
    """A context as its file states it: of the rules the version, and the user's own tables as name and text."""

    version: str
    config: Config
    rules: list[tuple[str, str]]
    sites: SiteBook
    forgotten: Forgotten
    folder: str
    page_seconds: int


def write_context(context: WorkerContext, rules: str | None, staging: Location) -> Location:
    """Write a context, and the user's own rule tables, to a folder that all workers see; return the file."""
    stated = _ContextFile(
        context.book.version,
        context.config,
        extra_tables(Path(rules)) if rules else [],
        context.sites,
        context.forgotten,
        os.getcwd(),
        context.page_seconds,
    )
    text = TypeAdapter(_ContextFile).dump_json(stated).decode()
    path = staging / f"context-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    write_whole(path, text)  # also where one is there: it may be torn
    return path


@lru_cache(maxsize=2)
def open_context(path: str) -> WorkerContext:
    """Return the context of a file; a process reads and compiles it once.

    Raises:
        BatchError: it cannot be read here, is damaged, or this worker's package ships other rules.
    """
    try:
        stated = TypeAdapter(_ContextFile).validate_json(location_of(path).read_bytes())
        book = compile_rules(stated.rules)
    except OSError as fault:
        raise BatchError(f"{path}: the worker cannot read it ({fault}). Workers must see the dataset.") from fault
    except (SetupError, ValueError) as fault:
        why = " ".join(str(fault).split())
        raise BatchError(f"{path}: damaged ({why}). The next run writes it anew.") from fault
    if book.version != stated.version:
        raise BatchError(
            f"The worker's rules are of version {book.version}, the run's of {stated.version}: "
            "install the same version of qingwen on all machines."
        )
    return WorkerContext(stated.config, book, stated.sites, stated.forgotten, stated.folder, stated.page_seconds)


@dataclass(frozen=True, slots=True)
class CleanJob:
    """Clean files, or a share of one container, and write part files to ``folder``.

    ``known`` is a file of what the dataset holds of the container already. ``watch`` is the file in which the worker
    notes its page. ``leave_out`` are pages (by id) and files (by path) at which workers died; reading a container ends
    behind its item ``until``.
    """

    kind: ClassVar[str] = "clean-batch"
    sources: tuple[Source, ...]
    folder: str
    share: Share = WHOLE
    known: str | None = None
    watch: str | None = None
    leave_out: frozenset[str] = frozenset()
    until: str | None = None


@dataclass(frozen=True, slots=True)
class SurveyFile:
    """A file to survey and, of a container, the share of its items."""

    source: Source
    share: Share = WHOLE


@dataclass(frozen=True, slots=True)
class SurveyJob:
    """Look at pages, and write their lines to ``folder``: one file for each bucket of sites."""

    kind: ClassVar[str] = "survey-pages"
    files: tuple[SurveyFile, ...]
    folder: str
    buckets: int


@dataclass(frozen=True, slots=True)
class MineJob:
    """Make the entries of one bucket of sites from the ``files`` that survey jobs wrote, and write them to ``out``."""

    kind: ClassVar[str] = "mine-sites"
    files: tuple[str, ...]
    out: str


Job = CleanJob | SurveyJob | MineJob


@dataclass(slots=True)
class Counts:
    """What became of the pages of a batch, or of a run: counts in and out, by reason and by rule.

    Characters are code points. ``unchanged`` are items of a changed container that it held before; ``lengths`` counts
    records by the length of their text (`LENGTHS`). Two kinds of pages are pending: ``left_out`` maps the paths that a
    job leaves out to the ids of their pages, ``unreadable`` maps paths that cannot be read now to the reason.
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

    @property
    def waiting(self) -> set[str]:
        """Return the paths of the pages that are pending."""
        return {*self.left_out, *self.unreadable}

    def add(self, other: Counts) -> None:
        """Add another's counts."""
        for entry in fields(self):
            mine, its = getattr(self, entry.name), getattr(other, entry.name)
            if isinstance(mine, int):
                setattr(self, entry.name, mine + its)
            else:
                mine.update(its)

    def count(self, result: Cleaned | Rejection) -> None:
        """Count one page."""
        if isinstance(result, Rejection):
            self.rejections[result.rule] += 1
            return
        self.records += 1
        length = len(result.record.text)
        self.kept_chars += length
        self.lengths[next((f"under {most:,}" for most in LENGTHS if length < most), f"{LENGTHS[-1]:,} and more")] += 1
        for labelled in result.blocks:
            if labelled.text is not None:
                self.removed_chars[labelled.verdict.label.value] += len(labelled.text)
                self.removed_blocks[labelled.verdict.rule] += 1
        self.edits.update(edit.rule for edit in result.edits)
        self.flags.update(flag.rule for flag in result.flags)

    def changes(self) -> list[tuple[str, int]]:
        """Return the rules that changed characters, most often first; white space of the layout is not counted."""
        return [(rule, n) for rule, n in self.edits.most_common() if not rule.startswith("layout.")]

    def without_copies(self, records: int, rejections: Mapping[str, int]) -> Counts:
        """Return the counts with pages counted as copies that other batches turned out to hold too."""
        counts = Counts()
        counts.add(self)
        counts.records -= records
        counts.copies += records + sum(rejections.values())
        counts.rejections = +Counter({rule: n - rejections.get(rule, 0) for rule, n in self.rejections.items()})
        return counts

    @classmethod
    def of(cls, stated: Any) -> Counts:
        """Return the counts that a dictionary states, such as a manifest's."""
        return _counts().validate_python(stated)

    @classmethod
    def from_json(cls, text: str) -> Counts:
        """Return the counts that `to_json` wrote."""
        return _counts().validate_json(text)

    def to_json(self) -> str:
        """Return the counts as JSON."""
        return _counts().dump_json(self).decode()


@cache
def _counts() -> TypeAdapter[Counts]:
    return TypeAdapter(Counts)


Result = Counts | int
"""What a job gives back: counts of a batch, or how many pages were surveyed, or sites found."""

Executor = Callable[[str, Iterable[Job]], Iterator[tuple[int, Result | BatchError]]]
"""Does jobs with a context (its file), anywhere; yields the number of each with its result, in no certain order.

A job that cannot be done now yields its fault; one that was not begun, as the run is asked to stop, an `EndedError`.
"""
