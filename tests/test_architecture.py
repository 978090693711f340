"""Who imports what: imports run down, a foreign package has one door, importing does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
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


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))


@cache
def imports(path: Path) -> frozenset[str]:
    """Return the modules that a file imports, at its top or in a function; of ``from qingwen.run import plan`` both."""
    modules: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: write the whole name"
            assert node.module is not None
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(modules)


MODULES = {f"qingwen.{name_of(path).removesuffix('.py').replace('/', '.')}": path for path in FILES}
USED = {name: imports(path) & MODULES.keys() - {name} for name, path in MODULES.items()}


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


def test_files_import_each_other_in_no_circle() -> None:
    assert list(TopologicalSorter(USED).static_order())


def test_no_room_reads_another_room_s_files_by_name() -> None:
    """``resources.files("qingwen.rules")`` in another room would be an import that no import shows."""
    strangers = [
        f"{name_of(path)}:{node.lineno}: {node.value}"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith("qingwen.")
        and not node.value.endswith(".")  # the start of an event's or a module's name
        if (PACKAGE / (room := node.value.split(".")[1])).is_dir() and room != room_of(path)
    ]
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
    unsafe = [
        f"{name_of(path)}: {module}" for path in FILES for module in imports(path) if module.split(".")[0] in loaders
    ]
    unsafe += [
        f"{name_of(path)}:{node.lineno}: {node.func.id}()"
        for path in FILES
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls
    ]
    assert unsafe == []
