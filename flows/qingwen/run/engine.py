"""The engine of many pages, without Prefect: plan, clean in parallel, publish, report.

`Engine` holds a dataset for one run; ``flow.py`` wraps its methods as tasks and `run` calls them bare.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import TracebackType

from qingwen.dataset import delta
from qingwen.dataset.dataset import new_name
from qingwen.dataset.location import Location, is_local, location_of, remove
from qingwen.dataset.part_files import DONE
from qingwen.dataset.progress import Progress, silent
from qingwen.errors import BatchError, EndedError
from qingwen.read.containers import is_container
from qingwen.read.inputs import find_sources
from qingwen.rules.site_book import SiteBook, load_sites
from qingwen.rules.takedowns import FORGOTTEN, Forgotten, load_forgotten
from qingwen.run.card import write_card, write_manifest
from qingwen.run.clean_batch import Job
from qingwen.run.drift import check_jumps
from qingwen.run.executor import CLEAN, CONNECT, Executor
from qingwen.run.near_duplicates import connect_file
from qingwen.run.open_dataset import OpenDataset
from qingwen.run.plan import Batch, Plan
from qingwen.run.report import Counts, RunReport
from qingwen.run.request import INLINE, LOCAL, MONTH, Request, check_request, row_versions
from qingwen.run.stuck_pages import FailedPages, Outcome, clean_all, given_up, load_tries, tally, told_tries
from qingwen.run.survey import choose_sample, mined_sites
from qingwen.run.worker_context import WorkerContext, write_context
from qingwen.run.workers import Pool, in_this_process, in_threads

SITES = "sites.json"
_PACKAGES = ("qingwen", "pyarrow", "deltalake", "beautifulsoup4", "opencc-python-reimplemented", "prefect")

_running: dict[str, Engine] = {}


def end_runs() -> bool:
    """Ask the runs of this process to end with what is under way; tell whether there are such, and they will."""
    return bool(_running) and all(engine.end() for engine in list(_running.values()))


def engine_of(run: str) -> Engine | None:
    """Return the engine that is under way in this process by the name of its run, or None."""
    return _running.get(run)


class Engine:
    """A dataset held for one run. Use as a context: entering checks and locks, leaving ends the workers.

    ``spread`` does the work of its workers: in ``pool``, unless another is set.

    Raises:
        SetupError: rules, configuration or inputs are wrong, or the dataset was made with others; nothing was touched.
        PublishError: another run holds the dataset, or what was cleaned is too unlike the last runs to be published.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.dataset = location_of(request.output)
        self.book = check_request(request)
        self.batches: tuple[Batch, ...] = ()
        self.book_of_sites = SiteBook()
        self._outcomes: list[Outcome] = []
        self._tries: FailedPages = {}
        self._stack = ExitStack()
        self._stage, self._ending = "", False
        self._started = time.monotonic()
        self._held = OpenDataset(self.dataset)
        self.pool = Pool(request.processes, int(request.worker_gib * (1 << 30)))
        self.spread: Executor = (
            in_this_process(request.retries)
            if request.runner == INLINE
            else in_threads(self.pool, request.processes, request.retries)
        )
        self.report = RunReport(new_name(self.dataset), request.output, self.book.version, request.config.digest)

    def __enter__(self) -> Engine:
        self._held.__enter__()
        self.report.finished_earlier = self._held.finished_earlier
        self._tries = {} if self.request.rebuild or self.request.verify else load_tries(self._held.state)
        self._plan = Plan(self._held.database)
        _running[self.report.run] = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del _running[self.report.run]
        self.stop()
        self._stack.close()
        self._held.__exit__(kind, fault, trace)

    def stop(self) -> None:
        """End the workers at once; what they have staged is taken up by the next run."""
        self.pool.close()

    def end(self) -> bool:
        """Begin no more batches, and publish nothing, once those under way are done; tell whether this will be so.

        A run that publishes goes on to its end. One that has cleaned nothing yet can only be stopped.
        """
        self._ending = True
        if self._stage == "clean":
            self.pool.finish()
        return self._stage in ("clean", "publish")

    def survey(self, progress: Progress = silent) -> SiteBook:
        """Look for what recurs on a site, through what is new or changed (``rebuild``: all inputs, and all known ones).

        Sites that the dataset's book knows keep their entries. A run too small to teach anything skips the survey.
        """
        with self._timed("survey"):
            request, report = self.request, self.report
            self._plan.take(find_sources(request.inputs))
            report.inputs = self._plan.compare(
                self.dataset,
                request.config,
                everything=request.rebuild,
                verify=request.verify,
                given_up={path for tried in given_up(self._tries).values() for path in tried.paths},
            )
            report.unchanged = report.inputs - len(self._plan)
            known = SiteBook() if request.rebuild else load_sites(self._held.state / SITES)
            sample = choose_sample(self._plan, request.config)
            holds_many = any(is_container(one.source.path) for one in sample)
            if holds_many or len(sample) >= max(1, request.config.min_site_pages):
                kit, folder = self._kit(known, Forgotten()), self._shared / "survey"
                known = known.joined(mined_sites(sample, self.spread, kit, folder, progress))
            self.book_of_sites = known
            report.sites = len(known.sites)
            report.sites_digest = known.digest
        return known

    def plan(self) -> tuple[Batch, ...]:
        """Return the batches to clean, of what the survey looked through."""
        with self._timed("plan"):
            versions = [f"{name} {value}" for name, value in row_versions(self.book, self.request.config).items()]
            forgotten = load_forgotten(self._held.state / FORGOTTEN)
            versions += [f"sites {self.book_of_sites.digest}", f"forgotten {forgotten.digest}"]
            self.batches = self._plan.cut(self.request.processes, self.request.batch_pages, versions)
            self._sweep({batch.key for batch in self.batches})
            self._cleaned_with = self._kit(self.book_of_sites, forgotten) if self.batches else ""
        return self.batches

    def clean(self, progress: Progress = silent) -> None:
        """Clean the batches in workers, whatever becomes of each: `publish` says it."""
        with self._timed("clean"):
            total, done = sum(batch.pages for batch in self.batches), 0
            progress("clean", 0, total)
            watches = self._watches()
            for outcome in clean_all(
                self.batches,
                lambda batch: None if self._ending else self._job(batch, watches),
                lambda jobs: self.spread(CLEAN, self._cleaned_with, jobs),
            ):
                if isinstance(outcome.result, EndedError):
                    continue
                self._outcomes.append(outcome)
                done += outcome.batch.pages
                progress("clean", done, total)
        if self._ending and len(self._outcomes) < len(self.batches):
            raise EndedError(
                f"{len(self._outcomes)} of {len(self.batches)} batches are cleaned and kept, nothing was published. "
                "The dataset is as it was; run again to go on."
            )

    def _job(self, batch: Batch, watches: Path | Location | None) -> Job:
        known = self._held.staging / f"{batch.key}.known"
        job = Job(
            self._plan.sources_of(batch),
            str(self._shared / batch.key),
            batch.share,
            watch=str(watches / f"{batch.key}.at") if watches else None,
            leave_out=frozenset(key for key, tried in given_up(self._tries).items() if key not in tried.paths),
        )
        if batch.container is not None and not self.request.rebuild and self._plan.write_known(batch, known):
            job = replace(job, known=str(self._shared / known.name))
        return job

    def _watches(self) -> Path | Location | None:
        """Return a folder that the workers can write quickly, byte by byte; a cluster sees none beside a store."""
        if is_local(self._shared):
            return self._shared
        if self.request.runner not in (LOCAL, INLINE):
            return None
        return Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="qingwen-")))

    def publish(self) -> RunReport:
        """Commit what the batches made; the pages of a failed batch are pending. Nothing to say: nothing is written."""
        report, outcomes = self.report, sorted(self._outcomes, key=lambda outcome: outcome.batch.n)
        done = [outcome.batch for outcome in outcomes if isinstance(outcome.result, Counts)]
        failed, tries = tally(outcomes, self._tries, self._plan.sources_of, report)
        if not (done or failed):
            return report
        report.jumps = check_jumps(self.dataset, report.counts, accept=self.request.accept)
        with self._timed("publish"):
            folders = [self._held.staging / batch.key for batch in done]
            prepared, report.commits = self._held.publish(
                report.run,
                folders,
                failed.values(),
                row_versions(self.book, self.request.config),
                {SITES: self.book_of_sites.to_json(), **told_tries(tries, self._held.state)},
                min_similarity=self.request.config.min_similarity,
                rebuild=self.request.rebuild,
                by_month=self.request.partition_by == MONTH,
                connect=self._connect,
            )
            report.withdrawn = prepared.withdrawn
            report.counts.leave_out(prepared.records, prepared.rejections)
            report.duplicates = len(delta.read(self.dataset, "duplicates", ("id",)))
        self._report()
        return report

    def _connect(self, jobs: Iterable[str]) -> None:
        stated = list(jobs)
        for n, result in self.spread(CONNECT, self._cleaned_with, stated):
            if isinstance(result, BatchError):
                connect_file(**json.loads(stated[n]))

    def _report(self) -> None:
        self.report.inputs_digest = self._plan.digest()
        self.report.versions = {name: metadata.version(name) for name in _PACKAGES}
        self.report.seconds["total"] = round(time.monotonic() - self._started, 3)
        write_card(self.dataset, self.report, masked=self.request.config.mask_personal_data)
        write_manifest(self.dataset, self.report)

    def _sweep(self, keys: set[str]) -> None:
        """Drop staged parts that no batch of this run will take up."""
        for folder in self._held.staging.iterdir() if self._held.staging.is_dir() else ():
            if folder.name not in keys or not (folder / DONE).exists():
                remove(folder)

    @property
    def _shared(self) -> Location:
        """Return the staging folder by a name that holds wherever a worker runs."""
        staging = self._held.staging
        return staging.absolute() if is_local(staging) else staging

    def _kit(self, sites: SiteBook, forgotten: Forgotten) -> str:
        request = self.request
        # The watchdog ends its process: this one is not to be ended.
        seconds = 0 if request.runner == INLINE else request.page_seconds
        kit = WorkerContext(request.config, self.book, sites, forgotten, page_seconds=seconds)
        return str(write_context(kit, request.rules, self._shared))

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started, self._stage = time.monotonic(), stage
        yield
        self.report.seconds[stage] = round(time.monotonic() - started, 3)


def run(request: Request, progress: Progress = silent) -> RunReport:
    """Run the engine bare: what ``qingwen clean --no-prefect`` does."""
    with Engine(request) as engine:
        engine.survey(progress)
        engine.plan()
        engine.clean(progress)
        progress("publish", 0, 0)
        return engine.publish()
