"""Faults put into the code and the tables on purpose, one at a time: the tests that are named must notice each.

    python tests/quality/mutants.py            every row of mutants.toml
    python tests/quality/mutants.py spun text  those whose file holds one of the words

Each row is applied to a copy of the package, and its tests run against the copy. Exit status 1: a fault went unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
TABLE = Path(__file__).parent / "mutants.toml"
KILLED, SURVIVED = "killed", "survived"
# What pytest says: all passed, some failed; a copy that cannot be imported at all, or a test that is not there, is no kill.
_SAID = {0: SURVIVED, 1: KILLED}


def mutants(words: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return the rows of the table, those whose file holds one of the words (none: all)."""
    rows: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["mutant"]
    return [row for row in rows if not words or any(word in row["file"] for word in words)]


def mutated(row: dict[str, Any]) -> str:
    """Return the file with the row's fault in it."""
    text = (ROOT / "flows" / "qingwen" / row["file"]).read_text("utf-8")
    found = text.count(row["before"])
    if found != 1:
        raise ValueError(f"{row['file']}: {row['before']!r} stands {found} times. Write the row anew.")
    return text.replace(row["before"], row["after"])


def outcome(row: dict[str, Any], folder: Path) -> str:
    """Return what the row's tests say of a copy of the package, made in a folder."""
    package = folder / "qingwen"
    shutil.copytree(ROOT / "flows" / "qingwen", package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / row["file"]).write_text(mutated(row), "utf-8")
    command = [sys.executable, "-m", "pytest", "-n0", "-x", "-q", "-p", "no:cacheprovider", *row["tests"]]
    surroundings = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    return _SAID.get(done.returncode, f"broken: {done.stdout[-300:]}")


def main(words: Sequence[str]) -> int:
    """Try the mutants; print one line each."""
    survived = 0
    for row in mutants(words):
        with tempfile.TemporaryDirectory() as folder:
            said = outcome(row, Path(folder))
        survived += said != KILLED
        print(f"{said:9} {row['file']}: {row['why']}", flush=True)
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
