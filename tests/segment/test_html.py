"""HTML to blocks: what a browser shows, cut at block-level boundaries."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PAGES
from qingwen import Config
from qingwen.model import Page, Segmented
from qingwen.read.page import read_page
from qingwen.segment.lexbor import segment_lexbor
from qingwen.segment.markup import TooDeepError
from qingwen.segment.soup import segment_soup

Reader = Callable[..., Segmented]
BOTH = pytest.mark.parametrize("read", [segment_lexbor, segment_soup])


def words(found: Segmented) -> list[str]:
    return [found.words(block) for block in found.blocks]


@BOTH
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
        ("<table><tr><td><p>甲</p></td><td><div>乙<br>丙</div></td></tr></table>", ["甲\t乙 丙"]),
        ("<table><tr><td><ul><li>甲</ul></td><td><p>乙</p></td></tr></table>", ["甲", "乙"]),
        ("<p><ruby>饕<rt>tāo</rt>餮<rp>（</rp><rt>tiè</rt><rp>）</rp></ruby>纹</p>", ["饕餮纹"]),
        ("<div style='visibility: hidden'><p>一<span style='visibility:hidden'>藏</span></p></div>", ["一"]),
        ("<p>一\n  二</p>", ["一 二"]),
        ("<p>&nbsp;</p><p>一&amp;二</p>", ["一&二"]),
        ("<p title='a>b<c'>一<b title=\"x'y\">二</b></p>", ["一二"]),
        ("<p>一<span hidden>藏</span><i style='visibility:hidden'>藏</i>二</p>", ["一二"]),
        ("<tr><td>甲<td>1", ["甲1"]),
        (
            "<table><tr><td>甲</td><td>1<script>x</script></td><td><select><option>x</select></td></tr></table>",
            ["甲\t1"],
        ),
        ("<table><tr><form></form><td>甲</td><td>1</td></tr></table>", ["甲\t1"]),
        ("<p>零<table><tr><td></td><td>甲</td><td>1</td></tr></table>", ["零", "甲\t1"]),
        ("<p>一<xmp><p>二 &lt;</xmp>三", ["一", "<p>二 &lt;三"]),
        ("<p>一<plaintext><tr>", ["一", "<tr>"]),
        ("<html style='display:none'><p>一<p hidden>藏", ["一"]),
        ("<title>题</title><body style='display:none'><p>藏</p></body>", ["题"]),
        ("<body hidden><p>藏", []),
        ("<p>一&lt;p&gt;二&amp;lt;三", ["一<p>二&lt;三"]),
        ("<template><p>x</p></template><svg><text>x</text></svg><textarea>x</textarea><p>一", ["一"]),
        ('<div class="m" <!-- id="x" >一</div><p>二</p><!-- f --><p>三', ["一", "二", "三"]),
        ("<span<!--x-->一，二。</span><p>三", ["一，二。", "三"]),
        ("<p>一<!-- <p>x --> 二<![CDATA[x]]></p>", ["一 二"]),
    ],
)
def test_blocks_are_what_a_reader_sees(read: Reader, markup: str, expected: list[str]) -> None:
    assert words(read(markup)) == expected


@BOTH
def test_link_density_and_path_are_those_of_the_block(read: Reader) -> None:
    found = read('<div class="nav top"><a href="#">首页</a></div><div id="c"><p>文<a href="#">链</a>字字</p></div>')
    nav, text = found.blocks
    assert (nav.path, nav.link_density) == ("body/div.nav.top", 1.0)
    assert (text.path, text.link_density) == ("body/div#c/p", 0.25)


@BOTH
def test_meta_tags_are_read(read: Reader) -> None:
    found = read('<meta name="author" content=" 王 "><meta property="og:site_name" content="站"><p>文</p>')
    assert found.meta == {"author": "王", "og:site_name": "站"}


@BOTH
def test_markup_over_the_limits_is_refused_with_the_limit(read: Reader) -> None:
    with pytest.raises(TooDeepError, match="max_depth"):
        read("<div>" * 300 + "文", Config(max_depth=100))
    with pytest.raises(TooDeepError, match="max_blocks"):
        read("<p>文</p>" * 30, Config(max_blocks=20))


@BOTH
@given(st.text(alphabet='<>/div p="&;#清文\n', max_size=80))
def test_blocks_tile_the_text_of_any_markup(read: Reader, markup: str) -> None:
    found = read(markup)
    assert "".join(block.span.of(found.text) for block in found.blocks) == found.text


def shape(found: Segmented) -> list[tuple[str, float, str]]:
    return [(block.path, block.link_density, found.words(block)) for block in found.blocks]


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.html")), ids=lambda path: path.name)
def test_both_readers_cut_a_page_into_the_same_blocks(path: Path) -> None:
    page = read_page(str(path), Config())
    assert isinstance(page, Page)
    fast, reference = segment_lexbor(page.text), segment_soup(page.text)
    assert shape(fast) == shape(reference)
    assert fast.meta == reference.meta


ELEMENTS = st.recursive(
    st.sampled_from(["清", "文。", " ", "&amp;", "<br>", "<img src=x>", "<script>x</script>", "<!-- x -->"]),
    lambda inner: st.tuples(
        st.sampled_from(["p", "div", "span", "b", "a href=#", "ul", "li", "h2", 'div class="a b" id=c', "em hidden"]),
        st.lists(inner, max_size=4).map("".join),
    ).map(lambda made: f"<{made[0]}>{made[1]}</{made[0].split()[0]}>"),
    max_leaves=12,
)


def nested(markup: str) -> bool:
    """Tell whether the markup nests as its writer meant: no block in a paragraph, no link in a link."""
    opened: list[str] = []
    for closes, tag in re.findall(r"<(/?)([a-z0-9]+)", markup):
        if closes:
            opened.pop()
            continue
        if ("p" in opened and tag in ("p", "div", "ul", "li", "h2")) or (tag == "a" and "a" in opened) or tag in opened:
            return False
        if tag not in ("br", "img"):
            opened.append(tag)
    return True


@given(ELEMENTS.filter(nested))
def test_both_readers_cut_well_formed_markup_into_the_same_blocks(markup: str) -> None:
    assert shape(segment_lexbor(markup)) == shape(segment_soup(markup))


def test_where_links_stand_in_links_only_the_link_density_differs() -> None:
    markup = "<table><tr><td><a>甲<td><a>乙</a></td></tr></table>"
    fast, reference = segment_lexbor(markup), segment_soup(markup)
    assert words(fast) == words(reference)


@pytest.mark.parametrize(
    "markup",
    ["<div>" * 300_000, "<b>" * 300_000, "<p " + " ".join(f"a{n}=1" for n in range(100_000)) + ">文"],
    ids=["elements", "inline elements", "attributes"],
)
def test_markup_made_to_hold_a_parser_up_is_refused_before_it_is_parsed(markup: str) -> None:
    with pytest.raises(TooDeepError):
        segment_lexbor(markup)


def test_what_is_no_nesting_of_the_page_s_is_not_counted() -> None:
    many = "<p><a href=#>链</a></p>" * 4_000
    drawn, script = "<path d='M0 0'/>" * 2_100, "<script>var a='" + "<div>" * 2_100 + "'</script>"
    found = segment_lexbor(f"<p>文</p><svg>{drawn}</svg>{script}<!--{'<div>' * 2_100}-->{many}")
    assert words(found)[0] == "文"
