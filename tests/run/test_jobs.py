"""What crosses to a worker: its context says all that it needs, and whether it can be used there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qingwen import Config, load_rules
from qingwen.dataset.location import location_of
from qingwen.errors import BatchError
from qingwen.rules.site_book import Site, SiteBook, Template
from qingwen.rules.takedowns import Forgotten
from qingwen.run.jobs import WorkerContext, open_context, write_context

TABLE = """
[[rule]]
id = "ad.mine"
label = "ad"
scope = "any"
pattern = "^茶馆预订"
why = "A test."
since = "2026-11-25"
matches = ["茶馆预订：找小王"]
"""


def test_a_context_holds_all_that_a_worker_needs(tmp_path: Path) -> None:
    from datetime import date

    (tmp_path / "mine.toml").write_text(TABLE, "utf-8")
    rules = str(tmp_path / "mine.toml")
    config = Config(crawl_date=date(2023, 5, 30), min_article_chars=7)
    sites = SiteBook({"news.cn": Site(9, {"0": Template(9, "首页")}, 1)})
    context = WorkerContext(config, load_rules(Path(rules)), sites, Forgotten(ids=frozenset({"a"})))
    path = write_context(context, rules, location_of(tmp_path / "staging"))
    # The worker does not read the user's table again: it may run where that is not.
    (tmp_path / "mine.toml").unlink()
    found = open_context(str(path))
    assert (found.config, found.sites, found.forgotten) == (config, sites, context.forgotten)
    assert found.book.version == context.book.version
    assert "ad.mine" in {rule.id for rule in found.book.rules}


def test_a_worker_with_other_rules_or_without_the_dataset_says_so(tmp_path: Path) -> None:
    path = Path(str(write_context(WorkerContext(Config(), load_rules(), SiteBook()), None, location_of(tmp_path))))
    stated = json.loads(path.read_text("utf-8"))
    other = path.with_name("context-other.json")
    other.write_text(json.dumps({**stated, "version": "0123456789abcdef"}), "utf-8")
    with pytest.raises(BatchError, match="install the same version of qingwen on all machines"):
        open_context(str(other))
    with pytest.raises(BatchError, match="Workers must see the dataset"):
        open_context(str(tmp_path / "nothing.json"))
    damaged = path.with_name("context-damaged.json")
    for text in (
        "{",
        "[1]",
        json.dumps({**stated, "config": {"max_tags": "many"}}),
        json.dumps({**stated, "sites": "{}"}),
    ):
        damaged.write_text(text, "utf-8")
        with pytest.raises(BatchError, match=r"context-damaged\.json: damaged .* The next run writes it anew"):
            open_context(str(damaged))
