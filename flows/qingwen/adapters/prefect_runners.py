"""Who does the jobs of a flow, each as a task: threads that wait for a local pool, or the processes of a cluster."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

from qingwen.errors import BatchError, EndedError, SetupError, WorkerLostError
from qingwen.run.engine import local_executor
from qingwen.run.jobs import Executor, Job, Result
from qingwen.run.request import INLINE, LOCAL, Request
from qingwen.run.workers import ENDED, Pool, Work, perform, windowed

# More tasks than workers keep every worker busy; more would only wait in the server's queue.
_TASKS_AT_ONCE, _TASKS_ON_CLUSTER = 24, 1_000


@contextmanager
def task_executor(request: Request, stop: threading.Event, piece: Any) -> Iterator[Executor]:
    """Do each job of a run as a task ``piece(work)``; with the runner inline, without tasks.

    Raises:
        SetupError: the package of the runner is not installed.
    """
    if request.runner == INLINE:
        with local_executor(request, stop) as execute:
            yield execute
    elif request.runner == LOCAL:
        # The pool closes first: the runner waits for its threads, and they for the pool.
        threads: Any = ThreadPoolTaskRunner(max_workers=_TASKS_AT_ONCE)
        with (
            threads as runner,
            Pool(request.processes, request.worker_gib, stop, request.page_seconds) as pool,
        ):
            yield _as_tasks(runner, pool.do, piece, request.retries, _TASKS_AT_ONCE)
    else:
        with _cluster_of(request) as runner:
            yield _as_tasks(runner, perform, piece, request.retries, _TASKS_ON_CLUSTER)


def _cluster_of(request: Request) -> Any:
    try:
        return _dask(request) if request.runner == "dask" else _ray(request)
    except ImportError as fault:
        wanted = f"pip install 'qingwen[{request.runner}]'"
        raise SetupError(f"runner {request.runner}: {fault.name} is not installed: {wanted}") from fault


def _dask(request: Request) -> Any:
    from prefect_dask.task_runners import DaskTaskRunner

    if request.cluster:
        return DaskTaskRunner(address=request.cluster)
    # Cleaning keeps the interpreter: threads of one process would wait for one another.
    return DaskTaskRunner(cluster_kwargs={"n_workers": request.processes, "threads_per_worker": 1})


def _ray(request: Request) -> Any:
    from prefect_ray.task_runners import RayTaskRunner

    return RayTaskRunner(request.cluster, None if request.cluster else {"num_cpus": request.processes})


def _as_tasks(runner: Any, work: Work, piece: Any, retries: int, most: int) -> Executor:
    def execute(context: str, jobs: Iterable[Job]) -> Iterator[tuple[int, Result | BatchError]]:
        def submit(n: int, job: Job) -> Any:
            task = piece.with_options(name=job.kind, task_run_name=f"{job.kind}-{n}", retries=retries)
            # As a call, the job is closed to Prefect, which would look through every file of it.
            return runner.submit(task, {"work": partial(work, context, job)})

        for n, future in windowed(submit, jobs, most):
            yield n, _result_of(future)

    return execute


def _result_of(future: Any) -> Result | BatchError:
    try:
        result = future.result(raise_on_failure=False)
    except Exception as fault:  # the cluster gave the job up, as when it killed several workers
        return WorkerLostError(f"{type(fault).__name__}: {fault}")
    if result is None:
        return EndedError(ENDED)
    if isinstance(result, Result | BatchError):
        return result
    return BatchError(f"{type(result).__name__}: {result}")
