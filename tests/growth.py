"""How the time of the patterns that Python's `re` runs grows, proved from the parsed pattern.

RE2's patterns take linear time by construction. Python's are those in code, of the package's own tables, and of personal
data; no more than the tests needs Python's parser of patterns, which is private.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache, reduce
from math import inf
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import qingwen
from qingwen.metadata.patterns import patterns as metadata_patterns
from qingwen.rules.character_tables import entity_table, lookalike_table, punctuation_table
from qingwen.text.match_view import contact_tables

# What starts Prefect or the command line when it is imported.
_DEAR = ("qingwen.flow", "qingwen.actions", "qingwen.keeping", "qingwen.operations", "qingwen.cli")
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
_TURNS = 4
_BASIC = "".join(map(chr, range(0x10000)))


_HUGE, _MANY = 1e100, 500


@dataclass(frozen=True, slots=True)
class Growth:
    """At most ``factor`` times the text's length to the power of ``degree``."""

    factor: float
    degree: float = 0

    def __add__(self, other: Growth) -> Growth:
        return Growth(self.factor + other.factor, max(self.degree, other.degree))

    def __mul__(self, other: Growth) -> Growth:
        return Growth(min(self.factor * other.factor, _HUGE), self.degree + other.degree)


_ONE, _LENGTH, _EXPONENTIAL = Growth(1), Growth(1, 1), Growth(1, inf)

Cost = tuple[Growth, Growth]  # steps, ways


@dataclass(frozen=True, slots=True)
class Known:
    """What is known where a part is weighed: how long the text is at most, and the widths of the pattern's groups."""

    longest: int | None = None
    widths: Sequence[tuple[int, Any] | None] = ()


_NOTHING = Known()


def steps(pattern: str, longest: int | None = None) -> Growth:
    """Return the most steps that a match from one place takes, in a text of at most ``longest`` characters.

    >>> steps("[0-9]{1,3}元"), steps("[0-9]+元").degree, steps("(a+)+元").degree
    (Growth(factor=7, degree=0), 1, inf)
    """
    tree = _parser.parse(pattern)
    return cost(tree, Known(longest, tree.state.groupwidths))[0]


def branches(parts: Sequence[Any]) -> list[list[Any]]:
    """Return the top-level alternatives of a parsed pattern, each with what stands before them all."""
    if parts and parts[-1][0] is op.BRANCH and all(kind in (op.AT, op.ASSERT) for kind, _ in parts[:-1]):
        return [whole for branch in parts[-1][1][1] for whole in branches([*parts[:-1], *branch])]
    return [list(parts)]


def cost(parts: Iterable[Any], known: Known = _NOTHING) -> Cost:
    """Return the most steps and ways of a parsed pattern, or of a part of one."""
    steps, ways = Growth(0), _ONE
    for part in parts:
        its_steps, its_ways = _part(part, known)
        steps, ways = steps + ways * its_steps, ways * its_ways
    return steps, ways


def _part(part: Any, known: Known) -> Cost:
    kind, value = part
    if kind in _REPEATS:
        found = _repeat(value, known)
        return (found[0], _ONE) if kind is op.POSSESSIVE_REPEAT else found
    if kind is op.BRANCH:
        return _either(cost(branch, known) for branch in value[1])
    if kind is op.GROUPREF_EXISTS:
        return _either(cost(branch or (), known) for branch in value[1:])
    if kind is op.SUBPATTERN:
        return cost(value[3], known)
    if kind is op.ATOMIC_GROUP:
        return cost(value, known)[0], _ONE
    if kind in (op.ASSERT, op.ASSERT_NOT):
        return cost(value[1], known)[0] + _ONE, _ONE
    if kind is op.GROUPREF:
        width = known.widths[value] if value < len(known.widths) else None
        return (_LENGTH if width is None or width[1] >= op.MAXREPEAT else Growth(float(width[1]))), _ONE
    return _ONE, _ONE


def _either(costs: Iterable[Cost]) -> Cost:
    steps, ways = Growth(0), Growth(0)
    for its_steps, its_ways in costs:
        steps, ways = steps + its_steps, ways + its_ways
    return steps + _ONE, ways


def _repeat(repeat: tuple[int, Any, Any], known: Known) -> Cost:
    (least, most, body), longest = repeat, known.longest
    its_steps, its_ways = cost(body, known)
    if most is op.MAXREPEAT and longest is None:
        times = _LENGTH + Growth(least)
        return (times * its_steps, times) if its_ways == _ONE else (_EXPONENTIAL, _EXPONENTIAL)
    # Each time takes a character at least, or ends the repeat.
    most = int(most) if longest is None else min(int(most), longest + 1)
    if its_ways == _ONE:
        return Growth(most) * its_steps + _ONE, Growth(max(most - least, 0) + 1)
    steps, ways, so_far = _ONE, Growth(0), _ONE
    for count in range(most + 1):
        ways = ways + so_far if count >= least else ways
        if count < most:
            steps, so_far = steps + so_far * its_steps, so_far * its_ways
        if so_far.factor >= _HUGE or count > _MANY:
            huge = Growth(_HUGE, most * its_ways.degree + its_steps.degree)
            return huge, huge
    return steps, ways


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """Yield every compiled pattern of the package's modules and of its own tables, each with a name."""
    for module in pkgutil.walk_packages(qingwen.__path__, "qingwen."):
        if not module.name.startswith(_DEAR):
            for name, value in sorted(vars(importlib.import_module(module.name)).items()):
                if isinstance(value, re.Pattern):
                    yield f"{module.name.removeprefix('qingwen.')}.{name}", value
    for name, pattern in metadata_patterns().items():
        yield f"metadata.toml.{name}", pattern
    for table in (entity_table(), lookalike_table(), punctuation_table()):
        for entry in fields(table):  # type: ignore[arg-type]
            if isinstance(value := getattr(table, entry.name), re.Pattern):
                yield f"{type(table).__name__}.{entry.name}", value
    for number, (pattern, _, _) in enumerate(contact_tables().variants):
        yield f"contact.toml.variant-{number}", pattern
    yield "contact.toml.gap", contact_tables().gaps


def searching(pattern: re.Pattern[Any] | str, *, at_start: bool = False) -> Growth:
    """Return the most steps of a search through a whole text, or of all matches one behind the other.

    ``at_start``: the pattern is only tried at the start of a text (match, fullmatch).
    """
    compiled = re.compile(pattern)
    told = compiled.pattern if isinstance(compiled.pattern, str) else compiled.pattern.decode("latin-1")
    tree = _parser.parse(told, compiled.flags & ~re.UNICODE)
    once = [(op.AT, op.AT_BEGINNING_STRING)] if at_start else []
    found = (_search([*once, *branch], tree.state.flags) for branch in branches(list(tree)))
    return reduce(Growth.__add__, found)


def _search(parts: list[Any], flags: int) -> Growth:
    """Weigh one alternative: linear where a start costs a bounded number of steps, and in three forms more.

    It can only start at the text's start. Or it ends in a run, which the match takes and no other reads again. Or
    what grows is a run of characters that no other start can share, as the one before the run is none of them.
    """
    if len(parts) == 1 and parts[0][0] is op.SUBPATTERN:
        parts = list(parts[0][1][3])
    if parts[:1] == [(op.AT, op.AT_BEGINNING_STRING)] or (
        parts[:1] == [(op.AT, op.AT_BEGINNING)] and not flags & re.MULTILINE
    ):
        return cost(parts)[0] + _LENGTH
    while len(parts) > 1 and _is_optional(parts[-1]) and parts[-2][0] in _REPEATS:
        parts = parts[:-1]
    if parts and parts[-1][0] in _REPEATS and cost(parts[-1][1][2])[1] == Growth(1):
        least, _, body = parts[-1][1]
        parts = [*parts[:-1], (op.MAX_REPEAT, (least, least, body))]
    steps = cost(parts)[0]
    grows = [n for n, part in enumerate(parts) if cost([part])[0].degree]
    if steps.degree == 1 and grows and _is_guarded(parts[: grows[0]], parts[grows[0] : grows[-1] + 1]):
        return steps
    return steps * _LENGTH


def _is_optional(part: Any) -> bool:
    """Tell whether a part may as well match nothing, so that what stands before it need not be tried again."""
    kind, value = part
    return kind is op.MAX_REPEAT and value[0] == 0 and not cost([part])[0].degree


def _is_guarded(before: Sequence[Any], run: Sequence[Any]) -> bool:
    """Tell whether the character before a run is surely none of those that the run may hold."""
    if not before:
        return False
    kind, value = before[-1]
    held = _characters(run)
    if kind in (op.ASSERT, op.ASSERT_NOT) and value[0] < 0:
        known = _characters(value[1])
        return held <= known if kind is op.ASSERT_NOT else not held & known
    return kind in (op.LITERAL, op.NOT_LITERAL, op.IN) and not held & _characters(before[-1:])


def _characters(parts: Sequence[Any]) -> frozenset[str]:
    """Return all characters (of the basic plane) that parts may read."""
    found: frozenset[str] = frozenset()
    for kind, value in parts:
        if kind in _REPEATS:
            found |= _characters(value[2])
        elif kind is op.SUBPATTERN:
            found |= _characters(value[3])
        elif kind is op.BRANCH:
            found = found.union(*map(_characters, value[1]))
        elif kind in (op.ASSERT, op.ASSERT_NOT):
            found |= _characters(value[1])
        elif kind is op.IN:
            found |= _of_class(tuple(value))
        elif kind is op.LITERAL:
            found |= {chr(value)}
        elif kind is not op.AT:
            return frozenset(_BASIC)
    return found


@cache
def _of_class(members: tuple[Any, ...]) -> frozenset[str]:
    kinds = {op.CATEGORY_DIGIT: "\\d", op.CATEGORY_SPACE: "\\s", op.CATEGORY_WORD: "\\w"}
    kinds |= {op.CATEGORY_NOT_DIGIT: "\\D", op.CATEGORY_NOT_SPACE: "\\S", op.CATEGORY_NOT_WORD: "\\W"}
    told = []
    for kind, value in members:
        if kind is op.RANGE:
            told.append(f"\\U{value[0]:08x}-\\U{value[1]:08x}")
        else:
            told.append("^" if kind is op.NEGATE else kinds.get(value) or f"\\U{value:08x}")
    return frozenset(re.findall(f"[{''.join(told)}]", _BASIC))
