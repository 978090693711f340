"""The lock of a dataset: of the system in a folder; on a store held by whoever renews it, whatever the clocks say."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from upath import UPath

from qingwen.dataset import lock
from qingwen.errors import PublishError, SetupError

PLACE = "memory://crawl/news"


@pytest.fixture
def files() -> Any:
    """A store in memory, empty."""
    files = UPath(PLACE).fs
    files.rm("/", recursive=True)
    return files


def leave(files: Any, renewed: float) -> None:
    """Leave a lock behind that its holder renewed at some time."""
    found = {"host": "elsewhere", "process": 7, "token": "theirs", "renewed": renewed}
    files.pipe_file("/crawl/news/_state/lock", json.dumps(found).encode())


def token(files: Any) -> str:
    return str(json.loads(files.cat_file("/crawl/news/_state/lock"))["token"])


def waits(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> list[float]:
    """Let what happens while the lock waits happen at once; return how long it waited."""
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        meanwhile()

    monkeypatch.setattr(lock.time, "sleep", sleep)
    return waited


def test_a_lock_dated_in_the_future_that_nobody_renews_is_a_dead_run_s(
    files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(files, time.time() + 86_400)
    waited = waits(monkeypatch, lambda: None)
    held = lock.lock_of(UPath(PLACE))
    held.hold()
    assert waited == [2 * lock.RENEWED]
    assert token(files) != "theirs"
    held.release()
    assert not files.exists("/crawl/news/_state/lock")


def test_a_lock_dated_in_the_future_that_is_renewed_meanwhile_is_held(
    files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(files, time.time() + 86_400)
    waits(monkeypatch, lambda: leave(files, time.time() + 86_420))
    with pytest.raises(PublishError, match=r"another run holds the dataset \(process 7 on elsewhere\)"):
        lock.lock_of(UPath(PLACE)).hold()
    assert token(files) == "theirs"


@pytest.mark.parametrize(("age", "held"), [(0.0, True), (lock.STALE - 10, True), (lock.STALE + 10, False)])
def test_a_lock_is_held_until_it_was_not_renewed_for_long(files: Any, age: float, held: bool) -> None:
    leave(files, time.time() - age)
    ours = lock.lock_of(UPath(PLACE))
    if held:
        with pytest.raises(PublishError):
            ours.hold()
        assert token(files) == "theirs"
    else:
        ours.hold()
        assert token(files) != "theirs"
        ours.release()


def test_a_lock_that_another_run_took_over_is_not_removed_by_its_first_holder(files: Any) -> None:
    ours = lock.lock_of(UPath(PLACE))
    ours.hold()
    leave(files, time.time())
    ours.release()
    assert token(files) == "theirs"


def test_a_run_whose_lock_another_took_over_commits_nothing(files: Any) -> None:
    ours = lock.lock_of(UPath(PLACE))
    ours.hold()
    ours.check()
    leave(files, time.time())
    with pytest.raises(PublishError, match="another run took the dataset over"):
        ours.check()
    ours.release()


def test_a_holder_renews_its_lock_until_another_has_it(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEWED", 0.001)
    ours = lock.lock_of(UPath(PLACE))
    ours.hold()
    first = json.loads(files.cat_file("/crawl/news/_state/lock"))["renewed"]
    while json.loads(files.cat_file("/crawl/news/_state/lock"))["renewed"] == first:
        pass
    leave(files, 1.0)
    assert isinstance(ours, lock.StoreLock)
    ours._renewal.join()
    assert token(files) == "theirs"
    ours.release()


def test_a_lock_that_goes_while_it_is_looked_at_is_taken(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(files, time.time())
    read = lock.StoreLock._read

    def gone(self: Any) -> Any:
        files.rm_file("/crawl/news/_state/lock")
        return read(self)

    with monkeypatch.context() as patched:
        patched.setattr(lock.StoreLock, "_read", gone)
        ours = lock.lock_of(UPath(PLACE))
        ours.hold()
    assert token(files) != "theirs"
    ours.release()


def test_a_store_that_cannot_be_written_is_a_fault_of_the_set_up(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no such bucket")

    monkeypatch.setattr(type(files), "pipe_file", refused)
    with pytest.raises(SetupError, match="cannot be written: RuntimeError: no such bucket"):
        lock.lock_of(UPath(PLACE)).hold()


def test_a_folder_that_is_none_or_cannot_be_written_is_a_fault_of_the_set_up(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="is a file; --output needs a folder"):
        lock.lock_of(tmp_path / "file").hold()
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "_state").write_text("")
    with pytest.raises(SetupError, match="news: cannot be written: File exists"):
        lock.lock_of(tmp_path / "news").hold()


def test_of_two_holders_in_one_process_the_second_is_refused_at_once(tmp_path: Path) -> None:
    first, second = lock.lock_of(tmp_path / "news"), lock.lock_of(tmp_path / "news")
    first.hold()
    with pytest.raises(PublishError, match=r"another run holds the dataset\. Wait for it to end\."):
        second.hold()
    first.check()
    first.release()
    assert (tmp_path / "news" / "_state" / "lock").exists(), "it marks the folder as a dataset"
    second.hold()
    second.release()


def test_a_lock_may_be_released_by_another_thread(tmp_path: Path) -> None:
    first = lock.lock_of(tmp_path / "news")
    first.hold()
    thread = threading.Thread(target=first.release)
    thread.start()
    thread.join()
    second = lock.lock_of(tmp_path / "news")
    second.hold()
    second.release()


HOLD = """
import sys, pathlib
from qingwen.dataset.lock import lock_of
held = lock_of(pathlib.Path(sys.argv[1]))
held.hold()
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_of_another_process_is_refused_and_its_death_frees_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "news")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        ours = lock.lock_of(tmp_path / "news")
        with pytest.raises(PublishError, match="another run holds the dataset"):
            ours.hold()
        holder.kill()
        holder.wait()
        ours.hold()
        ours.release()
