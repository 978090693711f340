"""Articles that stand in a page's scripts: read where one string alone can be the article, else refused."""

from __future__ import annotations

import json

import pytest

from qingwen import clean_page
from qingwen.model import Cleaned, Rejection
from qingwen.segment.script_text import scripted_markup, stated_body

TITLE = "新渠引水入城"
LINES = [
    "引水工程的新渠昨天全线贯通，清水沿着四十公里长的渠道流进县城，第三水厂开始试运行，日供水能力达到十万吨。",
    "水务局介绍，新渠投用以后，城东三个街道的水压会提高，夏季高峰不再错时供水。",
    "沿线的村民说，过去要到河边挑水，如今水龙头一拧就有。工程的二期将在明年春天动工。",
]
OTHER = [
    "体育馆的翻修上周完成，新的看台可以坐下四千人，首场比赛定在国庆节晚上举行。",
    "市里还给运动员修了更衣室和康复室，教练们说，冬训的条件比从前好了许多。",
    "门票从下周一起在网上发售，学生凭证件半价，老人和儿童可以免费入场。",
]


def page(script: str, kind: str = "", shown: str = "") -> str:
    return f"<html><head><title>{TITLE} - 水乡日报</title></head><body>{shown}<script{kind}>{script}</script></body></html>"


def cleaned(markup: str) -> Cleaned | Rejection:
    return clean_page(markup.encode(), source_path="a.html")


def markup_of(lines: list[str]) -> str:
    return "".join(f"<p>{line}</p>" for line in lines)


STATES = {
    "JSON-LD": page(
        json.dumps({"@type": "NewsArticle", "articleBody": "\n".join(LINES)}), ' type="application/ld+json"'
    ),
    "state with markup": page(f"window.__STATE__ = {json.dumps({'article': {'content': markup_of(LINES)}})}"),
    "state in a string": page(f"push({json.dumps(json.dumps({'content': markup_of(LINES)}, ensure_ascii=False))})"),
    "escaped as bytes": page("var d = {content_noencode: JsDecode('" + "\\x0a".join(LINES) + "')};"),
    "escaped markup": page(
        "var detail = {body: '" + markup_of(LINES).replace("<", "&lt;").replace(">", "&gt;") + "'};"
    ),
}


@pytest.mark.parametrize("markup", STATES.values(), ids=STATES)
def test_an_article_that_stands_in_a_script_alone_is_read_and_flagged(markup: str) -> None:
    found = cleaned(markup)
    assert isinstance(found, Cleaned), found
    assert found.record.text.split("\n") == LINES
    assert found.record.title == TITLE
    assert "segment.script-text" in found.record.flags


def test_two_strings_that_can_be_the_article_are_refused_by_a_rule_that_says_so() -> None:
    found = cleaned(page(json.dumps([{"content": markup_of(LINES)}, {"content": markup_of(OTHER)}])))
    assert isinstance(found, Rejection)
    assert found.rule == "reject.script-page"


def test_a_page_that_shows_its_article_is_read_as_it_is_shown() -> None:
    found = cleaned(page(json.dumps({"content": markup_of(OTHER)}), shown=f"<h1>{TITLE}</h1>{markup_of(LINES)}"))
    assert isinstance(found, Cleaned)
    assert found.record.text.split("\n") == LINES
    assert "segment.script-text" not in found.record.flags


def test_what_json_ld_states_tells_the_article_from_the_rest() -> None:
    stated = json.dumps({"articleBody": "".join(LINES)}, ensure_ascii=False)
    shown = f"<div class=a><h1>{TITLE}</h1><div class=x>{markup_of(LINES[:1])}</div></div><div class=b>{markup_of(OTHER)}</div>"
    found = cleaned(page(stated, ' type="application/ld+json"', shown))
    assert isinstance(found, Cleaned)
    assert found.record.text == LINES[0]


def test_the_escapes_of_scripts_are_undone() -> None:
    assert stated_body(r'<script>{"articleBody": "\u65b0\u6e20\n\ud83d\ude00 \"\/\x41"}</script>') == '新渠😀"/A'


def test_a_short_string_is_no_article() -> None:
    assert scripted_markup(page('{"content": "登录后查看更多内容。欢迎回来。"}')) is None


def test_a_script_of_many_open_strings_is_read_in_linear_time() -> None:
    assert scripted_markup(page("content:'\\\\" * 200_000)) is None
