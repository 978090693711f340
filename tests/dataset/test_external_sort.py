"""Rows come in their order whether they fit in memory or are dealt to parts on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from qingwen.dataset.database import Database, in_order

SCHEMA = pa.schema([("page_id", pa.string()), ("n", pa.int32()), ("text", pa.string())])


def made(pages: int, rows: int) -> list[dict[str, object]]:
    ids = [hashlib.sha256(str(n).encode()).hexdigest()[:32] for n in range(pages)]
    return [{"page_id": page, "n": n, "text": f"{page}{n}" * 3} for n in reversed(range(rows)) for page in ids]


def sorted_rows(rows: list[dict[str, object]], folder: Path, most: int) -> list[dict[str, object]]:
    reader = pa.Table.from_pylist(rows, SCHEMA).to_reader(max_chunksize=37)
    batches = list(in_order(reader, ("page_id", "n"), folder, len(rows), most))
    return pa.Table.from_batches(batches, SCHEMA).to_pylist()


@pytest.mark.parametrize(
    ("pages", "most"), [(0, 1_000), (1, 1_000_000), (300, 1_000_000), (300, 20_000), (300, 500)],
    ids=["none", "one", "in memory", "a digit", "three digits"],
)  # fmt: skip
def test_rows_come_sorted_and_whole(pages: int, most: int, tmp_path: Path) -> None:
    rows = made(pages, 4)
    assert sorted_rows(rows, tmp_path / "parts", most) == sorted(rows, key=lambda row: (row["page_id"], row["n"]))
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_lies_on_disk(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    rows = made(300, 4)
    reader = pa.Table.from_pylist(rows, SCHEMA).to_reader(max_chunksize=37)
    batches = in_order(reader, ("page_id", "n"), folder, len(rows), 20_000)
    next(batches)
    assert len(list(folder.iterdir())) > 10
    assert max(batch.nbytes for batch in batches) < 20_000


def test_the_database_s_memory_holds_no_texts_of_a_whole_run(tmp_path: Path) -> None:
    """Its own sort fails here: 420 MB of texts, each row wider than what it pins for one."""
    from qingwen.run import publish

    files = []
    for n in range(7):
        name = tmp_path / f"{n}.parquet"
        ids = [hashlib.sha256(f"{n} {at}".encode()).hexdigest()[:32] for at in range(10_000)]
        rows = pa.table({"page_id": ids, "n": pa.array([0] * 10_000, pa.int32()), "text": [page * 190 for page in ids]})
        pa.parquet.write_table(rows, name, compression="zstd", row_group_size=1_000)
        files.append(name)
    with Database(tmp_path) as database:
        database.view("staged", files)
        last, seen = "", 0
        query = "SELECT page_id, n, text FROM staged"
        rows = database.stream(query, SCHEMA)
        for batch in publish.in_order(rows, ("page_id", "n"), database.folder / "parts", 70_000):
            ids = batch.column("page_id").to_pylist()
            assert ids == sorted(ids)
            assert ids[0] > last
            last, seen = ids[-1], seen + len(ids)
    assert seen == 70_000
