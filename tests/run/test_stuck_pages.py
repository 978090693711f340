"""Pages that hang or kill their worker cost themselves alone: they are pending, counted, and at last left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from made import copies_with_differences
from qingwen.dataset import delta
from qingwen.run.stuck_pages import MOST_TRIES

pytestmark = pytest.mark.slow
SCRIPT = Path(__file__).with_name("deadly.py")
Cleaned = Callable[..., dict[str, Any]]


@contextmanager
def deadly_process() -> Iterator[Cleaned]:
    """Start a process for runs, each as a call: a folder, a dataset, more options."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, str(SCRIPT)], text=True, **pipes) as process:  # type: ignore[call-overload]

        def cleaned(inputs: Path, output: Path | str, **more: Any) -> dict[str, Any]:
            process.stdin.write(json.dumps([str(inputs), str(output), more]) + "\n")
            process.stdin.flush()
            too_long = threading.Timer(240, process.kill)
            too_long.start()
            line = process.stdout.readline()
            too_long.cancel()
            assert line, "the run failed, or went on for minutes"
            stated: dict[str, Any] = json.loads(line)
            return stated

        yield cleaned
        process.stdin.close()


@pytest.fixture(scope="module")
def cleaned() -> Iterator[Cleaned]:
    """Runs of one process."""
    with deadly_process() as cleaned:
        yield cleaned


def sources(output: Path) -> dict[str, str]:
    held = delta.read(output, "sources", ("source_path", "outcome"))
    return dict(zip(held["source_path"].to_pylist(), held["outcome"].to_pylist(), strict=True))


def deadly_pages(folder: Path, n: int, *whats: str) -> list[str]:
    copies_with_differences(folder, n)
    paths = []
    for number, what in enumerate(whats):
        path = folder / f"{7 * number:05}x.txt"
        path.write_text(f"{what}\n" + "这一页让工人停下来。\n" * 9, "utf-8")
        paths.append(path.as_posix())
    return paths


def test_a_worker_that_is_stopped_is_ended_and_its_page_is_pending(cleaned: Cleaned, tmp_path: Path) -> None:
    paths = deadly_pages(tmp_path / "in", 8, "停住")
    done = cleaned(tmp_path / "in", tmp_path / "out", workers=1)
    assert done["records"] == 8
    assert done["pending_paths"] == paths


def test_pages_at_which_workers_hang_or_die_are_pending_and_all_others_are_published(
    cleaned: Cleaned, tmp_path: Path
) -> None:
    paths = deadly_pages(tmp_path / "in", 60, "挂起", "不放", "杀死", "内存")
    done = cleaned(tmp_path / "in", tmp_path / "out")
    assert done["records"] == 60
    assert done["pending"] == 4
    assert sorted(done["pending_paths"]) == paths
    held = sources(tmp_path / "out")
    assert [held[path] for path in paths] == ["pending"] * 4
    assert sum(outcome == "record" for outcome in held.values()) == 60
    said = {path: fault for path in paths for fault in done["faults"] if fault.startswith(path)}
    assert "It took too long, in deadly. (try 1 of 3)" in said[paths[0]]
    assert "It took too long, in fullmatch." in said[paths[1]]
    assert "out of memory, or killed" in said[paths[2]]
    assert "memory does not suffice" in said[paths[3]]


def test_a_page_that_kills_workers_in_run_after_run_is_left_alone_until_it_is_asked_for(
    cleaned: Cleaned, tmp_path: Path
) -> None:
    deadly_pages(tmp_path / "in", 3, "杀死")
    for n in range(1, MOST_TRIES + 1):
        done = cleaned(tmp_path / "in", tmp_path / "out")
        assert done["pending"] == 1
        assert done["faults"][0].endswith(f"(try {n} of {MOST_TRIES})")
        assert done["given_up"] == (n == MOST_TRIES)
    left = cleaned(tmp_path / "in", tmp_path / "out")
    assert (left["pending"], left["commits"]) == (0, {}), "a run over the same inputs writes nothing"
    # Another copy of it is known by its bytes, and does no harm.
    (tmp_path / "in" / "copy.txt").write_bytes((tmp_path / "in" / "00000x.txt").read_bytes())
    copied = cleaned(tmp_path / "in", tmp_path / "out")
    assert (copied["pending"], copied["given_up"]) == (0, 2)
    assert sources(tmp_path / "out")[(tmp_path / "in" / "copy.txt").as_posix()] == "pending"
    assert cleaned(tmp_path / "in", tmp_path / "out")["commits"] == {}
    assert cleaned(tmp_path / "in", tmp_path / "out", verify=True)["pending"] == 2


def test_a_page_that_changes_for_the_better_is_a_record_then(cleaned: Cleaned, tmp_path: Path) -> None:
    (path,) = deadly_pages(tmp_path / "in", 3, "杀死")
    assert cleaned(tmp_path / "in", tmp_path / "out")["pending"] == 1
    Path(path).write_text((tmp_path / "in" / "00001.txt").read_text("utf-8") + "又一行新闻，记者报道。\n", "utf-8")
    assert cleaned(tmp_path / "in", tmp_path / "out")["pending"] == 0
    assert sources(tmp_path / "out")[path] == "record"


def test_of_a_container_the_deadly_item_alone_is_pending(cleaned: Cleaned, tmp_path: Path) -> None:
    made = copies_with_differences(tmp_path / "made", 30)
    texts = [path.read_text("utf-8") for path in sorted(made.iterdir())]
    texts[11] = "杀死\n一页。"
    (tmp_path / "in").mkdir()
    container = tmp_path / "in" / "rows.jsonl"
    container.write_text("\n".join(json.dumps({"text": text}) for text in texts), "utf-8")
    done = cleaned(tmp_path / "in", tmp_path / "out")
    assert (done["records"], done["pending_paths"]) == (29, [f"{container.as_posix()}#11"])
    texts[11] = texts[12] + "又一行新闻，记者报道。"
    container.write_text("\n".join(json.dumps({"text": text}) for text in texts), "utf-8")
    assert cleaned(tmp_path / "in", tmp_path / "out")["pending"] == 0
    assert set(sources(tmp_path / "out").values()) == {"record"}


def test_a_container_that_cannot_be_read_on_gives_what_stands_before(cleaned: Cleaned, tmp_path: Path) -> None:
    made = copies_with_differences(tmp_path / "made", 30)
    texts = [path.read_text("utf-8") for path in sorted(made.iterdir())]
    texts[20] = "卡住\n" + texts[20]
    (tmp_path / "in").mkdir()
    container = tmp_path / "in" / "rows.jsonl"
    container.write_text("\n".join(json.dumps({"text": text}) for text in texts), "utf-8")
    done = cleaned(tmp_path / "in", tmp_path / "out")
    assert (done["records"], done["pending_paths"]) == (21, [container.as_posix()])
    held = sources(tmp_path / "out")
    assert held.pop(container.as_posix()) == "pending"
    assert sorted(held) == sorted(f"{container.as_posix()}#{n}" for n in range(21))


def test_beside_a_dataset_on_a_store_the_deadly_page_is_found_too(store: Any, tmp_path: Path) -> None:
    (path,) = deadly_pages(tmp_path / "in", 3, "杀死")
    with deadly_process() as cleaned:  # one that knows the store
        done = cleaned(tmp_path / "in", "s3://crawl/out")
    assert (done["records"], done["pending_paths"]) == (3, [path])
