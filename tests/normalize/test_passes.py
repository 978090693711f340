"""The passes together, on hostile text: everything can be taken back, and a second run changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qingwen import Config, load_rules
from qingwen.clean import PASSES, normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context
from qingwen.text.spans import undo

CONFIG, BOOK = Config(), load_rules()
# What passes look for, whole and in pieces, so that what one writes may be what another seeks.
PIECES = [
    "蕞", "头部", "第一", "最", "zui", "百零二次", "时间", "醉大限度", "弟一次", "第①", "wei一", "薇信号", "高水平别",
    "，", ",", "。", ".", "...", "......", "(", ")", "（", "）", '"', "“", "”", "'", "<", ">", "--", "~", ":", "10:30", "3,000",
    "&", "amp;", "&amp;", "&nbsp;", "&#44;", "&lt;", "ldquo;", "&#x200b;", "\u200b", "\ufeff", "\u00ad", "\ue000", "\U000f0000",
    "\ufffd", "\ud800", "\u2028", "\x0b", "\x1c", "\x85", "\x00", "⻓", "⾦", "\uf900", "\U0002f800", "１", "Ａ", "︐", "﹐", "﹒",
    "\u3000", "\u00a0", " ", "  ", "\n", "\t", "\r\n", "。\u3000\u3000", "國", "發", "乾", "著", "於單位", "楊聯陞", "(guó)", "(fā)",
    "國(guó)", "學(xué)", "經(jīng)", "濟(jì)", "轉(zhuǎn)", "?h", "国", "发", "家", "微 信 号", "清", "文", "a", "B", "7", "é", "Ã©", "ä¸\xad",
    "å›½", "â€œ", "А", "рple", "😀", "\u200d", "\ufe0f", "扫码关注", "责任编辑：张三",
]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=40).map("".join)


@settings(max_examples=400, deadline=None)
@given(TEXTS, TEXTS)
def test_all_passes_can_be_taken_back_and_a_second_run_changes_nothing(title: str, body: str) -> None:
    draft = normalize(Document({TITLE: title, BODY: body}), Context(CONFIG, BOOK))
    for part, text in ((TITLE, title), (BODY, body)):
        assert undo(draft.parts[part], [edit for edit in draft.edits if edit.part == part]) == text
    assert all(flag.span.end <= len(draft.parts[flag.part]) for flag in draft.flags)
    assert normalize(Document(dict(draft.parts)), Context(CONFIG, BOOK)).edits == ()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("&l\u200bdquo;清文&rdquo;", "“清文”"),
        ("他说&#44;好的", "他说，好的"),
        ("蕞\u200b大的变化", "最大的变化"),
        ("國家經\u200b濟學會發展", "国家经济学会发展"),
    ],
)
def test_what_one_pass_uncovers_another_sees(text: str, right: str) -> None:
    assert normalize(Document({TITLE: "", BODY: text}), Context(CONFIG, BOOK)).parts[BODY] == right


def test_edits_of_later_rounds_have_numbers_of_their_own() -> None:
    draft = normalize(Document({TITLE: "", BODY: "&l\u200bdquo;清文"}), Context(CONFIG, BOOK))
    assert [edit.step // len(PASSES) for edit in draft.edits] == [0, 1]


def test_a_flag_stands_once_however_many_rounds_there_are() -> None:
    draft = normalize(Document({TITLE: "", BODY: "&l\u200bdquo;清\ufffd文&rdquo;"}), Context(CONFIG, BOOK))
    assert [flag.rule for flag in draft.flags] == ["unicode.damaged"]
