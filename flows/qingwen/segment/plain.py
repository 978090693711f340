"""A plain-text dump to blocks: one block per line."""

import re

from qingwen.model import Block, Segmented
from qingwen.text.spans import Span

_LINE = re.compile(r"\S[^\n\r\x0b\x0c\x85\u2028\u2029]*")


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
