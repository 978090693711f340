"""Damaged files of a dataset's state, torn or changed by hand: every command ends in a sentence or does its work."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from conftest import PAGES
from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.dataset.location import location_of
from qingwen.run import publish
from qingwen.run.engine import run
from qingwen.run.maintenance import forget
from qingwen.run.request import Request

pytestmark = pytest.mark.slow
NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt")

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "torn": lambda octets: octets[: len(octets) // 2],
    "empty": lambda octets: b"",
    "zeros": lambda octets: bytes(len(octets)),
    "another object": lambda octets: b"{}",
    "a list": lambda octets: b"[1, {}]",
    "nested": lambda octets: b"[" * 100_000,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with every file of state, and a run that was killed when it had decided."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "in").mkdir()
    for name in NAMES[:2]:
        shutil.copy(PAGES / name, folder / "in" / name)
    request = Request((str(folder / "in"),), str(folder / "news"), runner="inline")
    run(request)
    dataset = location_of(folder / "news")
    forget(dataset, delta.read(dataset, "records", ("id",))["id"].to_pylist()[:1])
    (folder / "news/_state/tries.json").write_text("{}", "utf-8")
    shutil.copy(PAGES / NAMES[2], folder / "in" / NAMES[2])
    with (
        mock.patch.object(publish, "commit_tables", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        run(request)
    return folder


def damaged(made: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of state, by its name, with two damages; between them all damages meet all kinds of files."""
    files = [path for place in ("_state", "_runs") for path in (made / "news" / place).rglob("*") if path.is_file()]
    ours = [path.relative_to(made / "news").as_posix() for path in sorted(files) if "signatures" not in path.parts]
    assert len(ours) > 25
    kinds = list(DAMAGES)
    for n, name in enumerate(one for one in ours if not one.endswith("lock")):
        yield name, kinds[n % len(kinds)]
        yield name, "torn" if n % len(kinds) else "empty"


@pytest.mark.parametrize("rebuild", [[], ["--rebuild"]], ids=["run", "rebuild"])
def test_no_damage_of_the_state_ends_in_a_traceback(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], rebuild: list[str]
) -> None:
    output = tmp_path / "news"
    for name, damage in damaged(made):
        shutil.copytree(made / "news", output)
        path = output / name
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
        clean = [
            "clean",
            str(made / "in"),
            "-o",
            str(output),
            "--no-prefect",
            "--runner",
            "inline",
            "--accept",
            *rebuild,
        ]
        for command in (["head", str(output)], clean, ["compact", str(output)]):
            status = main(command)
            said = capsys.readouterr().err
            assert status in (0, 2), (name, damage, command, said)
            assert status == 0 or name in said or str(path.parent) in said, (name, damage, command, said)
        shutil.rmtree(output)
