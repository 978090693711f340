"""The same flow on a real Dask cluster: processes of their own on loopback, one of them killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES, ROOT, wait_for
from made import copies_with_differences
from qingwen.dataset import delta
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError
from qingwen.run import survey
from qingwen.run.engine import run
from qingwen.run.request import Request

pytest.importorskip("prefect_dask", reason="the extra dask is not installed")

pytestmark = pytest.mark.slow
WORKERS = 2


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """The address of a scheduler, and the processes of its workers."""
    folder = tmp_path_factory.mktemp("cluster")
    told = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]

    def started(*command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*dask, *command], cwd=ROOT, **quiet)  # type: ignore[call-overload]

    scheduler = started(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(told)
    )
    nameless = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder))
    workers = [
        started("worker", "--scheduler-file", str(told), "--host", "127.0.0.1", *nameless) for _ in range(WORKERS)
    ]
    try:
        from distributed import Client

        wait_for(told.exists, 60)
        with Client(scheduler_file=str(told)) as client:
            client.wait_for_workers(WORKERS, timeout=60)
            address = client.scheduler.address
        yield address, workers
    finally:
        for process in [*workers, scheduler]:
            process.kill()
            process.wait()


def everything(output: Path) -> dict[str, list[Any]]:
    return {name: sorted(delta.read(output, name).to_pylist(), key=str) for name in TABLES}


@pytest.mark.usefixtures("prefect_api")
def test_a_cluster_that_loses_a_worker_gives_the_tables_of_one_machine(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Survey, sites and cleaning all go to the cluster."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    from qingwen import flow

    monkeypatch.setattr(survey, "_GROUP_PAGES", 20)
    monkeypatch.setattr(survey, "_BUCKET_PAGES", 100)
    address, workers = cluster
    made = copies_with_differences(tmp_path / "in", 160)
    inputs = (str(made), str(PAGES))
    killed = []

    def progress(stage: str, done: int, total: int) -> None:
        if stage == "clean" and 0 < done < total and not killed:
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append(done)

    report = flow.run(
        Request(inputs, str(tmp_path / "dask"), workers=WORKERS, runner="dask", cluster=address), progress
    )
    assert killed, "the worker died while pages were cleaned"
    assert (report.pending, report.faults) == (0, [])
    with get_client(sync_client=True) as client:
        (mine,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[mine.id])))
    names = {task.name.rpartition("-")[0] for task in tasks}
    assert {"clean-batch", "survey-pages", "mine-sites"} <= names
    run(Request(inputs, str(tmp_path / "bare"), workers=2))
    flow.run(Request(inputs, str(tmp_path / "local"), workers=2))
    whole = everything(tmp_path / "bare")
    assert whole["records"]
    assert everything(tmp_path / "local") == whole
    assert everything(tmp_path / "dask") == whole


@pytest.mark.usefixtures("prefect_api")
def test_a_worker_in_another_folder_says_what_to_do(
    cluster: tuple[str, list[subprocess.Popen[bytes]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qingwen import flow

    copies_with_differences(tmp_path / "in", 1)
    monkeypatch.chdir(tmp_path)
    report = flow.run(Request(("in",), "out", runner="dask", cluster=cluster[0], retries=0))
    assert report.pending == 1
    assert "Name inputs by absolute paths or URLs" in report.faults[0]


def test_a_runner_that_is_none_is_a_wrong_command(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="runner: must be one of local, inline, dask, ray"):
        Request(("in",), str(tmp_path), runner="spark")
    with pytest.raises(SetupError, match="needs a runner that knows clusters"):
        Request(("in",), str(tmp_path), cluster="tcp://127.0.0.1:1")
