"""A run that is very unlike the last ones of its dataset is not published unasked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from made import copies_with_differences
from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.errors import PublishError
from qingwen.run.drift import jumps
from qingwen.run.engine import run
from qingwen.run.jobs import Counts
from qingwen.run.report import RunReport
from qingwen.run.request import Request


def counts(records: int, rejected: int, kept: int = 1_000, removed: int = 0) -> Counts:
    return Counts(
        records=records,
        kept_chars=kept,
        rejections=Counter({"reject.short": rejected}),
        removed_chars=Counter({"ad": removed}),
    )


USUAL = [counts(90, 10), counts(88, 12), counts(95, 5)]


@pytest.mark.parametrize(
    ("now", "told", "refused"),
    [
        (counts(85, 15), [], False),
        (counts(75, 25), ["pages rejected: 25%, usually 10%"], False),
        (counts(50, 50), ["pages rejected: 50%, usually 10%"], True),
        (counts(90, 10, 800, 200), ["characters removed: 20%, usually 0%"], False),
        (counts(90, 10, 500, 500), ["characters removed: 50%, usually 0%"], True),
        (counts(100, 0), [], False),
        (counts(10, 39), [], False),
    ],
    ids=["a little", "told", "refused", "removed", "removed far", "better", "too few pages"],
)
def test_a_share_that_jumps_is_told_and_beyond_the_limit_refused(now: Counts, told: list[str], refused: bool) -> None:
    found = jumps(now, USUAL)
    assert list(map(str, found)) == told
    assert any(jump.is_refused for jump in found) == refused


def test_a_first_run_has_nothing_to_be_compared_with() -> None:
    assert jumps(counts(0, 100), []) == []
    assert jumps(counts(0, 100), [counts(9, 1)]) == []


def broken_crawl(folder: Path) -> Path:
    copies_with_differences(folder, 10)
    for n in range(50):
        (folder / f"error-{n}.txt").write_text(f"Error {n}: please log in to continue.\n" * 9, "utf-8")
    return folder


def clean(output: Path, inputs: Path, **options: Any) -> RunReport:
    return run(Request((str(inputs),), str(output), runner="inline", **options))


def test_a_broken_crawl_is_cleaned_but_published_only_when_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    clean(output, copies_with_differences(tmp_path / "good", 60))
    broken = broken_crawl(tmp_path / "broken")
    with pytest.raises(PublishError, match=r"pages rejected: 83%, usually 0%.*--accept"):
        clean(output, broken)
    assert delta.read(output, "records").num_rows == 60
    assert main(["clean", str(broken), "--output", str(output), "--no-prefect"]) == 3
    assert "not published" in capsys.readouterr().err
    # The staged batches are taken up: nothing is cleaned again.
    assert (output / "_state" / "staging").is_dir()
    report = clean(output, broken, accept=True)
    assert report.jumps == ["pages rejected: 83%, usually 0%"]
    assert delta.read(output, "records").num_rows == 60
    assert delta.read(output, "rejections").num_rows == 50
