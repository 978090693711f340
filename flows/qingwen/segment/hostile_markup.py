"""Refuse markup that would hold a parser up, before parsing: by counting steps, so that every machine decides alike.

A parser nests as deep as the page asks, searches its open elements at each tag, reopens unclosed formatting in each
block (34 KB can ask for millions of elements), and compares each attribute of an element with all others. This is the
HTML standard's tree construction, reduced to the cost of those four.
"""

from __future__ import annotations

import re
from collections import Counter

from qingwen.segment.markup import TooDeepError

# Smaller markup is not walked: 9 of 10 pages, and the worst of them takes a parser three seconds.
_SMALL_CHARS, _SMALL_TAGS, _SMALL_PRODUCT = 100_000, 3_000, 300_000
# Elements that a parser makes or visits without a tag of their own. An old page of a thousand paragraphs, each with
# an unclosed <font>, makes a few thousand; half a million take 200 MB.
_MOST_STEPS = 500_000
# Broken quotes turn a sentence's words into attributes; more than these are not a sentence.
_MOST_ATTRIBUTES = 2_000

_GAP = r"\t\n\f\r "
_ATTRIBUTE = (
    rf"(?:=[^{_GAP}/>=]*+|[^{_GAP}/>=]++)"
    rf"""(?:[{_GAP}]*+=[{_GAP}]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^{_GAP}>"'][^{_GAP}>]*+)?+)?+"""
)
_ATTRIBUTES = re.compile(_ATTRIBUTE)
# Comments, bogus comments and tags as the standard's tokenizer sees them; no part is read twice.
_TAG = re.compile(
    r"<(?:!--(?:-?>|.*?(?:--!?>|\Z))|[!?][^>]*+(?:>|\Z)|/[^A-Za-z>][^>]*+(?:>|\Z)"
    rf"|(/?)([A-Za-z][^{_GAP}/>]*+)((?:[{_GAP}/]++|{_ATTRIBUTE})*+)(?:>|\Z))",
    re.DOTALL,
)
_FORMATTING = frozenset("a b big code em font i nobr s small strike strong tt u".split())
# Without re.I, which takes twice as long. <span> and the like are counted too, which at worst causes a walk.
_STYLED = re.compile(r"<(?:[biusBIUS]|[bB][iI][gG]|[cC][oO]|[eE][mM]|[fF][oO][nN]|[nN][oO]|[sS][mMtT]|[tT][tT])[^>]")
# Elements that end without an end tag, or where the next begins: they nest only with others between them.
_ENDS_ITSELF = frozenset(
    "a p li dd dt tr td th tbody thead tfoot caption option html head body br hr img input wbr col area source track "
    "param embed base link meta keygen frame".split()
)
_CELLS = frozenset("tr td th tbody thead tfoot caption".split())
# No end tag but </table> closes an element outside of these.
_BOUNDS = frozenset("table template applet marquee object".split())
_RAW = frozenset("script style textarea title xmp iframe noembed noframes".split())
_FOREIGN = frozenset(("svg", "math"))
# The attributes of all their start tags are merged into one element.
_JOINED = frozenset(("html", "body"))
# Elements that end a drawing or formula.
_BREAKS_OUT = frozenset(
    "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta "
    "nobr ol p pre ruby s small span strong strike sub sup table tt u ul var".split()
)


def refuse_hostile(markup: str, *, max_depth: int, max_tags: int) -> None:
    """Refuse markup that nests too deep, has too many tags, or would hold a parser up.

    Raises:
        TooDeepError: the markup passes a limit; the message says which.
    """
    tags = markup.count("<")
    if tags > max_tags:
        raise TooDeepError(f"The markup holds {tags} tags, more than max_tags ({max_tags}).")
    styled = 0 if tags < _SMALL_TAGS // 10 else len(_STYLED.findall(markup))
    if len(markup) > _SMALL_CHARS or tags > _SMALL_TAGS or styled * tags > _SMALL_PRODUCT:
        _walk(markup, _Elements(max_depth))


def _walk(markup: str, elements: _Elements) -> None:
    at = 0
    while found := _TAG.search(markup, at):
        at = found.end()
        closes, name, attributes = found.groups()
        if not name:
            continue
        tag = name.lower()
        if closes:
            elements.close(tag)
            continue
        if tag == "plaintext":
            return
        if len(attributes) >= _MOST_ATTRIBUTES or tag in _JOINED:
            elements.look_at(tag, attributes)
        if tag in _RAW and not elements.foreign:
            end = _end_of(tag).search(markup, at)
            at = end.start() if end else len(markup)
        else:
            elements.open(tag, attributes)


def _end_of(tag: str) -> re.Pattern[str]:
    return re.compile(rf"</{tag}(?=[{_GAP}/>])", re.I)


class _Elements:
    """The open elements, and the formatting that waits to be reopened."""

    def __init__(self, max_depth: int) -> None:
        self._max_depth = max_depth
        self._stack: list[str] = []
        self._n: dict[str, int] = {}
        self.foreign = 0  # open drawings and formulas: in them nothing is raw, and "/>" ends an element
        self._formatting: dict[str, list[str]] = {}
        self._n_formatting = self._options = self._steps = 0
        self._attributes: Counter[str] = Counter()

    def look_at(self, tag: str, attributes: str) -> None:
        """Count the attributes of a start tag."""
        n = len(_ATTRIBUTES.findall(attributes))
        if tag in _JOINED:
            n = self._attributes[tag] = self._attributes[tag] + n
        if n > _MOST_ATTRIBUTES:
            raise TooDeepError(f"An element has more than {_MOST_ATTRIBUTES} attributes.")
        self._step(n * n // _MOST_ATTRIBUTES)

    def open(self, tag: str, attributes: str) -> None:
        """Open an element."""
        if self.foreign and tag in _BREAKS_OUT:
            self._pop_to(min(self._stack.index(name) for name in _FOREIGN if self._n.get(name)))
        if tag in _CELLS and self._n.get("table"):
            self._pop_to(len(self._stack) - self._stack[::-1].index("table"))
        if tag in _FORMATTING:
            alike = self._formatting.setdefault(tag, [])
            # The standard keeps three equal ones; a link closes the one before.
            if tag != "a" and alike.count(attributes) < 3:
                alike.append(attributes)
                self._n_formatting += 1
                self._step(len(alike) // 50)
        elif self._n_formatting:
            self._step(self._n_formatting)
        if tag == "option":
            # The parser visits all options before it to find the selected one.
            self._options += 1
            self._step(self._options // 1_000)
        if tag in _ENDS_ITSELF or (self.foreign and attributes.endswith("/")):
            return
        self._stack.append(tag)
        self._n[tag] = self._n.get(tag, 0) + 1
        self.foreign += tag in _FOREIGN
        if len(self._stack) > self._max_depth:
            raise TooDeepError(f"The markup nests deeper than {self._max_depth} elements (max_depth).")

    def close(self, tag: str) -> None:
        """Close an element and the unclosed elements in it."""
        if tag in _FORMATTING and self._formatting.get(tag):
            self._formatting[tag].pop()
            self._n_formatting -= 1
        if not self._n.get(tag):
            return
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] == tag:
                self._step((len(self._stack) - at) // 10)
                self._pop_to(at)
                return
            if self._stack[at] in _BOUNDS and tag != "table":
                self._step((len(self._stack) - at) // 10)
                return

    def _pop_to(self, depth: int) -> None:
        for tag in self._stack[depth:]:
            self._n[tag] -= 1
            self.foreign -= tag in _FOREIGN
        del self._stack[depth:]

    def _step(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise TooDeepError(f"The markup makes a parser repeat its elements more than {_MOST_STEPS} times.")
