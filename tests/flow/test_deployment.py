"""Deployments on a real Prefect server, a process of its own: by schedule, by hand, cancelled, crashed, overlapping."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, free_port, started_server, wait_for
from made import copies_with_differences
from qingwen.dataset import delta
from qingwen.dataset.location import identity
from qingwen.errors import SetupError
from qingwen.run.engine import run
from qingwen.run.request import Request

pytest.importorskip("prefect")

pytestmark = pytest.mark.slow
SLOW = 600  # pages that keep one worker busy for some seconds


@pytest.fixture
def client(prefect_api: None) -> Iterator[Any]:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as found:
        yield found


@pytest.fixture
def served(prefect_server: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Serves a folder of so many pages under a name, as a user's command does; returns the dataset's folder."""
    started = []

    def serve(name: str, pages: int, *options: str) -> Path:
        made = copies_with_differences(tmp_path / f"{name}-in", pages)
        output = tmp_path / name
        command = [sys.executable, "-m", "qingwen", "serve", str(made), "-o", str(output), "--name", name, *options]
        started.append(subprocess.Popen(command, cwd=ROOT, env=prefect_server, start_new_session=True))
        return output

    yield serve
    for process in started:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def deployment(client: Any, name: str) -> Any:
    def found() -> Any:
        with suppress(Exception):
            return client.read_deployment_by_name(f"clean-news/{name}")

    return wait_for(found)


def triggered(client: Any, name: str, **options: Any) -> Any:
    found = deployment(client, name)
    parameters = {**found.parameters, "options": {**found.parameters["options"], **options}}
    return client.create_flow_run_from_deployment(found.id, parameters=parameters)


def state_of(client: Any, run: Any) -> str:
    return str(client.read_flow_run(run.id).state_name)


def ended(client: Any, run: Any) -> Any:
    def final() -> Any:
        found = client.read_flow_run(run.id)
        return found if found.state and found.state.is_final() else None

    return wait_for(final)


def events(client: Any) -> set[str]:
    answer = client._client.post("/events/filter", json={"filter": {"event": {"prefix": ["qingwen."]}}})
    return {event["event"] for event in answer.json()["events"]}


def n_records(output: Path) -> int:
    return int(delta.read(output, "records", ("id",)).num_rows)


def cleaning(output: Path) -> bool:
    """Tell whether a batch is done, and more are under way."""
    return any(output.glob("_state/staging/*/done.json"))


def test_a_deployment_runs_by_hand_and_by_schedule(client: Any, served: Callable[..., Path]) -> None:
    output = served("news", 30, "--cron", "* * * * *", "--timezone", "Asia/Shanghai", "--review", "5")
    found = deployment(client, "news")
    (schedule,) = found.schedules
    assert (schedule.schedule.cron, schedule.schedule.timezone) == ("* * * * *", "Asia/Shanghai")
    assert found.tags == ["qingwen", f"qingwen.dataset.{identity(str(output))}"]
    assert found.global_concurrency_limit.limit == 1
    assert found.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    by_hand = ended(client, triggered(client, "news"))
    assert by_hand.state_name in ("Completed", "Cancelled"), "the schedule may have been first"
    wait_for(lambda: delta.exists(output, "records"))
    assert n_records(output) == 30

    def scheduled() -> Any:
        runs = client.read_flow_runs()
        return [run for run in runs if run.auto_scheduled and run.state_name == "Completed"]

    assert {run.name for run in wait_for(scheduled)} == {f"{output}-in -> {output}"}
    wait_for(lambda: {"qingwen.run.published", "qingwen.run.nothing-new"} <= events(client))
    artifacts = {artifact.key: artifact for artifact in client.read_artifacts()}
    own = f"qingwen-{identity(str(output))}"
    assert {f"{own}-run", f"{own}-pages", f"{own}-progress", f"{own}-review"} <= artifacts.keys()
    assert (output / "review.html").exists()


def test_a_cancelled_run_leaves_the_dataset_as_it_was(client: Any, served: Callable[..., Path]) -> None:
    from prefect.states import Cancelling

    output = served("cancelled", SLOW, "--batch-pages", "20", "--workers", "1")
    run = triggered(client, "cancelled")
    wait_for(lambda: cleaning(output))
    client.set_flow_run_state(run.id, Cancelling())
    assert ended(client, run).state_name == "Cancelled"
    assert not delta.exists(output, "records")
    assert ended(client, triggered(client, "cancelled")).state_name == "Completed"
    assert n_records(output) == SLOW


def test_a_crashed_run_is_made_good_by_the_next_and_two_never_overlap(client: Any, served: Callable[..., Path]) -> None:
    output = served("crashed", SLOW, "--batch-pages", "20", "--workers", "1")
    first = triggered(client, "crashed")
    wait_for(lambda: state_of(client, first) == "Running")
    second = triggered(client, "crashed")
    assert ended(client, second).state_name == "Cancelled", "it would overlap"
    wait_for(lambda: cleaning(output))
    os.kill(holder_of(output), signal.SIGKILL)
    assert ended(client, first).state_name == "Crashed"
    assert not delta.exists(output, "records")
    assert ended(client, triggered(client, "crashed")).state_name == "Completed"
    assert n_records(output) == SLOW


def holder_of(output: Path) -> int:
    """Return the process that runs on a dataset: it has the lock's file open."""
    lock = str(output / "_state" / "lock")
    for entry in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(entry) == lock:
                return int(entry.parts[2])
    raise AssertionError("no process holds it")


def test_a_run_refused_for_a_jump_fails_and_tells(client: Any, served: Callable[..., Path]) -> None:
    output = served("jump", 60)
    inputs = output.with_name("jump-in")
    run(Request((str(inputs),), str(output), runner="inline"))
    for n in range(80):
        (inputs / f"error-{n}.txt").write_text(f"Error {n}: please log in.\n" * 9, "utf-8")
    refused = ended(client, triggered(client, "jump"))
    assert refused.state_name == "Failed"
    assert "not published, this run is unlike the last ones" in refused.state.message
    wait_for(lambda: "qingwen.run.failed" in events(client))
    assert ended(client, triggered(client, "jump", accept=True)).state_name == "Completed"
    assert delta.read(output, "rejections").num_rows == 80
    wait_for(lambda: "qingwen.run.unlike-the-last" in events(client))


def test_a_wrong_rule_table_fails_at_once_and_is_not_tried_again(client: Any, served: Callable[..., Path]) -> None:
    served("wrong", 1)
    run = ended(client, triggered(client, "wrong", rules="nothing.toml"))
    assert (run.state_name, run.run_count) == ("Failed", 1)
    assert "nothing.toml" in run.state.message


def test_serve_without_a_server_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "qingwen", "serve", "--name", "x"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "prefect server start" in done.stderr


def test_serve_says_that_a_server_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from qingwen import flow

    monkeypatch.setattr(flow, "_SERVER_SECONDS", 0)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(SetupError, match=r"the Prefect server at http://127\.0\.0\.1:9/api does not answer"),
    ):
        flow.serve(Request(inputs=("seeds",), output="news"), "news", [], None, 0)


def test_a_deployment_of_another_dataset_is_not_taken_over(client: Any, served: Callable[..., Path]) -> None:
    from qingwen import flow

    output = served("nightly", 1, "--cron", "0 3 * * *")
    before = deployment(client, "nightly")
    with pytest.raises(SetupError, match=rf"clean-news/nightly belongs to the dataset {output}\."):
        flow.serve(Request(inputs=("seeds",), output=f"{output}/other/nightly"), None, [], None, 0)
    after = deployment(client, "nightly")
    assert (after.parameters, after.schedules) == (before.parameters, before.schedules)
    served("nightly", 1, "--cron", "0 4 * * *")  # the same dataset may change its schedule
    wait_for(lambda: deployment(client, "nightly").schedules[0].schedule.cron == "0 4 * * *")


@pytest.mark.parametrize(("line", "zone"), [("0 3", "Asia/Shanghai"), ("0 3 * * *", "Asia/Nowhere")])
def test_serve_refuses_a_schedule_that_is_none(line: str, zone: str) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from qingwen import flow

    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(SetupError, match=rf'--cron "{re.escape(line)}", --timezone {zone}: '),
    ):
        flow.serve(Request(inputs=("seeds",), output="news"), "news", [line], zone, 0)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a user has after a clone, without its tests."""
    for name in ("flows", "seeds", "prefect.yaml", "README.md", "pyproject.toml"):
        source, target = ROOT / name, tmp_path / "checkout" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return tmp_path / "checkout"


def test_the_five_commands_of_the_readme_lead_to_a_scheduled_deployment(
    checkout: Path, tmp_path: Path, prefect_home: Path
) -> None:
    """Word for word, but for the port."""
    text = (checkout / "README.md").read_text("utf-8")
    (block,) = (code for code in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) if "prefect server" in code)
    assert len(block.splitlines()) == 5
    port = str(free_port())
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, module in (("qingwen", "qingwen"), ("prefect", "prefect")):
        (commands / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n', "utf-8")
        (commands / name).chmod(0o755)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PATH": f"{commands}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PREFECT_HOME": str(shutil.copytree(prefect_home, tmp_path / "prefect")),
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    shell = subprocess.Popen(
        ["bash"], cwd=checkout, env=environment, stdin=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert shell.stdin is not None
        *first, last = block.replace("4200", port).splitlines()
        shell.stdin.write("set -e\n" + "\n".join(first) + "\n")
        shell.stdin.flush()
        with (
            temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}),
            get_client(sync_client=True) as client,
        ):
            found = deployment(client, "news")
            assert found.schedules[0].schedule.cron == "0 3 * * *"
            shell.stdin.write(f"{last}\n")
            shell.stdin.flush()
            wait_for(
                lambda: [run for run in client.read_flow_runs() if run.deployment_id and run.state_name == "Completed"]
            )
        assert n_records(checkout / "news") == 1
    finally:
        subprocess.run(["bash", "-c", "prefect server stop"], env=environment, capture_output=True)
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()


def test_prefect_yaml_deploys_to_a_work_pool(client: Any, prefect_server: dict[str, str], checkout: Path) -> None:
    def prefect(*command: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *command],
            cwd=checkout,
            env=prefect_server,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    prefect("work-pool", "create", "news", "--type", "process")
    prefect("--no-prompt", "deploy", "--all")
    found = deployment(client, "daily")
    assert found.schedules[0].schedule.timezone == "Asia/Shanghai"
    assert found.concurrency_options.collision_strategy.value == "CANCEL_NEW"
    run = client.create_flow_run_from_deployment(found.id)
    prefect("worker", "start", "--pool", "news", "--run-once")
    assert ended(client, run).state_name == "Completed"
    assert n_records(checkout / "data" / "corpus") == 1
    assert (checkout / "data" / "corpus" / "review.html").exists()


def test_a_run_whose_server_goes_away_goes_on_without_it(tmp_path: Path, prefect_home: Path) -> None:
    made, output = copies_with_differences(tmp_path / "in", 80), tmp_path / "out"
    process, environment = started_server(prefect_home, tmp_path / "prefect")
    # How often Prefect tries again to reach a server.
    environment |= {"PREFECT_CLIENT_MAX_RETRIES": "1"}
    command = [sys.executable, "-m", "qingwen", "clean", str(made), "-o", str(output), "--batch-pages", "20"]
    run = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: cleaning(output))
    process.kill()
    process.wait()
    said, errors = run.communicate(timeout=900)
    assert run.returncode == 0, errors
    assert "Prefect's server was lost under the run, which went on without it." in said
    assert n_records(output) == 80
    after = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert after.returncode == 2
    assert "Prefect's server does not answer" in after.stderr
    assert "Traceback" not in after.stderr
