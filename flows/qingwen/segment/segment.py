"""Pages to blocks by their media type, the public entry of segmentation; a dump to a block a line."""

import re
from collections.abc import Callable

from qingwen.config import Config
from qingwen.model import HTML, Block, Page, Rejection, Segmented
from qingwen.text.spans import Span

_LINE = re.compile(r"\S[^\n\r\x0b\x0c\x85\u2028\u2029]*")


def segment(page: Page, config: Config) -> Segmented | Rejection:
    """Return a page cut into blocks, or the rejection of one that shows nothing or passes the limits."""
    if page.media_type != HTML:
        segmented = segment_plain(page.text)
    else:
        from qingwen.segment.markup import TooDeepError

        try:
            segmented = _reader(config.html_reader)(page.text, config)
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
    return segmented


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


def _reader(name: str) -> Callable[[str, Config], Segmented]:
    if name == "soup":
        from qingwen.segment.soup import segment_soup

        return segment_soup
    from qingwen.segment.lexbor import segment_lexbor

    return segment_lexbor
