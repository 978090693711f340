"""Killed at any point: the next run ends with the rows of an undisturbed one. Processes are really killed, by SIGKILL.

Every child is forked from this process, which has imported all and starts no native thread, as none survives a fork: it
cleans pages, and runs nothing. So a child has no start-up to pay. Hence `test_faults.py` runs this file in a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES
from made import COPIED
from qingwen import clean_page, load_rules
from qingwen.dataset import delta
from qingwen.dataset.database import Database
from qingwen.dataset.schema import TABLES
from qingwen.errors import PublishError
from qingwen.run import publish
from qingwen.run.engine import open_run, run
from qingwen.run.request import Request

BOOK = load_rules()
POINTS = int(os.environ.get("QINGWEN_KILL_POINTS", "16"))
NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt", "account-repost.txt", "english.txt")
WRITES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.truncate")


def forked(call: Callable[[], None]) -> int:
    """Run a call in a child; return how it ended: 0, 1 for an exception, minus the signal."""
    child = os.fork()
    if child == 0:
        try:
            call()
            sys.stdout.flush()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def cleaned(inputs: Path, output: Path) -> None:
    """Run the engine in this process alone."""
    run(Request((str(inputs),), str(output), workers=1, runner="inline"))


def write_digests(output: Path, into: Path) -> None:
    """Write what the tables hold, as digests."""
    found = {}
    for name in TABLES:
        table = delta.read(output, name).drop_columns(COPIED if name == "records" else ())
        lines = sorted(json.dumps(row, default=str, sort_keys=True) for row in table.to_pylist())
        found[name] = [len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()]
    into.write_text(json.dumps(found))


def cleaned_and_digested(inputs: Path, output: Path, into: Path) -> None:
    """Run the engine, and write what the tables hold then."""
    cleaned(inputs, output)
    write_digests(output, into)


def watched(output: Path, strike: Callable[[], None]) -> None:
    """Call ``strike`` before every write below a folder that Python knows of, and around those of native code."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        writes = event in WRITES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & 3)
        if writes and str(arguments[0]).startswith(str(output)):
            strike()

    def around(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def struck(*args: Any, **named: Any) -> Any:
            strike()
            found = original(*args, **named)
            strike()
            return found

        setattr(owner, name, struck)

    around(delta, "commit")
    around(Database, "write")
    around(Database, "do")
    sys.addaudithook(hook)


def warm_up(folder: Path) -> None:
    """Import what a run imports as it goes, and compile what cleaning compiles, once for all children."""

    def first() -> None:
        cleaned(PAGES / NAMES[0], folder / "first")
        write_digests(folder / "first", folder / "first.json")
        (folder / "modules").write_text("\n".join(sys.modules))

    assert forked(first) == 0
    for name in (folder / "modules").read_text().split():
        with suppress(ImportError):  # some packages name modules that no file holds
            import_module(name)
    for name in NAMES:
        clean_page((PAGES / name).read_bytes(), rules=BOOK)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A dataset and what comes next: a changed page, a new one, one that is another's copy, a container that grew."""
    folder = tmp_path_factory.mktemp("scene")
    inputs = folder / "in"
    inputs.mkdir()
    for name in NAMES[:3]:
        shutil.copy(PAGES / name, inputs / name)
    rows = [json.dumps({"text": (PAGES / name).read_text("utf-8")}) for name in NAMES]
    (inputs / "rows.jsonl").write_text("\n".join(rows[:3]), "utf-8")
    warm_up(folder)
    assert forked(lambda: cleaned(inputs, folder / "held")) == 0
    shutil.copy(PAGES / NAMES[3], inputs / NAMES[0])
    shutil.copy(PAGES / NAMES[4], inputs / NAMES[4])
    shutil.copy(PAGES / NAMES[1], inputs / "a.txt")
    (inputs / "rows.jsonl").write_text("\n".join([rows[0], *rows[2:]]), "utf-8")
    shutil.copytree(folder / "held", folder / "undisturbed")
    assert forked(lambda: cleaned_and_digested(inputs, folder / "undisturbed", folder / "wanted.json")) == 0
    return {"inputs": inputs, "held": folder / "held", "wanted": folder / "wanted.json"}


def finished(scene: dict[str, Path], output: Path) -> None:
    """Run again, and compare with the undisturbed run."""
    assert forked(lambda: cleaned_and_digested(scene["inputs"], output, output / "found.json")) == 0
    assert json.loads((output / "found.json").read_text()) == json.loads(scene["wanted"].read_text())
    left = [path.name for path in (output / "_state").iterdir()]
    assert not [name for name in left if name.startswith(("staging", "database-"))], left


def points(scene: dict[str, Path], folder: Path) -> int:
    """Return how many points every run passes.

    Which of two batches makes the folder that both need costs one run two attempts more: those are left out.
    """
    shutil.copytree(scene["held"], folder / "counted")

    def count() -> None:
        passed = 0

        def strike() -> None:
            nonlocal passed
            passed += 1

        watched(folder / "counted", strike)
        cleaned(scene["inputs"], folder / "counted")
        (folder / "points").write_text(str(passed))

    assert forked(count) == 0
    passed = int((folder / "points").read_text())
    return passed - 2


def test_a_run_killed_at_any_write_is_made_good_by_the_next(scene: dict[str, Path], tmp_path: Path) -> None:
    """QINGWEN_KILL_POINTS sets how many of the points are tried (all: 0)."""
    n = points(scene, tmp_path)
    assert n >= 200
    tried = range(1, n + 1) if POINTS == 0 else sorted({1 + at * (n - 1) // (POINTS - 1) for at in range(POINTS)})
    for point in tried:
        output = tmp_path / f"killed-{point}"
        shutil.copytree(scene["held"], output)

        def killed(point: int = point, output: Path = output) -> None:
            passed = 0

            def strike() -> None:
                nonlocal passed
                passed += 1
                if passed == point:
                    os.kill(os.getpid(), signal.SIGKILL)

            watched(output, strike)
            cleaned(scene["inputs"], output)

        assert forked(killed) == -signal.SIGKILL, point
        finished(scene, output)
        shutil.rmtree(output)


def test_a_run_killed_at_any_time_is_made_good_by_the_next(scene: dict[str, Path], tmp_path: Path) -> None:
    """By the clock, so that native code is struck in its middle too."""
    started = time.monotonic()
    shutil.copytree(scene["held"], tmp_path / "timed")
    assert forked(lambda: cleaned(scene["inputs"], tmp_path / "timed")) == 0
    whole = time.monotonic() - started
    for n in range(max(4, POINTS // 4)):
        output = tmp_path / f"struck-{n}"
        shutil.copytree(scene["held"], output)

        def struck(n: int = n, output: Path = output) -> None:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, whole * (n + 0.5) / max(4, POINTS // 4))
            cleaned(scene["inputs"], output)

        assert forked(struck) in (0, -signal.SIGALRM)
        finished(scene, output)


@pytest.mark.parametrize("writes", [3, 30, 90])
def test_a_full_disk_ends_the_run_and_the_next_makes_it_good(
    scene: dict[str, Path], tmp_path: Path, writes: int
) -> None:
    output = tmp_path / "full"
    shutil.copytree(scene["held"], output)

    def full() -> None:
        passed = 0

        def strike() -> None:
            nonlocal passed
            passed += 1
            if passed >= writes:
                raise OSError(28, "No space left on device")

        watched(output, strike)
        cleaned(scene["inputs"], output)

    assert forked(full) in (0, 1)
    finished(scene, output)


def test_what_is_published_twice_is_there_once(scene: dict[str, Path], tmp_path: Path) -> None:
    """A run that was killed behind its last commit, before it removed what it had written down."""
    output = tmp_path / "twice"
    shutil.copytree(scene["held"], output)

    def killed() -> None:
        original = publish.commit_tables

        def committed(*args: Any) -> None:
            original(*args)
            os.kill(os.getpid(), signal.SIGKILL)

        publish.commit_tables = committed  # type: ignore[assignment]
        cleaned(scene["inputs"], output)

    assert forked(killed) == -signal.SIGKILL
    finished(scene, output)


def test_two_runs_at_once_the_second_is_refused_and_the_first_ends_well(scene: dict[str, Path], tmp_path: Path) -> None:
    output = tmp_path / "both"
    shutil.copytree(scene["held"], output)

    def second() -> None:
        request = Request((str(scene["inputs"]),), str(output), workers=1)
        with open_run(request), pytest.raises(PublishError, match="another run holds"):
            cleaned(scene["inputs"], output)

    assert forked(second) == 0
    finished(scene, output)
