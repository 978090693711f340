"""The Prefect flow: the engine of ``corpus/run.py``, its steps wrapped as tasks. The only file that imports prefect.

Tasks take batches, run on threads and wait for one pool of worker processes; between them go only names and counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import fields
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import as_completed
from prefect.settings import (
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_SERVER_ANALYTICS_ENABLED,
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
    temporary_settings,
)
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from qingwen.config import Config
from qingwen.corpus.batch import Counts
from qingwen.corpus.planning import Batch
from qingwen.corpus.report import RunReport, markdown, tables_of
from qingwen.corpus.request import Request
from qingwen.corpus.run import Engine, Progress, silent
from qingwen.errors import BatchError, PublishError, SetupError

_RUN_OPTIONS = ("rules", "workers", "batch_pages", "retries", "rebuild", "verify")
# More tasks than workers keep every worker busy; hundreds would only wait in the server's queue.
_TASKS_AT_ONCE = 24

_engines: dict[str, Engine] = {}
_progress: ContextVar[Progress] = ContextVar("progress", default=silent)


# The type of the runner is narrower than the decorator asks for; Prefect itself passes it so.
_runner: Any = ThreadPoolTaskRunner(max_workers=_TASKS_AT_ONCE)


@flow(name="clean-news", task_runner=_runner, persist_result=False)
def clean_news(
    inputs: list[str], output: str = "data/corpus", config: dict[str, Any] | None = None
) -> State[dict[str, Any]]:
    """Clean the pages that the inputs name and add them to the dataset ``output``.

    Args:
        inputs: files, folders and globs.
        output: folder of the dataset.
        config: thresholds of `Config`, and what else `Request` takes: ``rules``, ``workers``, ``rebuild`` and others.

    Returns:
        The run's manifest; the state is named Pending pages where some could not be cleaned now.
    """
    progress = _progress.get()
    with Engine(to_request(inputs, output, config or {})) as engine:
        run = engine.report.run
        _engines[run] = engine
        try:
            survey(run)
            batches = plan(run)
            results = _clean_all(engine, batches, progress)
            progress("publish", 0, 0)
            report = publish(run, results)
            report_run(run)
        finally:
            del _engines[run]
    if report.pending:
        get_run_logger().warning("%d pages are pending: %s", report.pending, "; ".join(report.faults[:3]))
        return Completed(name="Pending pages", message=f"{report.pending} pages are pending", data=report.manifest())
    return Completed(data=report.manifest())


@task(name="survey", cache_policy=NO_CACHE, persist_result=False)
def survey(run: str) -> int:
    """Learn what recurs on the sites of the pages to clean; return how many sites are known."""
    return len(_engines[run].survey(_progress.get()).sites)


@task(name="plan", cache_policy=NO_CACHE, persist_result=False)
def plan(run: str) -> int:
    """Plan the batches; return how many there are."""
    return len(_engines[run].plan())


@task(
    name="clean-batch",
    task_run_name="clean-batch-{batch}",
    retry_delay_seconds=[1, 5],
    cache_policy=NO_CACHE,
    persist_result=False,
)
def clean_batch(run: str, batch: int) -> str:
    """Clean one batch in a worker; return its counts as JSON. A passing fault is tried again."""
    engine = _engines[run]
    return engine.clean(engine.batches[batch]).to_json()


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(run: str, results: Sequence[tuple[str | None, str]]) -> RunReport:
    """Commit what the batches made: for each its counts as JSON or, of one that failed, None and the fault."""
    engine = _engines[run]
    outcome: list[tuple[Batch, Counts | BatchError]] = [
        (batch, BatchError(fault) if counts is None else Counts.from_json(counts))
        for batch, (counts, fault) in zip(engine.batches, results, strict=True)
    ]
    return engine.publish(outcome)


@task(name="report", cache_policy=NO_CACHE, persist_result=False)
def report_run(run: str) -> None:
    """Make the artifacts: the report as markdown, and each of its tables."""
    report = _engines[run].report
    create_markdown_artifact(markdown(report), key="qingwen-run", description="What the run did")
    for title, rows in tables_of(report):
        if rows:
            create_table_artifact(rows, key=f"qingwen-{title.lower().replace(' ', '-')}", description=title)


def _clean_all(engine: Engine, n_batches: int, progress: Progress) -> list[tuple[str | None, str]]:
    results: list[tuple[str | None, str]] = [(None, "not run")] * n_batches
    sizes = [batch.pages for batch in engine.batches]
    clean = clean_batch.with_options(retries=engine.request.retries)
    waiting = {clean.submit(engine.report.run, n): n for n in range(n_batches)}
    done = 0
    progress("clean", 0, sum(sizes))
    for future in as_completed(list(waiting)):
        n = waiting[future]
        result: Any = future.result(raise_on_failure=False)
        results[n] = (result, "") if isinstance(result, str) else (None, str(result))
        done += sizes[n]
        progress("clean", done, sum(sizes))
    return results


def to_request(inputs: Sequence[str], output: str, config: Mapping[str, Any]) -> Request:
    """Return the request that the flow's parameters state.

    Raises:
        SetupError: an option or a threshold is unknown or of the wrong kind.
    """
    options = {name: config[name] for name in _RUN_OPTIONS if name in config}
    thresholds = {name: value for name, value in config.items() if name not in _RUN_OPTIONS}
    return Request(tuple(inputs), output, Config().with_values(thresholds, "the flow's config"), **options)


def to_parameters(request: Request) -> dict[str, Any]:
    """Return the flow's parameters for a request: what `to_request` reads back; JSON, for a deployment."""
    thresholds = {entry.name: getattr(request.config, entry.name) for entry in fields(Config)}
    changed = {name: value for name, value in thresholds.items() if value != getattr(Config(), name)}
    config = {name: str(value) if name == "crawl_date" else value for name, value in changed.items()}
    config.update({name: getattr(request, name) for name in _RUN_OPTIONS})
    return {"inputs": list(request.inputs), "output": request.output, "config": config}


def run(request: Request, progress: Progress = silent) -> RunReport:
    """Run the flow here and now: against the server that is configured, else on Prefect's embedded one.

    Raises:
        SetupError, PublishError: as the engine does.
    """
    token = _progress.set(progress)
    settings: dict[Any, Any] = {
        # The embedded server can take more than its default 20 s to start on a busy machine.
        PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS: 180,
        PREFECT_SERVER_ANALYTICS_ENABLED: False,
        # With a heartbeat a flow ends on a grid of one second.
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,
    }
    try:
        with temporary_settings(settings):
            state: State[Any] = clean_news(**to_parameters(request), return_state=True)
            found: Any = state.result(raise_on_failure=False)
    finally:
        _progress.reset(token)
    if isinstance(found, SetupError | PublishError):
        raise found
    if isinstance(found, BaseException):
        raise BatchError(f"The flow failed: {type(found).__name__}: {found}") from found
    return RunReport.from_manifest(found)
