"""Views: what rules match on, with the way back; the compiled OpenCC equals the library."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opencc.opencc import OpenCC

from qingwen.views import CONTACT, FOLDED, converter, folding, traditional_only, view

LIBRARY = OpenCC("t2s")
PHRASES = sorted({key for table in converter("t2s").phrases for key in table})
ALPHABET = (
    "".join(sorted(converter("t2s").characters))[::7]
    + "的了在有人這中大為上個國我以要他時來用們生到作地於出就分對成會可主發年，。- "
)


def test_the_compiled_converter_equals_the_library_on_every_phrase_and_character() -> None:
    compiled = converter("t2s")
    for key in [*PHRASES, *compiled.characters]:
        assert compiled.convert(key) == LIBRARY.convert(key), key


def test_the_compiled_converter_equals_the_library_on_phrases_run_together() -> None:
    chance = random.Random(1)
    for _ in range(300):
        text = "".join(
            chance.choice(PHRASES) + chance.choice(["", "，", "a", " "]) for _ in range(chance.randint(1, 12))
        )
        assert converter("t2s").convert(text) == LIBRARY.convert(text)


@given(st.text(alphabet=ALPHABET, max_size=30))
def test_the_compiled_converter_equals_the_library_on_random_text(text: str) -> None:
    assert converter("t2s").convert(text) == LIBRARY.convert(text)


@given(st.text(alphabet="加微信薇長按１２３ .-\u200b&nbsp;廣ab", max_size=40), st.sampled_from([FOLDED, CONTACT]))
def test_a_span_of_a_view_maps_back_to_where_it_stands(text: str, kind: str) -> None:
    seen = view(text, kind)
    for at, char in enumerate(seen.text):
        span = seen.back(at, at + 1)
        assert len(span) == 1
        if kind == FOLDED:
            assert span.of(text).translate(folding()) == char


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 3 3 9 1 2 1 9 7 9 3", "13391219793"),
        ("４００—８８００—１２７", "4008800127"),
        ("加V信", "加微信"),
        ("掃一掃，加威信", "扫一扫,加微信"),
        ("①③③⑨", "1339"),
    ],
)
def test_the_contact_view_undoes_what_dodges_filters(text: str, expected: str) -> None:
    assert view(text, CONTACT).text == expected


def test_characters_right_in_simplified_text_prove_nothing() -> None:
    assert not set("乾徵著瞭覆藉於餘發後") & traditional_only()
    assert set("國發學會長東車馬".replace("發", "")) <= traditional_only()
