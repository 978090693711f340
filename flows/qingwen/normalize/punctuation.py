"""Folded punctuation: marks that were folded to ASCII upstream are widened again (GB/T 15834-2011).

All rules apply to a page that looks folded, and to a line that was folded by itself. On other lines only a mark right
after a Han character is widened, which no writer of Chinese means as ASCII. In a title that happens only if the body
has such marks too, as headlines are typeset separately.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from qingwen.config import Config
from qingwen.model import BODY, TITLE, Flag
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.normalize.pinyin import reading_brackets
from qingwen.rules.character_tables import PunctuationTable, punctuation_table
from qingwen.text.characters import HAN
from qingwen.text.spans import Edit, Span

_HAN = re.compile(f"[{HAN}]")
_LETTER = re.compile(f"[A-Za-z{HAN}]")
_LOOSE = re.compile(r"[,:;!?]")
_BEHIND_HAN = re.compile(f"(?<=[{HAN}])[,:;!?]")
_BEHIND_CHINESE = re.compile(f"(?<=[{HAN}])[,:;!?]|(?<=[)”》])[,:;!?](?=[{HAN}])")
_LATIN = re.compile("[A-Za-z]")
_ORDINAL = re.compile(r"[0-9]{1,2}\)")
_DOTS = re.compile(r"\.{3,}")
_DASHES = re.compile(r"(?<!-)--(?!-)")
_STOP = re.compile(r"(?<!\.)\.(?!\.)")
_BRACKETS = re.compile("[()（）]")
_TILDE, _QUOTE = re.compile("~"), re.compile('"')
_ANGLE = re.compile(f"<[^<>]{{0,30}}[{HAN}][^<>]{{0,30}}>")
# A shorter stretch is searched again for each mark; for longer ones all Han characters are found once.
_STRETCH = 200
# A line without any of these needs no edit and no flag.
_TRIGGER = re.compile(f'[,:;!?()"~<]|\\.\\.|--|[{HAN}]\\.')

# A span, its replacement and the rule.
Change = tuple[Span, str, str]


def looks_folded(text: str, config: Config) -> bool:
    """Tell whether the punctuation of a page's text was folded to ASCII.

    >>> looks_folded("他说,好," * 10, Config()), looks_folded("他说，好，" * 10, Config())
    (True, False)
    """
    wide = punctuation_table().wide
    commas = text.count(",")
    if commas + text.count(wide[","]) < config.folded_min_commas:
        return False
    n_wide = text.count(wide[","]) + text.count(wide[":"])
    n_ascii = commas + text.count(":")
    return n_wide < config.folded_max_wide_share * (n_wide + n_ascii)


def widen_punctuation(draft: Draft, context: Context) -> Proposal:
    """Propose the full-width form of every folded mark, line by line.

    An odd number of straight quotes in a line, a book's title in < >, and the dots of a cut text are flagged.
    """
    edits: list[Edit] = []
    flags: list[Flag] = []
    table = punctuation_table()
    # Entities are decoded by now (&#44;), so the parts may look folded although the page did not.
    folded_page = context.folded or looks_folded("\n".join(draft.parts.values()), context.config)
    for part, text in draft.parts.items():
        if part == TITLE and not folded_page and not _BEHIND_HAN.search(draft.parts[BODY]):
            continue
        for start, end in _lines(text):
            if not _TRIGGER.search(text, start, end):
                continue
            line = text[start:end]
            folded = folded_page or _line_folded(line, table)
            marks = _Marks(line, table, last=end == len(text))
            edits += (
                Edit(part, span.shifted(start), span.of(line), after, rule)
                for span, after, rule in marks.settled(folded)
            )
            flags += (Flag(part, rule, span.shifted(start), span.of(line)) for span, rule in marks.doubts(folded))
    return Proposal(tuple(edits), tuple(flags))


def _lines(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for line in text.split("\n"):
        yield start, start + len(line)
        start += len(line) + 1


def _line_folded(line: str, table: PunctuationTable) -> bool:
    """Tell whether a line was folded: a mark beside Chinese text is ASCII, and no foldable mark is full-width."""
    return _BEHIND_CHINESE.search(line) is not None and not any(mark in line for mark in table.folds)


class _Marks:
    """One line, with its protected places and the marks that are widened so far.

    ``last``: the line ends its part, so that dots at its end may show where the text was cut off.
    """

    def __init__(self, text: str, table: PunctuationTable, *, last: bool) -> None:
        self.text, self.table, self.last = text, table, last
        self.closed = bytearray(len(text))  # 1: a protected character
        protect = table.protect if _LATIN.search(text) else table.protect_plain
        for found in protect.finditer(text):
            self._close(*found.span())
        for reading in reading_brackets(text) if protect is table.protect else ():
            self._close(reading.start, reading.end)
        self.widened: set[int] = set()
        self._letters: list[int] | None = None
        self._hans: list[int] | None = None
        self._ends: list[int] | None = None
        self._solid = len(text.rstrip())

    def _close(self, start: int, end: int) -> None:
        self.closed[start:end] = b"\x01" * (end - start)

    def settled(self, folded: bool) -> list[Change]:
        """Return the edits of all rules, repeated until none finds more: a widened mark counts as Chinese."""
        found: list[Change] = []
        while True:
            new = list(self.loose_marks(folded))
            if folded:
                new += [*self.brackets(), *self.runs(), *self.curled()]
            if not new:
                return found
            found += new

    def _change(self, start: int, end: int, after: str, rule: str) -> Change:
        self.widened.update(range(start, end))
        return Span(start, end), after, rule

    def open(self, at: int) -> bool:
        """Tell whether a place may be edited: it is not protected and not widened yet."""
        return not self.closed[at] and at not in self.widened

    def chinese(self, at: int) -> bool:
        """Tell whether the character at a place is Han or a Chinese mark; widened marks count."""
        if not 0 <= at < len(self.text):
            return False
        char = self.text[at]
        common = "\u4dff" < char < "\ua000" or char in self.table.marks
        return common or at in self.widened or (char > "\u2fff" and _HAN.match(char) is not None)

    def loose_marks(self, folded: bool) -> Iterator[Change]:
        """Widen , : ; ! ? beside Chinese text."""
        marks = [found.start() for found in _LOOSE.finditer(self.text)]
        for at in (*marks, *reversed(marks)):
            if not self.open(at):
                continue
            if self.chinese(at - 1) or (folded and (self.chinese(at + 1) or self._between(at))):
                yield self._change(at, at + 1, self.table.wide[self.text[at]], "punct.widen")

    def _between(self, at: int) -> bool:
        """Decide by the nearest letters about a mark between digits, signs or Latin letters."""
        left, right = self._letter(at, -1), self._letter(at, 1)
        spaced = self.text[at + 1 : at + 2] == " "
        beside_han = any(char is not None and _HAN.match(char) for char in (left, right))
        if beside_han:
            return not (spaced and self._latin(at - 1))
        return self.text[at] == "," and not spaced and self._clause_has_han(at)

    def _latin(self, at: int) -> bool:
        return at >= 0 and self.text[at].isascii() and self.text[at].isalpha()

    def _letter(self, at: int, step: int) -> str | None:
        """Return the nearest letter to the left (step -1) or right of a place."""
        if self._letters is None:
            self._letters = [found.start() for found in _LETTER.finditer(self.text)]
        n = bisect_left(self._letters, at) if step < 0 else bisect_right(self._letters, at)
        n += -1 if step < 0 else 0
        return self.text[self._letters[n]] if 0 <= n < len(self._letters) else None

    def _clause_has_han(self, at: int) -> bool:
        if self._ends is None:
            self._ends = [place for place, char in enumerate(self.text) if char in self.table.clause_ends]
        n = bisect_left(self._ends, at)
        return self._has_han(
            self._ends[n - 1] + 1 if n else 0, self._ends[n] if n < len(self._ends) else len(self.text)
        )

    def _has_han(self, start: int, end: int) -> bool:
        """Tell whether a stretch holds a Han character; for long stretches, which may overlap, all are found once."""
        if end - start < _STRETCH:
            return _HAN.search(self.text, start, end) is not None
        if self._hans is None:
            self._hans = [found.start() for found in _HAN.finditer(self.text)]
        n = bisect_left(self._hans, start)
        return n < len(self._hans) and self._hans[n] < end

    def brackets(self) -> Iterator[Change]:
        """Widen pairs of brackets that hold or touch Chinese text, and 1) before it."""
        opened: list[int] = []
        pairs: list[tuple[int, int]] = []
        for found in _BRACKETS.finditer(self.text):
            at = found.start()
            if self.closed[at]:
                continue
            elif found[0] in "(（":
                opened.append(at)
            elif opened:
                pairs.append((opened.pop(), at))
            elif self.open(at) and self._ordinal(at) and self.chinese(at + 1):
                yield self._change(at, at + 1, "）", "punct.bracket")
        pairs.sort()
        # Forward and back: in a row of pairs, each widened pair is Chinese text beside the next.
        for start, end in (*pairs, *reversed(pairs)):
            mixed = (self.text[start] == "(") != (self.text[end] == ")")
            if mixed or self._chinese_pair(start, end):
                for at, mark in ((start, "（"), (end, "）")):
                    if self.text[at] in "()" and self.open(at):
                        yield self._change(at, at + 1, mark, "punct.bracket")

    def _ordinal(self, at: int) -> bool:
        start = at
        while start > 0 and self.text[start - 1].isdigit():
            start -= 1
        before = start == 0 or self.chinese(start - 1)
        return before and _ORDINAL.match(self.text, start) is not None

    def _chinese_pair(self, start: int, end: int) -> bool:
        inside = self._has_han(start, end)
        ordinal = start == 0 and self.text[1:end].isdigit()
        # A bracket that follows a word or number directly, with nothing Chinese inside, belongs to it: S(A1387).
        glued = start > 0 and self.text[start - 1].isascii() and self.text[start - 1].isalnum()
        return inside or ordinal or self.chinese(start - 1) or (self.chinese(end + 1) and not glued)

    def runs(self) -> Iterator[Change]:
        """Restore ellipses, dashes, waves and full stops."""
        table, text = self.table, self.text
        for found in _DOTS.finditer(text):
            start, end = found.span()
            beside = self.chinese(start - 1) or self.chinese(end)
            if self.open(start) and beside and not self._cut_off(start, end):
                yield self._change(start, end, table.ellipsis, "punct.ellipsis")
        for found in _DASHES.finditer(text):
            start, end = found.span()
            if self.open(start) and self.chinese(start - 1) and self.chinese(end):
                yield self._change(start, end, table.dash, "punct.dash")
        for found in _TILDE.finditer(text):
            at = found.start()
            if self.open(at) and self._unit(at - 1) and self._unit(at + 1):
                yield self._change(at, at + 1, table.wave, "punct.wave")
        for found in _STOP.finditer(text):
            at = found.start()
            behind_text = at > 0 and (_HAN.match(text[at - 1]) or (text[at - 1] in ")）" and self.chinese(at - 1)))
            if self.open(at) and behind_text and self._sentence_end(at + 1):
                yield self._change(at, at + 1, table.stop, "punct.stop")

    def _unit(self, at: int) -> bool:
        return 0 <= at < len(self.text) and (
            self.text[at].isdigit() or self.text[at] in "%℃°" or bool(_HAN.match(self.text[at]))
        )

    def _sentence_end(self, at: int) -> bool:
        rest = self.text[at : at + 2]
        return not rest or (rest[0] == " " and bool(_HAN.match(rest[1:])))

    def _cut_off(self, start: int, end: int) -> bool:
        """Tell whether dots show where an excerpt was cut: they follow a full stop, or three dots end the part."""
        return self.text[max(0, start - 1) : start] == self.table.stop or (
            self.last and end - start == 3 and end >= self._solid
        )

    def quotes(self) -> list[int]:
        """Return the places of the line's unprotected straight quotes."""
        return [found.start() for found in _QUOTE.finditer(self.text) if not self.closed[found.start()]]

    def _doubtful(self, places: Sequence[int]) -> bool:
        """Tell whether a line's quotes cannot be paired: their number is odd, or one opens after a digit (13")."""
        return len(places) % 2 == 1 or any(at > 0 and self.text[at - 1].isdigit() for at in places[::2])

    def curled(self) -> Iterator[Change]:
        """Curl pairs of straight quotes that hold or touch Chinese text, unless the line's quotes cannot be paired."""
        places = self.quotes()
        if self._doubtful(places):
            return
        for start, end in zip(places[::2], places[1::2], strict=True):
            around = self.chinese(start - 1) or self.chinese(end + 1)
            if self.open(start) and (around or self._has_han(start, end)):
                yield self._change(start, start + 1, self.table.quotes[0], "punct.quote")
                yield from self._inner(start, end)
                yield self._change(end, end + 1, self.table.quotes[1], "punct.quote")

    def _inner(self, start: int, end: int) -> Iterator[Change]:
        """Curl pairs of single quotes that hold Chinese text, between two curled quotes."""
        places = [at for at in range(start, end) if self.text[at] == "'" and self.open(at)]
        if len(places) % 2 == 0:
            for left, right in zip(places[::2], places[1::2], strict=True):
                if self._has_han(left, right):
                    yield self._change(left, left + 1, self.table.inner_quotes[0], "punct.quote")
                    yield self._change(right, right + 1, self.table.inner_quotes[1], "punct.quote")

    def doubts(self, folded: bool) -> Iterator[tuple[Span, str]]:
        """Yield the places that are not edited and that a person may want to see."""
        for found in _DOTS.finditer(self.text):
            if self.chinese(found.start() - 1) and self._cut_off(*found.span()):
                yield Span(*found.span()), "punct.cut-off"
        if folded:
            places = self.quotes()
            if self._doubtful(places):
                yield from ((Span(at, at + 1), "punct.odd-quote") for at in places)
            yield from ((Span(*found.span()), "punct.angle") for found in _ANGLE.finditer(self.text))
