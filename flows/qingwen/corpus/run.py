"""The engine of many pages, without Prefect: plan, clean in parallel, publish, report.

`Engine` holds a dataset for one run; ``flow.py`` wraps its methods as tasks and `run` calls them bare.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import TracebackType

from qingwen.corpus import tables
from qingwen.corpus.batch import DONE, Counts, Job
from qingwen.corpus.card import write_card, write_manifest
from qingwen.corpus.dataset import Held, new_name, versions_of
from qingwen.corpus.place import Place, place_of, remove
from qingwen.corpus.planning import Batch, Plan
from qingwen.corpus.pool import Pool
from qingwen.corpus.report import RunReport
from qingwen.corpus.request import Request
from qingwen.corpus.schemas import VERSION
from qingwen.corpus.survey import choose_sample, mine
from qingwen.errors import BatchError, SetupError
from qingwen.read.containers import is_container
from qingwen.read.inputs import check_inputs, find_sources
from qingwen.read.items import Source
from qingwen.rules.book import load_rules
from qingwen.rules.forgotten import FORGOTTEN, load_forgotten
from qingwen.rules.sites import Site, SiteBook, load_sites

Progress = Callable[[str, int, int], None]
"""Called with the stage, the pages done and the pages in all."""


SITES = "sites.json"
# So many pending paths stand in the manifest; the table sources names all.
_NAMED = 1_000
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
        self.dataset = place_of(request.output)
        self.book = load_rules(Path(request.rules) if request.rules else None)
        check_inputs(request.inputs)
        self.batches: tuple[Batch, ...] = ()
        self.book_of_sites = SiteBook()
        self._started = time.monotonic()
        self._held = Held(self.dataset)
        self._pool = Pool(request.processes, request.config, request.rules)
        self.report = RunReport(new_name(), request.output, self.book.version, request.config.digest)

    def __enter__(self) -> Engine:
        self._check_versions()
        self._held.__enter__()
        self.report.finished_earlier = self._held.finished_earlier
        self._plan = Plan(self._held.database)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._held.__exit__(kind, fault, trace)

    def stop(self) -> None:
        """End the workers at once; what they have staged is taken up by the next run."""
        self._pool.close()

    def survey(self, progress: Progress = silent) -> SiteBook:
        """Look for what recurs on a site, through what is new or changed (``rebuild``: all inputs, and all known ones).

        Sites that the dataset's book knows keep their entries. A run too small to teach anything skips the survey.
        """
        with self._timed("survey"):
            request, report = self.request, self.report
            self._plan.take(find_sources(request.inputs))
            report.inputs = self._plan.compare(
                self.dataset, request.config, everything=request.rebuild, verify=request.verify
            )
            report.unchanged = report.inputs - len(self._plan)
            known = SiteBook() if request.rebuild else load_sites(self._held.state / SITES)
            sample = choose_sample(self._plan, request.config)
            new: dict[str, Site] = {}
            holds_many = any(is_container(one.source.path) for one in sample)
            if holds_many or len(sample) >= max(1, request.config.min_site_pages):
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
            self._pool.forgotten = load_forgotten(self._held.state / FORGOTTEN)
            versions += [f"sites {self.book_of_sites.digest}", f"forgotten {self._pool.forgotten.digest}"]
            self.batches = self._plan.cut(self.request.processes, self.request.batch_pages, versions)
            self._sweep({batch.key for batch in self.batches})
        return self.batches

    def clean(self, batch: Batch) -> Counts:
        """Clean one batch in a worker and wait for it; safe to call from many threads.

        Raises:
            BatchError: it cannot be done now. Call again, or leave its pages pending.
        """
        known = self._held.staging / f"{batch.key}.known"
        job = Job(self._plan.sources_of(batch), str(self._folder(batch)), batch.share)
        if batch.container is not None and not self.request.rebuild and self._plan.write_known(batch, known):
            job = replace(job, known=str(known))
        return self._pool.clean(job)

    def publish(self, results: Sequence[tuple[Batch, Counts | BatchError]]) -> RunReport:
        """Commit what the batches made; the pages of a failed batch are pending. Nothing to say: nothing is written."""
        report = self.report
        done = [batch for batch, result in results if isinstance(result, Counts)]
        failed: dict[str, Source] = {}
        for batch, result in results:
            if isinstance(result, Counts):
                report.counts.add(result)
            else:
                report.faults.append(f"batch {batch.n}: {result}")
                failed.update((source.path, source) for source in self._plan.sources_of(batch))
        report.pending = len(failed)
        report.pending_paths = list(failed)[:_NAMED]
        if not (done or failed):
            return report
        with self._timed("publish"):
            folders = [self._folder(batch) for batch in sorted(done, key=lambda batch: batch.n)]
            prepared, report.commits = self._held.publish(
                report.run,
                folders,
                failed.values(),
                self._versions,
                {SITES: self.book_of_sites.to_json()},
                min_similarity=self.request.config.min_similarity,
                rebuild=self.request.rebuild,
            )
            report.withdrawn = prepared.withdrawn
            report.counts.leave_out(prepared.records, prepared.rejections)
            report.duplicates = len(tables.read(self.dataset, "duplicates", ("id",)))
        self._report()
        return report

    def _report(self) -> None:
        self.report.inputs_digest = self._plan.digest()
        self.report.versions = {name: metadata.version(name) for name in _PACKAGES}
        self.report.seconds["total"] = round(time.monotonic() - self._started, 3)
        write_card(self.dataset, self.report)
        write_manifest(self.dataset, self.report)

    def _check_versions(self) -> None:
        known, mine = versions_of(self.dataset), self._versions
        if self.request.rebuild or not known:
            return
        other = [name for name, value in mine.items() if known.get(name) != value]
        if other:
            said = ", ".join(f"{name} {known.get(name)} (now {mine[name]})" for name in other)
            raise SetupError(
                f"{self.dataset}: its rows were made with {said}; rows of different rules do not mix. "
                "Run again with --rebuild to make them all anew, or write to another --output."
            )

    def _sweep(self, keys: set[str]) -> None:
        """Drop staged parts that no batch of this run will take up."""
        for folder in self._held.staging.iterdir() if self._held.staging.is_dir() else ():
            if folder.name not in keys or not (folder / DONE).exists():
                remove(folder)

    @property
    def _versions(self) -> dict[str, str | int]:
        """Return what rows of one dataset have in common."""
        return {
            "rules_version": self.book.version,
            "config_digest": self.request.config.digest,
            "schema_version": VERSION,
        }

    def _folder(self, batch: Batch) -> Place:
        return self._held.staging / batch.key

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
        total = sum(batch.pages for batch in batches)
        progress("clean", 0, total)
        results: list[tuple[Batch, Counts | BatchError]] = []
        with ThreadPoolExecutor(max(1, 2 * request.processes)) as threads:
            waiting = {threads.submit(_tried, engine, batch): batch for batch in batches}
            try:
                for future in as_completed(waiting):
                    results.append((waiting[future], future.result()))
                    progress("clean", sum(batch.pages for batch, _ in results), total)
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
