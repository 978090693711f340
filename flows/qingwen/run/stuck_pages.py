"""Pages at which workers die: found by what the dead left behind, left out of their batch, tried again by later runs.

A page that hangs its worker, or needs more memory than it has, is pending, like all that a machine cannot do now. In
how many runs it was tried is counted, by its bytes; after `MOST_TRIES` it is left alone, until it changes, or a run
verifies or rebuilds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace

from qingwen.dataset.location import Location
from qingwen.errors import BatchError, WorkerLostError
from qingwen.read.page import Source
from qingwen.run.clean_batch import Job
from qingwen.run.plan import Batch
from qingwen.run.report import Counts, RunReport
from qingwen.run.watchdog import READING, last_seen

TRIES = "tries.json"
MOST_TRIES = 3
# So many pages of one batch are found one after the other, each for the price of two workers; then it is pending.
_MOST_FOUND = 20

# So many pending paths stand in the manifest; the table sources names all.
_NAMED = 1_000

Clean = Callable[[Iterable[str]], Iterator[tuple[int, str | BatchError]]]
"""Does jobs of cleaning anywhere; yields the number of each with its counts as JSON, or the fault."""


@dataclass(slots=True)
class FailedPage:
    """A page, or a file that cannot be read on, at which workers died: in how many runs, why, and where it stands."""

    tries: int
    why: str
    paths: list[str] = field(default_factory=list)


FailedPages = dict[str, FailedPage]
"""By a page's id; by its path, a file that cannot be read on."""


@dataclass(slots=True)
class Outcome:
    """A batch, what became of it, and why workers died at what it had to leave out: by page, or by file."""

    batch: Batch
    job: Job | None = None
    result: Counts | BatchError | None = None
    found: dict[str, str] = field(default_factory=dict)


def clean_all(batches: Iterable[Batch], job_of: Callable[[Batch], Job | None], clean: Clean) -> Iterator[Outcome]:
    """Clean batches, in no certain order; a batch with a page at which workers die is cleaned again without it.

    ``job_of`` makes a batch's job, or None once no more is to be begun.
    """
    turns = [Outcome(batch) for batch in batches]
    while turns:
        again = []
        for n, said in clean(_jobs(turns, job_of)):
            turn = turns[n]
            if isinstance(said, WorkerLostError) and _leave_out(turn, str(said)):
                again.append(turn)
                continue
            turn.result = said if isinstance(said, BatchError) else Counts.from_json(said)
            yield turn
        turns = again


def _jobs(turns: Iterable[Outcome], job_of: Callable[[Batch], Job | None]) -> Iterator[str]:
    for turn in turns:
        turn.job = turn.job or job_of(turn.batch)
        if turn.job is None:
            return
        yield turn.job.to_json()


def _leave_out(turn: Outcome, why: str) -> bool:
    """Leave out of a batch what its worker died at; tell whether that is known, and not left out already."""
    job = turn.job
    seen = last_seen(job.watch) if job is not None and job.watch else None
    if job is None or seen is None or len(turn.found) >= _MOST_FOUND:
        return False
    files = [source.path for source in job.sources]
    if seen.doing == READING and seen.path not in files:
        # A container is read through item by item: behind this one it cannot be.
        left, changed = files[0], replace(job, until=seen.path)
    else:
        left = seen.path if seen.doing == READING else seen.page
        changed = replace(job, leave_out=job.leave_out | {left})
    if left in turn.found:
        return False
    turn.found[left] = f"It took too long, in {seen.where}." if seen.where else why
    turn.job = changed
    return True


def load_tries(state: Location) -> FailedPages:
    """Return what earlier runs of a dataset tried in vain."""
    stated = json.loads((state / TRIES).read_text("utf-8")) if (state / TRIES).exists() else {}
    return {key: FailedPage(**tried) for key, tried in stated.items()}


def told_tries(tries: FailedPages, state: Location) -> dict[str, str]:
    """Return the file that `load_tries` reads, by its name; none where nothing was tried in vain, now or before."""
    if not tries and not (state / TRIES).exists():
        return {}
    stated = {key: asdict(tried) for key, tried in sorted(tries.items())}
    return {TRIES: json.dumps(stated, ensure_ascii=False, indent=1)}


def given_up(tries: FailedPages) -> dict[str, FailedPage]:
    """Return what is not tried any more."""
    return {key: tried for key, tried in tries.items() if tried.tries >= MOST_TRIES}


def counted(before: FailedPages, outcomes: Iterable[Outcome]) -> FailedPages:
    """Return the tries with a run's counted in."""
    found: dict[str, str] = {}
    paths: dict[str, set[str]] = {}
    for outcome in outcomes:
        found.update(outcome.found)
        left = outcome.result.left_out if isinstance(outcome.result, Counts) else {}
        for path, page in left.items():
            paths.setdefault(page or path, set()).add(path)
    tries = dict(before)
    for key in (*paths, *found):
        known = before.get(key, FailedPage(0, ""))
        tries[key] = FailedPage(
            known.tries + (key in found),
            found.get(key, known.why),
            sorted({*known.paths, *paths.get(key, ())}),
        )
    return tries


def tally(
    outcomes: Iterable[Outcome], before: FailedPages, sources_of: Callable[[Batch], Iterable[Source]], report: RunReport
) -> tuple[dict[str, Source], FailedPages]:
    """Count outcomes into a report; return the files of the batches that failed, by path, and the tries of now."""
    outcomes = list(outcomes)
    failed: dict[str, Source] = {}
    for outcome in outcomes:
        if isinstance(outcome.result, Counts):
            report.counts.add(outcome.result)
        else:
            report.faults.append(f"batch {outcome.batch.n}: {outcome.result}")
            failed.update((source.path, source) for source in sources_of(outcome.batch))
    tries = counted(before, outcomes)
    waiting = {**_waiting(report.counts.left_out, before, tries), **report.counts.unreadable}
    report.pending, report.pending_paths = len(failed) + len(waiting), [*failed, *waiting][:_NAMED]
    report.faults += [f"{path}: {why}" for path, why in waiting.items()][:_NAMED]
    report.given_up = sum(len(tried.paths) for tried in given_up(tries).values())
    return failed, tries


def _waiting(left_out: Mapping[str, str], before: FailedPages, now: FailedPages) -> dict[str, str]:
    """Return why each path that a run left out is pending, but those that are left alone for what was tried before."""
    alone = given_up(before)
    keys = {path: page or path for path, page in left_out.items() if (page or path) not in alone}
    return {path: f"{now[key].why} (try {now[key].tries} of {MOST_TRIES})" for path, key in keys.items()}
