"""A dataset on an object store: through a real S3 API on loopback it is what it is on a disk."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES, SEED
from qingwen.dataset import delta, lock
from qingwen.dataset.dataset import changes, snapshot
from qingwen.dataset.location import location_of
from qingwen.dataset.lookup import look_up
from qingwen.dataset.schema import TABLES
from qingwen.errors import BatchError, PublishError
from qingwen.run.engine import open_run, run
from qingwen.run.maintenance import compact, forget, vacuum
from qingwen.run.report import RunReport
from qingwen.run.request import Request

pytestmark = [pytest.mark.usefixtures("store"), pytest.mark.slow]
NEWS = "s3://crawl/news"
NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt")


def clean(output: str | Path, *inputs: Path | str, **options: Any) -> RunReport:
    return run(Request(tuple(map(str, inputs)), str(output), **{"runner": "inline", **options}))


def everything(output: str | Path) -> dict[str, list[str]]:
    return {name: sorted(map(str, delta.read(location_of(output), name).to_pylist())) for name in TABLES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(PAGES / name, folder / name)
    rows = [json.dumps({"text": SEED.read_text("utf-8"), "url": "http://a.example/1"})]
    (folder / "rows.jsonl").write_text("\n".join(rows), "utf-8")
    return folder


def test_runs_upkeep_and_lookup_are_those_of_a_disk(folder: Path, tmp_path: Path) -> None:
    disk = tmp_path / "out"
    first = clean(NEWS, folder)
    assert first.counts.records == 4
    clean(disk, folder)
    assert everything(NEWS) == everything(disk)
    assert not clean(NEWS, folder).wrote
    shutil.copy(PAGES / "account-repost.txt", folder / NAMES[0])
    (folder / "b.txt").write_text((PAGES / NAMES[1]).read_text("utf-8") + "\n分享到：\n", "utf-8")
    for output in (NEWS, disk):
        assert clean(output, folder).withdrawn == 1
    assert everything(NEWS) == everything(disk)
    for output in (NEWS, disk):
        compact(location_of(output))
        assert vacuum(location_of(output)).removed
    assert everything(NEWS) == everything(disk)
    assert sorted(change for _, change in changes(location_of(NEWS), first.run)) == ["added", "added", "withdrawn"]
    (page,) = [row for row in delta.read(location_of(NEWS), "records").to_pylist() if row["url"]]
    assert look_up(location_of(NEWS), page["id"][:8]).row["title"] == page["title"]
    forget(location_of(NEWS), urls=["http://a.example/1"])
    assert not clean(NEWS, folder).wrote
    card = location_of(NEWS).joinpath("README.md").read_text("utf-8")
    assert card.startswith("---\nlanguage: [zh]")


def test_nothing_of_a_run_is_left_behind(folder: Path, store: Any) -> None:
    clean(NEWS, folder)
    store.invalidate_cache()
    left = {path.split("/")[3] for path in store.find("crawl/news/_state")}
    assert left == {"dataset.json", "sites.json", "signatures", "tables.json"}


def test_a_second_run_is_refused_and_a_stale_lock_is_broken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request((str(folder),), NEWS, workers=1)
    with open_run(request), pytest.raises(PublishError, match=r"another run holds the dataset \(process \d+ on"):
        clean(NEWS, folder)
    # A holder that was killed: its lock is there, and nobody renews it.
    held = lock.lock_of(location_of(NEWS))
    held.hold()
    assert isinstance(held, lock.StoreLock)
    held._released.set()
    with pytest.raises(PublishError):
        clean(NEWS, folder)
    now = time.time() + lock.STALE
    monkeypatch.setattr(lock.time, "time", lambda: now)
    assert clean(NEWS, folder).counts.records == 4


def test_what_readers_see_while_a_run_publishes(folder: Path, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot is that of before until all tables are committed. A table as it is now gains rows before records do,
    and loses them after; a glob of it sees new files before, and old ones until a vacuum."""
    clean(NEWS, folder)
    shutil.copy(PAGES / "account-repost.txt", folder / NAMES[0])
    before = everything(NEWS)
    seen: list[tuple[str, dict[str, list[str]]]] = []
    commit = delta.commit

    def watched(dataset: Any, name: str, *args: Any, **named: Any) -> bool:
        found = commit(dataset, name, *args, **named)
        pinned = snapshot(location_of(NEWS))
        assert {name: sorted(map(str, delta.read(pinned, name).to_pylist())) for name in TABLES} == before
        seen.append((name, everything(NEWS)))
        return found

    monkeypatch.setattr(delta, "commit", watched)
    clean(NEWS, folder)
    after = everything(NEWS)
    committed: set[str] = set()
    for name, found in seen:
        committed.add(name)
        for table in TABLES:
            assert set((after if table in committed else before)[table]) <= set(found[table]), (name, table)
    assert seen[-1][0] == "records"
    assert seen[-1][1]["records"] == after["records"]
    files = {f"s3://{path}" for path in store.glob("crawl/news/records/*.parquet")}
    assert files > set(delta.files(location_of(NEWS), "records"))
    vacuum(location_of(NEWS))
    store.invalidate_cache()
    files = {f"s3://{path}" for path in store.glob("crawl/news/records/*.parquet")}
    assert files == set(delta.files(location_of(NEWS), "records"))


def test_a_run_killed_while_it_publishes_is_finished_by_the_next(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, made = delta.commit, []

    def failing(*args: Any, **named: Any) -> bool:
        if len(made) == 3:
            raise ConnectionResetError("the store went away")
        made.append(args)
        return commit(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(delta, "commit", failing)
        with pytest.raises(BatchError, match="the store went away"):
            clean(NEWS, folder)
    report = clean(NEWS, folder)
    assert report.finished_earlier is not None
    assert not report.wrote
    clean(tmp_path / "fresh", folder)
    assert everything(NEWS) == everything(tmp_path / "fresh")
