"""Who stands for each page, through any history of changes: the tables are those of one run over the last state."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PAGES
from made import COPIED
from qingwen import load_rules
from qingwen.dataset import delta
from qingwen.dataset.schema import TABLES
from qingwen.run.engine import run
from qingwen.run.request import Request

pytestmark = pytest.mark.slow

# Two articles, one of them twice with other boilerplate (an exact duplicate), and a page that is rejected.
DISPATCH = (PAGES / "clean-dispatch.txt").read_text("utf-8")
CONTENTS = (DISPATCH, DISPATCH + "\n分享到：\n", (PAGES / "science-blog.txt").read_text("utf-8"), "清文")
BOOK = load_rules()
STATES = st.lists(
    st.dictionaries(st.sampled_from("abcd"), st.sampled_from(range(len(CONTENTS))), min_size=1), min_size=2, max_size=4
)


def cleaned(output: Path, inputs: Path) -> None:
    run(Request((str(inputs),), str(output), runner="inline"))


def rows(output: Path, name: str) -> list[Any]:
    found = delta.read(output, name).drop_columns(COPIED if name == "records" else ()).to_pylist()
    if name == "sources":
        found = [
            {key: value for key, value in row.items() if key != "modified"}
            for row in found
            if row["outcome"] != "superseded"
        ]
    return sorted(found, key=str)


@settings(max_examples=15, deadline=None)
@given(STATES)
def test_any_history_ends_in_the_tables_of_one_run(states: list[dict[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        inputs, output = Path(name, "in"), Path(name, "out")
        inputs.mkdir()
        held: dict[str, int] = {}
        for state in states:
            for path, content in state.items():
                (inputs / f"{path}.txt").write_text(CONTENTS[content], "utf-8")
            held |= state
            cleaned(output, inputs)
        cleaned(Path(name, "fresh"), inputs)
        for table in TABLES:
            assert rows(output, table) == rows(Path(name, "fresh"), table), (table, states)


def test_what_a_path_held_before_stays_on_record(tmp_path: Path) -> None:
    page = tmp_path / "in" / "a.txt"
    page.parent.mkdir()
    for content in CONTENTS[:3]:
        page.write_text(content, "utf-8")
        cleaned(tmp_path / "out", page.parent)
    outcomes = delta.read(tmp_path / "out", "sources", ("outcome",))["outcome"].to_pylist()
    assert sorted(outcomes) == ["record", "superseded", "superseded"]


def test_a_file_that_went_keeps_its_record(tmp_path: Path) -> None:
    shutil.copy(PAGES / "clean-dispatch.txt", tmp_path / "a.txt")
    shutil.copy(PAGES / "science-blog.txt", tmp_path / "b.txt")
    cleaned(tmp_path / "out", tmp_path)
    (tmp_path / "a.txt").unlink()
    cleaned(tmp_path / "out", tmp_path)
    assert len(rows(tmp_path / "out", "records")) == 2
