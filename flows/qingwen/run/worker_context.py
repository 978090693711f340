"""What each worker of a run must know: thresholds, rules, sites, what was taken down; one JSON file beside its work.

A worker may run on another machine: it needs this package, and to see the dataset and the inputs under the same names.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from qingwen.config import Config
from qingwen.dataset.location import Location, location_of, write_whole
from qingwen.errors import BatchError, SetupError
from qingwen.rules.book import RuleBook, compile_rules, extra_tables
from qingwen.rules.site_book import SiteBook, parse_sites
from qingwen.rules.takedowns import Forgotten, parse_forgotten

PREFIX = "kit-"


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """What pages are cleaned with; ``folder`` is the working folder of the run, which relative paths start from.

    ``page_seconds`` is the longest that a worker may stay at a page.
    """

    config: Config
    book: RuleBook
    sites: SiteBook
    forgotten: Forgotten = Forgotten()  # noqa: RUF009  it is frozen
    folder: str = ""
    page_seconds: int = 0


def write_context(kit: WorkerContext, rules: str | None, staging: Location) -> Location:
    """Write a kit and the user's own rule tables to a folder that all workers see; return the file."""
    stated = {
        "version": kit.book.version,
        "config": asdict(kit.config),
        "rules": extra_tables(Path(rules)) if rules else [],
        "sites": kit.sites.to_json(),
        "forgotten": kit.forgotten.to_json(),
        "folder": os.getcwd(),
        "page_seconds": kit.page_seconds,
    }
    text = json.dumps(stated, ensure_ascii=False, default=str)
    place = staging / f"{PREFIX}{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, text)
    return place


@lru_cache(maxsize=2)
def open_context(path: str) -> WorkerContext:
    """Return a kit; a process reads and compiles it once.

    Raises:
        BatchError: it cannot be read here, is damaged, or this worker's package ships other rules.
    """
    try:
        stated: Any = json.loads(location_of(path).read_text("utf-8"))
    except OSError as fault:
        raise BatchError(f"{path}: the worker cannot read it ({fault}). Workers must see the dataset.") from fault
    except (ValueError, RecursionError) as fault:
        raise BatchError(f"{path}: damaged ({fault}). The next run writes it anew.") from fault
    try:
        return _opened(stated, path)
    except (SetupError, KeyError, TypeError, ValueError, AttributeError) as fault:
        raise BatchError(f"{path}: damaged ({type(fault).__name__}: {fault}). The next run writes it anew.") from fault


def _opened(stated: Any, path: str) -> WorkerContext:
    book = compile_rules([(name, text) for name, text in stated["rules"]])
    if book.version != stated["version"]:
        raise BatchError(
            f"The worker's rules are of version {book.version}, the run's of {stated['version']}: "
            "install the same version of qingwen on all machines."
        )
    return WorkerContext(
        Config().with_values(stated["config"], path),
        book,
        parse_sites(stated["sites"], path),
        parse_forgotten(stated["forgotten"], path),
        stated["folder"],
        stated["page_seconds"],
    )
