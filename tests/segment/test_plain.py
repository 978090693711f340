"""Dumps to blocks: one a line; the blocks tile the text, whatever it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from qingwen.segment.segment import segment_plain


@given(st.text(alphabet="清a \u3000\t\n\r\u2028。", max_size=60))
def test_blocks_tile_any_text(text: str) -> None:
    found = segment_plain(text)
    assert "".join(block.span.of(text) for block in found.blocks) == (text if text.strip() else "")
    for block in found.blocks:
        words = found.words(block)
        assert words
        assert "\n" not in words
        assert block.n == 0 or not block.span.of(text)[0].isspace()
