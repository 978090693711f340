"""Who imports what: imports run down, foreign packages have one door each, importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import qingwen

PACKAGE = Path(qingwen.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# The rooms from the bottom up; a file may import from its own level's room and from those below.
LEVELS = {
    "errors": 0, "text": 1, "config": 1, "mojibake": 1, "model": 2, "conversion": 2, "views": 3, "rules": 4, "read": 5, "segment": 5, "label": 5,
    "normalize": 5, "metadata": 5, "assess": 5, "clean": 6, "cleaner": 7, "report": 7, "corpus": 7, "operations": 8, "flow": 9, "actions": 10, "keeping": 11, "arguments": 11, "commands": 12, "cli": 13, "__main__": 14, "__init__": 9,
}  # fmt: skip
DOORS = {
    "prefect": {"flow.py", "operations/announce.py", "operations/runners.py"},
    "prefect_dask": {"operations/runners.py"},
    "prefect_ray": {"operations/runners.py"},
    "pydantic": {"operations/options.py"},
    "jinja2": {"report/review.py"},
    "markupsafe": {"report/review.py"},
    "bs4": {"segment/soup.py"},
    "selectolax": {"segment/lexbor.py"},
    "opencc": {"conversion.py"},
    "re2": {"rules/lines.py", "rules/scan.py"},
    "deltalake": {"corpus/tables.py"},
    "fastwarc": {"read/warc.py"},
    "fsspec": {"read/storage.py"},
    "upath": {"corpus/place.py"},
    "zstandard": {"read/storage.py", "read/warc.py"},
    "duckdb": {"corpus/database.py"},
    "resiliparse": {"read/encoding.py"},
    "ftfy": {"mojibake.py"},
    "pypinyin": {"normalize/readings.py"},
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_down_and_never_around(path: Path) -> None:
    relative = path.relative_to(PACKAGE)
    mine = relative.parts[0].removesuffix(".py")
    for module in imports(path):
        if not module.startswith("qingwen.") or module == "qingwen":
            continue
        other = room(module)
        if other == mine or mine == "__init__":
            continue
        lower = LEVELS[other] < LEVELS[mine]
        # report/ reads what corpus/ counted; corpus/ knows nothing of report/.
        assert lower or (mine, other) == ("report", "corpus"), f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("package", DOORS)
def test_a_foreign_package_has_one_door(package: str) -> None:
    users = {name_of(path) for path in FILES if any(m.split(".")[0] == package for m in imports(path))}
    assert users == DOORS[package]


def test_pyarrow_stays_in_the_corpus_room_and_the_reader_of_rows() -> None:
    users = {name_of(path) for path in FILES if any(m.split(".")[0] == "pyarrow" for m in imports(path))}
    assert {name for name in users if not name.startswith("corpus/")} == {"read/rows.py"}


@pytest.mark.parametrize("command", ["import qingwen", "from qingwen.cli import main; main(['rules', 'check'])"])
def test_starting_pulls_in_no_heavy_package(command: str) -> None:
    heavy = ["prefect", "pyarrow", "bs4", "deltalake", "rich", "resiliparse"]
    code = f"{command}\nimport sys\nfound = [m for m in {heavy} if m in sys.modules]\nassert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_no_vocabulary_stands_in_the_code() -> None:
    for path in FILES:
        tree = ast.parse(path.read_text("utf-8"))
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
                assert not any("\u4e00" <= char < "\u9fff" for char in node.value), f"{name_of(path)}:{node.lineno}"


def test_files_stay_rooms() -> None:
    assert {name_of(path): n for path in FILES if (n := len(path.read_text("utf-8").splitlines())) > 300} == {}


def test_nothing_is_read_that_could_run() -> None:
    """No pickle, no loader of YAML, no code from text."""
    loaders = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml", "joblib"}
    calls = {"eval", "exec", "compile", "__import__"}
    for path in FILES:
        assert not loaders & {module.split(".")[0] for module in imports(path)}, name_of(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls
            assert not called, f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
