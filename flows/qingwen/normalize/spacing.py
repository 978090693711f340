"""Spacing: spaces beside full-width marks, at line ends, in runs, and between single spaced characters.

One space beside a mark may be the writer's own (between the phrases of a headline, after a title or an exclamation). It
is removed only if the page shows that such spaces are not meant: the page's punctuation was folded, a mark has spaces
on both sides, or several marks have one.
"""

import re
from collections.abc import Iterator

from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.rules.character_tables import punctuation_table
from qingwen.text.characters import HAN
from qingwen.text.spans import Edit, Span

_WHITE = " \t\n"
_BREAK = re.compile(r"\n[ \t\n]*")
_SPACES = re.compile(" +")
_RUN = re.compile(r" {2,}")
# Three or more single characters with spaces between: 微 信 号. Two may be names or a headline.
_SPACED = re.compile(f"(?<![^\\s])[{HAN}](?: [{HAN}](?![{HAN}A-Za-z0-9])){{2,}}")
_PAIRS = re.compile(f"(?<![^\\s])[{HAN}](?: [{HAN}](?![{HAN}A-Za-z0-9]))+")
_THREE = re.compile(f"[{HAN}] [{HAN}] [{HAN}]")
_NAME_ENDS, _NAME = re.compile(f"[{HAN}] [{HAN}]\\Z"), re.compile(f"[{HAN}] [{HAN}](?![{HAN}])")
# A list of names has fewer single characters in a row.
_MIN_SPACED_RUN = 12
# If this share of an article's characters are spaced, the site prints all its text so.
_SPACED_SHARE = 0.3
_HANS = re.compile(f"[{HAN}]")
# This many spaces beside marks in one part are no accident.
_MIN_BESIDE_MARKS = 3

Claim = tuple[Span, str, str]


def fix_spacing(draft: Draft, context: Context) -> Proposal:
    """Propose the removal of spaces that no writer typed; if two rules claim a space, the first one edits it."""
    edits: list[Edit] = []
    folded = context.folded or draft.was_edited_by(["punct.widen"])
    spaced = _all_spaced_out("\n".join(draft.parts.values()))
    for part, text in draft.parts.items():
        if not text or (" " not in text and "\t" not in text and "\n" not in text):
            continue
        taken = bytearray(len(text))
        for span, wanted, rule in _claims(text, folded, spaced):
            if span.of(text) != wanted and not any(taken[span.start : span.end]):
                taken[span.start : span.end] = b"\x01" * len(span)
                edits.append(Edit(part, span, span.of(text), wanted, rule))
    return Proposal(tuple(edits))


def _claims(text: str, folded: bool, spaced: bool) -> Iterator[Claim]:
    runs = _PAIRS if spaced else _SPACED
    for found in runs.finditer(text) if spaced or _THREE.search(text) else ():
        if spaced or _is_spaced_out(found[0]):
            yield from ((Span(at, at + 1), "", "space.spaced-out") for at in range(found.start() + 1, found.end(), 2))
    yield from _line_edges(text)
    spans = (Span(*found.span()) for found in _SPACES.finditer(text) if _beside_mark(text, *found.span()))
    beside = [span for span in spans if not _between_latin(text, span)]
    if folded or len(beside) >= _MIN_BESIDE_MARKS or any(_on_both_sides(text, span) for span in beside):
        yield from ((span, "", "space.beside-mark") for span in beside)
    for found in _RUN.finditer(text):
        if not _separate_names(text, found.start(), found.end()):
            yield Span(*found.span()), " ", "space.run"


def _all_spaced_out(text: str) -> bool:
    """Tell whether an article has a space after each character, as some sites print it."""
    if not _THREE.search(text):
        return False
    spaced = sum((len(found[0]) + 1) // 2 for found in _SPACED.finditer(text))
    return spaced >= max(_MIN_SPACED_RUN, _SPACED_SHARE * len(_HANS.findall(text)))


def _is_spaced_out(run: str) -> bool:
    """Tell whether spaced single characters are words: they are many, or contain a word that ads space out."""
    joined = run[::2]
    return len(joined) >= _MIN_SPACED_RUN or any(word in joined for word in punctuation_table().spaced_words)


def _separate_names(text: str, start: int, end: int) -> bool:
    """Tell whether spaces separate names of which one has a space itself (王 军  李 强); one space would join them."""
    return _NAME_ENDS.search(text, max(0, start - 3), start) is not None or _NAME.match(text, end) is not None


def _line_edges(text: str) -> Iterator[Claim]:
    start, end = len(text) - len(text.lstrip(_WHITE)), len(text.rstrip(_WHITE))
    done = start
    for edge in ((0, start), (max(start, end), len(text))):
        if edge[0] < edge[1]:
            yield Span(*edge), "", "space.line-edge"
    for found in _BREAK.finditer(text, start, max(start, end)):
        first = found.start()
        while first > done and text[first - 1] in _WHITE:
            first -= 1
        done = found.end()
        yield Span(first, done), "\n", "space.line-edge"


def _on_both_sides(text: str, span: Span) -> bool:
    """Tell whether the mark after a space has a space after it too."""
    table = punctuation_table()
    return text[span.end : span.end + 1] in tuple(table.none_before) and text[span.end + 1 : span.end + 2] == " "


def _between_latin(text: str, span: Span) -> bool:
    """Tell whether the space and its mark are between Latin words, as in a foreign title: Love， Loss."""
    around = text[max(0, span.start - 2) : span.start - 1] + text[span.end : span.end + 1]
    return len(around) == 2 and around.isascii() and around.isalpha()


def _beside_mark(text: str, start: int, end: int) -> bool:
    """Tell whether spaces follow a mark that takes none after it, or precede one that takes none before it."""
    table = punctuation_table()
    return (start > 0 and text[start - 1] in table.none_after) or (end < len(text) and text[end] in table.none_before)
