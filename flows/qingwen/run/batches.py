"""Clean the batches of a run in workers, and add up what became of them. The life of a batch is `BatchState`."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from qingwen.errors import EndedError, WorkerLostError
from qingwen.read.containers import WHOLE, Share
from qingwen.read.page import Source
from qingwen.run.jobs import CleanJob, Counts, Executor
from qingwen.run.stuck_pages import FailedPages, count_failures, given_up, why_pending, without_stuck_page

# So many stuck pages of one batch are found one after the other, at the price of two workers each; then it fails.
_MOST_STUCK = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the files to clean, or a share of one container.

    ``pages`` is how many they are (of a container a guess by its size); ``key`` a digest of the files and of all that
    they are cleaned with, which names the batch's folder.
    """

    n: int
    pages: int
    key: str
    container: str | None = None
    share: Share = WHOLE


class BatchState(Enum):
    """Where a batch is: PENDING -> IN_FLIGHT -> DONE or FAILED; back to PENDING without a page that killed its worker.

    A run that is asked to stop leaves its pending batches so; the next run takes up the ones that are done.
    """

    PENDING = "pending"
    IN_FLIGHT = "in flight"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True)
class BatchRun:
    """A batch on its way; ``stuck`` says why workers died, by the page or file that it leaves out since."""

    batch: Batch
    state: BatchState = BatchState.PENDING
    job: CleanJob | None = None
    counts: Counts | None = None
    fault: str = ""
    stuck: dict[str, str] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """Return how many pages it holds: of a container that failed a guess."""
        return self.batch.pages if self.counts is None else self.counts.pages + len(self.counts.waiting)


def clean_batches(
    batches: Iterable[Batch],
    job_of: Callable[[Batch], CleanJob],
    execute: Executor,
    context: str,
) -> Iterator[BatchRun]:
    """Yield batches that are done or failed, in no certain order."""
    pending = [BatchRun(batch) for batch in batches]
    while pending:
        turn, pending = pending, []
        for n, result in execute(context, _take_off(turn, job_of)):
            run = turn[n]
            if isinstance(result, Counts):
                run.state, run.counts = BatchState.DONE, result
            elif isinstance(result, EndedError):
                run.state = BatchState.PENDING
                continue
            elif isinstance(result, WorkerLostError) and _leave_out_stuck_page(run, str(result)):
                run.state = BatchState.PENDING
                pending.append(run)
                continue
            else:
                run.state, run.fault = BatchState.FAILED, str(result)
            yield run


def _take_off(turn: Iterable[BatchRun], job_of: Callable[[Batch], CleanJob]) -> Iterator[CleanJob]:
    for run in turn:
        run.job = run.job or job_of(run.batch)
        run.state = BatchState.IN_FLIGHT
        yield run.job


def _leave_out_stuck_page(run: BatchRun, why: str) -> bool:
    """Leave out of a batch the page at which its worker died; tell whether it is known, and was not left out before."""
    changed = without_stuck_page(run.job, why) if run.job and len(run.stuck) < _MOST_STUCK else None
    if changed is None or changed[1] in run.stuck:
        return False
    run.job, page, reason = changed
    run.stuck[page] = reason
    return True


@dataclass(frozen=True, slots=True)
class CleanedBatches:
    """What became of all batches of a run.

    ``keys`` name the folders of part files, ``containers`` are the containers that were looked through, ``failed`` the
    files of batches that failed; ``waiting`` says why other paths are pending; ``jumps`` are shares much higher than
    in the last runs, in words.
    """

    keys: tuple[str, ...]
    containers: frozenset[str]
    counts: Counts
    failed: Mapping[str, Source]
    waiting: Mapping[str, str]
    failed_pages: FailedPages
    faults: tuple[str, ...]
    jumps: tuple[str, ...] = ()

    @property
    def given_up(self) -> int:
        """Return how many paths stay pending, as workers died at them in several runs."""
        return sum(len(page.paths) for page in given_up(self.failed_pages).values())

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to publish."""
        return not (self.keys or self.failed)


def add_up(
    runs: Iterable[BatchRun], before: FailedPages, sources_of: Callable[[Batch], Iterable[Source]]
) -> CleanedBatches:
    """Return what became of batches; ``before`` are the pages at which earlier runs failed."""
    counts, failed, stuck = Counts(), dict[str, Source](), dict[str, str]()
    keys, faults, containers = [], [], set()
    for run in sorted(runs, key=lambda run: run.batch.n):
        stuck |= run.stuck
        if run.batch.container is not None:
            containers.add(run.batch.container)
        if run.counts is not None:
            keys.append(run.batch.key)
            counts.add(run.counts)
        else:
            faults.append(f"batch {run.batch.n}: {run.fault}")
            failed |= {source.path: source for source in sources_of(run.batch)}
    now = count_failures(before, stuck, counts.left_out.items())
    waiting = {**why_pending(counts.left_out, before, now), **counts.unreadable}
    return CleanedBatches(tuple(keys), frozenset(containers), counts, failed, waiting, now, tuple(faults))
