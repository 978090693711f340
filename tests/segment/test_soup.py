"""HTML to blocks: what a browser shows, cut at block-level boundaries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingwen.segment.soup import TooDeepError, segment_html


def words(markup: str) -> list[str]:
    found = segment_html(markup)
    return [found.words(block) for block in found.blocks]


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>一</p><p>二 <b>三</b></p>", ["一", "二 三"]),
        ("一<br>二<br/><br/>三", ["一", "二", "三"]),
        ("<div>一<p>二</p>三</div>", ["一", "二", "三"]),
        ("<script>x</script><style>y</style><!-- z --><p>一</p><noscript>n</noscript>", ["一"]),
        ("<p style='display: none'>藏</p><p hidden>藏</p><p>一</p>", ["一"]),
        ("<title>题 - 站</title><p>文</p>", ["题 - 站", "文"]),
        ("<table><tr><td>甲</td><td>1</td></tr><tr><td>乙</td><td>2</td></tr></table>", ["甲\t1", "乙\t2"]),
        ("<table><tr><td><p>甲</p></td><td><div>乙</div></td></tr></table>", ["甲", "乙"]),
        ("<p>一\n  二</p>", ["一 二"]),
        ("<p>&nbsp;</p><p>一&amp;二</p>", ["一&二"]),
    ],
)
def test_blocks_are_what_a_reader_sees(markup: str, expected: list[str]) -> None:
    assert words(markup) == expected


def test_link_density_and_path_are_those_of_the_block() -> None:
    found = segment_html(
        '<div class="nav top"><a href="#">首页</a></div><div id="c"><p>文<a href="#">链</a>字字</p></div>'
    )
    nav, text = found.blocks
    assert (nav.path, nav.link_density) == ("body/div.nav.top", 1.0)
    assert (text.path, text.link_density) == ("body/div#c/p", 0.25)


def test_meta_tags_are_read() -> None:
    found = segment_html('<meta name="author" content=" 王 "><meta property="og:site_name" content="站"><p>文</p>')
    assert found.meta == {"author": "王", "og:site_name": "站"}


def test_markup_over_the_limits_is_refused_with_the_limit() -> None:
    with pytest.raises(TooDeepError, match="max_depth"):
        segment_html("<div>" * 300 + "文", max_depth=100)
    with pytest.raises(TooDeepError, match="max_blocks"):
        segment_html("<p>文</p>" * 30, max_blocks=20)


@given(st.text(alphabet='<>/div p="&;#清文\n', max_size=80))
def test_blocks_tile_the_text_of_any_markup(markup: str) -> None:
    found = segment_html(markup)
    assert "".join(block.span.of(found.text) for block in found.blocks) == found.text
