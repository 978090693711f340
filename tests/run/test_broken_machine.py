"""What a machine does to a run: signals, permissions, full disks, files that go away, clocks that go back."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands import qingwen
from conftest import PAGES, ROOT, group_lives, wait_for
from made import copies_with_differences
from qingwen.dataset import delta
from qingwen.dataset.location import location_of

pytestmark = pytest.mark.slow
QINGWEN = [sys.executable, "-m", "qingwen"]


def started(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    def prepare() -> None:
        # A shell that runs the tests in the background lets its children ignore the interrupt.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for call in options.get("before", ()):
            call()

    return subprocess.Popen(
        [*QINGWEN, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=prepare,
    )


def ran(*arguments: object, **options: Any) -> tuple[int, str]:
    """Run a command to its end; return its exit status and all that it says."""
    process = started(*arguments, **options)
    out, said = process.communicate(timeout=240)
    return process.returncode, out + said


def cleaned(made: Path, output: Path) -> str:
    """Clean in this process, for what a process of its own is not the matter; return what the command prints."""
    return qingwen("clean", made, "-o", output, "--no-prefect", "--runner", "inline").stdout


def batches_done(output: Path) -> list[Path]:
    return list(output.glob("_state/staging/*/done.json"))


def ids(output: Path) -> list[str]:
    return sorted(delta.read(location_of(output), "records", ("id",))["id"].to_pylist())


@pytest.mark.usefixtures("prefect_home")
@pytest.mark.parametrize("engine", [["--no-prefect"], []], ids=["bare", "prefect"])
def test_a_run_that_is_terminated_finishes_its_batches_and_publishes_nothing(engine: list[str], tmp_path: Path) -> None:
    made, output = copies_with_differences(tmp_path / "in", 120), tmp_path / "out"
    process = started("clean", made, "-o", output, "--workers", 2, "--batch-pages", 10, *engine)
    wait_for(lambda: batches_done(output), 400)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143, said
    assert "Terminated: the run ends when the batches under way are done." in said
    assert "batches are cleaned and kept, nothing was published." in said
    assert "Traceback" not in said
    assert not delta.exists(location_of(output), "records")
    kept = {path: path.stat().st_mtime_ns for path in batches_done(output)}
    assert kept
    wait_for(lambda: not group_lives(process.pid))

    again = started("clean", made, "-o", output, "--workers", 2, "--batch-pages", 10, "--no-prefect")
    wait_for(lambda: len(batches_done(output)) > len(kept))
    assert {path: path.stat().st_mtime_ns for path in kept if path.exists()}.items() <= kept.items(), "not done again"
    again.communicate(timeout=240)
    assert again.returncode == 0
    assert len(ids(output)) == 120


def test_a_second_interrupt_ends_a_run_at_once(tmp_path: Path) -> None:
    made, output = copies_with_differences(tmp_path / "in", 200), tmp_path / "out"
    process = started("clean", made, "-o", output, "--workers", 2, "--batch-pages", 200, "--no-prefect")
    wait_for(lambda: list(output.glob(f"_state/staging/{24 * '[0-9a-f]'}.*.tmp")))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
    assert process.stderr is not None
    while "Interrupted: the run ends when the batches under way are done. A second signal ends it at once." not in (
        line := process.stderr.readline()
    ):
        assert line, "it did not say so"
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Interrupted. The dataset is as it was; run again to go on." in said
    wait_for(lambda: not group_lives(process.pid))
    cleaned(made, output)
    assert len(ids(output)) == 200


def bound_by_permissions() -> None:
    """Take from root what lets it pass over permissions: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER."""
    if os.getuid() == 0:
        for capability in (1, 2, 3):
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_touched(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir(mode=0o555)
    for output in (tmp_path / "kept" / "out", tmp_path / "kept"):
        status, said = ran("clean", "seeds", "-o", output, "--no-prefect", before=[bound_by_permissions])
        assert (status, said) == (2, f"qingwen: {output}: cannot be written: Permission denied.\n")
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_page_without_permission_is_pending_and_read_once_it_may_be(tmp_path: Path) -> None:
    made = copies_with_differences(tmp_path / "in", 4)
    hidden = made / "00002.txt"
    hidden.chmod(0)
    status, said = ran("clean", made, "-o", tmp_path / "out", "--no-prefect", before=[bound_by_permissions])
    assert status == 1, said
    assert f"pending: {hidden}: The file cannot be read: Permission denied." in said
    assert len(ids(tmp_path / "out")) == 3
    hidden.chmod(0o644)  # which changes neither its size nor its time
    cleaned(made, tmp_path / "out")
    assert len(ids(tmp_path / "out")) == 4


def test_a_file_that_goes_away_under_the_run_is_pending_and_read_when_it_is_back(tmp_path: Path) -> None:
    made, output = copies_with_differences(tmp_path / "in", 120), tmp_path / "out"
    process = started("clean", made, "-o", output, "--workers", 1, "--batch-pages", 20, "--no-prefect")
    wait_for(lambda: batches_done(output), 400)
    gone = made / "00119.txt"
    gone.rename(tmp_path / "gone")
    _, said = process.communicate(timeout=240)
    assert process.returncode == 1, said
    assert len(ids(output)) == 119
    (tmp_path / "gone").rename(gone)
    cleaned(made, output)
    assert len(ids(output)) == 120


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 3 MB, where the machine lets us make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True)
    if made.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_disk_that_is_full_leaves_the_dataset_as_it_was(small_disk: Path, tmp_path: Path) -> None:
    output, first = small_disk / "out", tmp_path / "first"
    first.mkdir()
    shutil.copy(PAGES / "clean-dispatch.txt", first)
    cleaned(first, output)
    before = ids(output)
    made = copies_with_differences(tmp_path / "in", 120)
    (small_disk / "filler").write_bytes(bytes(shutil.disk_usage(small_disk).free - 100_000))
    status, said = ran("clean", made, "-o", output, "--no-prefect")
    assert status == 1, said
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert ids(output) == before
    (small_disk / "filler").unlink()
    cleaned(made, output)
    assert len(ids(output)) == 121


def test_a_run_ends_well_when_all_clocks_are_back_an_hour(tmp_path: Path) -> None:
    """Files and runs from the future: neither is passed over."""
    made, output = copies_with_differences(tmp_path / "in", 3), tmp_path / "out"
    ahead = time.time() + 3600
    for path in made.iterdir():
        os.utime(path, (ahead, ahead))
    cleaned(made, output)
    for path in (output / "_runs").iterdir():
        later = (datetime.now() + timedelta(hours=1)).strftime("%Y%m%dT%H%M%S")
        path.rename(path.with_name(f"{later}-{path.name.partition('-')[2]}"))
    (made / "00001.txt").write_text((made / "00000.txt").read_text("utf-8") + "又一行新闻，记者报道。\n", "utf-8")
    with suppress(OSError):
        os.utime(made / "00001.txt", (ahead - 7200, ahead - 7200))
    assert cleaned(made, output).startswith("3 pages in, 2 unchanged: 1 record")
    names = sorted(path.name for path in (output / "_runs").glob("*.json"))
    assert names[-1].partition("-")[0] > later
