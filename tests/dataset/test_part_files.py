"""The part files of a batch: whole or not there, and written before they weigh too much."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from qingwen.dataset import part_files
from qingwen.dataset.location import location_of
from qingwen.dataset.part_files import Staged
from qingwen.run.clean_batch import DONE

BLOCK = {"page_id": "p", "n": 0, "start": 0, "end": 1, "label": "body", "rule": "r", "score": 0.0, "why": "w"}
EDIT = {"page_id": "p", "part": "body", "pass": 0, "n": 0, "rule": "r", "label": "l", "start": 0, "end": 1}


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("blocks", [{**BLOCK, "kept": False, "path": "", "text": "字" * 3_000}]),
        ("blocks", [{**BLOCK, "kept": True, "path": "div/" * 800, "text": None}]),
        ("edits", [{**EDIT, "before": "字" * 1_500, "after": "词" * 1_500}]),
        ("edits", [{**EDIT, "before": ",", "after": "，"}] * 50),
    ],
    ids=["text", "path", "edits", "many small rows"],
)
def test_rows_of_huge_pages_do_not_wait_for_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, rows: list[dict[str, Any]]
) -> None:
    monkeypatch.setattr(part_files, "_CHARS", 2_500)
    with Staged(tmp_path / "batch") as parts:
        for _ in range(5):
            parts.add({table: rows})
        parts.finish("{}")
    data = parquet.ParquetFile(tmp_path / "batch" / f"{table}.parquet")
    assert data.num_row_groups == 5
    assert data.metadata.num_rows == 5 * len(rows)


def test_rows_of_small_pages_share_a_group(tmp_path: Path) -> None:
    with Staged(tmp_path / "batch") as parts:
        for _ in range(5):
            parts.add({"edits": [{**EDIT, "before": ",", "after": "，"}]})
        parts.finish("{}")
    assert parquet.ParquetFile(tmp_path / "batch" / "edits.parquet").num_row_groups == 1


def test_a_batch_that_fails_leaves_no_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyError), Staged(tmp_path / "batch") as parts:
        parts.add({"edits": [{**EDIT, "before": ",", "after": "，"}], "no such table": []})
    assert list(tmp_path.iterdir()) == []


def test_a_batch_for_a_store_is_written_where_nobody_else_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's temporary folder is shared: the folder's name cannot be guessed, and it is its owner's alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    names = set()
    for _ in range(2):
        with Staged(location_of("memory://store/batch")) as parts:
            (folder,) = tmp_path.iterdir()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            names.add(folder.name)
            parts.finish("{}")
        assert list(tmp_path.iterdir()) == []
    assert len(names) == 2


def test_no_file_of_a_dataset_may_be_executed(seed_dataset: Path) -> None:
    for path in seed_dataset.rglob("*"):
        assert path.is_dir() or not path.stat().st_mode & 0o111, path


def test_what_the_batch_says_of_itself_lies_beside_its_parts(tmp_path: Path) -> None:
    with Staged(tmp_path / "batch") as parts:
        parts.finish('{"pages": 0}')
    assert (tmp_path / "batch" / DONE).read_text("utf-8") == '{"pages": 0}'
    assert [path.name for path in tmp_path.iterdir()] == ["batch"]
