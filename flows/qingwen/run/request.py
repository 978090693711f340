"""What a run is asked to do, and whether it can be done: checked before anything is touched or a server is started.

`RunOptions` declares the run options once, for the command line, the flow's form and the request. The help of the
command line reads it, so what checks a request is imported when one is checked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from qingwen.config import Config, setting
from qingwen.errors import SetupError

if TYPE_CHECKING:
    from qingwen.rules.book import RuleBook

Runner = Literal["local", "inline", "dask", "ray"]
RUNNERS: tuple[str, ...] = get_args(Runner)
LOCAL, INLINE, MONTH = "local", "inline", "month"

# A worker's packages and tables take .2 GiB.
LEAST_GIB = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is done."""

    rules: str | None = setting(None, "Your own rule table, or a folder of them, added to the shipped rules.")
    rebuild: bool = setting(False, "Make every row of the dataset anew, by the present rules.")
    verify: bool = setting(False, "Read known inputs again, even if their size and time are unchanged.")
    accept: bool = setting(False, "Publish even if the run is very unlike the last ones.")
    partition_by: Literal["month"] | None = setting(None, "Store the records of a new dataset in folders by month.")
    review: int = setting(0, "Write a review page with this many pages (needs Prefect); 0: none.", ge=0)
    workers: int = setting(0, "Worker processes; 0: one for each core.", ge=0)
    batch_pages: int = setting(500, "Most pages in a batch.", ge=1)
    retries: int = setting(2, "How often a failed batch is tried again.", ge=0)
    page_seconds: int = setting(120, "Seconds after which a page is given up and pending; 0: no limit.", ge=0)
    worker_gib: float = setting(0, "Memory of a worker in GiB; 0: its share of the machine's.", ge=0)
    runner: Runner = setting("local", "Work in processes (local), in this one (inline), or in a cluster.")
    cluster: str | None = setting(None, "Address of a Dask or Ray cluster; without it, one is started.")


@dataclass(frozen=True, slots=True)
class Request(RunOptions):
    """What to do: the inputs, the dataset's folder or URL, the thresholds, and how.

    >>> Request(("seeds",), "news", workers=-1)
    Traceback (most recent call last):
    qingwen.errors.SetupError: workers: must be 0 or more, not -1.
    """

    inputs: tuple[str, ...]
    output: str
    config: Config = field(default_factory=Config)

    def __post_init__(self) -> None:
        from qingwen.read.open import check_address, check_secrets

        for option in fields(RunOptions):
            value, least = getattr(self, option.name), option.metadata.get("ge")
            if least is not None and value < least:
                raise SetupError(f"{option.name}: must be {least} or more, not {value}.")
        if self.runner not in RUNNERS:
            raise SetupError(f"runner: must be one of {', '.join(RUNNERS)}, not {self.runner!r}.")
        if self.partition_by not in (None, MONTH):
            raise SetupError(f"partition_by: must be {MONTH}, not {self.partition_by!r}.")
        if self.cluster and self.runner in (LOCAL, INLINE):
            raise SetupError(f"cluster {self.cluster}: needs a runner that knows clusters, dask or ray.")
        if 0 < self.worker_gib < LEAST_GIB:
            raise SetupError(
                f"worker_gib: a worker needs {LEAST_GIB} GiB for itself, not {self.worker_gib}; 0: its share."
            )
        for named in (*self.inputs, self.output):
            check_address(named)  # before anything is printed or stored
        for address in (self.config.url_prefix, self.cluster):
            check_secrets(address or "")
        output = os.path.realpath(self.output)
        if any(os.path.isdir(named) and os.path.realpath(named) == output for named in self.inputs):
            raise SetupError(f"--output {self.output}: is an input too; a dataset is not read as pages. Name another.")

    @property
    def processes(self) -> int:
        """Return the number of workers: as asked for, else one for each core."""
        return self.workers or os.cpu_count() or 1


def check_request(request: Request, *, stores: bool = True) -> RuleBook:
    """Check that inputs, rules and dataset fit each other; return the rules.

    ``stores``: inputs in stores are looked for too, which takes long where they hold much.

    Raises:
        SetupError: they do not fit; the message says what to do.
    """
    from qingwen.dataset.dataset import check_output, check_versions
    from qingwen.dataset.location import location_of
    from qingwen.read.inputs import check_inputs, find_sources
    from qingwen.read.open import is_url
    from qingwen.read.table_rows import check_fields
    from qingwen.rules.book import check_own_rules, load_rules

    own = Path(request.rules) if request.rules else None
    book = load_rules(own)
    if own is not None:
        check_own_rules(own, book)
    check_inputs(named for named in request.inputs if stores or not is_url(named))
    local = (named for named in request.inputs if not is_url(named))
    check_fields((file.path for file in find_sources(local)), request.config)
    dataset = location_of(request.output)
    check_output(dataset)
    if not request.rebuild:
        check_versions(dataset, row_versions(book, request.config), by_month=request.partition_by == MONTH)
    return book


def row_versions(book: RuleBook, config: Config) -> dict[str, Any]:
    """Return what the rows of one dataset have in common."""
    from qingwen.model import SCHEMA_VERSION

    return {"rules_version": book.version, "config_digest": config.digest, "schema_version": SCHEMA_VERSION}
