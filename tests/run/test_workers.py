"""The workers: what fails in one is its batch's fault, tried again as often as asked; after a stop nothing is begun."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from qingwen.errors import BatchError, EndedError, WorkerLostError
from qingwen.run import workers
from qingwen.run.jobs import Job, MineJob, Result
from qingwen.run.workers import Pool, in_this_process, in_threads, windowed

JOB = MineJob((), "out.json")


class Acting(Pool):
    """A pool that answers in this process: each call takes the next of its answers."""

    def __init__(self, *answers: int | BaseException) -> None:
        super().__init__(1)
        self.answers, self.asked = list(answers), 0

    def do(self, context: str, job: Job) -> Result:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_job_that_cannot_be_done_is_tried_again(times: int) -> None:
    pool = Acting(*[BatchError("The disk is full.")] * times, 7)
    assert list(in_threads(pool, 1, 2)("context", [JOB])) == [(0, 7)]


def test_a_job_that_can_never_be_done_comes_back_as_its_fault() -> None:
    pool = Acting(*[BatchError("The disk is full.")] * 5)
    ((n, fault),) = in_threads(pool, 1, 2)("context", [JOB])
    assert (n, str(fault), pool.asked) == (0, "The disk is full.", 3)


@pytest.mark.parametrize("fault", [WorkerLostError("It died twice."), EndedError("The run was ended.")])
def test_a_fault_that_a_second_try_cannot_help_is_not_tried_again(fault: BatchError) -> None:
    pool = Acting(fault, 7)
    assert list(in_threads(pool, 1, 2)("context", [JOB])) == [(0, fault)]
    assert pool.asked == 1


def test_a_fault_of_another_kind_ends_the_work_and_closes_the_pool() -> None:
    pool = Acting(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        list(in_threads(pool, 1, 2)("context", [JOB]))
    with pytest.raises(EndedError):
        Pool.do(pool, "context", JOB)


def test_a_fault_in_a_worker_is_the_batch_s() -> None:
    with Pool(1) as pool, pytest.raises(BatchError, match="the worker cannot read it"):
        pool.do("/nowhere/context.json", JOB)


def test_a_fault_in_this_process_is_the_batch_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(context: str, job: Job) -> Result:
        raise KeyError("nothing")

    monkeypatch.setattr(workers, "perform", broken)
    ((_, fault),) = in_this_process(0, threading.Event())("context", [JOB])
    assert str(fault) == "The batch failed: KeyError: 'nothing'"


def test_after_a_stop_nothing_is_begun() -> None:
    stop = threading.Event()
    stop.set()
    closed = Pool(1)
    closed.close()
    for pool in (Pool(1, stop=stop), closed):
        with pytest.raises(EndedError):
            pool.do("context", JOB)
    ((_, fault),) = in_this_process(2, stop)("context", [JOB])
    assert isinstance(fault, EndedError)


def test_a_job_that_waits_for_a_worker_is_not_begun_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, begun = threading.Event(), threading.Event()
    pool = Pool(1, stop=stop)

    def stopped_meanwhile(executor: object, context: str, job: Job, patience: int) -> Result:
        begun.set()
        stop.wait(10)
        return 7

    monkeypatch.setattr(workers, "_result", stopped_meanwhile)
    monkeypatch.setattr(pool, "_made", lambda workers: None)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(pool.do, "context", JOB)
        begun.wait(10)
        second = threads.submit(pool.do, "context", JOB)
        stop.set()
        assert first.result() == 7
        assert isinstance(second.exception(), EndedError)


def test_never_more_jobs_are_under_way_than_asked() -> None:
    under_way: set[int] = set()
    most = 0

    def submit(n: int, job: str) -> Future[str]:
        nonlocal most
        under_way.add(n)
        most = max(most, len(under_way))
        return threads.submit(job.upper)

    with ThreadPoolExecutor(2) as threads:
        found = {}
        for n, future in windowed(submit, iter("abcdefghij"), 3):
            under_way.discard(n)
            found[n] = future.result()
    assert found == dict(enumerate("ABCDEFGHIJ"))
    assert most == 3
