"""Pieces of work: what a worker is told, how many are under way, what becomes of one that hangs."""

from __future__ import annotations

import json
import multiprocessing
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from qingwen import Config, load_rules
from qingwen.dataset.location import location_of
from qingwen.errors import BatchError
from qingwen.rules.site_book import Site, SiteBook, Template
from qingwen.rules.takedowns import Forgotten
from qingwen.run.executor import windowed
from qingwen.run.near_duplicates import BANDS, connect_file, similar
from qingwen.run.worker_context import WorkerContext, open_context, write_context
from qingwen.run.workers import Pool

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


def test_a_kit_holds_all_that_a_worker_needs(tmp_path: Path) -> None:
    from datetime import date

    (tmp_path / "mine.toml").write_text(TABLE, "utf-8")
    rules = str(tmp_path / "mine.toml")
    config = Config(crawl_date=date(2023, 5, 30), min_article_chars=7)
    sites = SiteBook({"news.cn": Site(9, {"0": Template(9, "首页")}, 1)})
    kit = WorkerContext(config, load_rules(Path(rules)), sites, Forgotten(ids=frozenset({"a"})))
    path = write_context(kit, rules, location_of(tmp_path / "staging"))
    # The worker does not read the user's table again: it may run where that is not.
    (tmp_path / "mine.toml").unlink()
    found = open_context(str(path))
    assert (found.config, found.sites, found.forgotten) == (config, sites, kit.forgotten)
    assert found.book.version == kit.book.version
    assert "ad.mine" in {rule.id for rule in found.book.rules}


def test_a_worker_with_other_rules_or_without_the_dataset_says_so(tmp_path: Path) -> None:
    path = Path(str(write_context(WorkerContext(Config(), load_rules(), SiteBook()), None, location_of(tmp_path))))
    stated = json.loads(path.read_text("utf-8"))
    other = path.with_name("kit-other.json")
    other.write_text(json.dumps({**stated, "version": "0123456789abcdef"}), "utf-8")
    with pytest.raises(BatchError, match="install the same version of qingwen on all machines"):
        open_context(str(other))
    with pytest.raises(BatchError, match="Workers must see the dataset"):
        open_context(str(tmp_path / "nothing.json"))
    damaged = path.with_name("kit-damaged.json")
    for text in (
        "{",
        "[1]",
        json.dumps({**stated, "config": {"max_tags": "many"}}),
        json.dumps({**stated, "sites": "{}"}),
    ):
        damaged.write_text(text, "utf-8")
        with pytest.raises(BatchError, match=r"kit-damaged\.json: damaged .* The next run writes it anew"):
            open_context(str(damaged))


def test_never_more_jobs_are_under_way_than_asked() -> None:
    under_way: set[int] = set()
    most = 0

    def submit(n: int, job: str) -> Future[str]:
        nonlocal most
        under_way.add(n)
        most = max(most, len(under_way))
        return threads.submit(job.upper)

    with ThreadPoolExecutor(2) as threads:
        found = {}
        for n, future in windowed(submit, iter("abcdefghij"), 3):
            under_way.discard(n)
            found[n] = future.result()
    assert found == dict(enumerate("ABCDEFGHIJ"))
    assert most == 3


def test_groups_of_bands_found_apart_are_the_clusters_of_all(tmp_path: Path) -> None:
    generator = np.random.default_rng(7)
    rows = generator.integers(0, 1 << 32, (300, 256), dtype=np.uint32)
    for n in range(0, 300, 3):  # some are like the one before, more or less
        rows[n + 1] = np.where(generator.random(256) < generator.random(), rows[n], rows[n + 1])
    matrix = tmp_path / "matrix"
    rows.astype("<u4").tofile(matrix)
    groups = []
    for at in range(0, BANDS, 8):
        connect_file(str(matrix), 300, (at, at + 8), 0.45, str(tmp_path / f"out-{at}"))
        groups.append(np.fromfile(tmp_path / f"out-{at}", dtype="<i8"))
    whole = similar(rows, 0.45, tmp_path)
    assert (whole != np.arange(300)).sum() > 20
    assert any((group != whole).any() for group in groups), "no group alone finds all"
    assert np.array_equal(similar(rows, 0.45, tmp_path, groups=groups), whole)


def test_a_pool_that_was_closed_starts_no_worker_again() -> None:
    pool = Pool(1)
    pool.close()
    with pytest.raises(BatchError, match="The run was ended"):
        pool.do("clean-batch", "nothing.json", "[]")
    assert not multiprocessing.active_children()
