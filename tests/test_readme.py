"""What the README says is true: its examples run, its outputs are what is printed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

TEXT = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
PYTHON = [code for kind, code in BLOCKS if kind == "python"]
# What needs a server stands in test_operations.py.
SHELL = [code for kind, code in BLOCKS if kind == "sh" and "prefect server" not in code]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the seeds and what the README's first command writes."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "seeds").symlink_to(ROOT / "seeds")
    (folder / "crawl").mkdir()
    for n, page in enumerate(sorted((ROOT / "seeds").glob("*.txt"))):
        row = {"id": page.name, "url": f"http://news.example/{n}", "text": page.read_text("utf-8")}
        (folder / "crawl" / f"{n}.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    for code in (code for kind, code in BLOCKS if kind == "toml"):
        # The first line of an example names its file: "# mine.toml".
        (folder / code.partition("\n")[0].removeprefix("# ")).write_text(code, "utf-8")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    launcher = bin_folder / "qingwen"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qingwen "$@"\n', "utf-8")
    launcher.chmod(0o755)
    run(folder, "qingwen clean --no-prefect")
    return folder


def run(folder: Path, command: str) -> str:
    environment = {**os.environ, "COLUMNS": "120", "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(command, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_commands_set_everything_up() -> None:
    install, test = SHELL[:2]
    assert install.strip().endswith(" && .venv/bin/qingwen clean")
    assert test.strip().endswith(" && .venv/bin/python -m pytest")


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_the_python_examples_run(code: str, checkout: Path) -> None:
    script = checkout / "example.py"  # a file, as worker processes read it again
    script.write_text(code, "utf-8")
    offline = {"HF_HOME": str(checkout / "cache"), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, script], cwd=checkout, env={**os.environ, **offline}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", SHELL[2:], ids=range(len(SHELL) - 2))
def test_the_shell_examples_run(command: str, checkout: Path) -> None:
    assert run(checkout, command)


def test_the_explanation_shown_is_the_one_printed(checkout: Path) -> None:
    printed = run(checkout, "qingwen explain seeds/000_fa0feccd83b6dce8.txt")
    shown = next(code for kind, code in BLOCKS if kind == "text" and "punct.widen" in code)
    for line in shown.splitlines():
        for piece in line.split("…"):
            assert piece.strip() in printed


def test_the_table_of_records_shown_is_the_one_printed(checkout: Path) -> None:
    printed = [line.rstrip() for line in run(checkout, "qingwen head data/corpus").splitlines()]
    shown = next(code for kind, code in BLOCKS if kind == "text" and code.startswith("id "))
    assert shown.splitlines() == printed[: len(shown.splitlines())]


def test_the_user_s_row_takes_its_line_and_spares_the_news(checkout: Path) -> None:
    page = checkout / "page.txt"
    body = "茶馆预订火爆，老街一座难求。市文旅局昨日公布的数据显示，假期首日老街接待游客三万人次。"
    page.write_text(f"老街茶馆一座难求\n\n{body}\n\n茶馆预订：找小王\n", "utf-8")
    assert "茶馆预订：找小王" not in run(checkout, "qingwen show page.txt --rules mine.toml")
    assert body in run(checkout, "qingwen show page.txt --rules mine.toml")


def test_the_change_log_names_this_version() -> None:
    import qingwen

    assert f"## [{qingwen.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
