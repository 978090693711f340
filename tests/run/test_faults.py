"""Runs `faults.py` in a process that has started nothing yet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT


@pytest.mark.slow
def test_runs_that_are_killed_or_starved_are_made_good_by_the_next() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n0",
        "-p",
        "no:cacheprovider",
        str(Path(__file__).with_name("faults.py")),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "7 passed" in done.stdout
