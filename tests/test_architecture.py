"""Who imports what: imports run down, foreign packages have one door each, importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from picture.rooms import FACE, FILES, LEVELS, imports, name_of, room_of, used_rooms

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
    "zstandard": {"corpus/shards.py", "read/storage.py", "read/warc.py"},
    "duckdb": {"corpus/database.py"},
    "resiliparse": {"read/encoding.py"},
    "ftfy": {"mojibake.py"},
    "datatrove": {"adapters/datatrove.py"},
    "datasets": {"adapters/datasets.py"},
    "pypinyin": {"normalize/readings.py"},
}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_run_down_and_never_around(path: Path) -> None:
    mine = room_of(path)
    if mine == FACE:
        return
    for other in used_rooms(path):
        # report/ reads what corpus/ counted; corpus/ knows nothing of report/.
        lower = LEVELS[other] < LEVELS[mine] or (mine, other) == ("report", "corpus")
        assert lower, f"{name_of(path)} imports {other}"


def test_no_circle_of_files_stands_in_a_room() -> None:
    """The files can be read in an order in which nothing is used before it was read."""
    modules = {f"qingwen.{name_of(path).removesuffix('.py').replace('/', '.')}": path for path in FILES}
    uses = {name: set(imports(path)) & modules.keys() - {name} for name, path in modules.items()}
    assert list(TopologicalSorter(uses).static_order())


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
