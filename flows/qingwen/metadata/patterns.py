"""The table ``rules/metadata.toml``: its patterns, compiled, and its lists of words."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from qingwen.rules.character_tables import read_table


@lru_cache(maxsize=1)
def table() -> Mapping[str, Any]:
    """Return the table, parsed: patterns by name, lists of words, and ``parts`` of patterns."""
    return read_table("metadata.toml")


@lru_cache(maxsize=1)
def patterns() -> Mapping[str, re.Pattern[str]]:
    """Return the patterns of the table by name, compiled; ``{PART}`` in one stands for a row of ``parts``."""
    stated = {key: value for key, value in table().items() if isinstance(value, str)}
    for name, part in table()["parts"].items():  # a part may hold those below it
        stated = {key: value.replace(f"{{{name}}}", part) for key, value in stated.items()}
    return {key: re.compile(value) for key, value in stated.items()}


def search(name: str, line: str) -> re.Match[str] | None:
    """Return the first match of a named pattern in a line of the folded view."""
    return patterns()[name].search(line)
