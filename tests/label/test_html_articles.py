"""Articles in markup: the page's element with the article, what stands around it, and how sure the text is."""

from __future__ import annotations

import pytest

from qingwen import clean_page
from qingwen.model import Cleaned

TITLE = "临河大桥今晨通车"
PARAGRAPHS = [
    "临河大桥今天上午六时正式通车，首批车辆由北向南驶过大桥，大桥全长2.3公里，双向六车道，设计时速80公里。",
    "市交通局负责人介绍，大桥通车后，两岸通行时间由四十分钟缩短到八分钟，市民出行更加方便。",
    "家住河北岸的王师傅说，以后上班不用绕路了。当天下午，公交部门新开了两条过河线路，票价不变。",
    "据了解，大桥于三年前动工，总投资十二亿元，两侧还设有人行道和观景平台，预计明年全部完工。",
]
BODY = "".join(f"<p>{line}</p>" for line in PARAGRAPHS)
OTHER = [
    "北岸小学扩建工程昨天完工，新增教学楼一栋，可以多收六百名学生，九月开学以前投入使用。",
    "城南菜场改造提前结束，三百多个摊位重新开张，商贩们说，地面不再积水，生意也好做了。",
    "市图书馆从下月起延长开放时间，周末晚上九点半闭馆，读者可以在网上预约座位。",
    "今年首场马拉松报名人数超过三万，组委会说，名额将用抽签的办法产生，结果下周公布。",
]


def cleaned(body: str, head: str = f"<title>{TITLE} - 临河日报</title>") -> Cleaned:
    found = clean_page(f"<html><head>{head}</head><body>{body}</body></html>".encode(), source_path="a.html")
    assert isinstance(found, Cleaned), found
    return found


def text(body: str) -> list[str]:
    return cleaned(body).record.text.split("\n")


def test_a_list_of_other_articles_below_a_short_one_is_not_the_text() -> None:
    items = "".join(f"<div class=item><a href=/{n}>{line[:12]}</a><p>{line}</p></div>" for n, line in enumerate(OTHER))
    short = "".join(f"<p>{line}</p>" for line in PARAGRAPHS[:2])
    assert (
        text(f"<h1>{TITLE}</h1><div class=content>{short}</div><h3>推荐阅读</h3><div>{items}</div>") == PARAGRAPHS[:2]
    )


def test_prose_above_the_page_s_own_title_is_not_the_text() -> None:
    gate = f"<div class=gate><p>{OTHER[0]}</p><p>{OTHER[1]}</p></div>"
    assert text(f"{gate}<h1>{TITLE}</h1><div class=content>{BODY}</div>") == PARAGRAPHS


@pytest.mark.parametrize(
    "between",
    [
        "<div class=unfold>展开全文</div>",
        "<div class=ad><a href=/x>江湾花园洋房 总价百万起</a></div>",
        "<figure><img src=a.jpg><figcaption>大桥夜景。通讯员 摄</figcaption></figure>",
        "<div class=player>点击播放 00:00 / 03:21</div>",
    ],
)
def test_the_article_goes_on_behind_what_stands_in_it(between: str) -> None:
    lines = [f"<p>{line}</p>" for line in PARAGRAPHS]
    found = text(f"<h1>{TITLE}</h1><div class=content>{''.join(lines[:2])}{between}{''.join(lines[2:])}</div>")
    assert [line for line in found if line in PARAGRAPHS] == PARAGRAPHS


def test_an_article_in_several_containers_is_whole() -> None:
    halves = "".join(f"<p>{line}</p>" for line in PARAGRAPHS[:2]), "".join(f"<p>{line}</p>" for line in PARAGRAPHS[2:])
    page = (
        f"<h1>{TITLE}</h1><div class=article><div class=part>{halves[0]}</div><div class=part>{halves[1]}</div></div>"
    )
    assert text(page) == PARAGRAPHS


def test_a_summary_that_repeats_a_paragraph_goes() -> None:
    assert (
        text(f"<h1>{TITLE}</h1><div class=summary>{PARAGRAPHS[0]}</div><div class=content>{BODY}</div>") == PARAGRAPHS
    )


def test_the_copy_for_telephones_goes() -> None:
    assert text(f"<h1>{TITLE}</h1><div class=pc>{BODY}</div><div class=wap>{BODY}</div>") == PARAGRAPHS


def test_an_article_in_a_link_that_was_left_open_is_read() -> None:
    assert text(f"<h1>{TITLE}</h1><a href=/x><div class=content>{BODY}</div>") == PARAGRAPHS


def test_an_invisible_article_is_read_as_it_stands() -> None:
    page = f"<h1>{TITLE}</h1><div id=js_content style='visibility: hidden; opacity: 0'>{BODY}</div>"
    assert cleaned(page).record.text.split("\n") == PARAGRAPHS


def test_an_article_that_the_page_hides_is_read_and_flagged() -> None:
    found = cleaned(f"<h1>{TITLE}</h1><div style='display:none'>{BODY}</div>")
    assert found.record.text.split("\n") == PARAGRAPHS
    assert "segment.hidden-text" in found.record.flags


def test_what_is_hidden_beside_an_article_is_left_out() -> None:
    found = cleaned(f"<h1>{TITLE}</h1><div class=content>{BODY}</div><div hidden><p>{OTHER[0]}</p></div>")
    assert found.record.text.split("\n") == PARAGRAPHS
    assert "segment.hidden-text" not in found.record.flags


def test_a_text_is_sure_where_nothing_speaks_against_it() -> None:
    sure = cleaned(f"<h1>{TITLE}</h1><div class=content>{BODY}</div>")
    assert sure.record.confidence >= 0.9
    assert "label.unsure" not in sure.record.flags


def test_comments_below_a_short_article_make_the_text_unsure() -> None:
    comments = "".join(
        f"<div class=c><div>网友{n} 06-12 0{n}:15</div><p>{line}</p></div>" for n, line in enumerate(OTHER * 2)
    )
    page = f"<h1>{TITLE}</h1><div class=content><p>{PARAGRAPHS[1]}</p></div><div>网友评论 8条</div>{comments}"
    found = clean_page(f"<title>{TITLE}</title>{page}".encode(), source_path="a.html")
    assert isinstance(found, Cleaned)
    (flag,) = (flag for flag in found.flags if flag.rule == "label.unsure")
    assert found.record.confidence < 0.9
    assert flag.clause


def test_a_date_behind_the_headline_is_none_of_it() -> None:
    found = cleaned(f"<h1>{TITLE} 2014-04-30 14:49</h1><div class=content>{BODY}</div>", head="")
    assert found.record.title == TITLE


@pytest.mark.parametrize(
    ("printed", "title"),
    [
        ("每日经济观察｜前十月投资增速回升", "每日经济观察｜前十月投资增速回升"),
        ("“80后”返乡记——江湾人的选择", "“80后”返乡记——江湾人的选择"),
        ("临河大桥今晨通车｜临河日报", "临河大桥今晨通车"),
        ("临河大桥今晨通车_新闻频道_临河网", "临河大桥今晨通车"),
        ("临河大桥今晨通车【17:52】", "临河大桥今晨通车"),
        ("十问江湾：钱从哪里来？项目往哪里去？", "十问江湾：钱从哪里来？项目往哪里去？"),
    ],
)
def test_a_title_is_the_whole_headline_without_the_site_and_the_date(printed: str, title: str) -> None:
    found = clean_page("\n".join([printed, *PARAGRAPHS]).encode())
    assert isinstance(found, Cleaned)
    assert found.record.title == title
    assert found.record.text.split("\n") == PARAGRAPHS


def test_a_stream_of_other_articles_below_a_short_one_is_not_the_text() -> None:
    items = "".join(
        f"<div class=item><a href=/{n}><div class=head>{line[:14]}</div></a><div class=open>{line}</div>"
        f"<a href=/c>本地</a><span>{n + 2}分鐘前</span></div>"
        for n, line in enumerate(OTHER * 2)
    )
    found = cleaned(f"<h1>{TITLE}</h1><div class=content><p>{PARAGRAPHS[1]}</p></div><div>更多即時新聞</div>{items}")
    assert found.record.text == PARAGRAPHS[1]
    assert {judged.verdict.rule for judged in found.blocks if judged.text in {f"{o}\n" for o in OTHER}} == {
        "structure.teaser-item"
    }


def test_a_second_story_below_a_heading_of_the_title_s_kind_is_not_the_text() -> None:
    story = "".join(f"<p>{line}</p>" for line in OTHER)
    first = f"<div class=own><h1 class=story__title>{TITLE}</h1><div>{BODY}</div></div>"
    found = cleaned(f"{first}<div class=more><h1 class=story__title>北岸小学扩建完工</h1><div>{story * 3}</div></div>")
    assert found.record.text.split("\n") == PARAGRAPHS
    assert "structure.second-article" in found.record.flags


@pytest.mark.parametrize(
    ("head", "heading", "title"),
    [
        (f"(99+ 封私信 / 87 条消息) {TITLE} - 知道", f"<h1>{TITLE}</h1>", TITLE),
        (f"{TITLE} - 临河论坛", f"<div class=t>{TITLE} 2024-05-02 10:20:11 楼主</div>", TITLE),
        (f"{TITLE} - 临河论坛", f"<h3>[市政] {TITLE}</h3>", TITLE),
        (f"临河要闻｜{TITLE}｜now 新聞", "<h3>临河要闻</h3>", f"临河要闻｜{TITLE}"),
        (f"[图]{TITLE}_临河网", f"<h1>[图]{TITLE}</h1>", TITLE),
        (f"{TITLE} - 临河日报", "<div>今天是星期五</div>", TITLE),
        ("大桥通车 - 临河日报", "<h1>大桥通车</h1>", "大桥通车"),
        (TITLE, f"<h1><a href=/>临河公共新闻网</a></h1><div>{TITLE}</div>", TITLE),
    ],
)
def test_the_title_is_what_the_page_names_without_what_is_glued_to_it(head: str, heading: str, title: str) -> None:
    found = cleaned(f"{heading}<div class=content>{BODY}</div>", f"<title>{head}</title>")
    assert found.record.title == title
    assert found.record.text.split("\n") == PARAGRAPHS


def test_the_name_of_the_site_is_no_title() -> None:
    name = "临河市水利研究所"
    line = f"<h5>{name}召开年度总结会</h5>"
    found = cleaned(f"{line}<div class=content>{BODY}<p>{name}参加了验收。</p></div>", f"<title>{name}</title>")
    assert found.record.title == f"{name}召开年度总结会"


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("<figure><img src=a.jpg><figcaption>大桥的夜景</figcaption></figure>", "structure.caption"),
        ("<div class=img-caption>大桥的夜景</div>", "structure.caption"),
        ("<div class=ad-slot><span>广告</span><a href=/x>江湾花园洋房 总价百万起</a></div>", None),
        ("<p>本文图片均由受访者提供</p>", "caption.provided"),
    ],
)
def test_captions_and_advertisements_that_the_markup_names_are_not_the_text(line: str, rule: str | None) -> None:
    lines = [f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS]
    found = cleaned(f"<h1>{TITLE}</h1><div class=content>{''.join(lines[:2])}{line}{''.join(lines[2:])}</div>")
    assert found.record.text.split("\n") == PARAGRAPHS
    assert rule is None or rule in {judged.verdict.rule for judged in found.blocks}


def test_a_last_paragraph_behind_a_box_of_links_is_the_article_s() -> None:
    lines = [f"<p>{line}</p>" for line in PARAGRAPHS]
    part = "<div class=body-box><div class=body-text>{}</div></div>"
    box = f"<div class=rec><h4>推荐阅读</h4><ul><li><a href=/1>{OTHER[0][:14]}</a></li><li><a href=/2>{OTHER[1][:14]}</a></li></ul></div>"
    page = f"<h1>{TITLE}</h1>{part.format(''.join(lines[:3]))}{box}{part.format(lines[3])}"
    assert text(page) == PARAGRAPHS


def test_long_comments_below_a_short_article_are_not_the_text() -> None:
    names = ("江湾网友", "河畔居民", "老司机")
    comments = "".join(
        f"<div class=cmt-item><span>{name}</span> <span>06-12 03:15</span><p>{line}</p></div>"
        for name, line in zip(names, OTHER, strict=False)
    )
    page = f"<h1>{TITLE}</h1><div class=content><p>{PARAGRAPHS[1]}</p></div><div>网友评论 3条</div>{comments}"
    assert text(page) == PARAGRAPHS[1:2]


def test_a_style_sheet_glued_to_a_paragraph_of_a_dump_goes() -> None:
    css = ".TRS_Editor P{margin-top:0;line-height:2;font-family:宋体;}.TRS_Editor TD{font-family:宋体;} "
    found = clean_page(
        "\n".join([TITLE, "2024-05-02 10:20 来源：临河日报", css + PARAGRAPHS[0], *PARAGRAPHS[1:]]).encode()
    )
    assert isinstance(found, Cleaned)
    assert found.record.text.split("\n") == PARAGRAPHS


def test_a_program_inside_the_article_stays() -> None:
    code = [
        "const river = {",
        "  get: url => fetch(url)",
        "    .then(found => found.json()),",
        "};",
        "river.get('/level');",
    ]
    quoted = "".join(f"<blockquote><p>{line}</p></blockquote>" for line in [PARAGRAPHS[3], *code])
    lines = [f"<p>{line}</p>" for line in PARAGRAPHS[:3]]
    found = text(f"<h1>{TITLE}</h1><div class=content>{''.join(lines[:2])}{quoted}{lines[2]}</div>")
    assert [line.strip() for line in code] == [line for line in found if not any("一" <= char <= "鿿" for char in line)]
