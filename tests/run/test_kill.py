"""A killed run: the old dataset stays readable, no worker is left, the next run finishes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import PAGES, wait_for
from made import copies_with_differences
from qingwen.dataset import delta
from qingwen.run.engine import run
from qingwen.run.request import Request

pytestmark = pytest.mark.slow
SCRIPT = """
import os, signal, sys
from qingwen.dataset import delta
from qingwen.run.request import Request
from qingwen.run.engine import run
if __name__ == "__main__":
    if sys.argv[3] == "publish":
        commit, made = delta.commit, []
        def killed(*args, **options):
            if len(made) == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            made.append(commit(*args, **options))
        delta.commit = killed
    run(Request((sys.argv[1],), sys.argv[2], workers=2), lambda *said: print(*said, flush=True))
"""


def started(inputs: Path, output: Path, where: str) -> subprocess.Popen[str]:
    script = output.parent / "killed.py"
    script.write_text(SCRIPT, "utf-8")
    command = [sys.executable, str(script), str(inputs), str(output), where]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.add(int(entry.parent.name))
    return found | {below for child in found for below in descendants(child)}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ids(output: Path) -> list[str]:
    return sorted(delta.read(output, "records", ("id",))["id"].to_pylist())


def test_a_run_killed_while_it_cleans_leaves_nothing_behind(tmp_path: Path) -> None:
    output, made = tmp_path / "out", copies_with_differences(tmp_path / "in", 120)
    run(Request((str(PAGES / "clean-dispatch.txt"),), str(output), runner="inline"))
    before = ids(output)
    process = started(made, output, "clean")
    assert process.stdout is not None
    for line in process.stdout:  # at least one batch is done, and more are under way
        if line.startswith("clean") and not line.startswith("clean 0 "):
            break
    workers = descendants(process.pid)
    assert len(workers) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for(lambda: not any(map(alive, workers)), 20)
    assert ids(output) == before

    report = run(Request((str(made),), str(output), workers=2))
    assert report.counts.records == 120
    run(Request((str(made), str(PAGES / "clean-dispatch.txt")), str(tmp_path / "fresh"), workers=2))
    assert ids(output) == ids(tmp_path / "fresh")
    assert not (output / "_state" / "staging").exists()


def test_a_run_killed_while_it_publishes_is_finished_by_the_next(tmp_path: Path) -> None:
    output, made = tmp_path / "out", copies_with_differences(tmp_path / "in", 3)
    process = started(made, output, "publish")
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert delta.exists(output, "blocks")
    assert not delta.exists(output, "records"), "records come last"

    report = run(Request((str(made),), str(output), runner="inline"))
    assert report.finished_earlier is not None
    assert not report.wrote
    assert len(ids(output)) == 3
    assert delta.version(output, "blocks") == 0, "no commit was made twice"


@pytest.mark.usefixtures("prefect_home")
def test_a_flow_killed_at_any_time_is_made_good_by_the_next_run(tmp_path: Path) -> None:
    """Through Prefect, with its own server. QINGWEN_FLOW_KILLS says how often (8 takes two minutes)."""
    made = copies_with_differences(tmp_path / "in", 60)
    begun = time.monotonic()
    run(Request((str(made),), str(tmp_path / "whole"), workers=2))
    lasting = time.monotonic() - begun
    kills = int(os.environ.get("QINGWEN_FLOW_KILLS", "1"))
    for n in range(kills):
        output = tmp_path / f"out-{n}"
        command = [sys.executable, "-m", "qingwen", "clean", str(made), "--output", str(output), "--workers", "2"]
        # The embedded server is a child of the run: the group is killed, as a machine that goes down kills it.
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert process.stderr is not None
        process.stderr.readline()  # the server stands, and the first batch is under way
        time.sleep(lasting * n / kills)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        report = run(Request((str(made),), str(output), workers=2))
        assert ids(output) == ids(tmp_path / "whole"), n
        assert not report.pending
        assert not (output / "_state" / "staging").exists()
