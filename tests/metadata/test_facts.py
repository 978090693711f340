"""Facts of pages in HTML: dates in their forms, people by their role, sources, sites, and where each stands."""

from __future__ import annotations

from datetime import datetime

import pytest

from qingwen import Cleaned, Cleaner, clean_page
from qingwen.model import Metadata

NEWS = (
    "记者从市发展改革委获悉，今年前十个月全市固定资产投资运行平稳，民间投资占比稳步提高。",
    "其中，基础设施投资增长百分之八，工业技改投资增长百分之十一，房地产开发投资略有下降。",
    "分析人士认为，随着一批重大项目开工，四季度投资有望保持平稳增长的势头。",
)


def facts(
    byline: str = "",
    *,
    opening: str = "",
    below: str = "",
    head: str = "",
    url: str | None = None,
    crawl: datetime | None = None,
    footer: str = "江湾日报社主办 版权所有",
) -> Metadata:
    body = "".join(f"<p>{line}</p>" for line in (opening + NEWS[0], *NEWS[1:]))
    page = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8">{head}<title>前十月江湾投资运行平稳 - 江湾日报</title></head><body>'
        '<div class="nav"><a href="/">首页</a> <a href="/a">要闻</a> <a href="/b">社会</a></div>'
        f'<div class="article"><h1>前十月江湾投资运行平稳</h1><div class="by">{byline}</div>'
        f'<div class="content">{body}{below}</div></div>'
        '<div class="rel"><h3>相关新闻</h3><ul><li><a href="/1">江湾新桥通车</a> 2021-01-02 作者：钱多多</li></ul></div>'
        f'<div class="footer">{footer}</div></body></html>'
    )
    found = clean_page(page.encode(), source_path="a.html", url=url, crawled_at=crawl)
    assert isinstance(found, Cleaned)
    return found.record.metadata


def when(stated: Metadata) -> str | None:
    form = {"minute": "%Y-%m-%d %H:%M"}.get(stated.published_precision, "%Y-%m-%d")
    return f"{stated.published_at:{form}}" if stated.published_at else None


@pytest.mark.parametrize(
    ("byline", "at"),
    [
        ("2022-05-25T00:10:00Z", "2022-05-25 08:10"),
        ("2022-05-24 19:10 -05:00", "2022-05-25 08:10"),
        ("2022-05-25 00:10 GMT 来源：江湾日报", "2022-05-25 08:10"),
        ("2022年5月25日, 格林尼治标准时间00:10", "2022-05-25 08:10"),
        ("2022-05-25 HKT 08:10", "2022-05-25 08:10"),
        ("2022年5月25日 下午6:25", "2022-05-25 18:25"),
        ("2022/5/25 上午 09:05", "2022-05-25 09:05"),
        ("2022年5月25日晚9点30分", "2022-05-25 21:30"),
        ("2022-05-25 12:10 AM", "2022-05-25 00:10"),
        ("2022年5月25日 中午12:10", "2022-05-25 12:10"),
        ("民國111年5月25日", "2022-05-25"),
        ("二〇二二年五月二十五日", "2022-05-25"),
        ("发布时间：22-05-2508:10", "2022-05-25 08:10"),
        ("20220525 08:10", "2022-05-25 08:10"),
        ("2022 5 25 来源：江湾日报", "2022-05-25"),
        ("<span>2022</span> <span>05/25</span> <span>08:10:11</span>", "2022-05-25 08:10"),
        ("<em>25</em><i>2022-05</i>", "2022-05-25"),
        ("08:10<b>2022/05/25</b>", "2022-05-25 08:10"),
        ("Wed, 25 May 2022 00:10:00 GMT", "2022-05-25 08:10"),
        ("Wed May 25 08:10:29 HKT 2022", "2022-05-25 08:10"),
        ("发佈 25.05.2022 08:10", "2022-05-25 08:10"),
        ("更新时间：2022-05-26 09:00 发布时间：2022-05-25 08:10", "2022-05-25 08:10"),
        ("2022-05-25 08:10（5/26 09:00 更新）", "2022-05-25 08:10"),
        ("首播：2020-01-01 发布：2022-05-25", "2022-05-25"),
        ("<div>2022年5月25日（星期三）</div><div>香港時間8時10分</div>", "2022-05-25 08:10"),
        ('<time datetime="2022-05-25T00:10:00Z">昨天</time>', "2022-05-25 08:10"),
        ('<span itemprop="datePublished" content="2022-05-25T08:10:00+08:00">5月25日</span>', "2022-05-25 08:10"),
        ("来源：江湾日报", None),
    ],
)
def test_dates_are_read_in_the_forms_of_pages_in_beijing_s_time(byline: str, at: str | None) -> None:
    assert when(facts(byline)) == at


@pytest.mark.parametrize(
    ("head", "at"),
    [
        ('<meta property="article:published_time" content="2022-05-25T00:10:00+00:00">', "2022-05-25 08:10"),
        ('<meta name="PubDate" content="2022-05-25 08:10">', "2022-05-25 08:10"),
        ('<meta name="dc.date" content="2022-05-25">', "2022-05-25"),
        (
            '<script type="application/ld+json">{"@graph": [{"@type": "NewsArticle", "datePublished": "2022-05-25T00:10Z"}]}'
            "</script>",
            "2022-05-25 08:10",
        ),
        (
            '<script type="application/ld+json">{"@type": "BreadcrumbList", "datePublished": "2022-05-25"}</script>',
            None,
        ),
        ('<script type="application/ld+json">{"@type": "NewsArticle", "datePublished": </script>', None),
    ],
)
def test_dates_are_read_from_markup(head: str, at: str | None) -> None:
    assert when(facts("来源：江湾日报", head=head)) == at


@pytest.mark.parametrize("stated", ["2022-05-25 00:00:00", "2022-05-25T00:00:00+08:00", "2022-05-25T00:00:00Z"])
def test_midnight_in_the_markup_stands_for_the_day(stated: str) -> None:
    found = facts("", head=f'<meta property="article:published_time" content="{stated}">')
    assert (when(found), found.published_precision) == ("2022-05-25", "day")


def test_a_printed_day_gets_the_minute_that_the_markup_states_for_it_and_no_other() -> None:
    minute = '<meta property="article:published_time" content="2022-05-25T08:10:00+08:00">'
    assert when(facts("2022年5月25日", head=minute)) == "2022-05-25 08:10"
    assert when(facts("2022年5月24日", head=minute)) == "2022-05-24"


def test_a_time_of_the_markup_without_its_zone_is_told() -> None:
    stated = facts("", head='<meta property="article:published_time" content="2022-05-25T08:10:00">')
    assert (when(stated), stated.flags) == ("2022-05-25 08:10", ("metadata.zone-assumed",))
    assert facts("2022-05-25 08:10").flags == ()


@pytest.mark.parametrize(
    ("byline", "at"),
    [
        ("昨天 21:15", "2022-05-24 21:15"),
        ("今天 06:20", "2022-05-25 06:20"),
        ("2分鐘前", "2022-05-25"),
        ("23小时前", "2022-05-24"),
        ("3天前", "2022-05-22"),
        ("5月24日 10:00", "2022-05-24 10:00"),
    ],
)
def test_words_for_days_count_from_the_crawl_in_beijing(byline: str, at: str) -> None:
    assert when(facts(byline, crawl=datetime(2022, 5, 24, 23, 30))) == at  # half past seven of the 25th in Beijing


@pytest.mark.parametrize(
    ("url", "at"),
    [
        ("http://www.jiangwan.gov.cn/art/202405/t20240520_1234.html", "2024-05-20"),
        ("https://news.jiangwan.cn/2024/0520/c12.html", "2024-05-20"),
        ("https://news.jiangwan.cn/2024-05/20/content_1.htm", "2024-05-20"),
        ("https://news.jiangwan.cn/2024/13/20/1.html", None),
        ("https://news.jiangwan.cn/12024052034/1.html", None),
    ],
)
def test_the_day_of_the_address_has_a_precision_of_its_own(url: str, at: str | None) -> None:
    stated = facts("来源：江湾日报", url=url)
    assert (when(stated), stated.published_precision) == (at, "address" if at else "none")
    assert when(facts("2023-01-02", url=url)) == "2023-01-02"


def test_a_date_of_the_headline_or_of_another_article_is_none() -> None:
    assert facts("", below="").published_at is None


@pytest.mark.parametrize(
    ("byline", "authors"),
    [
        ("记者 何晓棠 通讯员 孟遥", ["何晓棠", "孟遥"]),
        ("首席记者 何晓棠", ["何晓棠"]),
        ("见习记者何晓棠 实习生孟遥", ["何晓棠", "孟遥"]),
        ("全媒体记者 何晓棠、孟遥", ["何晓棠", "孟遥"]),
        ("文/何晓棠 图/孟遥", ["何晓棠"]),
        ("文｜江湾日报记者 何晓棠", ["何晓棠"]),
        ("江湾日报记者 何晓棠 文/图", ["何晓棠"]),
        ("記者何曉棠／台北報導", ["何晓棠"]),
        ("〔記者何曉棠、孟遙／台北報導〕", ["何晓棠", "孟遥"]),
        ("作者：买买提·艾力", ["买买提·艾力"]),
        ("作者：欧阳修远", ["欧阳修远"]),
        ("作者：约翰·史密斯", ["约翰·史密斯"]),
        ("Author, John Smith", ["John Smith"]),
        ("作者：何 棠;孟遥", ["何棠", "孟遥"]),
        ("2022-05-25 08:10 何晓棠", ["何晓棠"]),
        ("来源：江湾日报 | 作者：何晓棠 | 责编：高一鸣", ["何晓棠"]),
        ("作者：网易", None),
        ("作者：CSDN.NET", None),
        ("作者：江湾日报", None),
        ("作者：宣传部", None),
        ("作者：网络整理", None),
        ("整合：江湾日报编辑部", None),
        ("江湾日报记者 何晓棠 摄", None),
    ],
)
def test_people_are_read_by_their_role_and_no_office_or_outlet_is_one(byline: str, authors: list[str] | None) -> None:
    stated = facts(byline).authors
    assert (list(stated) if stated else None) == authors


@pytest.mark.parametrize(
    ("opening", "below", "authors"),
    [
        ("江湾日报讯（记者 何晓棠 通讯员 孟遥）", "", ["何晓棠", "孟遥"]),
        ("新华社江湾5月25日电（记者何晓棠、孟遥）", "", ["何晓棠", "孟遥"]),
        ("江湾网记者何晓棠5月25日报道：", "", ["何晓棠"]),
        ("（中央社記者何曉棠台北25日電）", "", ["何晓棠"]),
        ("", "<p>（记者 何晓棠 孟遥）</p>", ["何晓棠", "孟遥"]),
        ("", "<p>（何晓棠 编译）</p>", ["何晓棠"]),
        ("", "<p>撰文：何晓棠 校对：孟遥 责编：高一鸣</p>", ["何晓棠"]),
        ("", "<p>（作者：何晓棠，系江湾大学教授）</p>", ["何晓棠"]),
        ("", "<p>（作者系江湾大学教授）</p>", None),
        ("", "<p>何晓棠</p>", ["何晓棠"]),
    ],
)
def test_people_are_read_in_a_dispatch_and_at_the_end(opening: str, below: str, authors: list[str] | None) -> None:
    stated = facts("2022-05-25 08:10", opening=opening, below=below).authors
    assert (list(stated) if stated else None) == authors


def test_an_editor_is_named_only_where_nobody_else_is_and_the_flag_says_so() -> None:
    alone, beside = facts("責任編輯：高一鳴"), facts("责任编辑：高一鸣 记者：何晓棠")
    assert (alone.authors, alone.flags) == (("高一鸣",), ("metadata.editor-as-author",))
    assert (beside.authors, beside.flags) == (("何晓棠",), ())


def test_people_of_json_ld_are_authors_where_the_page_prints_them() -> None:
    head = '<script type="application/ld+json">{"@type": "NewsArticle", "author": %s}</script>'
    person, outlet = '{"@type": "Person", "name": "何晓棠"}', '{"@type": "Organization", "name": "江湾日报"}'
    assert facts("何晓棠 江湾", head=head % person).authors == ("何晓棠",)
    assert facts("来源：江湾日报", head=head % person).authors is None
    assert facts("江湾日报", head=head % outlet).authors is None


def test_wechat_s_pages_name_account_writer_and_time() -> None:
    byline = (
        '<div class="rich_media_meta_list"><span>原创</span> <span id="js_author_name">春春</span> '
        '<a id="js_name"> 江湾晚读 </a><em id="publish_time"></em></div><script>var ct = "1653437400";</script>'
    )
    stated = facts(byline)
    assert (stated.authors, stated.source_name, when(stated)) == (("春春",), "江湾晚读", "2022-05-25 08:10")


@pytest.mark.parametrize(
    ("byline", "opening", "source"),
    [
        ("来源：江湾日报 参与互动", "", "江湾日报"),
        ("来源：江湾日报/文 宣传部/图", "", "江湾日报"),
        ("来源：江湾日报记者何晓棠", "", "江湾日报"),
        ("来源：江湾网-《江湾日报》", "", "江湾网-《江湾日报》"),
        ("转自：江湾日报", "", "江湾日报"),
        ("本文来源于《江湾日报》 2022-05-25", "", "江湾日报"),
        ("2022-05-25 08:10 江湾日报", "", "江湾日报"),
        ("2022-05-25", "据新华社报道，", "新华社"),
        ("2022-05-25", "【江湾新聞台】", "江湾新闻台"),
        ("江湾日报记者 何晓棠", "", "江湾日报"),
        ("来源：网络", "", None),
        ("图片来源：江湾图库", "", None),
        ("来源：本站原创", "", "jiangwan.cn"),
    ],
)
def test_a_source_is_cut_at_what_is_glued_behind_it(byline: str, opening: str, source: str | None) -> None:
    assert facts(byline, opening=opening, url="http://www.jiangwan.cn/a.html").source_name == source


@pytest.mark.parametrize(
    ("head", "footer", "url", "site"),
    [
        ("", "江湾日报社主办", "https://news.jiangwan.com.cn/1", "jiangwan.com.cn"),
        ('<meta property="og:site_name" content="江湾在线">', "江湾日报社主办", None, "江湾在线"),
        ("", "主办单位：江湾日报社 地址：江湾路1号", None, "江湾日报社"),
        ("", "版权所有：江湾市哲学社会科学办公室", None, "江湾市哲学社会科学办公室"),
        ("", "地址：江湾路1号", None, "江湾日报"),
    ],
)
def test_the_site_is_that_of_the_address_else_the_name_that_the_page_states(
    head: str, footer: str, url: str | None, site: str
) -> None:
    assert facts("", head=head, footer=footer, url=url).site == site


def test_each_fact_says_where_it_stands() -> None:
    places = facts("2022-05-25 来源：江湾日报 作者：何晓棠", url="https://jiangwan.cn/1").places
    line = {places[name] for name in ("published_at", "authors", "source_name")}
    assert len(line) == 1
    assert line.pop().startswith("line ")
    assert places["site"] == "url"


def test_a_row_states_date_authors_and_site_by_the_names_of_other_tools() -> None:
    row = {
        "maintext": "前十月江湾投资运行平稳\n" + "\n".join(NEWS),
        "date_publish": "2022-05-25 08:10:00",
        "authors": ["何晓棠", "江湾日报"],
        "source_domain": "news.jiangwan.com.cn",
    }
    found = Cleaner().clean_row(row)
    assert isinstance(found, Cleaned)
    stated = found.record.metadata
    assert (when(stated), stated.authors, stated.site) == ("2022-05-25 08:10", ("何晓棠",), "jiangwan.com.cn")


def test_a_letter_whose_small_form_is_longer_moves_nothing() -> None:
    assert when(facts("İ" * 9 + '<i itemprop="datePublished" content="2022-05-25">5月25日</i>')) == "2022-05-25"
