"""A rule's pattern, searched in a line by RE2: an engine that never goes back, so that any line takes linear time.

A pattern is written as for Python's `re` and means the same; it is told to RE2 part by part. RE2 has no look-arounds,
no possessive repeats and no back-references, and a pattern that holds one is refused. But ``^(?=...)`` at the start
of a pattern, or of one of its alternatives, is a second question about the same line, and is put to RE2 by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import re2

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


# The most instructions of a program of RE2, the most work that a character of a line can take. The shipped rows have up
# to 4,000; memory is what an automaton of RE2 may hold before it works without.
MOST_INSTRUCTIONS = 10_000

_DIGITS, _WORD = "\\p{Nd}", "\\p{L}\\p{N}_"

# Python's white space; what lies between for what is none.
_SPACE = "\\t-\\r\\x1c- \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

_SOLID = (
    "\\x00-\\x08\\x0e-\\x1b!-\\x{84}\\x{86}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}"
    "\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{10ffff}"
)

_CATEGORIES = {
    op.CATEGORY_DIGIT: _DIGITS,
    op.CATEGORY_NOT_DIGIT: "\\P{Nd}",
    op.CATEGORY_SPACE: _SPACE,
    op.CATEGORY_NOT_SPACE: _SOLID,
    op.CATEGORY_WORD: _WORD,
}

_PLACES = {op.AT_BEGINNING: "^", op.AT_BEGINNING_STRING: "^", op.AT_END: "$", op.AT_END_STRING: "$"}

_START, _END = (op.AT, op.AT_BEGINNING), (op.AT, op.AT_END)

_FLAGS = (("i", re.IGNORECASE), ("s", re.DOTALL))

_REFUSED = {
    op.ASSERT: "a look-ahead that does not stand behind ^; match what follows, as in (?:[,]|$)",
    op.ASSERT_NOT: "a negative look-around; match what may stand there, as in (?:[^0-9]|$)",
    op.GROUPREF: "a back-reference; write out what repeats",
    op.GROUPREF_EXISTS: "a conditional; write both patterns, with | between",
    op.POSSESSIVE_REPEAT: "a possessive repeat; a plain one is as fast",
    op.ATOMIC_GROUP: "an atomic group; a plain one is as fast",
    op.AT: "a word boundary; match what may stand there, as in (?:^|[^A-Za-z])",
    op.CATEGORY: "\\W among other characters; write the characters themselves",
}


class NotLinearError(ValueError):
    """A pattern that RE2 cannot run, and how to write it instead."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """One of the patterns of which a line must match one, with what the line must match as well (``ahead``).

    ``filter``: what RE2's filter is told, which matches in every line in which the alternative does; ``exact``: it is
    the pattern itself. ``longest``: what ``^(?=.{0,60}$)`` says. ``whole``: a match takes the whole line.
    """

    pattern: Any
    ahead: tuple[Any, ...]
    longest: float
    filter: str
    exact: bool
    whole: bool

    def span(self, line: str, octets: bytes, *, filtered: bool = False) -> tuple[int, int] | None:
        """Return where the first match stands in a line, in bytes of its UTF-8, or None; ``filtered``: the filter
        matches in it.
        """
        if len(line) > self.longest:
            return None
        for part in self.ahead:
            if not part.search(octets):
                return None
        if filtered and self.exact and self.whole:
            return 0, len(octets)
        found = self.pattern.search(octets)
        span: tuple[int, int] | None = found and found.span()
        return span


class LinePattern:
    """A compiled pattern, searched in lines.

    >>> LinePattern("^(?=.{0,20}$).*电话[:：]?(?:[0-9]+)").search("咨询电话：4000123")
    (0, 12)
    """

    def __init__(self, pattern: str) -> None:
        """Compile a pattern.

        Raises:
            re.error: it is no pattern.
            NotLinearError: RE2 cannot run it; the message says how to write it.
        """
        self.pattern = pattern
        tree = _parser.parse(pattern)
        self._parts: list[Any] = list(tree)
        self._flags = "".join(name for name, flag in _FLAGS if tree.state.flags & flag)
        self.alternatives = tuple(_alternative(parts, self._flags) for parts in _alternatives(self._parts))
        widest = tree.getwidth()[1]
        self.width: int | None = None if widest >= _parser.MAXREPEAT else int(widest)

    def __reduce__(self) -> tuple[type[LinePattern], tuple[str]]:
        return LinePattern, (self.pattern,)

    def __repr__(self) -> str:
        return f"LinePattern({self.pattern!r})"

    @property
    def looks(self) -> bool:
        """Tell whether the pattern holds look-aheads."""
        return any(alternative.ahead for alternative in self.alternatives)

    def search(self, line: str) -> tuple[int, int] | None:
        """Return the start and the end of the first match in a line, or None."""
        octets = line.encode("utf-8", "replace")
        return first_of(octets, [alternative.span(line, octets) for alternative in self.alternatives])

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield the start and the end of each match in a text of many lines, from left to right."""
        plain = text.encode("utf-8", "replace").decode()
        yield from (found.span() for found in self._anywhere.finditer(plain))

    @cached_property
    def _anywhere(self) -> Any:
        return _program(_told(self._parts), self._flags + "m")


def first_of(octets: bytes, spans: Iterable[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Return, in characters, the first of the spans in the UTF-8 of a line; of two at one place that named first."""
    start, end = min((span for span in spans if span is not None), key=lambda span: span[0], default=(-1, -1))
    if start < 0:
        return None
    before = len(octets[:start].decode())
    return before, before + len(octets[start:end].decode())


def options() -> Any:
    """Return what RE2 is told of every pattern."""
    found = re2.Options()
    found.log_errors = False
    found.never_capture = True
    return found


def _alternatives(parts: list[Any]) -> list[list[Any]]:
    """Return the alternatives of a parsed pattern if they have look-aheads of their own; else one program finds all."""
    own = parts and parts[-1][0] is op.BRANCH and any(kind is op.ASSERT for b in parts[-1][1][1] for kind, _ in b)
    return branches(parts) if own else [parts]


def _alternative(parts: Sequence[Any], flags: str) -> Alternative:
    parts, ahead, longest = list(parts), [], inf
    while parts[:1] == [_START] and len(parts) > 1 and _is_ahead(parts[1]):
        looked = list(parts.pop(1)[1][1])
        bound = _most_characters(looked)
        longest = min(longest, bound)
        ahead += [[_START, *looked]] if bound == inf else []
    told = [_told(part) for part in (parts, *ahead)]
    exact = told[0] != "^" or not ahead
    pattern, *others = (_program(text, flags) for text in told)
    whole = exact and (parts[:1], parts[-1:]) == ([_START], [_END])
    return Alternative(pattern, tuple(others), longest, _flagged(told[0 if exact else -1], flags), exact, whole)


def _most_characters(parts: list[Any]) -> float:
    """Return how long a line is at most in which ``.{0,60}$`` stands at the start; inf for other patterns."""
    if len(parts) == 2 and parts[1] == _END and parts[0][0] is op.MAX_REPEAT:
        least, most, body = parts[0][1]
        if least == 0 and most is not op.MAXREPEAT and list(body) == [(op.ANY, None)]:
            return float(most)
    return inf


def _is_ahead(part: Any) -> bool:
    kind, value = part
    return kind is op.ASSERT and value[0] > 0


def _flagged(text: str, flags: str) -> str:
    return f"(?{flags}:{text})" if flags else text


def _program(text: str, flags: str) -> Any:
    try:
        found = re2.compile(_flagged(text, flags).encode(), options())
    except re2.error as fault:
        said = fault.args[0]
        raise NotLinearError(f"RE2 refuses it: {said.decode() if isinstance(said, bytes) else said}") from fault
    if found.programsize > MOST_INSTRUCTIONS:
        raise NotLinearError(f"its repeats make a program of {found.programsize:,} steps; bound them closer")
    return found


def _told(parts: Sequence[Any]) -> str:
    return "".join(_piece(kind, value) for kind, value in parts)


def _piece(kind: Any, value: Any) -> str:
    if kind is op.LITERAL:
        return _char(value)
    if kind is op.NOT_LITERAL:
        return f"[^{_char(value)}]"
    if kind is op.ANY:
        return "."
    if kind is op.IN:
        return _class(value)
    if kind is op.AT and value in _PLACES:
        return _PLACES[value]
    if kind is op.BRANCH:
        return f"(?:{'|'.join(_told(branch) for branch in value[1])})"
    if kind is op.SUBPATTERN:
        return _group(value)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, body = value
        many = f"{{{least},{'' if most is op.MAXREPEAT else most}}}"
        return f"(?:{_told(body)}){many}{'?' if kind is op.MIN_REPEAT else ''}"
    raise NotLinearError(_REFUSED.get(kind, f"{kind}"))


def _group(value: Any) -> str:
    _, added, dropped, body = value
    on = "".join(name for name, flag in _FLAGS if added & flag)
    off = "".join(name for name, flag in _FLAGS if dropped & flag)
    return f"(?{on}{'-' if off else ''}{off}:{_told(body)})"


def _class(members: Sequence[Any]) -> str:
    out = []
    for kind, value in members:
        if kind is op.LITERAL:
            out.append(_char(value))
        elif kind is op.RANGE:
            out.append(f"{_char(value[0])}-{_char(value[1])}")
        elif kind is op.NEGATE:
            out.append("^")
        elif value in _CATEGORIES:
            out.append(_CATEGORIES[value])
        elif len(members) == 1:
            return f"[^{_WORD}]"
        else:
            raise NotLinearError(_REFUSED[op.CATEGORY])
    return f"[{''.join(out)}]"


def _char(code: int) -> str:
    char = chr(code)
    return char if char.isalnum() else f"\\x{{{code:x}}}"
