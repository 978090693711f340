"""Pages to blocks by their media type, the public entry of segmentation; a dump to a block a line."""

import re
from collections.abc import Callable
from dataclasses import replace

from qingwen.config import Config
from qingwen.model import HIDDEN_TEXT, HTML, NO_TEXT, SCRIPT_TEXT, STATED_BODY, Block, Page, Rejection, Segmented
from qingwen.text.spans import Span

# A page that shows fewer characters of running text shows no article.
_LITTLE_TEXT = 120
# One that has scripts and shows fewer characters in all is drawn by them.
_LITTLE_PAGE = 500
_MAY_HIDE = re.compile(r"\bhidden\b|display\s*:\s*none", re.I)
_LINE = re.compile(r"\S[^\n\r\x0b\x0c\x85\u2028\u2029]*")


def segment(page: Page, config: Config) -> Segmented | Rejection:
    """Return a page cut into blocks, or the rejection of one that shows nothing or passes the limits."""
    if page.media_type != HTML:
        segmented = segment_plain(page.text)
    else:
        from qingwen.segment.markup import TooDeepError

        try:
            segmented = _read_html(page.text, config)
        except TooDeepError as fault:
            return Rejection(page.id, page.source_path, "segment", fault.rule, str(fault))
    if not segmented.blocks:
        return Rejection(page.id, page.source_path, "segment", "read.empty", "The page shows no text.")
    if len(segmented.text) > config.max_text_chars:
        detail = f"The page shows {len(segmented.text)} characters, more than max_text_chars ({config.max_text_chars})."
        return Rejection(page.id, page.source_path, "segment", "segment.too-long", detail)
    if len(segmented.blocks) > config.max_blocks:
        detail = f"The page has {len(segmented.blocks)} blocks, more than max_blocks ({config.max_blocks})."
        return Rejection(page.id, page.source_path, "segment", "segment.too-deep", detail)
    return replace(segmented, meta={**segmented.meta, **page.stated}) if page.stated else segmented


def segment_plain(text: str) -> Segmented:
    """Cut a dump into its lines. White space belongs to the line before it, leading white space to the first line.

    >>> [block.span.of("a\\n\\n b\\n") for block in segment_plain("a\\n\\n b\\n").blocks]
    ['a\\n\\n ', 'b\\n']
    """
    starts = [found.start() for found in _LINE.finditer(text)]
    if not starts:
        return Segmented(text, ())
    ends, starts[0] = [*starts[1:], len(text)], 0
    blocks = tuple(Block(n, Span(start, end)) for n, (start, end) in enumerate(zip(starts, ends, strict=True)))
    return Segmented(text, blocks)


def _read_html(markup: str, config: Config) -> Segmented:
    """Cut markup into blocks; where the page shows next to no text, with what it hides or what its scripts hold."""
    from qingwen.segment.markup import running_chars
    from qingwen.segment.script_text import scripted_markup, stated_body
    from qingwen.segment.statements import statements_of

    read = _reader(config.html_reader)
    shown = read(markup, config)
    shown = replace(shown, meta={**shown.meta, **statements_of(markup)})
    running = running_chars(shown)
    if running >= _LITTLE_TEXT:
        body = stated_body(markup)
        return replace(shown, meta={**shown.meta, STATED_BODY: body}) if body else shown
    enough = max(_LITTLE_TEXT, 2 * running)
    if _MAY_HIDE.search(markup):
        everything = read(markup, config, hidden=True)
        if running_chars(everything) > enough:
            return replace(everything, meta={**shown.meta, **everything.meta, HIDDEN_TEXT: "shown"})
    scripted = scripted_markup(markup)
    if scripted is not None:
        inside = read(scripted, config)
        if running_chars(inside) > enough:
            return _joined(shown, inside)
    drawn = len(shown.text) < _LITTLE_PAGE and "<script" in markup.lower()
    return replace(shown, meta={**shown.meta, NO_TEXT: "shown"}) if drawn else shown


def _joined(shown: Segmented, inside: Segmented) -> Segmented:
    """Return a page as it is shown with the text of its scripts below."""
    text = f"{shown.text}\n" if shown.blocks else ""
    blocks = list(shown.blocks)
    if blocks:
        blocks[-1] = replace(blocks[-1], span=Span(blocks[-1].span.start, len(text)))
    blocks += [
        replace(block, n=len(shown.blocks) + block.n, span=block.span.shifted(len(text))) for block in inside.blocks
    ]
    return Segmented(text + inside.text, tuple(blocks), {**shown.meta, SCRIPT_TEXT: "shown"})


def _reader(name: str) -> Callable[..., Segmented]:
    if name == "soup":
        from qingwen.segment.soup import segment_soup

        return segment_soup
    from qingwen.segment.lexbor import segment_lexbor

    return segment_lexbor
