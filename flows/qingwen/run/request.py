"""Whether a run can be done at all: looked at before anything is touched, and before a server is started for it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qingwen.config import Config
from qingwen.dataset.dataset import check_versions
from qingwen.dataset.location import location_of
from qingwen.errors import SetupError
from qingwen.model import SCHEMA_VERSION
from qingwen.read.inputs import check_inputs
from qingwen.read.open import check_address, is_url
from qingwen.rules.book import RuleBook, load_rules

LOCAL, INLINE, MONTH = "local", "inline", "month"

# The packages and tables of a worker take .2 GiB.
LEAST_GIB = 0.5

# Processes of this machine; this process itself; a Dask cluster (extra dask); a Ray cluster (extra ray).
RUNNERS = (LOCAL, INLINE, "dask", "ray")


@dataclass(frozen=True, slots=True)
class Request:
    """What to do: the inputs, the dataset's folder, and how.

    ``rules`` names a user's own table or folder of them; ``verify`` reads known inputs again, whatever their size and
    time say. ``runner``, one of `RUNNERS`, is where the work is done, and ``cluster`` the address of one that stands;
    without an address dask and ray start ``workers`` processes here. ``partition_by`` MONTH lays the records of a new
    dataset in a folder for each month of publication. ``accept`` publishes a run that is very unlike the last ones.
    A page at which a worker stays for more than ``page_seconds`` (0: no limit) is pending, as one is for which its
    worker's memory (``worker_gib`` GiB, 0: its share of this machine's) does not suffice.
    """

    inputs: tuple[str, ...]
    output: str
    config: Config = field(default_factory=Config)
    rules: str | None = None
    workers: int = 0
    batch_pages: int = 500
    retries: int = 2
    rebuild: bool = False
    verify: bool = False
    runner: str = LOCAL
    cluster: str | None = None
    partition_by: str | None = None
    accept: bool = False
    page_seconds: int = 120
    worker_gib: float = 0

    def __post_init__(self) -> None:
        if self.runner not in RUNNERS:
            raise SetupError(f"runner: must be one of {', '.join(RUNNERS)}, not {self.runner!r}.")
        if self.partition_by not in (None, MONTH):
            raise SetupError(f"partition_by: must be {MONTH}, not {self.partition_by!r}.")
        if self.cluster and self.runner in (LOCAL, INLINE):
            raise SetupError(f"cluster {self.cluster}: needs a runner that knows clusters, dask or ray.")
        for name, least in (("workers", 0), ("batch_pages", 1), ("retries", 0), ("page_seconds", 0), ("worker_gib", 0)):
            if getattr(self, name) < least:
                raise SetupError(f"{name}: must be {least} or more, not {getattr(self, name)}.")
        if 0 < self.worker_gib < LEAST_GIB:
            raise SetupError(
                f"worker_gib: a worker needs {LEAST_GIB} GiB for itself, not {self.worker_gib}; 0: its share."
            )
        for named in (*self.inputs, self.output):
            check_address(named)  # before anything is printed or stored
        output = os.path.realpath(self.output)
        if any(os.path.isdir(named) and os.path.realpath(named) == output for named in self.inputs):
            raise SetupError(f"--output {self.output}: is an input too; a dataset is not read as pages. Name another.")

    @property
    def processes(self) -> int:
        """Return the number of workers: as asked for, else one for each core."""
        return self.workers or os.cpu_count() or 1


def check_request(request: Request, *, stores: bool = True) -> RuleBook:
    """Look whether inputs, rules and dataset fit each other; return the rules.

    ``stores``: inputs in stores are looked for too, which takes long where they hold much.

    Raises:
        SetupError: they do not; the message says what to do.
    """
    book = load_rules(Path(request.rules) if request.rules else None)
    check_inputs(named for named in request.inputs if stores or not is_url(named))
    if not request.rebuild:
        dataset = location_of(request.output)
        check_versions(dataset, row_versions(book, request.config), by_month=request.partition_by == MONTH)
    return book


def row_versions(book: RuleBook, config: Config) -> dict[str, Any]:
    """Return what rows of one dataset have in common."""
    return {"rules_version": book.version, "config_digest": config.digest, "schema_version": SCHEMA_VERSION}
