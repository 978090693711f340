"""Rows of the tables that people write: what is refused, and in which words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qingwen.errors import RuleError
from qingwen.rules.patterns import LinePattern, NotLinearError, refusal, steps

# A row counts characters around a form, or weighs a clause.
LARGEST = 1_000_000
_ID = re.compile(r"[a-z]++(?:\.[a-z0-9-]{1,99}+)++")


def need(row: Mapping[str, Any], required: Sequence[str], where: str) -> None:
    """Refuse a row that lacks a required key or leaves it empty."""
    for key in required:
        if not row.get(key):
            raise RuleError(f"{where}: {key} is missing. A row of this table has {', '.join(required)}.")


def named(row: Mapping[str, Any], where: str) -> None:
    """Refuse a row whose id is no word, dot, word: ids stand in columns, commands and files for ever."""
    if not _ID.fullmatch(row["id"]):
        raise RuleError(f"{where}: the id must look like ad.scan-qr-code.")


def know(row: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a key that means nothing: it is most often a misspelt one."""
    for key in row:
        if key in known:
            continue
        if key == "off":
            raise RuleError(f"{where}: off stands at the top of the file, above the first [[...]].")
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


def tables_of(table: Mapping[str, Any], key: str, where: str) -> Sequence[Mapping[str, Any]]:
    """Return the tables that stand under a key (``[[rule]]``), none where it is missing; refuse anything else."""
    found = table.get(key, ())
    if not (isinstance(found, list | tuple) and all(isinstance(row, dict) for row in found)):
        raise RuleError(f"{where}: {key} must be tables; write [[{key}]] above each.")
    return found


def texts_of(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, str]:
    """Return the table of texts that stands under a key (``[words]``), none where it is missing."""
    found = table.get(key, {})
    if not (isinstance(found, dict) and all(isinstance(value, str) for value in found.values())):
        raise RuleError(f"{where}: {key} must be one table of texts; write [{key}] above it.")
    return found


def typed(
    row: Mapping[str, Any],
    where: str,
    *,
    texts: Collection[str] = (),
    lists: Collection[str] = (),
    flags: Collection[str] = (),
    numbers: Collection[str] = (),
) -> None:
    """Refuse a value of another kind than its key holds: a text, a list of texts, true or false, a number."""
    for key, value in row.items():
        if key in texts and not isinstance(value, str):
            raise RuleError(f"{where}: {key} must be a text in quotes, not {value!r}.")
        if key in lists and not (isinstance(value, list) and all(isinstance(entry, str) for entry in value)):
            raise RuleError(f"{where}: {key} must be a list of texts, not {value!r}.")
        if key in flags and not isinstance(value, bool):
            raise RuleError(f"{where}: {key} must be true or false, not {value!r}.")
        if key in numbers and not (type(value) in (int, float) and 0 <= value <= LARGEST):
            raise RuleError(f"{where}: {key} must be a number from 0 to {LARGEST}, not {value!r}.")
