"""Where each rule is written, or decided."""

from __future__ import annotations

import re
from pathlib import Path

import qingwen
from qingwen.rules.show import DECIDED, rows_named

PACKAGE = Path(qingwen.__file__).parent


def test_what_is_decided_in_code_is_decided_where_it_is_said() -> None:
    for word, place in DECIDED.items():
        path = PACKAGE / place
        files = sorted(path.glob("*.py")) if path.is_dir() else [path]
        assert any(re.search(rf'"{word}\.[a-z]', file.read_text("utf-8")) for file in files), f"{word}: {place}"


def test_an_id_names_its_own_row_alone() -> None:
    assert len(rows_named("site.icp")) == 1
    assert {row.splitlines()[2] for row in rows_named("site.")} >= {'id = "site.icp"', 'id = "site.hosts"'}
