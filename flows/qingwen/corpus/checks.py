"""Whether a run can be done at all: looked at before anything is touched, and before a server is started for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qingwen.config import Config
from qingwen.corpus.dataset import check_versions
from qingwen.corpus.place import place_of
from qingwen.corpus.request import MONTH, Request
from qingwen.corpus.schemas import VERSION
from qingwen.read.addresses import is_url
from qingwen.read.inputs import check_inputs
from qingwen.rules.book import RuleBook, load_rules


def check_request(request: Request, *, stores: bool = True) -> RuleBook:
    """Look whether inputs, rules and dataset fit each other; return the rules.

    ``stores``: inputs in stores are looked for too, which takes long where they hold much.

    Raises:
        SetupError: they do not; the message says what to do.
    """
    book = load_rules(Path(request.rules) if request.rules else None)
    check_inputs(named for named in request.inputs if stores or not is_url(named))
    if not request.rebuild:
        dataset = place_of(request.output)
        check_versions(dataset, row_versions(book, request.config), by_month=request.partition_by == MONTH)
    return book


def row_versions(book: RuleBook, config: Config) -> dict[str, Any]:
    """Return what rows of one dataset have in common."""
    return {"rules_version": book.version, "config_digest": config.digest, "schema_version": VERSION}
