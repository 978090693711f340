"""A dataset that someone else touched: nothing outside it is read, written or deleted, and nothing in it that is not ours."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from conftest import PAGES
from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.dataset.layout import REVIEW
from qingwen.dataset.location import location_of
from qingwen.dataset.schema import TABLES
from qingwen.run import publish
from qingwen.run.engine import run
from qingwen.run.request import Request

NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt", "account-repost.txt")
SECRET = "an outsider's words"


def world(folder: Path, but: Path) -> dict[str, tuple[int, bytes | str]]:
    """Return all that lies below a folder, with mode and content, but for what lies below one of its folders."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(where, name) != but]
        for name in (*folders, *files):
            path = Path(where, name)
            is_file = path.is_file() and not path.is_symlink()
            content = path.read_bytes() if is_file else os.readlink(path) if path.is_symlink() else ""
            found[path.relative_to(folder).as_posix()] = (path.lstat().st_mode, content)
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: inputs, a dataset in which a page was replaced, a run that was killed as it published, and one outside."""
    folder = tmp_path_factory.mktemp("made")
    inputs = folder / "in"
    inputs.mkdir()
    for name in NAMES[:3]:
        shutil.copy(PAGES / name, inputs / name)
    request = Request((str(inputs),), str(folder / "news"), runner="inline")
    run(request)
    shutil.copy(PAGES / NAMES[3], inputs / NAMES[0])
    run(request)
    shutil.copytree(folder / "news", folder / "killed")
    shutil.copy(PAGES / NAMES[0], inputs / "new.txt")
    with (
        mock.patch.object(publish, "_commit_decided", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        run(Request((str(inputs),), str(folder / "killed"), runner="inline"))
    assert (folder / "killed/_state/staging/final/commit.json").exists()
    (folder / "outside").mkdir()
    for name in ("notes.txt", "part-00000-00000000-0000-0000-0000-000000000000-c000.zstd.parquet"):
        (folder / "outside" / name).write_text(SECRET, "utf-8")
    shutil.copytree(folder / "news" / "records", folder / "outside" / "table")
    return folder


@pytest.fixture
def scene(made: Path, tmp_path: Path) -> Path:
    """A copy of that folder: the dataset to plant in is ``news``."""
    shutil.copytree(made, tmp_path / "scene", symlinks=True)
    return tmp_path / "scene"


def commands(dataset: Path) -> Iterator[list[str]]:
    """Yield every command that opens a dataset, those that change it last."""
    (page, *_) = sorted(row for row in TAKEN)
    yield from ([name, str(dataset)] for name in ("head", "report", "export"))
    yield ["head", str(dataset), "--rejected"]
    yield from ([name, str(dataset), page] for name in ("explain", "restore"))
    yield ["diff", str(dataset), str(dataset)]
    yield ["changes", str(dataset), "--since", min(RUNS)]
    yield ["vacuum", str(dataset), "--dry-run"]
    inputs = str(dataset.parent / "in")
    yield ["clean", inputs, "-o", str(dataset), "--no-prefect", "--runner", "inline", "--accept"]
    yield from ([name, str(dataset)] for name in ("compact", "vacuum"))
    yield ["forget", str(dataset), "--id", page]
    yield ["clean", inputs, "-o", str(dataset), "--no-prefect", "--runner", "inline", "--accept", "--rebuild"]
    yield ["vacuum", str(dataset)]


TAKEN: list[str] = []
RUNS: list[str] = []


@pytest.fixture(autouse=True)
def _names(made: Path) -> None:
    TAKEN[:] = delta.read(location_of(made / "news"), "records", ("id",))["id"].to_pylist()
    RUNS[:] = [path.name.removesuffix(".json") for path in (made / "news" / "_runs").glob("*.json")]


def every_command(scene: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, tuple[int, str]]:
    """Run every command; nothing outside the dataset may change. Return the status and the errors of each."""
    done = {}
    before = world(scene, scene / "news")
    for command in commands(scene / "news"):
        status = main(command)
        out, said = capsys.readouterr()
        assert status in (0, 1, 2, 3), command
        assert SECRET not in out + said, command
        assert world(scene, scene / "news") == before, command
        done[" ".join(part for part in command if "/" not in part)] = (status, said)
    return done


WRITTEN = (
    "_state/staging", "_state/tables.json", "_state/tries.json", "_state/forgotten.json", "_state/database-1",
    "_state/sites.json.tmp", "_state/dataset.json.tmp", "_runs/more", REVIEW, "flags/more", "records/_delta_log/more",
    "records/published_month=2023-01",
)  # fmt: skip


def test_no_command_follows_a_link(scene: Path, made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At each name that is read or written: the folder or the file that is there is moved out, and a link leads to it."""
    dataset = scene / "news"
    there = [path.relative_to(dataset).as_posix() for path in dataset.rglob("*")]
    assert len(there) > 30
    for n, name in enumerate((*there, *WRITTEN)):
        place, target = dataset / name, scene / "outside" / f"target-{n}"
        if place.exists():
            place.rename(target)
        else:
            shutil.copytree(scene / "outside" / "table", target)
        place.symlink_to(target)
        for command, (status, said) in every_command(scene, capsys).items():
            assert status == 2, (name, command)
            assert f"{place}: is a link." in said, (name, command)
        place.unlink()
        if name in there:
            target.rename(place)
    assert world(dataset, scene) == world(made / "news", scene)


def test_a_pipe_is_not_waited_for(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (scene / "news/_state/dataset.json").unlink()
    os.mkfifo(scene / "news/_state/dataset.json")
    assert {status for status, _ in every_command(scene, capsys).values()} == {2}


def test_files_of_others_stay_in_every_table(scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = scene / "news"
    foreign = {}
    for folder in (*(Path(delta.path_of(dataset, name)) for name in TABLES), dataset / "_state" / "staging"):
        for name in ("notes.txt", "mine/x.csv", "_delta_log/2024.txt", "mine.parquet", "mine/part-00000.parquet"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{folder} {name}", "utf-8")
            foreign[folder / name] = f"{folder} {name}"
    unused = {str(path) for path in (dataset / "records").glob("*.parquet")} - set(delta.files(dataset, "records"))
    (mine,) = (one for one in unused if one.endswith("mine.parquet"))
    assert len(unused) > 1
    assert main(["vacuum", str(dataset), "--dry-run"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert unused - {mine} <= set(listed)
    before = {path for path in dataset.rglob("*") if path.is_file()}
    assert main(["vacuum", str(dataset)]) == 0
    said = capsys.readouterr().out
    gone = {str(path) for path in before - {path for path in dataset.rglob("*") if path.is_file()}}
    assert gone == {line for line in listed if line in {str(path) for path in before}}
    assert f"{len(gone)} files removed." in said
    for path in foreign:
        assert f"{path}: no run wrote it; it is left." in said or "staging" in path.parts
    assert {status for status, _ in every_command(scene, capsys).values()} == {0}
    assert {path: path.read_text("utf-8") for path in foreign} == foreign


def test_what_the_log_names_for_removal_is_not_removed_if_it_is_not_ours(
    scene: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = scene / "news"
    (dataset / "records/notes.txt").write_text("mine", "utf-8")
    log = sorted((dataset / "records/_delta_log").glob("*.json"))[-1]
    for name in ("notes.txt", "../../outside/notes.txt", "..%2F..%2Foutside%2Fnotes.txt"):
        planted = {"path": name, "deletionTimestamp": 1, "dataChange": True}
        log.write_text(f"{log.read_text('utf-8').rstrip()}\n{json.dumps({'remove': planted})}\n", "utf-8")
    every_command(scene, capsys)
    assert (dataset / "records/notes.txt").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("records", "../../outside/{}"), ("blocks", "..%2F..%2Foutside/{}"), ("records", "%2E%2E/%2e%2e/outside/{}"),
        ("sources", "{outside}/{}"), ("signatures", "file://{outside}/{}"), ("edits", "mine/../../../outside/{}"),
    ],
)  # fmt: skip
def test_no_table_is_read_outside_its_folder(
    scene: Path, capsys: pytest.CaptureFixture[str], name: str, table: str
) -> None:
    folder = Path(delta.path_of(scene / "news", table))
    file = Path(delta.files(scene / "news", table)[0])
    shutil.copy(file, scene / "outside")
    planted = name.format(file.name, outside=scene / "outside")
    for log in (folder / "_delta_log").glob("*.json"):
        log.write_text(log.read_text("utf-8").replace(file.name, planted), "utf-8")
    for command, (status, said) in every_command(scene, capsys).items():
        assert status == 2 or command.startswith("changes"), (command, said)


def _commit_with(**changes: Any) -> Callable[[Path], None]:
    def craft(state: Path) -> None:
        path = state / "staging/final/commit.json"
        path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")
        for name in changes.get("beside", ()):
            written = state / "staging/final" / name
            if not written.exists() and written.parent.is_dir():
                written.write_text(SECRET, "utf-8")

    return craft


def _parts(folder: str) -> Callable[[Path], None]:
    def craft(state: Path) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.table({"folder": [folder]}), state / "staging/final/parts.parquet")

    return craft


def _as(name: str, text: str) -> Callable[[Path], None]:
    return lambda state: (state / name).write_text(text, "utf-8") and None


CRAFTED: dict[str, Callable[[Path], None]] = {
    "beside out": _commit_with(beside=["../../../.bashrc"]),
    "beside absolute": _commit_with(beside=["/etc/qingwen-test"]),
    "beside another state": _commit_with(beside=["dataset.json"]),
    "run out": _commit_with(run="../../../outside/x"),
    "run a name": _commit_with(run="notes"),
    "a number too large": _commit_with(number=2**63),
    "parts out": _parts("../../../outside/table"),
    "parts absolute": _parts("/tmp"),
    "versions": _as("dataset.json", '{"rules_version": ["\\u001b[2J"], "config_digest": {}, "min_similarity": "x"}'),
    "more versions": _as("dataset.json", '{"rules_version": "\\u001b[2J", "config_digest": "x", "more": 1}'),
    "pins": _as("tables.json", '{"records": 99999999}'),
    "pins out": _as("tables.json", '{"../../outside/table": 0}'),
    "a run of the end of time": lambda state: (state / "../_runs/99991231T235959-1.json").write_text("{}") and None,
}


@pytest.mark.parametrize("craft", CRAFTED.values(), ids=CRAFTED)
def test_crafted_state_writes_nothing_elsewhere(
    scene: Path, capsys: pytest.CaptureFixture[str], craft: Callable[[Path], None]
) -> None:
    shutil.rmtree(scene / "news")
    (scene / "killed").rename(scene / "news")
    craft(scene / "news/_state")
    for command, (_, said) in every_command(scene, capsys).items():
        assert "\x1b" not in said, command
