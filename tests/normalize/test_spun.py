"""Swapped words go back where the context proves the swap; right words stay and what is unsure is flagged."""

from __future__ import annotations

import pytest

from qingwen import Config, load_rules
from qingwen.normalize.passes import Context, Draft, run
from qingwen.normalize.spun import restore_nonwords, restore_words

PROOF = "一要以蕞快的速度行动。"


def repaired(body: str, title: str = "") -> Draft:
    context = Context(Config(), load_rules(), folded=False)
    return run({"title": title, "body": body}, (restore_nonwords, restore_words), context)


@pytest.mark.parametrize(
    ("spun", "right"),
    [
        ("省委头部百零二次专题会", "省委第一百零二次专题会"),
        ("在头部时间到场", "在第一时间到场"),
        ("头部书记进村", "第一书记进村"),
        ("历史之蕞。", "历史之最。"),
        ("以zui好的状态", "以最好的状态"),
        ("属AA级是高水平别。", "属AA级是最高级别。"),
    ],
)
def test_a_swapped_word_goes_back_in_a_spun_page(spun: str, right: str) -> None:
    assert repaired(PROOF + spun).parts["body"] == "一要以最快的速度行动。" + right


@pytest.mark.parametrize(
    "line",
    [
        "头部企业3家",
        "工作牵头部门要担责",
        "内置摄像头部分红外灯",
        "头部名企入驻",
        "伤者头部第二次受伤",
        "蕞尔小国",
        "高水平别墅",
    ],
)
def test_a_right_word_stays_also_in_a_spun_page(line: str) -> None:
    assert repaired(PROOF + line).parts["body"].endswith(line)


def test_without_proof_a_real_word_is_flagged_and_left() -> None:
    draft = repaired("馆里迎来头部位客人。")
    assert draft.edits == ()
    assert [(flag.rule, flag.clause, flag.candidate) for flag in draft.flags] == [
        ("spun.diyi", "loose-classifier", "第一")
    ]


def test_where_the_original_stands_the_table_was_not_applied() -> None:
    assert "头部位客人" in repaired(PROOF + "第一步已完成，迎来头部位客人。").parts["body"]


def test_where_the_form_is_not_chinese_it_goes_back_although_the_original_stands_elsewhere() -> None:
    assert "第一时间赶到" in repaired(PROOF + "第一步已完成，头部时间赶到。").parts["body"]
    assert "头部时间赶到" in repaired("第一步已完成，头部时间赶到。").parts["body"]


def test_an_ordinal_over_a_hundred_proves_the_swap_by_itself() -> None:
    assert repaired("召开头部百一十三次会议，头部时间部署。").parts["body"] == "召开第一百一十三次会议，第一时间部署。"


def test_proof_in_the_body_holds_for_the_title() -> None:
    assert repaired(PROOF, title="头部季度开门红").parts["title"] == "第一季度开门红"


def test_a_flag_points_to_its_form_in_the_finished_text() -> None:
    draft = repaired("蕞强阵容，份额居行业头部。")
    (flag,) = draft.flags
    assert flag.span.of(draft.parts["body"]) == flag.form == "头部"
