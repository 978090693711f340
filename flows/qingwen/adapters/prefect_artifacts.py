"""What a flow reports: log lines, artifacts, and events that automations can react to."""

import time
from pathlib import Path
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.events import emit_event

from qingwen.dataset.location import identity, location_of
from qingwen.dataset.progress import Progress
from qingwen.review.review_page import write_review
from qingwen.rules.site_book import SiteBook
from qingwen.run.plan import NewPages
from qingwen.run.report import RunReport, markdown, tables_of
from qingwen.text.characters import printed

REVIEW = "review.html"

PUBLISHED, NOTHING_NEW, UNLIKE, FAILED = (
    f"qingwen.run.{what}" for what in ("published", "nothing-new", "unlike-the-last", "failed")
)
# Seconds between two states of the progress artifact.
_PROGRESS_SECONDS = 5.0


def announce_new(new: NewPages, sites: SiteBook) -> None:
    """Log what there is to do."""
    stated = (new.unchanged, new.inputs, len(new), len(sites.sites))
    get_run_logger().info("%d of %d inputs are unchanged, %d to clean; %d sites are known.", *stated)


def announce(report: RunReport) -> None:
    """Log how a run ended and emit its events."""
    logger = get_run_logger()
    counts = report.counts
    payload = {"run": report.run, "records": counts.records, "rejections": report.rejected(), "pending": report.pending}
    if report.wrote:
        published = (counts.records, report.rejected(), report.withdrawn)
        logger.info("Published: %d records, %d rejections, %d withdrawn.", *published)
        emit(PUBLISHED, report.dataset, **payload, duplicates=report.duplicates, withdrawn=report.withdrawn)
    else:
        logger.info("Nothing new: the dataset holds all %d inputs already.", report.inputs)
        emit(NOTHING_NEW, report.dataset, run=report.run, inputs=report.inputs)
    if report.jumps:
        logger.warning("Unlike the last runs: %s.", "; ".join(report.jumps))
        emit(UNLIKE, report.dataset, **payload, jumps=report.jumps)
    if report.pending:
        logger.warning("%d pages are pending: %s", report.pending, printed("; ".join(report.faults[:3])))


def emit(event: str, dataset: str, **payload: Any) -> None:
    """Emit an event of a dataset; its resource is ``qingwen.dataset.<identity>``, named by its path or URL."""
    resource = {"prefect.resource.id": f"qingwen.dataset.{identity(dataset)}", "prefect.resource.name": dataset}
    emit_event(event, resource=resource, payload=payload)


def make_artifacts(report: RunReport, review: int) -> None:
    """Make the report's artifacts: it as markdown, each of its tables, a link to a review page.

    Their keys are ``qingwen-<identity of the dataset>-<what>``: each dataset has its own history. ``review`` is how
    many pages of the dataset the review page shows; 0: none is written.
    """
    create_markdown_artifact(markdown(report), key=_key(report.dataset, "run"), description="What the run did")
    for title, rows in tables_of(report):
        if rows:
            create_table_artifact(rows, key=_key(report.dataset, title), description=title)
    if review and report.wrote:
        path = Path(REVIEW if "://" in report.dataset else f"{report.dataset}/{REVIEW}").absolute()
        write_review(location_of(report.dataset), path, pages=review)
        create_link_artifact(
            path.as_uri(),
            "Review page",
            key=_key(report.dataset, "review"),
            description="Pages of the dataset to read",
        )


def _key(dataset: str, what: str) -> str:
    return f"qingwen-{identity(dataset)}-{what.lower().replace(' ', '-')}"


def with_artifact(progress: Progress, dataset: str) -> Progress:
    """Return a progress that reports to another, and keeps an artifact of the share of a run's pages cleaned."""
    artifact: Any = None
    last = 0.0

    def with_share(stage: str, done: int, total: int) -> None:
        nonlocal artifact, last
        progress(stage, done, total)
        if stage != "clean" or not total:
            return
        now = time.monotonic()
        if artifact is None:
            description = f"Of {total:,} pages cleaned"
            artifact, last = create_progress_artifact(0.0, key=_key(dataset, "progress"), description=description), now
        elif now - last >= _PROGRESS_SECONDS or done == total:
            update_progress_artifact(artifact, 100 * done / total)
            last = now

    return with_share
