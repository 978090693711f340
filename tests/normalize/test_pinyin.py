"""Readings: a farm's go with the script; a gloss and a lesson stay; what was lost is flagged."""

from __future__ import annotations

import pytest

from qingwen import Config, load_rules
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context, Draft

FARM = "國(guó)家發(fā)展靠學(xué)習(xí)，經(jīng)濟(jì)好轉(zhuǎn)，我們(men)歡(huān)迎。"


def cleaned(text: str) -> Draft:
    return normalize(Document({TITLE: "", BODY: text}), Context(Config(), load_rules()))


def test_the_readings_of_a_farm_go_and_its_text_becomes_simplified() -> None:
    draft = cleaned(FARM + "瞭(liǎo)解情況(kuàng)，綠(lǜ)色轉(zhuàn)型。")
    assert draft.parts[BODY] == "国家发展靠学习，经济好转，我们欢迎。了解情况，绿色转型。"
    assert draft.flags == ()


def test_full_width_brackets_and_readings_without_tones_are_readings_too() -> None:
    assert cleaned(FARM + "東（dōng）風(feng)到來(lai)。").parts[BODY].endswith("东风到来。")


@pytest.mark.parametrize(
    "text",
    [
        "蕞（zuì），形容小。",
        "说“的(de)”和“地(de)”的用法，还有“得(de)”“着(zhe)”“了(le)”“过(guò)”。",
        "函数(sin)与余弦(cos)。",
        "生字：國(guó)、學(xué)、發(fā)、東(dōng)、車(chē)。這篇課文講述孩子們從鄉間來到縣城讀書，歷經艱難，終於實現夢想，"
        "後來還為鄉親們辦了圖書館，讓更多孩子認識遠方的世界與歷史。",
    ],
)
def test_glosses_and_lessons_stay(text: str) -> None:
    assert not any(edit.rule == "pinyin.reading" for edit in cleaned(text).edits)


def test_a_gloss_of_a_farm_s_writer_stays() -> None:
    text = cleaned(FARM + "蕞(zuì)，地名。").parts[BODY]
    assert text.endswith(("蕞(zuì)，地名。", "蕞（zuì），地名。"))


def test_what_is_no_reading_of_its_character_is_flagged_and_left() -> None:
    draft = cleaned(FARM + "函數(sin)。")
    assert draft.parts[BODY].endswith("(sin)。")
    assert [(flag.rule, flag.form) for flag in draft.flags] == [("pinyin.reading", "(sin)")]


@pytest.mark.parametrize(
    ("lost", "form"), [("城?h經濟。", "?h"), ("推動(dòng)?(jiàn)設。", "?"), ("，(guó)家。", "(guó)")]
)
def test_a_lost_character_is_flagged_where_it_stood(lost: str, form: str) -> None:
    draft = cleaned(FARM + lost)
    (flag,) = (flag for flag in draft.flags if flag.rule == "pinyin.lost")
    assert flag.form == form
    assert draft.parts[BODY][flag.span.start] in "?(（"


# A farm prints a reading behind a few characters only: 6 of 40 that have another form.
SPARSE = (
    "據(jù)主辦單位介紹，這個園區計劃投資八億元，將建設綠色廠房與研發(fā)樓，"
    "帶動當地產業(yè)與運輸業(yè)發展。負責人說，項目驗收後預計還要招引三十家企業(ye)，優(yōu)化區內環境，"
    "讓員工與訪客都滿意。"
)


def test_readings_behind_some_of_the_characters_go_too() -> None:
    draft = cleaned(SPARSE)
    assert "(" not in draft.parts[BODY]
    assert draft.parts[BODY].startswith("据主办单位介绍，这个园区")


def test_doubled_marks_of_a_farm_s_page_go_with_its_readings() -> None:
    body = cleaned(SPARSE + "他說，，園區分三期，、建設。").parts[BODY]
    assert body.endswith("他说，园区分三期，建设。")
    assert cleaned("他說，，園區分三期建設。").parts[BODY] == "他说，，园区分三期建设。"


@pytest.mark.parametrize(
    "text",
    [
        # each word at its first mention, by a teacher
        "孩子們到學(xué)校讀書，在學校遇見歡(huān)樂的同伴，歡樂地聽(tīng)故事，聽老師說話，還寫下經(jīng)歷與夢想，"
        "經歷過的都記(jì)得，記得很久。",
        # rare characters, by a writer
        "祖譜裡的名字，有李鯤(kūn)與王驥(jì)，還有張鸞(luán)、劉驍(xiāo)與陳鸑(yuè)，都是當地的讀書人，後人至今紀念他們。",
        # behind every character
        "我(wǒ)們(men)去(qù)學(xué)校(xiào)讀(dú)書(shū)，在(zài)那(nà)裡(lǐ)很(hěn)開(kāi)心(xīn)，天(tiān)天(tiān)都(dōu)去(qù)。",
    ],
)
def test_the_readings_of_teachers_and_writers_stay_as_they_are_and_are_flagged(text: str) -> None:
    draft = cleaned(text)
    assert draft.parts[BODY].count("(") == text.count("(")
    assert {flag.rule for flag in draft.flags} == {"pinyin.reading"}


@pytest.mark.parametrize("reading", ["蕞(zuì)尔小国", "开会(hui)", "吕(lǚ)梁"])
def test_the_brackets_of_a_reading_are_never_widened(reading: str) -> None:
    assert reading in cleaned("他说,好,他来,她走," * 10 + reading).parts[BODY]
