"""While a run publishes, and after one that was killed as it did: readers see what was there before, or all that is new."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from pyarrow import parquet

from commands import qingwen
from conftest import PAGES
from qingwen.dataset import delta
from qingwen.dataset.dataset import snapshot
from qingwen.dataset.location import location_of
from qingwen.dataset.schema import TABLES
from qingwen.run.engine import run
from qingwen.run.maintenance import forget
from qingwen.run.request import Request

NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt", "account-repost.txt", "english.txt")


def request(scene: Path, dataset: Path) -> Request:
    return Request((str(scene / "in"),), str(dataset), runner="inline", accept=True)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of four pages; then one is replaced, one is made a page that is no article, one is new."""
    folder = tmp_path_factory.mktemp("scene")
    (folder / "in").mkdir()
    for name in NAMES[:3]:
        shutil.copy(PAGES / name, folder / "in" / name)
    text = (PAGES / NAMES[0]).read_text("utf-8")
    (folder / "in/repost.txt").write_text(f"{text}\n本报记者另外了解到，下一航次将于明年三月出发。\n", "utf-8")
    run(request(folder, folder / "news"))
    shutil.copy(PAGES / NAMES[3], folder / "in" / NAMES[0])
    shutil.copy(PAGES / NAMES[4], folder / "in" / NAMES[1])
    shutil.copy(PAGES / NAMES[0], folder / "in" / "z.txt")
    return folder


def held(folder: Path) -> dict[str, list[Any]]:
    """Return what our readers see."""
    tables = snapshot(location_of(folder / "news"))
    return {name: sorted(delta.read(tables, name).to_pylist(), key=str) for name in TABLES}


def check_plain_readers(folder: Path) -> None:
    """Whoever reads the tables as they are now finds blocks, signatures and sources of each record."""
    now = {name: delta.read(location_of(folder / "news"), name) for name in TABLES}
    ids = set(now["records"]["id"].to_pylist())
    assert ids <= set(now["signatures"]["id"].to_pylist())
    assert ids <= set(now["blocks"]["page_id"].to_pylist())
    assert ids <= set(now["sources"]["page_id"].to_pylist())


def stopped_after(commits: int) -> Any:
    """Break a run off behind so many commits to tables."""
    made = []

    def counted(original: Any) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            if len(made) == commits:
                raise KeyboardInterrupt
            found = original(*args, **named)
            made.append(args)
            return found

        return call

    return mock.patch.multiple(delta, write_deltalake=counted(delta.write_deltalake), _replace=counted(delta._replace))


def test_readers_see_one_state_of_all_tables_wherever_a_run_stops(scene: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scene"
    shutil.copytree(scene, folder)
    before = held(folder)
    old = [row["id"] for row in before["records"]]
    shutil.copytree(folder / "news", tmp_path / "pristine")
    run(request(scene, folder / "news"))
    after = held(folder)
    assert before != after
    seen, commits = [], 0
    while True:
        shutil.rmtree(folder / "news")
        shutil.copytree(tmp_path / "pristine", folder / "news")
        try:
            with stopped_after(commits):
                run(request(scene, folder / "news"))
        except KeyboardInterrupt:
            check_plain_readers(folder)
            assert held(folder) == before, commits
            for page in old:
                assert qingwen("restore", folder / "news", page).stdout == _text(scene, before, page)
                assert len(qingwen("explain", folder / "news", page).stdout.splitlines()) > 3
            for command in ("report", "head", "export"):
                qingwen(command, folder / "news")
            assert held(folder) == before, commits
            run(request(scene, folder / "news"))
            assert held(folder) == after, commits
            seen.append(commits)
            commits += 1
            continue
        break
    assert len(seen) >= 9, "side tables gain, records change, side tables lose"


def _text(scene: Path, before: dict[str, list[Any]], page: str) -> str:
    (path,) = (row["source_path"] for row in before["records"] if row["id"] == page)
    name = Path(path).name
    if name == "repost.txt":
        return (scene / "in" / name).read_text("utf-8")
    return (PAGES / name).read_text("utf-8")


def test_a_page_is_taken_down_at_once_for_our_readers_and_its_review_page_goes_first(
    scene: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "scene"
    shutil.copytree(scene, folder)
    dataset = location_of(folder / "news")
    victim = held(folder)["records"][0]["id"]
    commits = 0
    while True:
        shutil.rmtree(folder / "news")
        shutil.copytree(scene / "news", folder / "news")
        qingwen("report", folder / "news")
        try:
            with stopped_after(commits):
                forget(dataset, [victim])
        except KeyboardInterrupt:
            assert not (folder / "news/review.html").exists()
            assert victim in {row["id"] for row in held(folder)["records"]}
            check_plain_readers(folder)
            qingwen("compact", folder / "news")  # which finishes it
            assert victim not in {row["id"] for row in held(folder)["records"]}
            commits += 1
            continue
        break
    assert commits >= 5
    assert not (folder / "news/review.html").exists()


def test_what_is_pinned_follows_compaction_and_other_writers(scene: Path, tmp_path: Path) -> None:
    from deltalake import DeltaTable

    folder = tmp_path / "scene"
    shutil.copytree(scene, folder)
    before = held(folder)
    DeltaTable(str(folder / "news/blocks")).delete("n = 0")
    assert held(folder) == before, "what another writer changed shows when a run or a command has adopted it"
    qingwen("compact", folder / "news")
    assert len(held(folder)["blocks"]) < len(before["blocks"])
    qingwen("vacuum", folder / "news")
    assert snapshot(location_of(folder / "news")).versions == delta.versions(location_of(folder / "news"))
    assert parquet.read_table(DeltaTable(str(folder / "news/records")).file_uris()).num_rows == len(before["records"])
