"""Script: OpenCC's result, but for the reviewed keep table; the script is decided for the page; doubts are flagged."""

from __future__ import annotations

import pytest

from qingwen import Config, load_rules
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context, Draft


def converted(text: str, conversion: str = "t2s") -> Draft:
    return normalize(Document({TITLE: "", BODY: text}), Context(Config(conversion=conversion), load_rules()))


@pytest.mark.parametrize(
    ("text", "right", "conversion"),
    [
        ("會議決定從乾安縣調運糧食。", "会议决定从乾安县调运粮食。", "t2s"),
        ("漢學家楊聯陞與錢鍾書談學問。", "汉学家杨联陞与钱锺书谈学问。", "t2s"),
        ("這個軟體與硬碟從臺灣運來，隨著專著寄出。", "这个软件与硬盘从台湾运来，随着专著寄出。", "tw2sp"),
        ("這個軟體與硬碟從臺灣運來。", "这个软体与硬碟从台湾运来。", "t2s"),
        ("輝達發布新晶片與專著。", "英伟达发布新芯片与专著。", "tw2sp"),
        ("輝達發布新晶片與專著。", "辉达发布新晶片与专著。", "t2s"),
        ("讚歎沙河洶湧的波濤，潮濕的灶臺。", "赞叹沙河汹涌的波涛，潮湿的灶台。", "hk2s"),
    ],
)
def test_a_traditional_article_is_converted_as_configured(text: str, right: str, conversion: str) -> None:
    assert converted(text, conversion).parts[BODY] == right


def test_a_kept_name_is_no_edit_and_a_row_that_changes_a_word_names_itself() -> None:
    rules = {(edit.before, edit.rule) for edit in converted("鍾馗從乾安縣來，這個國家歡迎他。").edits}
    assert ("鍾馗", "script.zhong-kui") in rules
    assert ("縣", "script.t2s") in rules
    assert not any("乾" in before for before, _ in rules)


@pytest.mark.parametrize(
    "text",
    [
        "乾隆年间的瞭望台，一片狼藉；宫商角徵羽，著名学者於先生慰藉众人。",
        "他说，这里的乾陵保存完好，乾坤湾的日出很美。",
    ],
)
def test_a_simplified_page_is_never_harmed(text: str) -> None:
    assert converted(text).edits == ()


def test_a_traditional_line_in_a_simplified_page_is_left_and_flagged() -> None:
    quoted = "東亞銀行發表聲明，對員工與顧客致謝。"
    draft = converted(
        "记者从会议上获悉，这项改革将于明年推开，涉及三十余个县区。\n" + quoted + "\n据介绍，相关细则正在制订。"
    )
    assert draft.edits == ()
    (flag,) = draft.flags
    assert flag.rule == "script.traditional-line"
    assert flag.span.of(draft.parts[BODY]) == quoted


def test_a_simplified_line_in_a_traditional_page_is_left() -> None:
    simplified = "记者从会议上获悉，藉此机会认识了於先生。"
    draft = converted("國務院會議強調發展經濟，從嚴監管證券與銀行業務。\n" * 3 + simplified)
    assert draft.parts[BODY].endswith(simplified)
    assert "国务院会议强调发展经济" in draft.parts[BODY]


def test_what_one_character_leaves_undecided_is_flagged_with_the_other_form() -> None:
    draft = converted("記者從現場發來報導，孫乾與王鉅鎮都說沒問題。")
    found = {(flag.form, flag.candidate, flag.span.of(draft.parts[BODY])) for flag in draft.flags}
    assert found == {("干", "乾", "干"), ("巨", "钜", "巨")}


def test_a_phrase_decides_what_a_character_does_not() -> None:
    assert converted("這裡氣候乾燥，農民徵求專家意見。").flags == ()
