"""Where the tasks of a flow run: threads that wait for the pool of this machine, or the processes of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

from qingwen.errors import BatchError, EndedError, SetupError, WorkerLostError
from qingwen.run.engine import Engine
from qingwen.run.executor import Executor, windowed
from qingwen.run.request import LOCAL, Request

# What a task returns for a piece of work that was not begun.
ENDED = ""
# More tasks than workers keep every worker busy; more would only wait in the server's queue.
_TASKS_AT_ONCE, _TASKS_ON_CLUSTER = 24, 1_000


def runner_for(request: Request) -> Any:
    """Return the task runner that a request asks for, not yet started.

    Raises:
        SetupError: its package is not installed.
    """
    if request.runner == LOCAL:
        return ThreadPoolTaskRunner(max_workers=_TASKS_AT_ONCE)
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


def as_tasks(engine: Engine, runner: Any, piece: Any) -> Executor:
    """Return what does each piece of work of an engine as a task of a started runner; ``piece`` is the task."""
    request = engine.request
    most = _TASKS_AT_ONCE if request.runner == LOCAL else _TASKS_ON_CLUSTER

    def spread(kind: str, kit: str, jobs: Iterable[str]) -> Iterator[tuple[int, str | BatchError]]:
        task = piece.with_options(name=kind, retries=request.retries)
        stated = {"run": engine.report.run, "kind": kind, "kit": kit}
        try:
            for n, future in windowed(lambda n, job: runner.submit(task, {**stated, "n": n, "job": job}), jobs, most):
                yield n, _outcome(future)
        except BaseException:
            engine.stop()
            raise

    return spread


def _outcome(future: Any) -> str | BatchError:
    try:
        found = future.result(raise_on_failure=False)
        if found == ENDED:
            found = EndedError("The run was ended.")
    except Exception as fault:  # the cluster gave the piece up, as when it killed several workers
        found = WorkerLostError(f"{type(fault).__name__}: {fault}")
    return found if isinstance(found, str | BatchError) else BatchError(f"{type(found).__name__}: {found}")
