"""Characters: what a news text never needs goes, each by its rule; what looks alike and is right stays."""

from __future__ import annotations

import pytest

from qingwen import Cleaned, Config, clean_page, load_rules
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context


def cleaned(text: str) -> tuple[str, set[str], set[str]]:
    draft = normalize(Document({TITLE: "", BODY: text}), Context(Config(), load_rules()))
    return draft.parts[BODY], {edit.rule for edit in draft.edits}, {flag.rule for flag in draft.flags}


@pytest.mark.parametrize(
    ("text", "right", "rule"),
    [
        ("清\u200b文\ufeff", "清文", "unicode.invisible"),
        ("清\x07文", "清文", "unicode.invisible"),
        ("⾦⽴⾔", "金立言", "unicode.kangxi-radical"),
        ("⻓期⻔钉", "长期门钉", "unicode.radical"),
        ("⻰⻢⺠⻄⻘⻩⻬⻜", "龙马民西青黄齐飞", "unicode.radical"),
        ("\U0002f800", "\u4e3d", "unicode.compatibility-ideograph"),
        ("︽清文︾﹁好﹂﹙一﹚", "《清文》「好」（一）", "unicode.vertical-form"),
        ("Аррle与Gооgle", "Apple与Google", "unicode.lookalike"),
        ("\u202e清文\u2066", "清文", "unicode.invisible"),
        ("&amp;ldquo;清文&amp;rdquo;3&sup2;", "“清文”3²", "unicode.entity"),
        ("清文&#133;3&#150;5", "清文…3–5", "unicode.entity"),
        ("ä¸\xadå›½队", "中国队", "unicode.mojibake"),
        ("咖啡（cafÃ©）", "咖啡（café）", "unicode.mojibake"),
        ("\uf929读", "朗读", "unicode.compatibility-ideograph"),
        ("１２３ＡＢｃ", "123ABc", "unicode.wide-latin"),
        ("清文\u00a0好看 \u2003真的", "清文 好看 真的", "unicode.space"),
        ("清文︒", "清文。", "unicode.vertical-form"),
        ("&ldquo;清文&amp;rdquo;", "“清文”", "unicode.entity"),
        ("会议 。 结束", "会议。结束", "space.beside-mark"),
        ("加 微 信 号", "加微信号", "space.spaced-out"),
    ],
)
def test_a_character_is_replaced_by_the_rule_that_names_it(text: str, right: str, rule: str) -> None:
    found, rules, _ = cleaned(text)
    assert found == right
    assert rule in rules


@pytest.mark.parametrize(
    "text",
    [
        "面积3㎡，温度5℃",
        "①② Ⅲ ² №",
        "Россия与Ελλάδα",
        "naïve与façade",
        "ÖÐ¹ú",
        "版权&copy归社",
        "AT&T",
        "张 三",
        "马永亮 李若男",
        "㐂𠀀﨑",
        "1.5%～2%",
        "迈上新征程 创造新伟业",
    ],
)
def test_what_is_right_stays(text: str) -> None:
    assert cleaned(text)[0] == text


def test_a_lost_glyph_is_deleted_and_flagged() -> None:
    assert cleaned("清\ue001文")[::2] == ("清文", {"unicode.private-use"})


def test_a_damaged_place_is_flagged_and_left() -> None:
    assert cleaned("清\ufffd文")[::2] == ("清\ufffd文", {"unicode.damaged"})


def test_a_traditional_article_becomes_simplified_and_a_simplified_one_is_left() -> None:
    assert cleaned("國家發展靠學習，後來乾隆著書。")[0] == "国家发展靠学习，后来乾隆著书。"
    assert cleaned("乾隆年间的瞭望台，狼藉的宫商角徵羽。")[1] == set()


def test_many_lost_glyphs_flag_the_page() -> None:
    line = "第{}天的展览上，讲解员向参观者介绍了{}字楼的来历，听的人一天比一天多。"

    def flags(lost: int) -> tuple[str, ...]:
        lines = [line.format(n, "\ue001" if n < lost else "红") for n in range(8)]
        page = clean_page("\n".join(["图标字体的展览开幕", "", *lines]).encode())
        assert isinstance(page, Cleaned)
        return page.record.flags

    assert "unicode.private-use" not in flags(5)
    assert "unicode.private-use" in flags(6)
