"""What a worker can be asked to do, by name: pieces of work that any process can do which sees the dataset.

A piece goes out as names (its kind, a kit's file, a job in JSON) and comes back as counts or names in JSON; what it
makes are files. So it does not show in the rows where it was done: a process of this machine, or another machine.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from qingwen.corpus.batch import Job, clean_batch
from qingwen.corpus.kit import Kit, open_kit
from qingwen.corpus.sightings import mine_bucket, sight_group
from qingwen.corpus.similar import connect_file
from qingwen.corpus.spread import CLEAN, CONNECT, MINE, SIGHT
from qingwen.corpus.watch import Watch
from qingwen.errors import BatchError
from qingwen.read.addresses import is_url
from qingwen.read.items import Source


def do(kind: str, kit: str, job: str) -> str:
    """Do a piece of work in this process; return what it has to say.

    Raises:
        BatchError: it cannot be done now, or not here.
    """
    return _DOES[kind](job, open_kit(kit))


def _clean(job: str, kit: Kit) -> str:
    stated = Job.from_json(job)
    _check_folder(stated.sources, kit)
    return clean_batch(stated, kit).to_json()


def _sight(job: str, kit: Kit) -> str:
    with Watch(None, kit.page_seconds) as watch:
        return sight_group(job, kit.config, kit.book, frozenset(kit.sites.sites), watch)


def _mine(job: str, kit: Kit) -> str:
    return mine_bucket(job, kit.config)


def _connect(job: str, kit: Kit) -> str:
    return connect_file(**json.loads(job))


def _check_folder(sources: Iterable[Source], kit: Kit) -> None:
    if os.getcwd() == kit.folder:
        return
    for source in sources:
        if not (is_url(source.path) or Path(source.path).is_absolute()):
            raise BatchError(
                f"{source.path}: the worker runs in {os.getcwd()}, the run in {kit.folder}. "
                "Name inputs by absolute paths or URLs, or start the workers in the run's folder."
            )


_DOES: dict[str, Callable[[str, Kit], str]] = {CLEAN: _clean, SIGHT: _sight, MINE: _mine, CONNECT: _connect}
