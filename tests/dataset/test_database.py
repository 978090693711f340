"""The door to DuckDB: what it makes of a signal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from qingwen.dataset.database import Database


class Interrupted:
    """A connection in which a signal arrives while a statement runs."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def cursor(self) -> Interrupted:
        return self

    def execute(self, *rest: Any) -> Any:
        raise self.fault

    def close(self) -> None:
        pass


@pytest.mark.parametrize("fault", [RuntimeError("Query interrupted"), duckdb.InterruptException("INTERRUPT Error")])
def test_a_signal_while_a_statement_runs_is_a_keyboard_interrupt(
    fault: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb, "connect", lambda *rest, **options: Interrupted(fault))
    with Database(tmp_path) as database, pytest.raises(KeyboardInterrupt):
        database.do("SELECT 1")
