"""Swapped words go back where the context proves the swap; right words stay and what is unsure is flagged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qingwen import Config, RuleBook, load_rules
from qingwen.normalize.passes import Context, Draft, run
from qingwen.normalize.swapped_words import restore_swapped_nonwords, restore_swapped_words

PROOF = "一要以蕞快的速度行动。"


def repaired(body: str, title: str = "", *, book: RuleBook | None = None, **known: Any) -> Draft:
    context = Context(Config(), book or load_rules(), folded=False, **known)
    return run({"title": title, "body": body}, (restore_swapped_nonwords, restore_swapped_words), context)


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
        "头部名单公布",
        "伤者头部第二次受伤",
        "蕞尔小国",
        "高水平别墅",
        "兄弟一时间无话可说",
        "公司稳居行业全球头部。",
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


def test_a_known_spun_site_is_evidence() -> None:
    assert repaired("馆里迎来头部位客人。", spun_site=True).parts["body"] == "馆里迎来第一位客人。"


def test_a_doubtful_form_that_is_no_word_waits_for_evidence() -> None:
    quoted = "今年蕞“酷”的设计。"
    assert repaired(quoted).edits == ()
    assert [flag.clause for flag in repaired(quoted).flags] == ["zui-quoted-adjective"]
    assert repaired(PROOF + quoted).parts["body"].endswith("今年最“酷”的设计。")


def test_in_a_spun_page_a_form_that_no_clause_knows_is_flagged() -> None:
    draft = repaired(PROOF + "头部大咖到场，头部企业也来了。")
    assert [(flag.form, flag.candidate, flag.clause) for flag in draft.flags] == [("头部", "第一", "no-clause")] * 2
    assert repaired("头部大咖到场，头部企业也来了。").flags == ()


ROW = """
[[sub]]
id = "mine.quanwang"
form = "网上"
original = "全网"
class = "{kind}"
why = "A test."
since = "0.2.0"
restores = ["网上爆火"]
{more}
[[sub.clause]]
id = "fire"
action = "{action}"
right = "爆火"
{clause}
"""


def mine(tmp_path: Path, *, kind: str, action: str = "restore", more: str = "", clause: str = "") -> RuleBook:
    path = tmp_path / "mine.toml"
    path.write_text(ROW.format(kind=kind, action=action, more=more, clause=clause), "utf-8")
    return load_rules(path)


def test_a_user_s_row_acts_beside_the_shipped_ones(tmp_path: Path) -> None:
    text = PROOF + "这首歌网上爆火。"
    assert "全网爆火" in repaired(text, book=mine(tmp_path, kind="B")).parts["body"]


@pytest.mark.parametrize(("text", "right"), [("网上爆火甲", "全网爆火甲"), ("网上爆火，甲", "网上爆火，甲")])
def test_what_must_stand_near_is_looked_for_in_the_clause_s_window_alone(tmp_path: Path, text: str, right: str) -> None:
    book = mine(tmp_path, kind="A", clause='near = "甲"\nnear_window = 3')
    assert repaired(text, book=book).parts["body"] == right


def test_a_proposed_row_never_acts(tmp_path: Path) -> None:
    draft = repaired(PROOF + "网上爆火。", book=mine(tmp_path, kind="A", more='status = "proposed"'))
    assert draft.parts["body"].endswith("网上爆火。")
    assert draft.flags == ()


def test_a_row_with_sites_acts_on_these_only(tmp_path: Path) -> None:
    book = mine(tmp_path, kind="A", more='sites = ["farm.example"]')
    assert repaired("网上爆火。", book=book, site="farm.example").parts["body"] == "全网爆火。"
    assert repaired("网上爆火。", book=book, site="paper.example").edits == ()
    assert repaired("网上爆火。", book=book).edits == ()


def test_a_synonym_is_flagged_on_its_sites_and_never_restored(tmp_path: Path) -> None:
    book = mine(tmp_path, kind="C", action="flag", more='sites = ["farm.example"]')
    draft = repaired(PROOF + "网上爆火。", book=book, site="farm.example")
    assert draft.parts["body"].endswith("网上爆火。")
    assert [(flag.form, flag.candidate, flag.clause) for flag in draft.flags] == [("网上", "全网", "fire")]
    assert repaired(PROOF + "网上爆火。", book=book, site="paper.example").flags == ()


def test_of_two_rows_that_claim_a_character_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    text = (
        ROW.format(kind="A", action="restore", more="", clause="")
        .replace("网上", "蕞大")
        .replace("全网", "极大")
        .replace("爆火", "的")
    )
    path.write_text(text.replace('restores = ["蕞大的"]', 'restores = ["蕞大的"]'), "utf-8")
    assert repaired("蕞大的变化", book=load_rules(path)).parts["body"] == "最大的变化"
