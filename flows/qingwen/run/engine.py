"""The engine of many pages: find what is new, survey, clean in batches, near duplicates, publish, report.

Each step is a function that takes what it needs and returns what the next one takes. `run` calls them in a row;
``flow.py`` calls the same ones as Prefect tasks.
"""

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata
from itertools import takewhile
from pathlib import Path

from qingwen.dataset import delta
from qingwen.dataset.dataset import new_name
from qingwen.dataset.layout import clear_staging
from qingwen.dataset.location import Location, is_local, location_of
from qingwen.dataset.part_files import is_whole
from qingwen.dataset.progress import Progress, silent
from qingwen.dataset.schema import DUPLICATES
from qingwen.errors import BatchError, EndedError
from qingwen.read.containers import is_container
from qingwen.read.inputs import find_sources
from qingwen.read.page import Source
from qingwen.rules.book import RuleBook
from qingwen.rules.site_book import SITES, SiteBook, load_sites
from qingwen.rules.takedowns import FORGOTTEN, Forgotten, load_forgotten
from qingwen.run.batches import Batch, BatchRun, CleanedBatches, add_up, clean_batches
from qingwen.run.drift import check_jumps
from qingwen.run.jobs import CleanJob, Executor, Job, Result, WorkerContext, write_context
from qingwen.run.near_duplicates import cluster
from qingwen.run.plan import NewPages, find_new_pages
from qingwen.run.publish import Commit, Merged, OpenDataset, merge, next_number, open_dataset
from qingwen.run.publish import publish as commit_merged
from qingwen.run.report import RunReport, write_card, write_manifest
from qingwen.run.request import INLINE, LOCAL, MONTH, Request, check_request, row_versions
from qingwen.run.stuck_pages import FailedPages, failed_pages_file, given_up, load_failed_pages
from qingwen.run.survey import choose_sample, survey_sites
from qingwen.run.workers import ENDED, Pool, in_this_process, in_threads

_PACKAGES = ("qingwen", "pyarrow", "deltalake", "beautifulsoup4", "opencc-python-reimplemented", "prefect")
# So many pending paths are named in the manifest; the table sources names all.
_NAMED = 1_000


@dataclass(frozen=True)
class Run:
    """A run under way: the request, its rules, the dataset that it holds. The clock alone changes: seconds by stage.

    Once ``stop`` is set, the run ends as soon as the batches under way are done. One that publishes goes on to its end.
    """

    name: str
    request: Request
    book: RuleBook
    dataset: OpenDataset
    progress: Progress
    stop: threading.Event
    clock: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Note how long a stage takes."""
        started = time.monotonic()
        yield
        self.clock[stage] = round(time.monotonic() - started, 3)

    def check(self) -> None:
        """Raise an `EndedError` where the run is asked to stop, before it cleans."""
        if self.stop.is_set():
            raise EndedError(ENDED)

    def until_stopped(self, execute: Executor) -> Executor:
        """Return an executor that begins no more jobs once the run is asked to stop."""

        def stoppable(context: str, jobs: Iterable[Job]) -> Iterator[tuple[int, Result | BatchError]]:
            return execute(context, takewhile(lambda _: not self.stop.is_set(), jobs))

        return stoppable

    @property
    def staging(self) -> Location:
        """Return the staging folder by a name that holds wherever a worker runs."""
        staging = self.dataset.staging
        return staging.absolute() if is_local(staging) else staging

    def write_context(self, sites: SiteBook, forgotten: Forgotten) -> str:
        """Write the context of the run's workers; return its file."""
        # The watchdog ends its process; an inline run has no other process.
        seconds = 0 if self.request.runner == INLINE else self.request.page_seconds
        context = WorkerContext(self.request.config, self.book, sites, forgotten, page_seconds=seconds)
        return str(write_context(context, self.request.rules, self.staging))


def run(request: Request, progress: Progress = silent, stop: threading.Event | None = None) -> RunReport:
    """Run the engine bare, as ``qingwen clean --no-prefect`` does. Set ``stop`` to end the run early.

    Raises:
        SetupError: rules, configuration or inputs are wrong, or the dataset was made with others; nothing was touched.
        PublishError: another run holds the dataset, or this run is too unlike the last ones to be published.
        EndedError: the run was stopped; what is cleaned is kept for the next one.
        BatchError: the machine failed under the run.
    """
    with open_run(request, progress, stop) as run, local_executor(request, run.stop) as execute:
        new = find_new(run)
        sites = survey(run, new, execute)
        cleaned = clean(run, new, sites, execute)
        merged = near_duplicates(run, cleaned)
        commits = publish(run, sites, cleaned, merged)
        return report(run, new, sites, cleaned, merged, commits)


@contextmanager
def open_run(request: Request, progress: Progress = silent, stop: threading.Event | None = None) -> Iterator[Run]:
    """Check a request and hold its dataset for a run. Raises as `run` does."""
    book, path = check_request(request), location_of(request.output)
    with open_dataset(path) as dataset:
        yield Run(new_name(path), request, book, dataset, progress, stop or threading.Event())


@contextmanager
def local_executor(request: Request, stop: threading.Event) -> Iterator[Executor]:
    """Do jobs on this machine: in a pool of workers or, with the runner inline, in this process."""
    if request.runner == INLINE:
        yield in_this_process(request.retries, stop)
    else:
        with Pool(request.processes, request.worker_gib, stop, request.page_seconds) as pool:
            yield in_threads(pool, request.processes, request.retries)


def find_new(run: Run) -> NewPages:
    """Compare the inputs with what the dataset holds; return what is new, changed or pending."""

    def sources() -> Iterator[Source]:
        for source in find_sources(run.request.inputs):
            run.check()
            yield source

    with run.timed("find"):
        alone = {path for page in given_up(_failed_pages(run)).values() for path in page.paths}
        new = find_new_pages(run.dataset.database, run.dataset.path, run.request, sources(), alone, run.check)
    run.check()
    return new


def survey(run: Run, new: NewPages, execute: Executor) -> SiteBook:
    """Learn what recurs on the sites of new pages; return the SiteBook.

    Sites that the dataset's book knows keep their entries (``rebuild``: all are learned again). A run too small to
    teach anything skips the survey.
    """
    with run.timed("survey"):
        config = run.request.config
        known = SiteBook() if run.request.rebuild else load_sites(run.dataset.state / SITES)
        sample = choose_sample(new, config)
        holds_many = any(is_container(file.source.path) for file in sample)
        if holds_many or len(sample) >= max(1, config.min_site_pages):
            context, stoppable = run.write_context(known, Forgotten()), run.until_stopped(execute)
            known = known.joined(survey_sites(sample, stoppable, context, run.staging / "survey", run.progress))
    run.check()
    return known


def clean(run: Run, new: NewPages, sites: SiteBook, execute: Executor) -> CleanedBatches:
    """Clean the new pages in batches, in workers; a batch that fails leaves its pages pending.

    Raises:
        EndedError: the run was stopped before all batches were cleaned.
        PublishError: shares are much higher than in the last runs, and the request does not accept that.
    """
    with run.timed("clean"):
        forgotten = load_forgotten(run.dataset.state / FORGOTTEN)
        batches = _plan(run, new, sites, forgotten)
        context = run.write_context(sites, forgotten) if batches else ""
        failed_pages = _failed_pages(run)
        total, done, ended = sum(batch.pages for batch in batches), 0, list[BatchRun]()
        run.progress("clean", 0, total)
        with _watch_folder(run) as watches:
            job_of = _jobs_of(run, new, watches, {key: page.paths for key, page in given_up(failed_pages).items()})
            for batch_run in clean_batches(batches, job_of, run.until_stopped(execute), context):
                ended.append(batch_run)
                # How many pages a container holds is a guess until it is cleaned.
                pages = batch_run.pages
                total += pages - batch_run.batch.pages
                done += pages
                run.progress("clean", done, total)
    if run.stop.is_set() and len(ended) < len(batches):
        raise EndedError(
            f"{len(ended)} of {len(batches)} batches are cleaned and kept, nothing was published. "
            "The dataset is as it was; run again to go on."
        )
    cleaned = add_up(ended, failed_pages, new.sources_of)
    jumps = () if cleaned.is_empty else check_jumps(run.dataset.path, cleaned.counts, accept=run.request.accept)
    return replace(cleaned, jumps=tuple(jumps))


def near_duplicates(run: Run, cleaned: CleanedBatches) -> Merged | None:
    """Merge what was cleaned with what the dataset holds, and cluster near duplicates; None: nothing to publish."""
    if cleaned.is_empty:
        return None
    run.progress("publish", 0, 0)
    with run.timed("near duplicates"):
        rebuild = run.request.rebuild
        merged = merge(run.dataset, cleaned.keys, cleaned.failed.values(), cleaned.containers, rebuild=rebuild)
        cluster(run.dataset.database, run.request.config.min_similarity)
    return merged


def publish(run: Run, sites: SiteBook, cleaned: CleanedBatches, merged: Merged | None) -> Mapping[str, int]:
    """Commit what was merged; return the version of each table, empty where nothing is to be published."""
    if merged is None:
        return {}
    texts = {SITES: sites.to_json(), **failed_pages_file(cleaned.failed_pages, run.dataset.state)}
    with run.timed("publish"):
        commit = Commit(
            number=next_number(run.dataset.path),
            run=run.name,
            beside=tuple(sorted(texts)),
            min_similarity=run.request.config.min_similarity,
            rebuild=run.request.rebuild,
            by_month=run.request.partition_by == MONTH,
            **row_versions(run.book, run.request.config),
        )
        return commit_merged(run.dataset, commit, texts)


def report(
    run: Run,
    new: NewPages,
    sites: SiteBook,
    cleaned: CleanedBatches,
    merged: Merged | None,
    commits: Mapping[str, int],
) -> RunReport:
    """Return the run's report; where something was published, write the manifest and the dataset card too."""
    request, dataset = run.request, run.dataset.path
    counts = cleaned.counts
    if merged is not None:
        counts = counts.without_copies(merged.copied_records, merged.copied_rejections)
    clusters = delta.read(dataset, "duplicates", ("kind", "duplicate_of")) if merged else DUPLICATES.empty_table()
    pending = [*cleaned.failed, *cleaned.waiting]
    waiting = [f"{path}: {why}" for path, why in cleaned.waiting.items()]
    made = RunReport(
        run.name,
        request.output,
        run.book.version,
        request.config.digest,
        inputs=new.inputs,
        unchanged=new.unchanged,
        pending=len(pending),
        pending_paths=pending[:_NAMED],
        given_up=cleaned.given_up,
        withdrawn=merged.withdrawn if merged else 0,
        duplicates=clusters.num_rows,
        repeats=Counter(kind for kind, first in zip(*clusters.to_pydict().values(), strict=True) if first is not None),
        rebuilt=request.rebuild and any(commits.values()),
        sites=len(sites.sites),
        sites_digest=sites.digest,
        counts=counts,
        faults=[*cleaned.faults, *waiting[:_NAMED]],
        jumps=list(cleaned.jumps),
        commits=dict(commits),
        finished_earlier=run.dataset.finished_earlier,
    )
    if merged is None:
        return made
    made = replace(
        made,
        inputs_digest=new.inputs_digest(),
        versions={name: metadata.version(name) for name in _PACKAGES},
        seconds={**run.clock, "total": round(time.monotonic() - run.started, 3)},
    )
    write_card(dataset, made, masked=request.config.mask_personal_data)
    write_manifest(dataset, made)
    return made


def _failed_pages(run: Run) -> FailedPages:
    return {} if run.request.rebuild or run.request.verify else load_failed_pages(run.dataset.state)


def _plan(run: Run, new: NewPages, sites: SiteBook, forgotten: Forgotten) -> tuple[Batch, ...]:
    """Return the batches to clean; staged parts of other batches are removed."""
    versions = [f"{name} {value}" for name, value in row_versions(run.book, run.request.config).items()]
    versions += [f"sites {sites.digest}", f"forgotten {forgotten.digest}"]
    batches = new.batches(run.request.processes, run.request.batch_pages, versions)
    keys, staging = {batch.key for batch in batches}, run.dataset.staging
    clear_staging(staging, frozenset(key for key in keys if is_whole(staging / key)))
    return batches


def _jobs_of(
    run: Run, new: NewPages, watches: Path | Location | None, given_up: Mapping[str, list[str]]
) -> Callable[[Batch], CleanJob]:
    """Return what makes the job of a batch. A given-up page is left out; a given-up file is not among the new ones."""
    leave_out = frozenset(key for key, paths in given_up.items() if key not in paths)

    def job_of(batch: Batch) -> CleanJob:
        known = None
        if batch.container is not None and not run.request.rebuild:
            name = f"{batch.key}.known"
            if new.write_known(batch.container, run.dataset.staging / name):
                known = str(run.staging / name)
        return CleanJob(
            new.sources_of(batch),
            str(run.staging / batch.key),
            batch.share,
            known=known,
            watch=str(watches / f"{batch.key}.at") if watches else None,
            leave_out=leave_out,
        )

    return job_of


@contextmanager
def _watch_folder(run: Run) -> Iterator[Path | Location | None]:
    """Hold a folder that the workers can write quickly, byte by byte; a cluster has none beside a store."""
    if is_local(run.staging):
        yield run.staging
    elif run.request.runner in (LOCAL, INLINE):
        with tempfile.TemporaryDirectory(prefix="qingwen-") as folder:
            yield Path(folder)
    else:
        yield None
