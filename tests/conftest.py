"""What the tests share: the default suite and the slow tests, the pages with their gold, and the fixtures below.

Default suite and slow tests
    A test that starts a server, a cluster or a browser, kills processes or searches long carries the marker ``slow``; the
    fixtures of ``SERVERS`` bring it along. ``pytest`` and ``pytest tests/run`` leave the slow tests out; ``pytest -m slow`` runs
    them alone, ``-m "slow or not slow"`` runs everything, and a file or a test that is named runs in any case
    (``pytest tests/flow/test_cluster.py``).

Fixtures for any test
    ``seed_dataset``    the dataset of the seed page alone, made once in a session. Read it, or copy it to change it.
    ``pages_dataset``   the dataset of the seed and of all pages of the tests, made once in a session. The same holds.
    ``copied``          ``copied(pages_dataset)`` returns a copy of a dataset in ``tmp_path``, to change.
    ``store``           an S3 file system on loopback with an empty bucket ``crawl``. One server serves a session.
    ``prefect_home``    a Prefect home with its database made, to be copied; this process's embedded servers have one like it.
    ``prefect_server``  the environment of what talks to a Prefect server, a process of its own. One serves a session.
    ``prefect_api``     flows of this process report to that server.
    ``case``            each page of the tests with its gold: those that are rejected for a test with ``rejected`` in its name.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import settings

ROOT = Path(__file__).parent.parent
PAGES = Path(__file__).parent / "pages"
SEED = ROOT / "seeds" / "000_fa0feccd83b6dce8.txt"

# The fixtures that start a server or a browser.
SERVERS = {"store", "prefect_home", "browser"}

# Prefect must not touch the user's own server, and its embedded one may start slowly on a busy machine.
_HOME = tempfile.mkdtemp(prefix="qingwen-prefect-")
os.environ["PREFECT_HOME"] = _HOME
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "180"
os.environ.pop("PREFECT_API_URL", None)

# No test hangs on the machine's load, or on chance: what passes once passes again. New examples: --hypothesis-profile=explore.
settings.register_profile("qingwen", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("qingwen")


def pytest_sessionfinish() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before ``-m`` selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow tests out, unless ``-m`` selects or their file is named."""
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if config.option.markexpr:
        return
    named = {(config.invocation_params.dir / arg.partition("::")[0]).resolve() for arg in config.args}
    left_out = {item for item in items if item.get_closest_marker("slow") and item.path not in named}
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def _dataset(folder: Path, *inputs: Path) -> Path:
    from qingwen.run.engine import run
    from qingwen.run.request import Request

    run(Request(tuple(map(str, inputs)), str(folder / "news"), runner="inline"))
    return folder / "news"


@pytest.fixture(scope="session")
def seed_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of the seed page, to be read."""
    return _dataset(tmp_path_factory.mktemp("seed-dataset"), SEED)


@pytest.fixture(scope="session")
def pages_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset of the seed and of all pages of the tests, to be read."""
    return _dataset(tmp_path_factory.mktemp("pages-dataset"), SEED, PAGES)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Path], Path]:
    """A function that copies a dataset into ``tmp_path`` and returns the copy."""
    return lambda dataset: Path(shutil.copytree(dataset, tmp_path / dataset.name))


def wait_for(what: Callable[[], Any], seconds: float = 300) -> Any:
    """Return what a call returns when it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
    return found


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def started_server(prefect_home: Path, home: Path) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    """Start a Prefect server on a copy of a home; return its process, and the environment of what talks to it."""
    shutil.copytree(prefect_home, home)
    port = free_port()
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def up() -> bool:
        assert process.poll() is None
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"{environment['PREFECT_API_URL']}/health", timeout=1),
        ):
            return True
        return False

    wait_for(up)
    return process, environment


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A Prefect home to be copied. Its database takes ten seconds to make: all workers of a session share one."""
    pytest.importorskip("prefect")
    base = tmp_path_factory.getbasetemp()
    home = (base if worker_id == "master" else base.parent) / "prefect-home"
    with FileLock(f"{home}.lock"):
        if not home.exists():
            command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
            environment = {**os.environ, "PREFECT_HOME": f"{home}.new"}
            subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
            Path(f"{home}.new").rename(home)
    if not Path(_HOME, "prefect.db").exists():
        shutil.copytree(home, _HOME, dirs_exist_ok=True)
    return home


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory, prefect_home: Path) -> Iterator[dict[str, str]]:
    """The environment of what talks to a Prefect server, which ends with the session."""
    process, environment = started_server(prefect_home, tmp_path_factory.mktemp("prefect") / "home")
    try:
        yield environment
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def prefect_api(prefect_server: dict[str, str]) -> Iterator[None]:
    """Let flows of this process report to the server of the session."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: prefect_server["PREFECT_API_URL"]}):
        yield


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[str]:
    """The address of an S3 server on loopback.

    It is a process of its own: delta-rs holds the interpreter's lock while it waits for an answer.
    """
    pytest.importorskip("moto.server")
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:

        def up() -> bool:
            assert server.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        wait_for(up, 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def store(_s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The file system of an S3 server on loopback, with an empty bucket ``crawl``; named through the usual environment."""
    s3fs = pytest.importorskip("s3fs")
    urllib.request.urlopen(urllib.request.Request(f"{_s3_server}/moto-api/reset", method="POST")).close()
    for name, value in {
        "AWS_ENDPOINT_URL": _s3_server,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("crawl")
    yield files
    s3fs.S3FileSystem.clear_instance_cache()


def group_lives(leader: int) -> bool:
    """Tell whether any process of a group is there."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass(frozen=True)
class Case:
    """A page of the tests and what must come of it."""

    path: Path
    gold: dict[str, Any]

    @property
    def rejected(self) -> bool:
        return "rule" in self.gold


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """Return the seed and the pages of the tests, each with its gold."""
    pages = [
        Case(gold.with_name(gold.name.removesuffix(".gold.json")), json.loads(gold.read_text("utf-8")))
        for gold in sorted(PAGES.glob("*.gold.json"))
    ]
    seed = json.loads((Path(__file__).parent / "gold" / "seed.json").read_text("utf-8"))
    return (Case(SEED, seed), *pages)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        rejected = "rejected" in metafunc.function.__name__
        chosen = [case for case in cases() if case.rejected == rejected]
        metafunc.parametrize("case", chosen, ids=[case.path.name for case in chosen])
