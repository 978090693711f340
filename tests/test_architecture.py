"""Who imports what: imports run down, a foreign package has one door, importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import qingwen

PACKAGE = Path(qingwen.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
# From the bottom up: a room imports only from rooms of lower floors.
FLOORS = (
    {"errors"},
    {"text", "config"},
    {"model"},
    {"rules"},
    {"read", "segment", "label", "normalize", "metadata"},
    {"clean"},
    {"dataset"},
    {"run"},
    {"review"},
    {"adapters"},
    {"flow"},
    {"cli"},
    {"__main__"},
)
FLOOR = {room: n for n, rooms in enumerate(FLOORS) for room in rooms}
# The packages that one file each wraps, so that a change of theirs is mended in one place.
DOORS = {
    "bs4": {"segment/soup.py"},
    "selectolax": {"segment/lexbor.py"},
    "opencc": {"text/opencc.py"},
    "deltalake": {"dataset/delta.py"},
    "duckdb": {"dataset/database.py"},
    "fsspec": {"read/open.py"},
    "upath": {"dataset/location.py"},
    "resiliparse": {"read/encoding.py"},
    "jinja2": {"review/review_page.py"},
    "pypinyin": {"normalize/pinyin.py"},
    "publicsuffixlist": {"metadata/site.py"},
    "prefect": {"flow.py", "adapters/prefect_artifacts.py", "adapters/prefect_runners.py"},
}


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Yield the modules that a file imports, wherever in it; of ``from qingwen.run import plan`` both."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{name_of(path)}:{node.lineno}: write the whole name"
            assert not node.level, f"{name_of(path)}:{node.lineno}: write the whole name"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = {f"qingwen.{name_of(path).removesuffix('.py').replace('/', '.')}": path for path in FILES}
USED = {name: set(imports(path)) & MODULES.keys() - {name} for name, path in MODULES.items()}


def test_imports_run_down() -> None:
    climbs = [
        f"{name} imports {other}"
        for name, used in USED.items()
        for other in used
        if (mine := room_of(MODULES[name])) != "__init__"
        and room_of(MODULES[other]) != mine
        and FLOOR[room_of(MODULES[other])] >= FLOOR[mine]
    ]
    assert climbs == []


def test_no_circle_of_files_stands_in_a_room() -> None:
    assert list(TopologicalSorter(USED).static_order())


def test_no_room_reads_another_room_s_files_by_name() -> None:
    """``resources.files("qingwen.rules")`` in another room would be an import that no import shows."""
    strangers = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("qingwen."):
                room = node.value.split(".")[1]
                if (PACKAGE / room).is_dir() and room != room_of(path):
                    strangers.append(f"{name_of(path)}:{node.lineno}: {node.value}")
    assert strangers == []


def test_a_foreign_package_has_one_door() -> None:
    users = {
        package: {name_of(path) for path in FILES if any(name.split(".")[0] == package for name in imports(path))}
        for package in DOORS
    }
    assert users == DOORS


def test_starting_pulls_in_no_heavy_package() -> None:
    heavy = ["prefect", "pyarrow", "bs4", "deltalake", "resiliparse", "duckdb"]
    for command in ("import qingwen", "import qingwen.cli.main"):
        code = f"{command}\nimport sys\nfound = [m for m in {heavy} if m in sys.modules]\nassert not found, found"
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_nothing_is_read_that_could_run() -> None:
    """No pickle, no loader of YAML, no code from text."""
    loaders = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml", "joblib"}
    calls = {"eval", "exec", "compile", "__import__"}
    for path in FILES:
        assert not loaders & {module.split(".")[0] for module in imports(path)}, name_of(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls
            assert not called, f"{name_of(path)}:{getattr(node, 'lineno', 0)}"
