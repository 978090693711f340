"""What the tests share: the pages with their gold, and a Prefect home of their own."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGES = Path(__file__).parent / "pages"
SEED = ROOT / "seeds" / "000_fa0feccd83b6dce8.txt"

# Prefect must not touch the user's own server, and its embedded one may start slowly on a busy machine.
_HOME = tempfile.mkdtemp(prefix="qingwen-prefect-")
os.environ["PREFECT_HOME"] = _HOME
os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "180"
os.environ.pop("PREFECT_API_URL", None)


def pytest_sessionfinish() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


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
