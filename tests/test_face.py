"""The package's face: its stable names change only on purpose, and a type checker knows them all."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import qingwen
from face import GOLD, face

PROGRAM = """
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import assert_type

import qingwen
from qingwen import Cleaned, Cleaner, Config, Edit, LabelledBlock, Label, Rejection, Span


def removed(cleaned: Cleaned) -> Iterator[tuple[Label, str]]:
    for judged in cleaned.blocks:
        if judged.text is not None:
            yield judged.verdict.label, judged.text


def main(folder: Path) -> None:
    cleaner = Cleaner(Config(crawl_date=date(2023, 5, 30)), sites=qingwen.load_sites(folder / "sites.json"))
    for path in folder.glob("*.html"):
        result = cleaner.clean(path.read_bytes(), source_path=path.name)
        if isinstance(result, Rejection):
            print(result.stage, result.rule, result.detail)
            continue
        assert_type(result, Cleaned)
        assert_type(result.edits, tuple[Edit, ...])
        assert_type(result.blocks, tuple[LabelledBlock, ...])
        assert_type(result.edits[0].span, Span)
        assert_type(qingwen.restore(result.record, result.blocks, result.edits), str)
        print(result.record.title, list(removed(result)), qingwen.load_rules().version)
    assert_type(qingwen.clean_page(b""), Cleaned | Rejection)
"""


def test_the_stable_names_are_those_written_down() -> None:
    assert face() == GOLD.read_text("utf-8"), (
        "If this is meant, run `python -m tests.face` and say so in the changelog."
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("program")


def checked(program: str, folder: Path) -> tuple[int, str]:
    """Return what mypy says of a program of somebody who has the package installed."""
    if find_spec("mypy") is None:
        pytest.skip("mypy is not installed")
    (folder / "program.py").write_text(program, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=cache", "program.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_a_program_that_uses_the_face_passes_mypy_strictly(folder: Path) -> None:
    every_name = f"from qingwen import {', '.join(qingwen.__all__)}\n"
    assert checked(PROGRAM + every_name, folder) == (0, "Success: no issues found in 1 source file\n")


def test_mypy_refuses_a_name_that_the_package_does_not_have(folder: Path) -> None:
    status, said = checked("from qingwen import clean_pages\n", folder)
    assert status == 1
    assert 'Module "qingwen" has no attribute "clean_pages"' in said


@pytest.mark.parametrize(("old", "new"), [("Facts", "Metadata"), ("Judged", "LabelledBlock")])
def test_a_renamed_name_works_for_one_more_version_and_warns(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=f"qingwen.{old} is now qingwen.{new}"):
        assert getattr(qingwen, old) is getattr(qingwen, new)
    assert old not in qingwen.__all__
    assert {*qingwen.__all__} <= {*dir(qingwen)}


def test_importing_the_package_imports_little() -> None:
    code = "import sys, qingwen; qingwen.Config; print(*{'pydantic', 'typer', 'numpy', 'rich'} & {*sys.modules})"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"
