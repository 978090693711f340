"""Clean many pages: clean, serve."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Annotated

import typer
from typer import Option

from qingwen.cli.exits import DONE, PENDING, SIGNALLED, put, say
from qingwen.cli.options import Settings, with_request
from qingwen.errors import EndedError, SetupError
from qingwen.run.request import INLINE, LOCAL, Request


@with_request
def clean(
    request: Request,
    no_prefect: Annotated[bool, Option("--no-prefect", help="Run without Prefect and its server.")] = False,
    profile: Annotated[bool, Option("--profile", help="Clean nothing: time each step and rule on a sample.")] = False,
    verbose: Annotated[bool, Option("--verbose", help="Show Prefect's own log.")] = False,
) -> int:
    """Clean pages and add their articles to a dataset.

    Pages are dumps (.txt), HTML, and containers: WARC, JSON Lines, Parquet, zip, tar. A second run cleans only what is
    new or changed; a run that was killed is finished by the next.

    \b
    Examples:
      qingwen clean                                     # the seeds, to data/corpus
      qingwen clean "seeds/*.txt" -o news --no-prefect  # your own pages, without a server
      qingwen clean --rebuild                           # every row anew, after a rule changed
    """
    from qingwen.review.terminal import show_progress, summary
    from qingwen.run.engine import run
    from qingwen.run.request import check_request

    if profile:
        return _profile(request)
    if no_prefect and request.review:
        raise SetupError("--review: needs Prefect; leave out --no-prefect, or use qingwen report.")
    if no_prefect and request.runner not in (LOCAL, INLINE):
        raise SetupError(f"--runner {request.runner}: needs Prefect; leave out --no-prefect.")
    if not no_prefect:
        check_request(request, stores=False)  # a misspelt input need not wait for Prefect's start
        if not verbose:  # what goes wrong is said here, in a sentence
            os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    with _ended_by_signals() as stop, show_progress() as progress:
        if no_prefect:
            report = run(request, progress, stop=stop)
        else:
            progress("start Prefect", 0, 0)
            from qingwen import flow

            report = flow.run(request, progress, request.review, stop=stop)
    for line in summary(report):
        put(line)
    return PENDING if report.pending else DONE


@contextmanager
def _ended_by_signals() -> Iterator[Event]:
    """Yield the event that ends a run in good order; the first signal sets it, the second ends the process."""
    stop, received = Event(), list[int]()

    def handle(number: int, frame: object) -> None:
        word = "Interrupted" if number == signal.SIGINT else "Terminated"
        received.append(number)
        if stop.is_set():
            say(f"{word}. The dataset is as it was; run again to go on.")
            raise SystemExit(SIGNALLED + number)
        stop.set()
        say(f"{word}: the run ends when the batches under way are done. A second signal ends it at once.")

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    except (EndedError, KeyboardInterrupt) as fault:
        if not received:
            raise
        raise typer.Exit(say(fault, SIGNALLED + received[0])) from fault
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _profile(request: Request) -> int:
    from qingwen.read.inputs import list_sources
    from qingwen.review.profile import profile

    book = Settings(request.config, request.rules).book()
    for line in profile(list_sources(request.inputs), request.config, book).lines():
        put(line)
    return DONE


@with_request
def serve(
    request: Request,
    cron: Annotated[list[str] | None, Option(metavar="LINE", help='When to run: "0 3 * * *"; repeatable.')] = None,
    timezone: Annotated[str, Option(metavar="ZONE", help="Time zone of --cron.")] = "Asia/Shanghai",
    name: Annotated[str | None, Option(metavar="NAME", help="Name of the deployment; default: the dataset's.")] = None,
) -> int:
    """Serve the flow as a scheduled deployment until interrupted.

    Needs a Prefect server (prefect server start, prefect config set PREFECT_API_URL=...). Two runs of a deployment
    never overlap.

    \b
    Examples:
      qingwen serve seeds -o news --cron "0 3 * * *"  # every night at three, Beijing time
    """
    from qingwen import flow

    flow.serve(request, name, cron or [], timezone, request.review)
    return DONE
