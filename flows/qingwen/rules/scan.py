"""All rules over all lines of a page: words that a rule cannot match without, found at once, leave few rules to search.

Each view is made once a page. RE2's filter finds, in one pass over a line and in linear time, which rules' words stand
in it; only those rules are searched, and those that need no word. What is found is what searching every rule in every
line finds; a test holds the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

import re2

from qingwen.text import Span
from qingwen.views import View

# What Python's \s matches beyond RE2's.
_SPACE = "\\s\\x1c-\\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_RELAXED = {
    "\\s": f"[{_SPACE}]",
    "\\S": f"[^{_SPACE}]",
    "\\d": "\\p{Nd}",
    "\\w": "[\\p{L}\\p{N}_]",
    "\\b": "",
    "\\Z": "\\z",
}
_IN_CLASS = {"\\s": _SPACE, "\\d": "\\p{Nd}", "\\w": "\\p{L}\\p{N}_"}
_TOKEN = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|\(\?(?:<?[=!]|P<\w+>|i?:)?|\}\+|.", re.DOTALL)
_LOOKS = ("(?=", "(?!", "(?<=", "(?<!")
# A pattern every match of which starts where the line does.
_CLASS = r"\[(?:\\.|[^\]])*\]"
_ANCHORED = re.compile(rf"\^(?:[^|()\[\]\\]|\\.|{_CLASS}|\((?:[^()\[\]\\]|\\.|{_CLASS}|\([^()]*\))*\))*")

# Lines up to this length are remembered, so many of them.
_SHORT, _MOST_KNOWN = 40, 50_000

Found = tuple[tuple[int, int, int], ...]
Search = Callable[[str], "re.Match[str] | None"]


class Searched(Protocol):
    """What the scanner needs of a rule."""

    @property
    def pattern(self) -> re.Pattern[str]:
        """Return the rule's pattern."""


class Scanner:
    """Rules of one view, ready to be searched in the lines of pages."""

    def __init__(self, rules: Sequence[Searched]) -> None:
        # The short lines of a site's pages are the same again and again: its menus.
        self._known: dict[str, Found] = {}
        self._always: list[int] = []
        self._filtered: list[int] = []
        self._filter: Any = re2.Filter()
        options = re2.Options()
        options.log_errors = False
        for number, rule in enumerate(rules):
            try:
                pattern = f"(?m){relaxed(rule.pattern.pattern)}"
                re2.compile(pattern, options)
                self._filter.Add(pattern, options)
                self._filtered.append(number)
            except (re2.error, ValueError):
                self._always.append(number)
        if self._filtered:
            self._filter.Compile()
        self._search = [_search_of(rule.pattern) for rule in rules]

    def find(self, seen: View, starts: Sequence[int], ends: Sequence[int]) -> Iterator[tuple[int, int, Span]]:
        """Yield (number of the rule, of the line, span in the line) of the first match of each rule in each line.

        ``seen`` is a view of lines joined by newlines; the raw lines stand at ``starts`` to ``ends``.
        """
        offset = 0
        for line, words in enumerate(seen.text.split("\n")):
            for number, first, last in self._found(words):
                start, end = starts[line], ends[line]
                if first < last:
                    yield number, line, seen.back(offset + first, offset + last).shifted(-start)
                else:  # a pattern that only looks (and takes nothing) speaks of the whole line
                    yield number, line, Span(0, end - start)
            offset += len(words) + 1

    def _found(self, words: str) -> Found:
        """Return what matches in a line: the rules' numbers, each with where it matches."""
        if len(words) > _SHORT:
            return self._searched(words)
        known = self._known.get(words)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[words] = self._searched(words)
        return known

    def _searched(self, words: str) -> Found:
        found = []
        for number in self._candidates(words.encode("utf-8", "replace")):
            match = self._search[number](words)
            if match is not None:
                found.append((number, *match.span()))
        return tuple(found)

    def _candidates(self, octets: bytes) -> list[int]:
        """Return the numbers, in order, of the rules that may match in a line."""
        if not self._filtered:
            return self._always
        found = self._filter.Match(octets, potential=True) or ()
        return sorted([*(self._filtered[n] for n in found), *self._always])


def _search_of(pattern: re.Pattern[str]) -> Search:
    """Return how a pattern is searched in one line: what is bound to the line's start is only tried there."""
    branches = _branches(pattern.pattern)
    bound = [_ANCHORED.fullmatch(branch) is not None for branch in branches]
    n = bound.index(False) if False in bound else len(branches)
    if n == 0 or any(bound[n:]):
        return re.compile(pattern.pattern).search
    at_start = re.compile("|".join(branches[:n])).match
    if n == len(branches):
        return at_start
    anywhere = re.compile("|".join(branches[n:])).search
    return lambda words: at_start(words) or anywhere(words)


def _branches(pattern: str) -> list[str]:
    """Return the top-level alternatives of a pattern."""
    found, depth, in_class = [""], 0, False
    for token in re.findall(r"\\.|.", pattern, re.DOTALL):
        in_class = token == "[" or (in_class and token != "]")
        depth += 0 if in_class else (token == "(") - (token == ")")
        if token == "|" and depth == 0 and not in_class:
            found.append("")
        else:
            found[-1] += token
    return found


def relaxed(pattern: str) -> str:
    """Return an RE2 pattern that matches in every line in which the Python pattern does, and perhaps in others.

    Look-arounds go; of a pattern that is nothing but look-aheads, what the last one looks for stays.

    Raises:
        ValueError: the pattern holds what cannot be told in RE2.
    """
    ahead: list[str] = []
    found = _relaxed(_TOKEN.findall(pattern), ahead)
    return ahead[-1] if ahead and found in ("", "^") else found


def _relaxed(tokens: Sequence[str], ahead: list[str]) -> str:
    out: list[str] = []
    at, in_class = 0, False
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token.startswith("\\u"):
            out.append(re.escape(chr(int(token[2:], 16))))
        elif in_class:
            if token in ("\\S", "\\W", "\\D"):
                raise ValueError(token)
            in_class = token != "]"
            out.append(_IN_CLASS.get(token, token))
        elif token == "[":
            in_class = True
            out.append(token)
            if tokens[at : at + 1] == ["^"]:
                out.append("^")
                at += 1
        elif token in _LOOKS:
            end = _group_end(tokens, at)
            if token == "(?=":
                ahead.append(_relaxed(tokens[at : end - 1], []))
            at = end
        elif token == "(?":
            raise ValueError("inline flags or an unknown group")
        elif token == "{" and tokens[at : at + 1] == [","]:
            out.append("{0")
        elif token == "}+":
            out.append("}")
        else:
            out.append(_RELAXED.get(token, token))
    return "".join(out)


def _group_end(tokens: Sequence[str], at: int) -> int:
    """Return where the tokens go on behind a group that is open."""
    depth, in_class = 1, False
    while depth:
        token = tokens[at]
        at += 1
        if in_class:
            in_class = token != "]"
        elif token == "[":
            in_class = True
        else:
            depth += token.startswith("(") - (token == ")")
    return at


def line_bounds(lines: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return where lines start and end once they are joined by newlines."""
    ends = [end - 1 for end in accumulate(len(line) + 1 for line in lines)]
    return [end - len(line) for line, end in zip(lines, ends, strict=True)], ends
