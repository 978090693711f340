"""Layout: lines become paragraphs; where several are glued together depends on where the text comes from."""

from __future__ import annotations

from qingwen import Config, load_rules
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context

GLUED = "大桥今天通车。　　市民王先生说，出行方便多了。"


def body(text: str, *, dump: bool) -> str:
    return normalize(Document({TITLE: "", BODY: text}), Context(Config(), load_rules(), dump=dump)).parts[BODY]


def test_a_line_of_a_dump_that_holds_several_paragraphs_is_parted_at_their_indents() -> None:
    assert body(GLUED, dump=True) == "大桥今天通车。\n市民王先生说，出行方便多了。"


def test_a_paragraph_of_markup_is_one_whatever_spaces_it_holds() -> None:
    assert "\n" not in body(GLUED, dump=False)


def test_indents_empty_lines_and_odd_line_breaks_go() -> None:
    assert body("　　甲段。\r\n\r\n　　乙段。\u2028丙段。\x85\n  ", dump=True) == "甲段。\n乙段。\n丙段。"
