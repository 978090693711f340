"""Script: a Traditional article becomes Simplified, by OpenCC and, before it, the reviewed `keep` table.

The script is decided once for the page. A Simplified page is not changed, even if it quotes a Traditional line, which
is flagged. In a Traditional page, lines that are plainly Simplified are not changed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from qingwen.config import Config
from qingwen.model import Flag
from qingwen.normalize.passes import Context, Draft, Proposal, characters_of
from qingwen.normalize.pinyin import READING
from qingwen.text.characters import HAN
from qingwen.text.opencc import simplified_only, traditional_only, undecided, words_with
from qingwen.text.spans import Edit, Span

_HAN = re.compile(f"[{HAN}]")
_LINE = re.compile(r"[^\n]+")
# A quoted line is flagged if it holds this many Traditional-only characters; the flag shows its beginning.
_MIN_QUOTED, _SHOWN_CHARS = 3, 20


@dataclass(frozen=True, slots=True)
class ScriptCounts:
    """How many characters of a text are used in Traditional text only, and how many in Simplified text only."""

    traditional: int
    simplified: int

    @property
    def leans_traditional(self) -> bool:
        """Tell whether more characters are Traditional-only than Simplified-only."""
        return self.traditional > self.simplified


def count_scripts(text: str) -> ScriptCounts:
    """Return how many characters of each script a text holds.

    >>> counts = count_scripts("國家學校"); counts.traditional, counts.simplified
    (2, 0)
    """
    characters = characters_of(text)
    return ScriptCounts(
        traditional=sum(map(text.count, traditional_only() & characters)),
        simplified=sum(map(text.count, simplified_only() & characters)),
    )


def is_traditional(text: str, config: Config) -> bool:
    """Tell whether an article is Traditional: it has enough Traditional-only characters, more than Simplified-only."""
    found = count_scripts(text)
    return found.leans_traditional and found.traditional >= config.min_traditional_ratio * len(_HAN.findall(text))


def to_simplified(draft: Draft, context: Context) -> Proposal:
    """Propose the conversion of a Traditional article to Simplified, one edit for each stretch that changes.

    Single characters with more than one right form are flagged, and so are Traditional lines in a Simplified page.
    """
    # A farm that prints pinyin leaves some characters Simplified; the pinyin proves the script.
    farm = draft.was_edited_by([READING])
    if not farm and all(traditional_only().isdisjoint(characters_of(text)) for text in draft.parts.values()):
        return Proposal()
    if not farm and not is_traditional("".join(draft.parts.values()), context.config):
        return Proposal(flags=tuple(_quoted(draft)))
    edits: list[Edit] = []
    flags: list[Flag] = []
    doubts = undecided()
    for part, text in draft.parts.items():
        for line in _LINE.finditer(text):
            counts = count_scripts(line[0])
            if not farm and counts.simplified > counts.traditional:
                continue
            for start, end, after, rule in context.book.keep.changes(line[0], context.config.conversion):
                span = Span(line.start() + start, line.start() + end)
                edits.append(Edit(part, span, line[0][start:end], after, rule))
                by_library = rule == f"script.{context.config.conversion}"
                if by_library and end - start == 1 and line[0][start] in doubts and not _in_word(line[0], start):
                    flags.append(Flag(part, "script.undecided", span, after, doubts[line[0][start]]))
    return Proposal(tuple(edits), tuple(flags))


def _in_word(line: str, at: int) -> bool:
    """Tell whether a character is in a word that OpenCC knows (乾燥), which decides its form."""
    return any(line.startswith(word, at - place) for word, place in words_with(line[at]) if at >= place)


def _quoted(draft: Draft) -> Iterator[Flag]:
    hant = traditional_only()
    for part, text in draft.parts.items():
        if len(hant & characters_of(text)) < _MIN_QUOTED:
            continue
        for line in _LINE.finditer(text):
            counts = count_scripts(line[0])
            if counts.leans_traditional and counts.traditional >= _MIN_QUOTED:
                yield Flag(part, "script.traditional-line", Span(*line.span()), line[0][:_SHOWN_CHARS])
