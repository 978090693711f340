"""Rows of the tables that people write: what is refused, and in which words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qingwen.errors import RuleError
from qingwen.rules.linear import refusal, steps
from qingwen.rules.lines import LinePattern, NotLinearError


def need(row: Mapping[str, Any], required: Sequence[str], where: str) -> None:
    """Refuse a row that lacks a required key or leaves it empty."""
    for key in required:
        if not row.get(key):
            raise RuleError(f"{where}: {key} is missing. A row of this table has {', '.join(required)}.")


def know(row: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a key that means nothing: it is most often a misspelt one."""
    for key in row:
        if key not in known:
            raise RuleError(f"{where}: unknown key {key!r}. Known: {', '.join(known)}.")


def one_of(where: str, key: str, value: Any, allowed: Collection[str]) -> None:
    """Refuse a value that is none of those allowed."""
    if value not in allowed:
        raise RuleError(f"{where}: unknown {key} {value!r}. It must be one of {', '.join(allowed)}.")


def in_lines(pattern: str, where: str) -> LinePattern:
    """Return a row's pattern compiled for lines; refuse one that does not compile or is not linear."""
    try:
        return LinePattern(pattern)
    except re.error as fault:
        raise RuleError(f"{where}: the pattern does not compile: {fault}.") from fault
    except NotLinearError as fault:
        raise RuleError(f"{where}: the pattern is not known to take linear time: {fault}.") from fault


def compiled(pattern: str, where: str, longest: int | None = None) -> re.Pattern[str]:
    """Return a row's pattern compiled; refuse one that does not compile, or takes too many steps from one place.

    ``longest``: so many characters it is shown at most.
    """
    try:
        found = re.compile(pattern)
    except re.error as fault:
        raise RuleError(f"{where}: the pattern {pattern!r} does not compile: {fault}.") from fault
    said = refusal(steps(pattern, longest))
    if said:
        raise RuleError(f"{where}: the pattern {pattern!r} is not known to take linear time: {said}.")
    return found
