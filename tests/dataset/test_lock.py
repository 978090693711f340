"""The lock of a dataset on a store: held by whoever renews it, whatever the clocks say."""

from __future__ import annotations

import json
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
    held = lock.Lock(UPath(PLACE))
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
        lock.Lock(UPath(PLACE)).hold()
    assert token(files) == "theirs"


@pytest.mark.parametrize(("age", "held"), [(0.0, True), (lock.STALE - 10, True), (lock.STALE + 10, False)])
def test_a_lock_is_held_until_it_was_not_renewed_for_long(files: Any, age: float, held: bool) -> None:
    leave(files, time.time() - age)
    ours = lock.Lock(UPath(PLACE))
    if held:
        with pytest.raises(PublishError):
            ours.hold()
        assert token(files) == "theirs"
    else:
        ours.hold()
        assert token(files) != "theirs"
    ours.release()


def test_a_lock_that_another_run_took_over_is_not_removed_by_its_first_holder(files: Any) -> None:
    ours = lock.Lock(UPath(PLACE))
    ours.hold()
    leave(files, time.time())
    ours.release()
    assert token(files) == "theirs"


def test_a_holder_renews_its_lock_until_another_has_it(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEWED", 0.001)
    ours = lock.Lock(UPath(PLACE))
    ours.hold()
    first = json.loads(files.cat_file("/crawl/news/_state/lock"))["renewed"]
    while json.loads(files.cat_file("/crawl/news/_state/lock"))["renewed"] == first:
        pass
    leave(files, 1.0)
    assert ours._renewal is not None
    ours._renewal._thread.join()
    assert token(files) == "theirs"
    ours.release()


def test_a_lock_that_goes_while_it_is_looked_at_is_taken(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(files, time.time())
    read = lock._read

    def gone(place: Any) -> Any:
        files.rm_file("/crawl/news/_state/lock")
        return read(place)

    monkeypatch.setattr(lock, "_read", gone)
    ours = lock.Lock(UPath(PLACE))
    ours.hold()
    monkeypatch.setattr(lock, "_read", read)
    assert token(files) != "theirs"
    ours.release()


def test_a_store_that_cannot_be_written_is_a_fault_of_the_set_up(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no such bucket")

    monkeypatch.setattr(type(files), "pipe_file", refused)
    with pytest.raises(SetupError, match="cannot be written: RuntimeError: no such bucket"):
        lock.Lock(UPath(PLACE)).hold()


def test_a_folder_that_is_none_or_cannot_be_written_is_a_fault_of_the_set_up(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match="is a file; --output needs a folder"):
        lock.Lock(tmp_path / "file").hold()
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "_state").write_text("")
    with pytest.raises(SetupError, match="news: cannot be written: File exists"):
        lock.Lock(tmp_path / "news").hold()


def test_of_two_holders_on_one_machine_the_second_waits_for_the_first(tmp_path: Path) -> None:
    first, second = lock.Lock(tmp_path / "news"), lock.Lock(tmp_path / "news")
    first.hold()
    with pytest.raises(PublishError, match="another run holds the dataset"):
        second.hold()
    first.release()
    second.hold()
    second.release()
