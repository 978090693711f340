"""Layout: slices of a page become paragraphs, one a line, without indents and empty lines."""

import re
from collections.abc import Iterator

from qingwen.model import TITLE
from qingwen.normalize.passes import Context, Draft, Proposal
from qingwen.text.spans import Edit, Span

_BREAK = re.compile(r"[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]\s*")
# A line of a dump that holds several paragraphs: a sentence ends, and the next one begins with an indent.
_JOINED = re.compile(r"(?<=[。！？”])(?:\u3000{2,}| {3,}|[ \u3000\xa0]{4,})(?=\S)")


def lay_out(draft: Draft, context: Context) -> Proposal:
    """Propose the line breaks: trim the ends, fold white space around a break, split joined paragraphs."""
    edits: list[Edit] = []
    for part, text in draft.parts.items():
        if part == TITLE and context.title is not None:
            edits += _outside_title(text, context.title)
            continue
        edges = _edges(text)
        edits += (Edit(part, Span(*edge), text[slice(*edge)], "", "layout.trim") for edge in edges if edge[0] < edge[1])
        breaks = [span for span in _breaks(text) if not _touches(span, edges)]
        edits += (
            Edit(part, Span(*span), text[slice(*span)], "\n", "layout.line-break")
            for span in breaks
            if text[slice(*span)] != "\n"
        )
        if context.dump:
            edits += (
                Edit(part, Span(*found.span()), found[0], "\n", "layout.paragraph")
                for found in _JOINED.finditer(text)
                if not _touches(found.span(), edges)
            )
    return Proposal(tuple(edits))


def _edges(text: str) -> list[tuple[int, int]]:
    start, end = len(text) - len(text.lstrip()), len(text.rstrip())
    return [span for span in ((0, start), (max(start, end), len(text))) if span[0] < span[1]]


def _breaks(text: str) -> Iterator[tuple[int, int]]:
    """Yield the runs of white space that hold a line break."""
    done = 0
    for found in _BREAK.finditer(text):
        start, end = found.span()
        while start > done and text[start - 1].isspace():
            start -= 1
        yield start, end
        done = end


def _outside_title(text: str, title: Span) -> list[Edit]:
    """Return the removal of all that the title's block holds beside the title: white space, or the site's name."""
    found = []
    for span in (Span(0, title.start), Span(title.end, len(text))):
        if len(span):
            rule = "layout.trim" if span.of(text).isspace() else "title.site-name"
            found.append(Edit(TITLE, span, span.of(text), "", rule))
    return found


def _touches(span: tuple[int, int], edges: list[tuple[int, int]]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in edges)
