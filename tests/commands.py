"""Commands called in this process: what they print, and their exit status."""

from __future__ import annotations

import contextlib
import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from conftest import ROOT
from qingwen.cli.main import main


class Done(NamedTuple):
    """What a command printed."""

    stdout: str
    stderr: str


def qingwen(*arguments: str | Path, cwd: Path = ROOT, status: int = 0, stdin: bytes = b"", columns: int = 160) -> Done:
    """Run a command in a folder; assert that it ends with a status, and return what it printed."""
    out, errors = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(errors),
        mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        mock.patch.dict(os.environ, COLUMNS=str(columns)),
        _signals_as_before(),
    ):
        ended = main([*map(str, arguments)])
    done = Done(*(stream.buffer.getvalue().decode() for stream in (out, errors)))
    assert ended == status, done.stderr
    return done


@contextlib.contextmanager
def _signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
