"""What a page states: dates with their precision, authors, sources, sites."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from qingwen import Cleaned, Config, clean_page
from qingwen.metadata.site import registrable_domain
from qingwen.model import Metadata

BODY = "\n".join(
    ["市图书馆今天宣布，自下月起开放时间延长至晚上九点半，周末不变。"] * 1
    + ["新馆长说，这是对读者意见的回应，也是试点。"]
)


def facts(byline: str, *, above: str = "", crawl: date | None = None) -> Metadata:
    page = f"{above}图书馆延长开放时间\n{byline}\n{BODY}\n"
    found = clean_page(page.encode(), config=Config(crawl_date=crawl))
    assert isinstance(found, Cleaned)
    return found.record.metadata


@pytest.mark.parametrize(
    ("byline", "at", "precision"),
    [
        ("2023-04-18 09:26  来源：晨报", datetime(2023, 4, 18, 9, 26), "minute"),
        ("2023年4月8日 来源：晨报", datetime(2023, 4, 8), "day"),
        ("发布日期： 9/17/2004 来源：晨报", datetime(2004, 9, 17), "day"),
        ("时间：2023/04/18 来源：晨报", datetime(2023, 4, 18), "day"),
        ("来源：晨报", None, "none"),
    ],
)
def test_a_date_has_the_precision_that_the_page_states(byline: str, at: datetime | None, precision: str) -> None:
    found = facts(byline)
    assert (found.published_at, found.published_precision, found.source_name) == (at, precision, "晨报")


@pytest.mark.parametrize(
    ("byline", "elsewhere", "at", "precision"),
    [
        ("发布日期： 6/2/2022 13:48", "最近更新 31/1/2022", datetime(2022, 2, 6, 13, 48), "minute"),
        ("发布日期： 6/2/2022 13:48", "最近更新 1/31/2022", datetime(2022, 6, 2, 13, 48), "minute"),
        ("发布日期： 7/5/2005 9:23:57 PM", "", datetime(2005, 7, 5, 21, 23), "minute"),
        ("发布日期： 6/2/2022 来源：晨报", "", datetime(2022, 1, 1), "year"),
    ],
)
def test_the_page_s_other_dates_tell_day_from_month(byline: str, elsewhere: str, at: datetime, precision: str) -> None:
    found = facts(byline, above=f"{elsewhere}\n")
    assert (found.published_at, found.published_precision) == (at, precision)


@pytest.mark.parametrize(
    "byline", ["2023-13-45 来源：晨报", "13/13/2023 来源：晨报", "2/30/2023 来源：晨报", "13-45 09:26"]
)
def test_an_impossible_date_is_none(byline: str) -> None:
    assert facts(byline).published_at is None


@pytest.mark.parametrize(
    ("byline", "crawl", "at", "precision"),
    [
        ("来源：晨报 3小时前", date(2023, 5, 30), datetime(2023, 5, 30), "day"),
        ("来源：晨报 2天前", date(2023, 3, 1), datetime(2023, 2, 27), "day"),
        ("来源：晨报 1周前", date(2023, 5, 30), datetime(2023, 5, 23), "day"),
        ("来源：晨报 8个月前", date(2023, 5, 30), None, "none"),
        ("来源：晨报 2天前", None, None, "none"),
        ("来源：晨报 05-29 09:26", date(2023, 5, 30), datetime(2023, 5, 29, 9, 26), "minute"),
        ("来源：晨报 12-31 09:26", date(2023, 5, 30), datetime(2022, 12, 31, 9, 26), "minute"),
        ("来源：晨报 02-29 09:26", date(2025, 1, 30), datetime(2024, 2, 29, 9, 26), "minute"),
        ("来源：晨报 02-29 09:26", date(2023, 5, 30), None, "month-day"),
        ("来源：晨报 05-29 09:26", None, None, "month-day"),
        ("来源：晨报 05-29 29:26", date(2023, 5, 30), None, "none"),
    ],
)
def test_a_part_of_a_date_is_resolved_by_the_day_of_the_crawl_where_that_is_sure(
    byline: str, crawl: date | None, at: datetime | None, precision: str
) -> None:
    found = facts(byline, crawl=crawl)
    assert (found.published_at, found.published_precision) == (at, precision)


def test_a_relative_date_waits_for_the_crawl_date() -> None:
    byline = "admin8个月前 (09-29)晨报要闻61"
    assert facts(byline).published_precision == "month-day"
    assert facts(byline, crawl=date(2023, 5, 30)).published_at == datetime(2022, 9, 29)
    assert facts(byline, crawl=date(2022, 9, 29)).published_at == datetime(2022, 9, 29)
    assert facts(byline).category == "晨报要闻"


@pytest.mark.parametrize("account", ["admin", "佚名", "小编", "本站"])
def test_an_account_is_no_author(account: str) -> None:
    assert facts(f"2023-04-18 来源：晨报 作者：{account} 点击：5").authors is None


def test_people_are_authors() -> None:
    assert facts("2023-04-18 来源：晨报 作者：方若溪").authors == ("方若溪",)


@pytest.mark.parametrize(
    ("byline", "authors"),
    [
        ("2023-04-18 09:26 [ 方若溪 ] 来源：晨报", ("方若溪",)),
        ("本报记者罗科苏盈发自北京", ("罗科苏盈",)),
        ("新华网山西频道  记者  方若溪  李守拙", ("方若溪", "李守拙")),
        ("作者： 山川&河流", ("山川&河流",)),
        ("本贴由山川于2005年8月12日16:12:21发表", ("山川",)),
        ("编辑：方若溪", ("方若溪",)),
        ("作者：李守拙 编辑：方若溪", ("李守拙",)),
        ("【方若溪／台北報導】", ("方若溪",)),
        ("方若溪／綜合報導", ("方若溪",)),
        ("【聯合晚報╱記者方若溪／即時報導】", ("方若溪",)),
        ("（中央社記者方若溪台北11日電）", ("方若溪",)),
        ("希望電台方若溪報導", ("方若溪",)),
        ("大河网讯 实习生 方若溪 、记者 李守拙 报道：", ("方若溪", "李守拙")),
        ("作者： 2023-04-18 09:26", None),
    ],
)
def test_people_are_found_where_pages_credit_them(byline: str, authors: tuple[str, ...] | None) -> None:
    assert facts(byline).authors == authors


@pytest.mark.parametrize(
    ("byline", "source"),
    [
        ("2023-04-18 09:26  稿源： 大河晚报 编辑：小方", "大河晚报"),
        ("来源：( 华声在线 )", "华声在线"),
        ("本文来源于 《财经网》 2023-04-18", "财经网"),
        ("2023-04-18 09:26 大河晚报 【 大 中 小 】", "大河晚报"),
        ("2023-04-18 来源：资料图", None),
        ("【聯合晚報╱記者方若溪／即時報導】", "联合晚报"),
    ],
)
def test_a_source_is_found_where_pages_state_it(byline: str, source: str | None) -> None:
    assert facts(byline).source_name == source


def test_a_dispatch_names_its_source_its_place_and_its_reporters() -> None:
    first = "新华社太原5月16日电（记者方若溪 通讯员 李守拙）市图书馆今天宣布，自下月起开放时间延长至晚上九点半。"
    found = clean_page(f"图书馆延长开放时间\n2023-05-16\n{first}\n{BODY}\n".encode())
    assert isinstance(found, Cleaned)
    stated = found.record.metadata
    assert (stated.source_name, stated.place, stated.authors) == ("新华社", "太原", ("方若溪", "李守拙"))
    assert found.record.text.startswith("新华社太原5月16日电")


def test_credit_lines_one_below_the_other_are_one_list() -> None:
    assert facts("本报实习生 方若溪\n本报记者 李守拙 周明").authors == ("方若溪", "李守拙", "周明")


def test_a_bracket_that_holds_no_name_is_no_author() -> None:
    page = f"图书馆延长开放时间\n2023-04-18 来源：晨报\n{BODY}\n（视频）\n"
    found = clean_page(page.encode())
    assert isinstance(found, Cleaned)
    assert found.record.metadata.authors is None


def test_the_category_is_the_last_step_that_names_a_section() -> None:
    assert facts("2023-04-18 来源：晨报", above="当前位置：首页 > 要闻 > 民生 > 正文\n").category == "民生"


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://news.sina.com.cn/a", "sina.com.cn"),
        ("http://www.ifeng.com:80/", "ifeng.com"),
        ("www.gov.cn/x", "www.gov.cn"),
        ("https://news.ifeng.fj.cn/a", "ifeng.fj.cn"),
        ("https://someone.github.io/a", "someone.github.io"),
        ("http://com.cn/", "com.cn"),
        ("http://localhost:8000/", "localhost"),
        ("http://10.0.0.1/a", "10.0.0.1"),
    ],
)
def test_the_registrable_domain_is_what_its_owner_registered(url: str, site: str) -> None:
    assert registrable_domain(url) == site


BROKEN = ["http://[abc/1.html", "http://news\u2100.cn/1.html", "//", "http://"]


@pytest.mark.parametrize("url", BROKEN)
def test_an_address_that_is_no_url_tells_no_site(url: str) -> None:
    lines = [
        "市图书馆延长开放",
        *(f"市图书馆今天宣布，自{month}月起开放时间延长至晚上九点半，周末也不例外。" for month in "五六七"),
    ]
    page = f"<html><head><link rel='canonical' href='{url}'></head><body>{''.join(f'<p>{n}{line}</p>' for n, line in enumerate(lines))}</body></html>"
    for found in (clean_page(page.encode(), source_path="a.html"), clean_page("\n\n".join(lines).encode(), url=url)):
        assert isinstance(found, Cleaned), found
        assert found.record.metadata.site is None


def test_the_metadata_of_a_record_has_its_old_name_for_one_version() -> None:
    found = clean_page(f"图书馆延长开放时间\n2023-04-18 来源：晨报\n{BODY}\n".encode())
    assert isinstance(found, Cleaned)
    with pytest.warns(DeprecationWarning, match=r"Record\.metadata"):
        assert found.record.facts == found.record.metadata
