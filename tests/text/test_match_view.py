"""Views: what rules match on, with the way back; the compiled OpenCC equals the library."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc.opencc import OpenCC

from qingwen.config import CONVERSIONS
from qingwen.text.match_view import CONTACT, FOLDED, folding, view
from qingwen.text.opencc import converter, simplified_only, traditional_only

LIBRARY = {name: OpenCC(name) for name in CONVERSIONS}
PHRASES = {
    name: sorted({key for step in converter(name).steps for table in (*step.phrases, step.characters) for key in table})
    for name in CONVERSIONS
}
ALPHABET = (
    "".join(sorted(converter("t2s").characters))[::7]
    + "的了在有人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年裡著軟體硬碟網路，。- "
)
# Traditional and mixed lines as newspapers of three places print them.
NEWS = [
    "立法院昨天三讀通過《數位經濟促進條例》，軟體與硬碟的關稅降為零，著作權另立專章。",
    "政府發言人表示，啟德、觀塘兩區的公屋將於後年落成，裡面設有灶台和晾衣架。",
    "乾隆年間的瞭望臺修復工程完成，記者林徵在現場瞭解，復原後的鐘樓可容納百餘人。",
    "这篇报道的标题用了繁體字：「發展與環境」，正文仍是简体，頭髮與發票不可混為一談。",
]


@pytest.mark.parametrize("name", CONVERSIONS)
def test_the_compiled_converter_equals_the_library_on_every_phrase_and_character(name: str) -> None:
    compiled = converter(name)
    for key in PHRASES[name]:
        assert compiled.convert(key) == LIBRARY[name].convert(key), key


@pytest.mark.parametrize("name", CONVERSIONS)
def test_the_compiled_converter_equals_the_library_on_phrases_run_together(name: str) -> None:
    chance = random.Random(1)
    for _ in range(300):
        pieces = (
            chance.choice(PHRASES[name]) + chance.choice(["", "，", "a", " "]) for _ in range(chance.randint(1, 12))
        )
        text = "".join(pieces)
        assert converter(name).convert(text) == LIBRARY[name].convert(text)


@pytest.mark.parametrize("name", CONVERSIONS)
@pytest.mark.parametrize("text", NEWS)
def test_the_compiled_converter_equals_the_library_on_news(name: str, text: str) -> None:
    assert converter(name).convert(text) == LIBRARY[name].convert(text)


@given(st.text(alphabet=ALPHABET, max_size=30) | st.text(max_size=20), st.sampled_from(CONVERSIONS))
def test_the_compiled_converter_equals_the_library_on_random_text(text: str, name: str) -> None:
    assert converter(name).convert(text) == LIBRARY[name].convert(text)


@pytest.mark.parametrize("name", CONVERSIONS)
def test_changes_are_stretches_of_the_text_that_do_change(name: str) -> None:
    for text in NEWS:
        done = 0
        for start, end, after in converter(name).changes(text):
            assert done <= start < end
            assert text[start:end] != after
            done = end


@given(st.text(alphabet="加微信薇長按１２３ .-\u200b&nbsp;廣ab", max_size=40), st.sampled_from([FOLDED, CONTACT]))
def test_a_span_of_a_view_maps_back_to_where_it_stands(text: str, kind: str) -> None:
    seen = view(text, kind)
    for at, char in enumerate(seen.text):
        span = seen.back(at, at + 1)
        assert len(span) == 1
        if kind == FOLDED:
            assert span.of(text).translate(folding()) == char


def test_what_is_left_out_of_a_view_in_two_steps_is_found_again() -> None:
    raw = "\u200b加微 信1\u200b 3\u200b-3\u200b9 1&nbsp;2号"
    seen = view(raw, CONTACT)
    assert seen.text == "加微信133912号"
    assert [raw[seen.back(at, at + 1).start] for at in range(len(seen.text))] == list("加微信133912号")
    assert seen.back(3, 9).of(raw) == "1\u200b 3\u200b-3\u200b9 1&nbsp;2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ＡＢｃ！～／", "ABc!~/"), ("甲\u3000乙\xa0丙", "甲 乙 丙"), ("長按掃一掃", "长按扫一扫"), ("①零", "①零")],
)
@pytest.mark.parametrize("times", [1, 300])
def test_forms_of_one_character_are_folded_in_texts_of_any_length(text: str, expected: str, times: int) -> None:
    assert view(text * times, FOLDED).text == expected * times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 3 3 9 1 2 1 9 7 9 3", "13391219793"),
        ("４００—８８００—１２７", "4008800127"),
        ("138 - 0013 - 8000", "13800138000"),
        ("加V信", "加微信"),
        ("掃一掃，加威信", "扫一扫,加微信"),
        ("①③③⑨", "1339"),
    ],
)
def test_the_contact_view_undoes_what_dodges_filters(text: str, expected: str) -> None:
    assert view(text, CONTACT).text == expected


def test_characters_right_in_both_scripts_prove_nothing() -> None:
    assert not set("台里后干面只表松") & simplified_only()
    assert set("国发学会长东车马") <= simplified_only()
    assert not set("乾徵著瞭覆藉於餘發後") & traditional_only()
    assert set("國發學會長東車馬".replace("發", "")) <= traditional_only()
