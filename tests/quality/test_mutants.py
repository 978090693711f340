"""The table of faults fits the code as it stands, so that what it shows stays true."""

from __future__ import annotations

from typing import Any

import pytest

from quality.mutants import ROOT, mutants, mutated

ROWS = mutants()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['file']}: {row['why']}" for row in ROWS])
def test_a_fault_fits_its_file_and_its_tests_are_there(row: dict[str, Any]) -> None:
    path = ROOT / "flows" / "qingwen" / row["file"]
    assert mutated(row) != path.read_text("utf-8")
    assert all((ROOT / named.partition("::")[0]).exists() for named in row["tests"])


def test_each_fault_is_another() -> None:
    assert len({(row["file"], row["before"], row["after"]) for row in ROWS}) == len(ROWS) >= 25
