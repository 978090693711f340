"""A function for ``datasets.Dataset.map``: what `Cleaner` makes of each row, in columns whose types are known before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest

import qingwen
from conftest import PAGES, SEED
from qingwen import Cleaned, Cleaner, Config, SetupError
from qingwen.adapters.datasets import CleanRows
from qingwen.dataset.lookup import edit_of, labelled_blocks
from qingwen.dataset.schema import RECORDS

COMPARED = {"duplicate_of", "duplicate_kind", "cluster_size"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def pages(*names: str) -> Any:
    paths = [PAGES / name for name in names] if names else sorted(PAGES.glob("*.txt"))
    return datasets.Dataset.from_dict(
        {"id": [path.name for path in paths], "text": [path.read_text("utf-8", "replace") for path in paths]}
    )


def mapped(rows: Any, clean: CleanRows, **options: Any) -> Any:
    return rows.map(clean, batched=True, remove_columns=rows.column_names, features=clean.features, **options)


@pytest.mark.parametrize("workers", [None, 2])
def test_rows_of_articles_come_out_and_the_rest_vanishes(workers: int | None) -> None:
    rows = pages()
    found = mapped(rows, CleanRows(), num_proc=workers, batch_size=4)
    cleaner = Cleaner()
    expected = [cleaner.clean_row(row, source_path=row["id"]) for row in rows]
    records = [result.record.row() for result in expected if isinstance(result, Cleaned)]
    assert found.column_names == [name for name in RECORDS.names if name not in COMPARED]
    assert 0 < len(found) == len(records) < len(rows)
    for mine, record in zip(found, records, strict=True):
        assert mine == {name: value for name, value in record.items() if name not in COMPARED}


def test_a_streamed_dataset_goes_the_same_way() -> None:
    rows = pages()
    clean = CleanRows()
    streamed = rows.to_iterable_dataset().map(
        clean, batched=True, remove_columns=rows.column_names, features=clean.features
    )
    assert list(streamed) == list(mapped(rows, clean))


def test_rejected_rows_stay_on_request_and_say_why() -> None:
    rows = pages("list-page.html", "clean-dispatch.txt", "empty.txt")
    clean = CleanRows(keep_rejected=True)
    found = rows.map(clean, batched=True, features=datasets.Features({**rows.features, **clean.features}))
    assert found["rejected"][:] == ["reject.no-article", None, "read.no-text"]
    assert found["source_path"][:] == rows["id"][:]
    assert [row["text"] is None for row in found] == [True, False, True]
    assert all(row["detail"] for row in found if row["rejected"])


@pytest.mark.parametrize("options", [{}, {"keep_rejected": True}, {"keep_rejected": True, "receipts": True}])
def test_types_are_those_of_the_tables_whatever_the_first_batch_holds(options: dict[str, bool]) -> None:
    rows = datasets.concatenate_datasets([pages("empty.txt", "list-page.html"), pages("clean-dispatch.txt")])
    clean = CleanRows(**options)
    found = mapped(rows, clean, batch_size=1)
    assert found.features == clean.features
    for name in set(RECORDS.names) - COMPARED:
        stored = str(RECORDS.field(name).type).replace(" not null", "")
        assert str(found.features.arrow_schema.field(name).type) == stored, name
    nothing = mapped(pages("empty.txt"), clean)
    assert nothing.features == clean.features


def test_receipts_give_the_page_back() -> None:
    page = SEED.read_text("utf-8")
    (row,) = mapped(datasets.Dataset.from_dict({"text": [page]}), CleanRows(receipts=True))
    result = Cleaner().clean(page.encode())
    assert isinstance(result, Cleaned)
    blocks, edits = tuple(map(labelled_blocks, row["blocks"])), tuple(map(edit_of, row["edits"]))
    assert (blocks, edits) == (result.blocks, tuple(edits))
    assert qingwen.restore(result.record, blocks, edits) == page


def test_a_second_map_is_answered_from_the_cache_and_other_rules_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages().to_json(tmp_path / "pages.jsonl", force_ascii=False)
    rows = datasets.load_dataset(
        "json", data_files=str(tmp_path / "pages.jsonl"), split="train", cache_dir=str(tmp_path)
    )
    first = mapped(rows, CleanRows())

    def fail(self: Cleaner, *rest: Any, **options: Any) -> Any:
        raise AssertionError("cleaned again")

    with monkeypatch.context() as patch:
        patch.setattr("qingwen.adapters.datasets.clean_row", fail)
        assert mapped(rows, CleanRows())[:] == first[:]
    other = mapped(rows, CleanRows(Cleaner(Config(min_article_chars=1000))))
    assert len(other) < len(first)


def test_its_fingerprint_is_the_same_in_every_process() -> None:
    """Another process orders its sets by another seed."""
    code = "from datasets.fingerprint import Hasher; from qingwen.adapters.datasets import CleanRows; print(Hasher.hash(CleanRows()))"
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == datasets.fingerprint.Hasher.hash(CleanRows())


def test_a_single_row_is_refused() -> None:
    with pytest.raises(SetupError, match="Pass batched=True"):
        CleanRows()({"text": "老街茶馆一座难求", "id": 1})


def test_a_row_s_url_and_other_names_are_read_as_from_files() -> None:
    rows = datasets.Dataset.from_dict(
        {
            "html": [(PAGES / "gov-notice.html").read_text("utf-8")],
            "link": ["http://www.a.gov.cn/1.html"],
            "key": [7],
            "crawl_date": ["2023-05-30"],
        }
    )
    (row,) = mapped(rows, CleanRows(name="key"))
    assert (row["url"], row["site"], row["source_path"], row["source_format"]) == (
        "http://www.a.gov.cn/1.html", "a.gov.cn", "7", "html",
    )  # fmt: skip
    assert f"{row['fetched_at']:%Y-%m-%d}" == "2023-05-30"
