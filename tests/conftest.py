"""What the tests share: the pages with their gold, and a Prefect home of their own."""

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
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
PAGES = Path(__file__).parent / "pages"
SEED = ROOT / "seeds" / "000_fa0feccd83b6dce8.txt"

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


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The file system of an S3 server on loopback, with an empty bucket ``crawl``; named through the usual environment."""
    s3fs = pytest.importorskip("s3fs")
    pytest.importorskip("moto.server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # A process of its own: delta-rs keeps the interpreter to itself while it waits for an answer.
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        files = s3fs.S3FileSystem()
        files.mkdir("crawl")
        yield files
    finally:
        server.kill()
        server.wait()
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
    found = [
        Case(gold.with_name(gold.name.removesuffix(".gold.json")), json.loads(gold.read_text("utf-8")))
        for gold in sorted(PAGES.glob("*.gold.json"))
    ]
    seed = json.loads((Path(__file__).parent / "gold" / "seed.json").read_text("utf-8"))
    return (Case(SEED, seed), *found)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        chosen = cases()
        wanted_rejected = "rejected" in metafunc.function.__name__
        chosen = tuple(case for case in chosen if case.rejected == wanted_rejected)
        metafunc.parametrize("case", chosen, ids=[case.path.name for case in chosen])
