"""Prepare a page for the review: its blocks with hits and changes marked, and the cleaned text."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from qingwen.dataset.lookup import Stored
from qingwen.model import BODY, TITLE, Flag, LabelledBlock
from qingwen.review.explain import stretches
from qingwen.text.spans import Segment, Span

# Characters shown of a page's original, and of its cleaned text.
LONGEST = 20_000
# Characters that a screen does not show, that HTML cannot hold, or that change the direction of text.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_BLANKS = str.maketrans({" ": "␣", "\n": "⏎", "\t": "⇥", "\u3000": "▭", "\xa0": "⍽"})
_FACTS = ("published_raw", "source_name", "authors", "place", "category", "rights")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of text; with ``rule`` it was hit (``after`` is None) or changed to ``after``."""

    text: str
    rule: str = ""
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A block; ``state`` is kept, removed, or unkept (it would be kept if the page were not rejected).

    ``tail`` is the white space after its words; ``whole``: all of it is shown.
    """

    labelled: LabelledBlock
    state: str
    pieces: Sequence[Piece]
    tail: str
    whole: bool

    @property
    def rules(self) -> set[str]:
        """Return the rules that removed or changed something."""
        changed = {rule for piece in self.pieces if piece.after is not None for rule in piece.rule.split()}
        return changed | ({self.labelled.verdict.rule} if self.state == "removed" else set())


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page; ``cut`` counts the characters of its original that are not shown."""

    stored: Stored
    id: str
    why: str
    blocks: Sequence[Shown]
    title: Sequence[Piece]
    paragraphs: Sequence[Sequence[Piece]]
    cut: int

    @property
    def heading(self) -> str:
        """Return the page's title, or its path if it was rejected."""
        return str(self.stored.row.get("title") or self.stored.row["source_path"])

    @property
    def site(self) -> str:
        """Return the page's site, or an empty text."""
        return self.stored.row.get("site") or ""

    @property
    def language(self) -> str:
        """Return the language tag of the original; it selects the font."""
        return f"zh-{self.stored.row.get('script', 'Hans')}"

    @property
    def rules(self) -> list[str]:
        """Return the rules that removed, changed, flagged or rejected something, sorted."""
        found = {rule for block in self.blocks for rule in block.rules} | set(self.flags)
        return sorted(found | ({self.stored.row["rule"]} if self.stored.rejected else set()))

    @property
    def labels(self) -> list[str]:
        """Return the labels of the removed blocks, sorted."""
        return sorted({block.labelled.verdict.label.value for block in self.blocks if block.state == "removed"})

    @property
    def flags(self) -> list[str]:
        """Return the names of the page's flags, sorted."""
        return sorted({flag.rule for flag in self.stored.flags} | set(self.stored.row.get("flags", ())))

    @property
    def facts(self) -> Mapping[str, str]:
        """Return the page's metadata by name."""
        row = self.stored.row
        stated = {name: row.get(name) for name in _FACTS}
        return {
            name.removesuffix("_raw").replace("_name", ""): ", ".join(value) if isinstance(value, list) else value
            for name, value in stated.items()
            if value
        }

    @property
    def changes(self) -> int:
        """Return how many changes are marked."""
        return sum(piece.after is not None for block in self.blocks for piece in block.pieces)


def shown(stored: Stored, why: str) -> ShownPage:
    """Prepare a stored page; ``why`` says why it was chosen."""
    blocks: list[Shown] = []
    left, cut = LONGEST, 0
    for labelled, segments in stretches(stored.parts, stored.blocks, stored.edits):
        size = len(labelled.block.span)
        pieces = list(_cut(_pieces(labelled, segments), left))
        if pieces:
            words, tail = _parted(pieces)
            blocks.append(Shown(labelled, _state(labelled, stored.rejected), words, tail, whole=size <= left))
        cut += max(0, size - left)
        left = max(0, left - size)
    body = stored.parts[BODY][:LONGEST]
    return ShownPage(
        stored=stored,
        id=stored.row["page_id" if stored.rejected else "id"],
        why=why,
        blocks=blocks,
        title=_flagged(stored.parts[TITLE], [flag for flag in stored.flags if flag.part == TITLE]),
        paragraphs=list(_paragraphs(body, [flag for flag in stored.flags if flag.part == BODY])),
        cut=cut,
    )


def _state(labelled: LabelledBlock, rejected: bool) -> str:
    if labelled.text is None:
        return "kept"
    return "unkept" if rejected and labelled.verdict.label in (TITLE, BODY) else "removed"


def _pieces(labelled: LabelledBlock, segments: Sequence[Segment]) -> Iterator[Piece]:
    """Yield a removed block cut at its evidence, or a kept block cut at its changes."""
    if labelled.text is not None:
        hit = labelled.verdict.evidence or Span(labelled.block.span.start, labelled.block.span.start)
        first, last = (max(0, at - labelled.block.span.start) for at in (hit.start, hit.end))
        yield Piece(labelled.text[:first])
        yield Piece(labelled.text[first:last], labelled.verdict.rule)
        yield Piece(labelled.text[last:])
        return
    same: list[str] = []
    for segment in segments:
        rules = " ".join(rule for rule in segment.rules if not rule.startswith("layout."))
        if rules:
            yield Piece("".join(same))
            yield Piece(segment.before, rules, segment.after)
            same = []
        else:
            same.append(segment.before)
    yield Piece("".join(same))


def _parted(pieces: Sequence[Piece]) -> tuple[Sequence[Piece], str]:
    last = pieces[-1]
    words = last.text if last.rule else last.text.rstrip()
    return [*pieces[:-1], replace(last, text=words)], last.text[len(words) :]


def _cut(pieces: Iterator[Piece], left: int) -> Iterator[Piece]:
    """Yield the non-empty pieces, up to ``left`` characters; a change is never split."""
    for piece in pieces:
        if left <= 0:
            return
        if piece.after is not None:
            yield piece
        elif piece.text:
            yield Piece(piece.text[:left], piece.rule)
        left -= len(piece.text)


def _paragraphs(text: str, flags: Sequence[Flag]) -> Iterator[Sequence[Piece]]:
    at = 0
    for line in text.split("\n"):
        end = at + len(line)
        inside = [flag for flag in flags if at <= flag.span.start and flag.span.end <= end]
        yield _flagged(line, inside, at)
        at = end + 1


def _flagged(text: str, flags: Sequence[Flag], offset: int = 0) -> list[Piece]:
    """Cut a line at its flags; of overlapping flags the first is shown."""
    pieces: list[Piece] = []
    done = 0
    for flag in sorted(flags, key=lambda flag: flag.span):
        span = flag.span.shifted(-offset)
        if len(span) and span.start >= done:
            perhaps = f": perhaps {flag.candidate}" if flag.candidate else ""
            pieces += (Piece(text[done : span.start]), Piece(span.of(text), flag.rule + perhaps))
            done = span.end
    return [piece for piece in (*pieces, Piece(text[done:])) if piece.text]


def visible(text: str, blanks: bool = False) -> str:
    """Name a text's invisible characters; with ``blanks``, make a text of white space only visible.

    >>> visible("a\\u200bb"), visible(" ", blanks=True)
    ('a⟨200B⟩b', '␣')
    """
    seen = _UNSEEN.sub(lambda found: f"⟨{ord(found[0]):04X}⟩", text)
    return seen.translate(_BLANKS) if blanks and seen.isspace() else seen


def exact(text: str) -> str:
    """Return a text as ASCII JSON, for characters that HTML cannot hold."""
    return json.dumps(text)
