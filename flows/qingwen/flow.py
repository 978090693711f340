"""The Prefect flow: the engine of ``run/engine.py``, its steps as tasks. Prefect is imported here and in operations/.

Each piece of work is a task. A local runner's tasks are threads that wait for one pool of worker processes; those of a
Dask or Ray cluster do the same work in the processes of the cluster. Between them go only names and counts.
"""

# No annotations as text here: Prefect makes the server's form of those of the flow, and must find them as types.
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from httpx import HTTPError
from prefect import flow, get_run_logger, runtime, tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, State
from prefect.logging.loggers import flow_run_logger
from prefect.schedules import Cron, Schedule
from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)
from prefect.states import Cancelled, Completed
from prefect.types.entrypoint import EntrypointType

from qingwen.adapters.prefect_artifacts import FAILED, announce, emit, make_artifacts, with_artifact
from qingwen.adapters.prefect_options import Options, to_parameters, to_request
from qingwen.adapters.prefect_runners import ENDED, as_tasks, runner_for
from qingwen.dataset.progress import Progress, silent
from qingwen.errors import BatchError, EndedError, PublishError, SetupError, WorkerLostError
from qingwen.run.engine import Engine, engine_of
from qingwen.run.engine import run as run_bare
from qingwen.run.report import RunReport
from qingwen.run.request import LOCAL, Request
from qingwen.run.workers import do

TAG, REVIEW = "qingwen", "review.html"
_DEFAULTS = Options()
# How long a server that is starting may take to answer.
_SERVER_SECONDS = 60
# To a cluster flow and tasks go by value, with what they name: so they name functions, never what is of this process.
_progress: ContextVar[Progress] = ContextVar("progress", default=silent)
_on_terminate: ContextVar[Any] = ContextVar("on_terminate", default=None)
_begun: ContextVar[list[str]] = ContextVar("begun")


def _name() -> str:
    """Return a flow run's name: what it cleans, and into what."""
    stated = runtime.flow_run.parameters
    inputs = [str(one) for one in stated.get("inputs", ())]
    more = f" and {len(inputs) - 1} more" if len(inputs) > 1 else ""
    return f"{inputs[0] if inputs else 'nothing'}{more} -> {stated.get('output')}"


def _failed(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell that a run came to nothing, and that nothing is lost."""
    logger = flow_run_logger(flow_run, flow)
    logger.error("%s The dataset is as it was; a run with the same parameters goes on.", state.message)
    emit(FAILED, str(flow_run.parameters.get("output")), state=state.name, message=state.message)


@flow(name="clean-news", flow_run_name=_name, persist_result=False, on_failure=[_failed], on_crashed=[_failed])
def clean_news(inputs: list[str], output: str = "data/corpus", options: Options = _DEFAULTS) -> State[dict[str, Any]]:
    """Clean the pages that the inputs name and add them to the dataset ``output``.

    Args:
        inputs: Files, folders, globs and URLs; not thousands of them: a folder, or a glob that qingwen expands.
        output: Folder or URL of the dataset.
        options: How to clean.

    Returns:
        The run's manifest; the state is named Pending pages where some could not be cleaned now.
    """
    request, progress = to_request(inputs, output, options), with_artifact(_told())
    _take_signals()
    try:
        with Engine(request) as engine, runner_for(request) as runner:
            engine.spread = as_tasks(engine, runner, piece)
            run = engine.report.run
            _begin(run)
            survey(run)
            plan(run)
            engine.clean(progress)
            progress("publish", 0, 0)
            report = publish(run)
    except EndedError as fault:  # as it was asked to
        return Cancelled(message=str(fault))
    # What is published stays so, whatever becomes of the pictures: the task's own state says it.
    report_run(report, options.review, return_state=True)
    announce(report)
    if report.pending:
        return Completed(name="Pending pages", message=f"{report.pending} pages are pending", data=report.manifest())
    return Completed(data=report.manifest())


@task(name="survey", cache_policy=NO_CACHE, persist_result=False)
def survey(run: str) -> int:
    """Learn what recurs on the sites of the pages to clean; return how many sites are known."""
    known = len(_engine(run).survey(_told()).sites)
    get_run_logger().info("%d of %d inputs are unchanged; %d sites are known.", *_seen(run), known)
    return known


@task(name="plan", cache_policy=NO_CACHE, persist_result=False)
def plan(run: str) -> int:
    """Plan the batches; return how many there are."""
    batches = _engine(run).plan()
    get_run_logger().info("%d pages to clean, in %d batches.", sum(batch.pages for batch in batches), len(batches))
    return len(batches)


def _seen(run: str) -> tuple[int, int]:
    report = _engine(run).report
    return report.unchanged, report.inputs


def _passes(task: Any, run: Any, state: Any) -> bool:
    """Tell whether a fault may pass: a batch's may; a wrong set-up does not, nor does a page that kills workers."""
    return not isinstance(state.result(raise_on_failure=False), SetupError | WorkerLostError | EndedError)


@task(
    name="piece",
    task_run_name="{kind}-{n}",
    retry_delay_seconds=[1, 5, 25],
    retry_jitter_factor=0.5,
    retry_condition_fn=_passes,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def piece(run: str, kind: str, kit: str, n: int, job: str) -> str:
    """Do a piece of work, in the run's pool where the run is in this process, else here; passing faults: again.

    What is not begun, as the run was ended, returns ENDED: that is no failure.
    """
    engine = engine_of(run)
    try:
        return engine.pool.do(kind, kit, job) if engine else do(kind, kit, job)
    except EndedError:
        return ENDED


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(run: str) -> RunReport:
    """Commit what the batches made."""
    return _engine(run).publish()


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def report_run(report: RunReport, review: int) -> None:
    """Make the artifacts; ``review`` is how many pages the review page shows, 0 for none."""
    make_artifacts(report, _reviewed(report, review) if review and report.wrote else None)


def _reviewed(report: RunReport, pages: int) -> str:
    from qingwen.dataset.location import location_of
    from qingwen.review.review_page import write_review

    path = Path(REVIEW if "://" in report.dataset else f"{report.dataset}/{REVIEW}").absolute()
    write_review(location_of(report.dataset), path, pages=pages)
    return path.as_uri()


def _told() -> Progress:
    return _progress.get()


def _begin(run: str) -> None:
    """Note that a run has begun, for the command that it is of."""
    _begun.get([]).append(run)


def _take_signals() -> None:
    """Let a command end its run itself, batch by batch, where Prefect would break it off."""
    if (handler := _on_terminate.get()) is not None:
        signal.signal(signal.SIGTERM, handler)


def _engine(run: str) -> Engine:
    engine = engine_of(run)
    if engine is None:
        raise BatchError(f"Run {run} is not of this process.")
    return engine


@contextmanager
def _server_for_all(request: Request) -> Iterator[None]:
    """Where none is configured, let the processes of a cluster report to one embedded server, not each to its own."""
    if request.runner == LOCAL or PREFECT_API_URL.value():
        yield
        return
    server = SubprocessASGIServer()
    server.start()
    with temporary_settings({PREFECT_API_URL: server.api_url}):
        yield
    # It ends with this process: until then it takes the logs that are under way.


def run(request: Request, progress: Progress = silent, review: int = 0, on_terminate: Any = None) -> RunReport:
    """Run the flow here and now: against the server that is configured, else on Prefect's embedded one.

    ``review`` is how many pages the review page shows that is written beside the dataset, 0 for none; ``on_terminate``
    handles SIGTERM in the place of Prefect, which breaks a run off.

    Raises:
        SetupError, PublishError, EndedError: as the engine does.
    """
    told, handling = _progress.set(progress), _on_terminate.set(on_terminate)
    settings: dict[Any, Any] = {
        # The embedded server can take more than its default 20 s to start on a busy machine.
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180,
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
        # With a heartbeat a flow ends on a grid of one second.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    begun, broken = _begun.set([]), False
    try:
        with temporary_settings(settings), _server_for_all(request), tags(TAG):
            state: State[Any] = clean_news(**to_parameters(request, review), return_state=True)
            ended = state.is_cancelled() and EndedError(state.message)
            found: Any = ended or state.result(raise_on_failure=False)
    except Exception as fault:  # of Prefect: what a flow raises is a state
        found, broken = fault, True
    finally:
        ran = bool(_begun.get())
        _progress.reset(told)
        _on_terminate.reset(handling)
        _begun.reset(begun)
    if isinstance(found, SetupError | PublishError | EndedError):
        raise found
    if broken or isinstance(found, HTTPError):
        if not ran:
            raise SetupError(
                f"Prefect's server does not answer ({found}). Start it, or run without it: --no-prefect."
            ) from found
        # What is cleaned is kept, and is not cleaned again.
        report = run_bare(request, progress)
        report.notes.append("Prefect's server was lost under the run, which went on without it.")
        return report
    if isinstance(found, BaseException):
        raise BatchError(f"The flow failed: {type(found).__name__}: {found}") from found
    return RunReport.from_manifest(found)


def serve(request: Request, name: str, cron: Sequence[str], timezone: str | None, review: int) -> None:
    """Serve the flow as a deployment until a signal ends it: by schedule, and by hand from the server.

    Two runs of a deployment never overlap: the later one is cancelled, as the next finds all that it would have done.

    Raises:
        SetupError: no server is configured, it does not answer, or the schedule is none.
    """
    if not PREFECT_API_URL.value():
        raise SetupError(
            "serve: no Prefect server is configured. Start one (prefect server start) and name it: "
            "prefect config set PREFECT_API_URL=http://127.0.0.1:4200/api"
        )
    schedules = [_schedule(line, timezone) for line in cron]
    _await_server()
    clean_news.serve(
        name=name,
        schedules=schedules,
        parameters=to_parameters(request, review),
        tags=[TAG],
        description=clean_news.description,
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
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
    """Wait for the server that is configured: one that was started just now needs a while."""
    until = time.monotonic() + _SERVER_SECONDS
    with get_client(sync_client=True) as client:
        while (fault := client.api_healthcheck()) is not None:
            if time.monotonic() > until:
                raise SetupError(
                    f"serve: the Prefect server at {PREFECT_API_URL.value()} does not answer ({fault}). "
                    "Start it: prefect server start"
                )
            time.sleep(1)
