"""The door to Delta tables: tables whose files come from versions with other column descriptions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from qingwen.dataset import delta
from qingwen.dataset.location import location_of
from qingwen.dataset.schema import TABLES


def rows(*ids: str, described: str | None = None) -> pa.Table:
    """Return rejections, with the descriptions of now or with another in the place of each."""
    schema = TABLES["rejections"]
    if described is not None:
        other = {"description": described, "comment": described}
        schema = pa.schema([field.with_metadata(other) for field in schema])
    columns = {name: [f"{name} {number}" for number in ids] for name in schema.names} | {"page_id": list(ids)}
    return pa.table(columns, schema=schema)


def test_a_table_of_another_version_takes_rows_and_gives_rows_up(tmp_path: Path) -> None:
    dataset = location_of(tmp_path)
    delta.commit(dataset, "rejections", rows("a", "b", "c", described="as it was"), delta.Commit(1, "first"))
    for number, (new, gone) in enumerate([("d", "a"), ("e", "b"), ("f", "d")], 2):
        delta.commit(dataset, "rejections", rows(new), delta.Commit(number, f"run {number}"), pa.array([gone]))
    delta.commit(dataset, "rejections", rows("g"), delta.Commit(5, "run 5"))
    delta.join_small_files(dataset, "rejections", 1 << 20)
    delta.update(dataset, "rejections", rows("c").set_column(4, "detail", [["new"]]), ("detail",), label="update")
    found = dict(zip(*delta.read(dataset, "rejections", ("page_id", "detail")).to_pydict().values(), strict=True))
    assert found == {"c": "new", "e": "detail e", "f": "detail f", "g": "detail g"}
