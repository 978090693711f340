"""A batch in its worker: a page's fault is a row, a machine's fault fails the batch, and what is done is not done again."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pyarrow import parquet

from conftest import PAGES
from qingwen import Config, SiteBook, load_rules
from qingwen.errors import BatchError, WorkerLostError
from qingwen.read.page import Source
from qingwen.rules.takedowns import Forgotten
from qingwen.run import clean_batch as module
from qingwen.run.clean_batch import clean_batch
from qingwen.run.jobs import CleanJob, Counts, WorkerContext

NAME = "clean-dispatch.txt"
SOURCE = Source(str(PAGES / NAME), 1, 1)


def context(forgotten: Forgotten | None = None) -> WorkerContext:
    return WorkerContext(Config(), load_rules(), SiteBook(), forgotten or Forgotten())


def test_a_batch_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    page = tmp_path / NAME
    page.write_bytes((PAGES / NAME).read_bytes())
    job = CleanJob((Source(str(page), 1, 1),), str(tmp_path / "staged"))
    done = clean_batch(job, context())
    assert done.records == 1
    page.unlink()
    assert clean_batch(pickle.loads(pickle.dumps(job)), context()) == done


def test_memory_that_does_not_suffice_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hungry(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "clean_page", hungry)
    with pytest.raises(WorkerLostError, match="memory does not suffice"):
        clean_batch(CleanJob((SOURCE,), str(tmp_path / "staged")), context())
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_fails_the_batch(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BatchError, match=r"cannot be cleaned now: (NotADirectory|FileExists)Error"):
        clean_batch(CleanJob((SOURCE,), str(tmp_path / "file" / "staged")), context())


def test_what_is_left_out_or_behind_the_last_item_is_pending(tmp_path: Path) -> None:
    rows = tmp_path / "news.jsonl"
    rows.write_text('{"text": "甲"}\n{"text": "乙"}\n{"text": "丙"}\n', "utf-8")
    other = str(tmp_path / "other.txt")
    job = CleanJob(
        (Source(other, 1, 1), Source(str(rows), 1, 1)),
        str(tmp_path / "staged"),
        leave_out=frozenset({other}),
        until=f"{rows}#1",
    )
    counts = clean_batch(job, context())
    assert counts.pages == 2
    assert counts.left_out == {other: "", str(rows): ""}


@pytest.mark.parametrize("by", ["id", "site"])
def test_a_page_that_was_taken_down_is_a_rejection_without_its_text(tmp_path: Path, by: str) -> None:
    page = "<html><head><meta property='og:site_name' content='临河在线'></head><body>" + "".join(
        f"<p>{line}</p>" for line in (PAGES / NAME).read_text("utf-8").split("\n")
    )
    path = tmp_path / "page.html"
    path.write_text(page, "utf-8")
    source = Source(str(path), 1, 1)
    plain = clean_batch(CleanJob((source,), str(tmp_path / "plain")), context())
    assert plain.records == 1
    (row,) = parquet.read_table(tmp_path / "plain" / "records.parquet").to_pylist()
    gone = Forgotten(ids=frozenset({row["id"]})) if by == "id" else Forgotten(sites=frozenset({"临河在线"}))
    counts = clean_batch(CleanJob((source,), str(tmp_path / "gone")), context(gone))
    assert counts.rejections == {"forget.asked": 1}
    assert parquet.read_table(tmp_path / "gone" / "blocks.parquet").num_rows == 0


def test_counts_go_to_another_process_and_come_back() -> None:
    counts = Counts(pages=3, records=1, left_out={"a": "b"})
    counts.rejections["read.empty"] += 2
    assert Counts.from_json(counts.to_json()) == counts
    whole = Counts(records=1)
    whole.add(counts)
    assert (whole.pages, whole.records, whole.rejections["read.empty"]) == (3, 2, 2)
