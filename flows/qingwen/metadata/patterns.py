"""The patterns that read what a page states, compiled once from ``rules/metadata.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from qingwen.rules.character_tables import read_table


@lru_cache(maxsize=1)
def tables() -> tuple[Mapping[str, re.Pattern[str]], Mapping[str, Any]]:
    """Return the patterns by name, and the table with its lists."""
    table = read_table("metadata.toml")
    parts = {"{PEOPLE}": table["people"].replace("{NAME}", f"(?:{table['name']})"), "{SURNAME}": table["surname"]}
    stated = {key: value for key, value in table.items() if isinstance(value, str) and key != "people"}
    for name, pattern in parts.items():
        stated = {key: value.replace(name, pattern) for key, value in stated.items()}
    return {key: re.compile(value) for key, value in stated.items()}, table


def search(name: str, line: str) -> re.Match[str] | None:
    """Return the first match of a named pattern in a line (of the folded view)."""
    return tables()[0][name].search(line)
