"""The engine of many pages, without Prefect: plan, clean in parallel, publish, report.

`Engine` holds a dataset for one run; ``flow.py`` wraps its methods as tasks and `run` calls them bare.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

from qingwen.config import Config
from qingwen.corpus import publish, tables
from qingwen.corpus.batch import DONE, Counts, Job
from qingwen.corpus.card import write_card, write_manifest
from qingwen.corpus.lock import Lock
from qingwen.corpus.planning import PENDING, Batch, Holdings, plan_batches
from qingwen.corpus.pool import Pool
from qingwen.corpus.report import RunReport
from qingwen.corpus.rows import source_row
from qingwen.corpus.schemas import VERSION
from qingwen.corpus.survey import choose_sample, mine
from qingwen.errors import BatchError, SetupError
from qingwen.read.inputs import Source, list_sources
from qingwen.rules.book import load_rules
from qingwen.rules.sites import Site, SiteBook, load_sites

Progress = Callable[[str, int, int], None]
"""Called with the stage, the pages done and the pages in all."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to do: the inputs, the dataset's folder, and how. ``rules`` names a user's own table or folder of them."""

    inputs: tuple[str, ...]
    output: str
    config: Config = field(default_factory=Config)
    rules: str | None = None
    workers: int = 0
    batch_pages: int = 500
    retries: int = 2
    rebuild: bool = False

    @property
    def processes(self) -> int:
        """Return the number of workers: as asked for, else one for each core."""
        return self.workers or os.cpu_count() or 1


SITES = "sites.json"
_PACKAGES = ("qingwen", "pyarrow", "deltalake", "beautifulsoup4", "opencc-python-reimplemented", "prefect")


def silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


class Engine:
    """A dataset held for one run. Use as a context: entering checks and locks, leaving ends the workers.

    Raises:
        SetupError: rules, configuration or inputs are wrong, or the dataset was made with others; nothing was touched.
        PublishError: another run holds the dataset.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.dataset = Path(request.output)
        self.book = load_rules(Path(request.rules) if request.rules else None)
        self.sources = list_sources(request.inputs)
        self.wanted: list[Source] = []
        self.batches: tuple[Batch, ...] = ()
        self.book_of_sites = SiteBook()
        self._started = time.monotonic()
        self._lock = Lock(self.dataset)
        self._pool = Pool(request.processes, request.config, request.rules)
        name = datetime.now().strftime("%Y%m%dT%H%M%S") + f"-{os.getpid()}"
        self.report = RunReport(name, request.output, self.book.version, request.config.digest, len(self.sources))

    def __enter__(self) -> Engine:
        self._check_versions()
        self._lock.hold()
        try:
            self._finish_earlier()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._lock.release()

    def stop(self) -> None:
        """End the workers at once; what they have staged is taken up by the next run."""
        self._pool.close()

    def survey(self, progress: Progress = silent) -> SiteBook:
        """Look for what recurs on a site, through what is new or changed (``rebuild``: all inputs, and all known ones).

        Sites that the dataset's book knows keep their entries. A run too small to teach anything skips the survey.
        """
        with self._timed("survey"):
            held = Holdings.of(self.dataset)
            rebuild = self.request.rebuild
            sources = held.with_known(self.sources) if rebuild else self.sources
            self.wanted = sources if rebuild else held.changed(sources, self.request.config)
            self.report.inputs, self.report.unchanged = len(sources), len(sources) - len(self.wanted)
            known = SiteBook() if rebuild else load_sites(self._state / SITES)
            sample = choose_sample(self.wanted, self.request.config)
            new: dict[str, Site] = {}
            if len(sample) >= max(1, self.request.config.min_site_pages):
                done = 0

                def seen(pages: int) -> None:
                    nonlocal done
                    done += pages
                    progress("survey", done, len(sample))

                new = mine(self._pool.sight(sample, known, seen), self.request.config)
            self.book_of_sites = known.joined(new)
            self.report.sites = len(self.book_of_sites.sites)
            self.report.sites_digest = self.book_of_sites.digest
            self._pool.sites = self.book_of_sites
        return self.book_of_sites

    def plan(self) -> tuple[Batch, ...]:
        """Return the batches to clean, of what the survey looked through."""
        with self._timed("plan"):
            versions = [f"{name} {value}" for name, value in self._versions.items()]
            versions.append(f"sites {self.book_of_sites.digest}")
            self.batches = plan_batches(self.wanted, self.request.processes, self.request.batch_pages, versions)
            self._sweep({batch.key for batch in self.batches})
        return self.batches

    def clean(self, batch: Batch) -> Counts:
        """Clean one batch in a worker and wait for it; safe to call from many threads.

        Raises:
            BatchError: it cannot be done now. Call again, or leave its pages pending.
        """
        return self._pool.clean(Job(batch.sources, str(self._folder(batch))))

    def publish(self, results: Sequence[tuple[Batch, Counts | BatchError]]) -> RunReport:
        """Commit what the batches made; the pages of a failed batch are pending. Nothing to say: nothing is written."""
        report = self.report
        done = sorted((batch for batch, result in results if isinstance(result, Counts)), key=lambda batch: batch.n)
        pending: list[dict[str, Any]] = []
        for batch, result in results:
            if isinstance(result, Counts):
                report.counts.add(result)
            else:
                report.faults.append(f"batch {batch.n}: {result}")
                report.pending_paths += [source.path for source in batch.sources]
                pending += [source_row(source, None, PENDING, None) for source in batch.sources]
        report.pending = len(pending)
        if not (done or pending):
            return report
        with self._timed("publish"):
            number = tables.published(self.dataset, "records") + 1
            intent = {"number": number, "run": report.run, "rebuild": self.request.rebuild, **self._versions}
            folders = [self._folder(batch) for batch in done]
            choice = publish.prepare(
                self.dataset, folders, pending, self._final, intent, {SITES: self.book_of_sites.to_json()}
            )
            report.withdrawn = len(choice.withdrawn)
            self._commit()
            report.duplicates = len(tables.read(self.dataset, "duplicates", ("id",)))
        self._report()
        return report

    def _commit(self) -> None:
        intent = json.loads((self._final / publish.INTENT).read_text("utf-8"))
        # Which rules the rows follow stands before the rows do: a reader of both is never misled.
        self._state.mkdir(parents=True, exist_ok=True)
        versions = {name: intent[name] for name in self._versions}
        _write(self._state / "dataset.json", json.dumps(versions, indent=1))
        if (self._final / SITES).exists():  # not in what a run of version 0.1 had written down
            _write(self._state / SITES, (self._final / SITES).read_text("utf-8"))
        self.report.commits = publish.commit_all(self.dataset, self._final)
        shutil.rmtree(self._staging, ignore_errors=True)

    def _report(self) -> None:
        listed = "\n".join(f"{source.path}\t{source.size}" for source in self.sources)
        self.report.inputs_digest = hashlib.sha256(listed.encode()).hexdigest()[:16]
        self.report.versions = {name: metadata.version(name) for name in _PACKAGES}
        self.report.seconds["total"] = round(time.monotonic() - self._started, 3)
        write_card(self.dataset, self.report)
        write_manifest(self.dataset, self.report)

    def _check_versions(self) -> None:
        stated = self._state / "dataset.json"
        if self.request.rebuild or not stated.exists():
            return
        known = json.loads(stated.read_text("utf-8"))
        mine = self._versions
        other = [name for name, value in mine.items() if known.get(name) != value]
        if other:
            said = ", ".join(f"{name} {known.get(name)} (now {mine[name]})" for name in other)
            raise SetupError(
                f"{self.dataset}: its rows were made with {said}; rows of different rules do not mix. "
                "Run again with --rebuild to make them all anew, or write to another --output."
            )

    def _finish_earlier(self) -> None:
        """Commit what a killed run had written down to commit."""
        marker = self._final / publish.INTENT
        if marker.exists():
            self.report.finished_earlier = json.loads(marker.read_text("utf-8"))["run"]
            self._commit()
            self.report.commits = {}

    def _sweep(self, keys: set[str]) -> None:
        """Drop staged parts that no batch of this run will take up."""
        for folder in self._staging.iterdir() if self._staging.is_dir() else ():
            if folder.name not in keys or not (folder / DONE).exists():
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def _versions(self) -> dict[str, str | int]:
        """Return what rows of one dataset have in common."""
        return {
            "rules_version": self.book.version,
            "config_digest": self.request.config.digest,
            "schema_version": VERSION,
        }

    @property
    def _state(self) -> Path:
        return self.dataset / "_state"

    @property
    def _staging(self) -> Path:
        return self._state / "staging"

    @property
    def _final(self) -> Path:
        return self._staging / "final"

    def _folder(self, batch: Batch) -> Path:
        return self._staging / batch.key

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.report.seconds[stage] = round(time.monotonic() - started, 3)


def run(request: Request, progress: Progress = silent) -> RunReport:
    """Run the engine bare: what ``qingwen clean --no-prefect`` does."""
    with Engine(request) as engine:
        engine.survey(progress)
        batches = engine.plan()
        total = sum(len(batch.sources) for batch in batches)
        progress("clean", 0, total)
        results: list[tuple[Batch, Counts | BatchError]] = []
        with ThreadPoolExecutor(max(1, 2 * request.processes)) as threads:
            waiting = {threads.submit(_tried, engine, batch): batch for batch in batches}
            try:
                for future in as_completed(waiting):
                    results.append((waiting[future], future.result()))
                    progress("clean", sum(len(batch.sources) for batch, _ in results), total)
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                engine.stop()
                raise
        progress("publish", total, total)
        return engine.publish(results)


def _tried(engine: Engine, batch: Batch) -> Counts | BatchError:
    for attempt in range(engine.request.retries + 1):
        try:
            return engine.clean(batch)
        except BatchError as fault:
            if attempt == engine.request.retries:
                return fault
    raise AssertionError("unreachable")


def _write(path: Path, text: str) -> None:
    under_way = path.with_suffix(".tmp")
    under_way.write_text(text, "utf-8")
    under_way.replace(path)
