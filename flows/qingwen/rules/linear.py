"""Which patterns of Python's `re` run in linear time: proved from the pattern, by counting the ways it can match.

Python's engine backtracks: a part that can match in several ways has all that stands behind it tried as often. Of a
text of n characters, with ``a`` and ``b`` for parts, the steps from one place and the ways to go on are at most

    a character           1 step, 1 way
    a, then b             steps(a) + ways(a) * steps(b), ways(a) * ways(b)
    a or b                steps(a) + steps(b), ways(a) + ways(b)
    a, k to m times       the sum over the times of what so many a one behind the other take; n times where m is open
    look-arounds, ``(?>...)``, possessive repeats        their steps, 1 way

so that both are a number times a power of n, or exponential where what repeats without end can match in more than one
way. A search begins at each place of a text: it is linear where the steps from one place do not grow with the text.

The bound is the degree of ambiguity of Weideman and others (2016) and of Wuestholz and others (2017), taken from above:
what it passes is linear; some patterns that it refuses are too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

# The most steps from one place. The shipped rows take up to 17,100, by this bound, which real text never comes near.
MOST_STEPS = 20_000
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
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


def refusal(growth: Growth) -> str | None:
    """Return in words why steps from one place are too many, or None where they are bounded."""
    if growth.degree == inf:
        return "a repeat without end in which the same text can match in several ways takes exponential time"
    if growth.degree:
        return "a repeat without end reads a long text again from each place; write {0,20} for *, {1,20} for +"
    if growth.factor > MOST_STEPS:
        most = f"more than {MOST_STEPS:,}"
        return f"its repeats may match in so many ways that one place takes {most} steps; bound them closer"
    return None


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
