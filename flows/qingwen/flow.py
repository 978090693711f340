"""The Prefect flow: the steps of ``run/engine.py`` as tasks. Prefect is imported here and in adapters/ alone.

Each job of the workers is a task too. A local runner's tasks are threads that wait for one pool of worker processes;
those of a Dask or Ray cluster do the same work in its processes. Only names and counts go between processes.
"""

# Annotations stay types here: Prefect makes the server's form from those of the flow.
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from httpx import HTTPError
from prefect import flow, runtime, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import flow_run_logger
from prefect.schedules import Cron, Schedule
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)
from prefect.states import Cancelled, Completed
from prefect.types.entrypoint import EntrypointType
from prefect.utilities.annotations import quote

from qingwen.adapters.prefect_artifacts import FAILED, announce, announce_new, emit, make_artifacts, with_artifact
from qingwen.adapters.prefect_options import Options, to_parameters, to_request
from qingwen.adapters.prefect_runners import task_executor
from qingwen.dataset.location import identity
from qingwen.dataset.progress import Progress, silent
from qingwen.errors import BatchError, EndedError, PublishError, SetupError, WorkerLostError
from qingwen.run import engine
from qingwen.run.jobs import Result
from qingwen.run.report import RunReport
from qingwen.run.request import INLINE, LOCAL, Request

TAG = "qingwen"
# The tag that says which dataset a deployment feeds.
_OF_DATASET = "qingwen.dataset."
_DEFAULTS = Options()
# How long a server that is starting may take to answer.
_SERVER_SECONDS = 60
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass
class _Caller:
    """Who runs the flow in this process: where it reports to, what stops it, whether it began, what came of it.

    ``on_terminate`` handles SIGTERM in the place of Prefect, which would break the run off.
    """

    progress: Progress = silent
    stop: threading.Event = field(default_factory=threading.Event)
    on_terminate: Any = None
    began: bool = False
    report: RunReport | None = None


# The one thing that is not passed as an argument: a flow's parameters are JSON. To a cluster flow and tasks go by
# value, with what they name: so they name functions, never this variable.
_caller: ContextVar[_Caller] = ContextVar("caller")


def _begin() -> _Caller:
    """Return who runs the flow; a deployment's run has nobody to report to, and Prefect stops it."""
    caller = _caller.get(_Caller())
    caller.began = True
    if caller.on_terminate is not None:
        signal.signal(signal.SIGTERM, caller.on_terminate)
    return caller


def _run_name() -> str:
    stated = runtime.flow_run.parameters
    inputs = [str(one) for one in stated.get("inputs", ())]
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    return f"{inputs[0] if inputs else 'nothing'}{more} -> {stated.get('output')}"


def _report_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Say that a run failed, and that nothing is lost."""
    logger = flow_run_logger(flow_run, flow)
    logger.error("%s The dataset is as it was; a run with the same parameters goes on.", state.message)
    emit(FAILED, str(flow_run.parameters.get("output")), state=state.name, message=state.message)


def _step(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Make a step of the engine a task. Values pass as they are; quoted, Prefect does not look through each of them."""
    made: Any = task(name=function.__name__.replace("_", "-"), cache_policy=NO_CACHE, persist_result=False)(function)

    @wraps(function)
    def step(*args: _P.args, **named: _P.kwargs) -> _T:
        result: _T = made(*map(quote, args), **named)
        return result

    return step


# Survey and clean are many tasks, one a job. They are no tasks themselves: a cluster would be sent all that those hold.
find_new = _step(engine.find_new)
near_duplicates = _step(engine.near_duplicates)
publish = _step(engine.publish)
report = _step(engine.report)


@flow(
    name="clean-news",
    flow_run_name=_run_name,
    persist_result=False,
    on_failure=[_report_failure],
    on_crashed=[_report_failure],
)
def clean_news(inputs: list[str], output: str = "data/corpus", options: Options = _DEFAULTS) -> State[dict[str, Any]]:
    """Clean the pages that the inputs name and add them to the dataset ``output``.

    Args:
        inputs: Files, folders, globs and URLs; not thousands of them: a folder, or a glob that qingwen expands.
        output: Folder or URL of the dataset.
        options: How to clean.

    Returns:
        The run's manifest; the state is named Pending pages where some could not be cleaned now.
    """
    request, caller = to_request(inputs, output, options), _begin()
    try:
        with (
            engine.open_run(request, with_artifact(caller.progress, output), caller.stop) as run,
            task_executor(request, run.stop, piece) as execute,
        ):
            new = find_new(run)
            sites = engine.survey(run, new, execute)
            announce_new(new, sites)
            cleaned = engine.clean(run, new, sites, execute)
            merged = near_duplicates(run, cleaned)
            commits = publish(run, sites, cleaned, merged)
            done = report(run, new, sites, cleaned, merged, commits)
    except EndedError as fault:  # it was asked to stop
        return Cancelled(message=str(fault))
    # What is published stays so, whatever becomes of the artifacts: the state of their task says it.
    show_report(done, options.review, return_state=True)
    announce(done)
    caller.report = done
    if done.pending:
        return Completed(name="Pending pages", message=f"{done.pending} pages are pending", data=done.manifest())
    return Completed(data=done.manifest())


def _is_worth_a_retry(task: Any, run: Any, state: Any) -> bool:
    """Tell whether a job may succeed on another try: not with a wrong set-up, nor at a page that kills workers."""
    return not isinstance(state.result(raise_on_failure=False), SetupError | WorkerLostError)


@task(
    name="piece",
    retry_delay_seconds=[1, 5, 25],
    retry_jitter_factor=0.5,
    retry_condition_fn=_is_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def piece(work: Callable[[], Result]) -> Result | None:
    """Do a job of the workers: in the run's pool or, on a cluster, in this process.

    A job that was not begun, as the run is asked to stop, gives None: that is no failure.
    """
    try:
        return work()
    except EndedError:
        return None


@task(name="show-report", cache_policy=NO_CACHE, persist_result=False)
def show_report(done: RunReport, review: int) -> None:
    """Make the artifacts; ``review`` is how many pages the review page shows, 0 for none."""
    make_artifacts(done, review)


@contextmanager
def _server_for_all(request: Request) -> Iterator[None]:
    """Without a configured server, let all processes of a cluster report to one embedded server, not one each."""
    if request.runner in (LOCAL, INLINE) or PREFECT_API_URL.value():
        yield
        return
    # Importing a server takes seconds, and no other run needs one here.
    from prefect.server.api.server import SubprocessASGIServer

    server = SubprocessASGIServer()
    server.start()
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        yield
    # It ends with this process: until then it takes the logs that are under way.


def run(
    request: Request, progress: Progress = silent, review: int = 0, stop: threading.Event | None = None
) -> RunReport:
    """Run the flow here and now: against the server that is configured, else on Prefect's embedded one.

    ``review`` is how many pages the review page beside the dataset shows, 0 for none. Set ``stop`` to end the run
    early; with it SIGTERM keeps the handler that the process has now, where Prefect would break the run off.

    Raises:
        SetupError, PublishError, EndedError, BatchError: as the engine does.
    """
    settings: dict[Any, Any] = {
        # The embedded server can take more than its default 20 s to start on a busy machine.
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180,
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
        # With a heartbeat a flow ends on a grid of one second.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    caller = _Caller(progress, stop or threading.Event(), signal.getsignal(signal.SIGTERM) if stop else None)
    token = _caller.set(caller)
    try:
        with temporary_settings(settings), _server_for_all(request), tags(TAG):
            state: State[Any] = clean_news(**to_parameters(request, review), return_state=True)
            result: Any = EndedError(state.message) if state.is_cancelled() else state.result(raise_on_failure=False)
    except Exception as fault:  # Prefect's own: a fault of the flow is in its state
        return _without_server(request, caller, fault)
    finally:
        _caller.reset(token)
    if isinstance(result, HTTPError):
        return _without_server(request, caller, result)
    if isinstance(result, SetupError | PublishError | EndedError):
        raise result
    if isinstance(result, BaseException):
        raise BatchError(f"The flow failed: {type(result).__name__}: {result}") from result
    if caller.report is None:
        raise BatchError("The flow ended without a report.")
    return caller.report


def _without_server(request: Request, caller: _Caller, fault: Exception) -> RunReport:
    """Go on without Prefect, whose server was lost under the run. Batches that are cleaned are not cleaned again.

    Raises:
        SetupError: the run had not begun: the server does not answer at all.
    """
    if not caller.began:
        raise SetupError(
            f"Prefect's server does not answer ({fault}). Start it, or run without it: --no-prefect."
        ) from fault
    done = engine.run(request, caller.progress, caller.stop)
    done.notes.append("Prefect's server was lost under the run, which went on without it.")
    return done


def serve(request: Request, name: str | None, cron: Sequence[str], timezone: str | None, review: int) -> None:
    """Serve the flow as a deployment until a signal ends it: by schedule, and by hand from the server.

    Two runs of a deployment never overlap: the later one is cancelled, as the next finds all that it would have done.
    Without a ``name`` the deployment has that of the dataset's folder.

    Raises:
        SetupError: no server is configured, it does not answer, the schedule is wrong, or the name is that of another
            dataset's deployment.
    """
    if not PREFECT_API_URL.value():
        raise SetupError(
            "serve: no Prefect server is configured. Start one (prefect server start) and name it: "
            "prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    schedules = [_schedule(line, timezone) for line in cron]
    name = name or Path(request.output).name or "news"
    _await_server()
    _refuse_takeover(name, request.output)
    clean_news.serve(
        name=name,
        schedules=schedules,
        parameters=to_parameters(request, review),
        tags=[TAG, f"{_OF_DATASET}{identity(request.output)}"],
        description=clean_news.description,
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _refuse_takeover(name: str, output: str) -> None:
    """Refuse a deployment's name that another dataset has: its schedule and its runs would be lost."""
    with get_client(sync_client=True) as client:
        try:
            there = client.read_deployment_by_name(f"{clean_news.name}/{name}")
        except ObjectNotFound:
            return
    known = {tag for tag in there.tags if tag.startswith(_OF_DATASET)}
    theirs = str((there.parameters or {}).get("output"))
    if f"{_OF_DATASET}{identity(output)}" not in (known or {f"{_OF_DATASET}{identity(theirs)}"}):
        raise SetupError(
            f"serve: the deployment {clean_news.name}/{name} belongs to the dataset {theirs}. Give this one a name of "
            f'its own with --name, or delete the other: prefect deployment delete "{clean_news.name}/{name}"'
        )


def _schedule(line: str, timezone: str | None) -> Schedule:
    try:
        return Cron(line, timezone=timezone and ZoneInfo(timezone).key)
    except (ValueError, ZoneInfoNotFoundError) as fault:
        raise SetupError(
            f'--cron "{line}", --timezone {timezone}: {fault}. A line such as "0 3 * * *" (minute, hour, day, month, '
            "weekday), a zone such as Asia/Shanghai."
        ) from None


def _await_server() -> None:
    """Wait for the configured server: one that was started just now needs a while."""
    until = time.monotonic() + _SERVER_SECONDS
    with get_client(sync_client=True) as client:
        while (fault := client.api_healthcheck()) is not None:
            if time.monotonic() > until:
                raise SetupError(
                    f"serve: the Prefect server at {PREFECT_API_URL.value()} does not answer ({fault}). "
                    "Start it: prefect server start"
                )
            time.sleep(1)
