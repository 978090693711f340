"""What is shipped: the package's own files and nothing else, and they are enough."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from conftest import ROOT, SEED

SHIPPED = {".bin", ".css", ".j2", ".js", ".json", ".md", ".py", ".sql", ".toml", ".typed"}


def build(source: Path, target: Path, *kinds: str) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target), *(f"-t{kind}" for kind in kinds)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def source_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def wheel(source_archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the source archive, as an installer does: what the wheel needs is in there."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(source_archive) as archive:
        archive.extractall(unpacked, filter="data")
    (folder,) = unpacked.iterdir()
    return build(folder, tmp_path_factory.mktemp("wheel"), "wheel")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def package_files() -> set[str]:
    package = ROOT / "flows" / "qingwen"
    found = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {f"qingwen/{path.relative_to(package).as_posix()}" for path in found}


def test_the_wheel_holds_the_package_and_its_metadata_alone(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == package_files()
    tops = {name.partition("/")[2] for name in about}
    assert tops == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}


def test_the_metadata_hold_the_readme_without_relative_links(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        text = archive.read(name).decode()
    assert "\n# qingwen 清文\n" in text
    assert "\n## Guides\n" in text
    assert [target for target in re.findall(r"\]\(([^)]*)\)", text) if not target.startswith("https://")] == []


def test_a_file_of_the_wheel_is_of_a_known_kind(wheel: Path) -> None:
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.suffix or name.name for name in names} <= SHIPPED
    assert {Path("qingwen/py.typed"), Path("qingwen/docs/rules.md")} <= set(names)


def test_the_source_archive_holds_no_page_and_no_test(source_archive: Path) -> None:
    with tarfile.open(source_archive) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    rest = {name for name in names if not name.startswith("flows/")}
    assert {name.removeprefix("flows/") for name in names - rest} == package_files()
    read = {"CHANGELOG.md", "LICENSE", "README.md", "README.zh.md"}
    assert rest == {*read, ".gitignore", "PKG-INFO", "hatch_build.py", "pyproject.toml"}


@pytest.mark.parametrize(
    "command", ["rules check", "docs rules", f"show {SEED}", f"explain {SEED}"], ids=lambda line: line.split()[0]
)
def test_the_wheel_alone_does_its_work_in_an_empty_folder(command: str, installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert Path(python("-c", "import qingwen; print(qingwen.__file__)").strip()).is_relative_to(installed)
    assert python("-m", "qingwen", *command.split())
