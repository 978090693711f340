"""The examples run as they stand: those in docstrings, and the commands and programs of the README and the guides.

In a document a block of ``sh`` or ``python`` runs, in a checkout that has the dataset ``data/corpus`` already; a block of
``text`` right behind it is what it prints, where ``…`` stands for what is left out. ``console`` is what needs a server, a
cluster, a store or a file that is not here.
"""

from __future__ import annotations

import contextlib
import doctest
import json
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import qingwen
from conftest import ROOT
from docs import README, blocks, guides
from qingwen.cli.main import main

PACKAGE = Path(qingwen.__file__).parent
DOCUMENTS = [path for path in [README, *guides()] if any(kind in ("sh", "python") for kind, _ in blocks(path))]
# The README's two set-up commands, which CI runs, and its five for a schedule, which tests/flow runs with a server.
ELSEWHERE = ("python3 -m venv", "prefect server start")


def test_the_examples_of_docstrings_run() -> None:
    # Only files that hold an example are imported: no example needs prefect.
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if ">>> " in path.read_text("utf-8")]
    names = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__") for path in files
    ]
    results = {name: doctest.testmod(import_module(name)) for name in names}
    assert [name for name, found in results.items() if found.failed or not found.attempted] == []
    assert len(results) > 20


def test_each_public_name_has_an_example() -> None:
    finder = doctest.DocTestFinder(recurse=False)
    found = {name: finder.find(getattr(qingwen, name), name) for name in qingwen.__all__}
    assert [name for name, tests in found.items() if not any(test.examples for test in tests)] == []


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the README's first command leaves: the seeds, and their dataset; and rows, rules and settings."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "seeds").symlink_to(ROOT / "seeds")
    (folder / "crawl").mkdir()
    for n, page in enumerate(sorted((ROOT / "seeds").glob("*.txt"))):
        row = {"id": page.name, "url": f"http://news.example/{n}", "text": page.read_text("utf-8")}
        (folder / "crawl" / f"{n}.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    for kind, code in (block for path in DOCUMENTS for block in blocks(path)):
        if kind == "toml" and (name := re.match(r"# (\w+\.toml)\n", code)):
            (folder / name[1]).write_text(code, "utf-8")
    (folder / "bin").mkdir()
    launcher = folder / "bin" / "qingwen"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qingwen "$@"\n', "utf-8")
    launcher.chmod(0o755)
    with contextlib.chdir(folder):
        assert main(["clean", "--no-prefect", "--runner", "inline"]) == 0
    return folder


@pytest.fixture
def shell(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in the checkout, at a terminal of 120 columns, without a network."""
    monkeypatch.chdir(checkout)
    for name, value in {
        "COLUMNS": "120",
        "PATH": f"{checkout / 'bin'}:{os.environ['PATH']}",
        "HF_HOME": str(checkout / "cache"),
        "HF_HUB_OFFLINE": "1",
    }.items():
        monkeypatch.setenv(name, value)


def status_of(command: str) -> int:
    """Run a command line: qingwen alone in this process, with the pages it cleans, everything else in a shell."""
    if command.startswith("qingwen ") and not re.search(r"[|&<>$]", command):
        words = shlex.split(command)[1:]
        try:
            return main([*words, "--runner", "inline"] if words[0] == "clean" else words)
        except SystemExit as ended:
            return int(ended.code or 0)
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    print(done.stdout)
    print(done.stderr, file=sys.stderr)
    return done.returncode


def unprinted(shown: str, printed: str) -> list[str]:
    """Return the pieces of what a document shows that were not printed, in this order."""
    missing, at = [], 0
    for piece in filter(None, (piece.strip() for line in shown.splitlines() for piece in line.split("…"))):
        found = printed.find(piece, at)
        if found < 0:
            missing.append(piece)
        at = max(at, found)
    return missing


@pytest.mark.parametrize(
    "path",
    # Other people's engines start processes of their own.
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem == "operations"), id=path.stem) for path in DOCUMENTS],
)
@pytest.mark.usefixtures("shell")
def test_the_examples_of_a_document_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = ""
    for kind, code in blocks(path):
        if kind == "text" and printed:
            assert unprinted(code, printed) == []
        printed = ""
        if kind not in ("sh", "python") or any(word in code for word in ELSEWHERE):
            continue
        if kind == "python":
            Path("example.py").write_text(code, "utf-8")  # a file, as worker processes read it again
        for command in code.splitlines() if kind == "sh" else [f'"{sys.executable}" example.py']:
            status = status_of(command)
            out, err = capsys.readouterr()
            assert status == 0, f"{path.name}: {command}\n{err}"
            printed += out


@pytest.mark.usefixtures("shell")
def test_the_row_of_the_guide_takes_its_line_and_spares_the_news(capsys: pytest.CaptureFixture[str]) -> None:
    body = "茶馆预订火爆，老街一座难求。市文旅局昨日公布的数据显示，假期首日老街接待游客三万人次。"
    Path("page.txt").write_text(f"老街茶馆一座难求\n\n{body}\n\n茶馆预订：找小王\n", "utf-8")
    assert main(["show", "page.txt", "--rules", "mine.toml"]) == 0
    printed = capsys.readouterr().out
    assert body in printed
    assert "茶馆预订：找小王" not in printed
