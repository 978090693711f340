"""The pool: what fails in a worker is told as the batch's fault, and tried again as often as asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from qingwen.errors import BatchError, EndedError, WorkerLostError
from qingwen.run.workers import Pool, in_threads


class Acting(Pool):
    """A pool that answers in this process: each call takes the next of its answers."""

    def __init__(self, *answers: str | BaseException) -> None:
        super().__init__(1)
        self.answers, self.asked = list(answers), 0

    def do(self, kind: str, kit: str, job: str) -> str:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_piece_that_cannot_be_done_is_tried_again(times: int) -> None:
    pool = Acting(*[BatchError("The disk is full.")] * times, "done")
    assert list(in_threads(pool, 1, 2)("clean-batch", "kit", ["job"])) == [(0, "done")]


def test_a_piece_that_can_never_be_done_comes_back_as_its_fault() -> None:
    pool = Acting(*[BatchError("The disk is full.")] * 5)
    ((n, fault),) = in_threads(pool, 1, 2)("clean-batch", "kit", ["job"])
    assert (n, str(fault), pool.asked) == (0, "The disk is full.", 3)


@pytest.mark.parametrize("fault", [WorkerLostError("It died twice."), EndedError("The run was ended.")])
def test_what_a_second_try_cannot_help_is_not_tried_again(fault: BatchError) -> None:
    pool = Acting(fault, "done")
    assert list(in_threads(pool, 1, 2)("clean-batch", "kit", ["job"])) == [(0, fault)]
    assert pool.asked == 1


def test_a_fault_of_another_kind_ends_the_work_and_closes_the_pool() -> None:
    pool = Acting(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        list(in_threads(pool, 1, 2)("clean-batch", "kit", ["job"]))
    with pytest.raises(EndedError):
        Pool.do(pool, "clean-batch", "kit", "job")


@pytest.mark.parametrize(
    ("kind", "says"),
    [("no-such-kind", "The batch failed: KeyError: 'no-such-kind'"), ("clean-batch", "the worker cannot read it")],
)
def test_what_fails_in_a_worker_is_the_batch_s_fault(kind: str, says: str) -> None:
    pool = Pool(1)
    try:
        with pytest.raises(BatchError, match=says):
            pool.do(kind, "/nowhere/kit.json", "{}")
    finally:
        pool.close()


@pytest.mark.parametrize("end", [Pool.finish, Pool.close])
def test_a_pool_that_ended_begins_nothing(end: Callable[[Pool], None]) -> None:
    pool = Pool(1)
    end(pool)
    with pytest.raises(EndedError):
        pool.do("clean-batch", "kit", "job")
