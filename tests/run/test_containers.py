"""Containers through the engine: items as rows, shared by workers, taken up again when they grow."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES
from made import COPIED, SEED
from qingwen.dataset import delta
from qingwen.dataset.lookup import look_up
from qingwen.dataset.schema import TABLES
from qingwen.errors import BatchError
from qingwen.run import plan, workers
from qingwen.run.engine import run
from qingwen.run.jobs import CleanJob, Job, Result
from qingwen.run.report import RunReport
from qingwen.run.request import Request

DISPATCH = (PAGES / "clean-dispatch.txt").read_text("utf-8")


def article(n: int) -> str:
    return DISPATCH.replace("42天", f"{n + 43}天")


def write(path: Path, *numbers: int) -> Path:
    path.write_text("".join(json.dumps({"text": article(n)}) + "\n" for n in numbers), "utf-8")
    return path


def clean(output: Path, *inputs: Path, **options: Any) -> RunReport:
    return run(Request(tuple(map(str, inputs)), str(output), **{"workers": 2, "runner": "inline", **options}))


def rows(output: Path, name: str) -> list[dict[str, Any]]:
    return sorted(delta.read(output, name).drop_columns(COPIED if name == "records" else ()).to_pylist(), key=str)


def outcomes(output: Path) -> dict[str, str]:
    found = rows(output, "sources")
    return {row["source_path"].rpartition("/")[2]: row["outcome"] for row in found if row["outcome"] != "superseded"}


def test_the_pages_of_a_folder_and_of_its_zip_give_the_same_records(tmp_path: Path) -> None:
    pages = [path for path in sorted(PAGES.iterdir()) if path.suffix in (".txt", ".html")] + [SEED]
    with zipfile.ZipFile(tmp_path / "pages.zip", "w") as archive:
        for page in pages:
            archive.write(page, page.name)
    clean(tmp_path / "files", *pages)
    clean(tmp_path / "zip", tmp_path / "pages.zip")
    for name in TABLES:
        found = [
            [
                {**row, "source_path": "", "container": "", "size": 0, "modified": 0}
                for row in rows(tmp_path / kind, name)
            ]
            for kind in ("files", "zip")
        ]
        assert sorted(found[0], key=str) == sorted(found[1], key=str), name
    (row,) = [row for row in rows(tmp_path / "zip", "sources") if row["source_path"].endswith("clean-dispatch.txt")]
    assert row["source_path"] == f"{tmp_path}/pages.zip!clean-dispatch.txt"
    assert row["container"] == f"{tmp_path}/pages.zip"
    assert look_up(tmp_path / "zip", row["page_id"]).row["source_path"] == row["source_path"]


def test_rows_do_not_depend_on_how_many_workers_share_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    news = write(tmp_path / "news.jsonl", *range(20), 3, 7)
    clean(tmp_path / "one", news, workers=1)
    monkeypatch.setattr(plan, "_SHARED_BYTES", 1)
    report = clean(tmp_path / "shared", news, workers=2)
    for name in TABLES:
        assert rows(tmp_path / "one", name) == rows(tmp_path / "shared", name), name
    assert report.counts.pages == 22
    assert (report.counts.records, report.counts.copies) == (20, 2)


def test_a_container_that_grew_gives_what_is_new_alone(tmp_path: Path) -> None:
    news, output = write(tmp_path / "news.jsonl", 0, 1, 2), tmp_path / "out"
    clean(output, news)
    assert not clean(output, news).wrote
    write(news, 0, 1, 2, 3)
    report = clean(output, news)
    assert (report.counts.records, report.counts.unchanged) == (1, 3)
    assert outcomes(output) == {f"news.jsonl#{n}": "record" for n in range(4)}
    assert not clean(output, news).wrote
    clean(tmp_path / "fresh", news)
    for name in TABLES:
        assert rows(output, name) == rows(tmp_path / "fresh", name), name


def test_an_item_that_its_container_holds_no_more_is_withdrawn(tmp_path: Path) -> None:
    news, output = write(tmp_path / "news.jsonl", 0, 1, 2), tmp_path / "out"
    clean(output, news)
    write(news, 0, 5)
    report = clean(output, news)
    assert report.withdrawn == 2
    assert outcomes(output) == {"news.jsonl#0": "record", "news.jsonl#1": "record"}
    assert len(rows(output, "records")) == 2
    assert sum(row["outcome"] == "superseded" for row in rows(output, "sources")) == 2


def test_a_container_that_breaks_withdraws_no_item_but_the_one_that_broke(tmp_path: Path) -> None:
    news, output = write(tmp_path / "news.jsonl", 0, 1, 2), tmp_path / "out"
    clean(output, news)
    news.write_bytes(news.read_bytes()[: news.stat().st_size // 2])
    clean(output, news)
    wanted = {"news.jsonl#0": "record", "news.jsonl#1": "rejection", "news.jsonl#2": "record"}
    assert outcomes(output) == wanted
    assert len(rows(output, "records")) == 2
    news.write_bytes(b"")
    clean(output, news)
    assert outcomes(output) == {**wanted, "news.jsonl": "rejection"}
    assert len(rows(output, "records")) == 2


def test_a_share_of_a_container_that_fails_withdraws_no_item_of_its_own_or_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_SHARED_BYTES", 1)
    news, output = write(tmp_path / "news.jsonl", 0, 1, 2, 3, 4, 5), tmp_path / "out"
    clean(output, news)
    held = {row["id"] for row in rows(output, "records")}
    write(news, 0, 1, 8, 3, 4, 9)  # one item of each share is another page now
    perform = workers.perform

    def all_but_one_share(context: str, job: Job) -> Result:
        if isinstance(job, CleanJob) and job.share == (1, 4):
            raise BatchError("The disk is full.")
        return perform(context, job)

    with monkeypatch.context() as patched:
        patched.setattr(workers, "perform", all_but_one_share)
        report = clean(output, news)
    assert (report.counts.records, report.counts.unchanged, report.withdrawn) == (1, 3, 1)
    assert report.pending_paths == [str(news)]
    now = {row["id"] for row in rows(output, "records")}
    assert len(now) == 6
    assert len(now - held) == 1
    report = clean(output, news)
    assert (report.counts.records, report.withdrawn, report.pending) == (1, 1, 0)
    clean(tmp_path / "fresh", news)
    assert rows(output, "records") == rows(tmp_path / "fresh", "records")


def test_a_page_in_two_containers_is_one_record_under_the_smaller_path(tmp_path: Path) -> None:
    output = tmp_path / "out"
    second = write(tmp_path / "b.jsonl", 1, 0)
    clean(output, second)
    first = write(tmp_path / "a.jsonl", 0)
    clean(output, first, second)
    assert outcomes(output) == {"a.jsonl#0": "record", "b.jsonl#0": "record", "b.jsonl#1": "copy"}
    clean(tmp_path / "fresh", first, second)
    for name in TABLES:
        assert rows(output, name) == rows(tmp_path / "fresh", name), name


def test_a_container_s_date_resolves_its_pages_relative_dates(tmp_path: Path) -> None:
    told = {"3小时前": "2023-05-30 00:00:00", "8个月前 (09-29)": "2022-09-29 00:00:00"}
    lines = [
        json.dumps({"text": article(n).replace("\n", f"\n{said}\n", 1), "date_download": "2023-05-30T12:00:00+08:00"})
        for n, said in enumerate(told)
    ]
    (tmp_path / "news.jsonl").write_text("\n".join(lines), "utf-8")
    clean(tmp_path / "out", tmp_path / "news.jsonl")
    assert {row["published_raw"]: str(row["published_at"]) for row in rows(tmp_path / "out", "records")} == told


def test_a_sample_of_a_container_is_surveyed(tmp_path: Path) -> None:
    """Menus of a site are learned from the rows of a container, by the domain of their URLs."""
    menu = "新闻中心　体育频道　财经频道的全部栏目"
    lines = [
        json.dumps({"text": f"{article(n)}\n{menu}", "url": f"http://site.example/{n}", "title": f"新闻第{n}条"})
        for n in range(3)
    ]
    other = (PAGES / "science-blog.txt").read_text("utf-8"), (PAGES / "epaper-lawsuit.txt").read_text("utf-8")
    lines += [json.dumps({"text": f"{text}\n{menu}", "url": "http://site.example/x"}) for text in other]
    (tmp_path / "news.jsonl").write_text("\n".join(lines), "utf-8")
    report = clean(tmp_path / "out", tmp_path / "news.jsonl")
    assert report.sites == 1
    assert all(menu not in row["text"] for row in rows(tmp_path / "out", "records"))
