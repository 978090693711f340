"""Blocks with what their characters became."""

from __future__ import annotations

from qingwen.model import BODY, TITLE, Block, Label, LabelledBlock, Verdict
from qingwen.review.explain import stretches
from qingwen.text.spans import Edit, Segment, Span


def block(n: int, start: int, end: int, text: str | None = None) -> LabelledBlock:
    return LabelledBlock(Block(n, Span(start, end)), Verdict(Label.BODY, "r", "", text is None), text)


def test_a_change_over_a_block_s_end_leaves_the_next_block_its_own_characters() -> None:
    blocks = [block(0, 0, 4), block(1, 4, 6, "广告"), block(2, 6, 10), block(3, 10, 12)]
    body = "甲乙丙\n\n丁戊己庚辛"
    edits = [Edit(BODY, Span(3, 5), "\n\n", "\n", "layout.line-break")]
    found = list(stretches({TITLE: "", BODY: body.replace("\n\n", "\n")}, blocks, edits))
    assert [judged.block.n for judged, _ in found] == [0, 1, 2, 3]
    assert ["".join(segment.before for segment in segments) for _, segments in found] == [
        "甲乙丙\n\n",
        "",
        "丁戊己",
        "庚辛",
    ]
    assert found[0][1][-1] == Segment("\n\n", "\n", ("layout.line-break",))
