"""A `Cleaner` does what `clean_page` does, page after page, and in other processes too."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import qingwen
from conftest import SEED
from qingwen import Cleaned, Cleaner, Config, Rejection, SetupError, SiteBook
from qingwen.rules.site_book import Site, Template, line_key

BODY = "茶馆预订火爆，老街一座难求。市文旅局昨日公布的数据显示，假期首日老街接待游客三万人次，同比增长两成。"
ROW = """
[[rule]]
id = "ad.tea-house"
label = "ad"
scope = "any"
view = "folded"
pattern = "^茶馆预订\\\\s*[:：]"
why = "The tea house that sponsors the site."
since = "2026-11-24"
matches = ["茶馆预订：找小王"]
"""


def text_of(result: Cleaned | Rejection) -> str:
    assert isinstance(result, Cleaned), result
    return result.record.text


def rules_of(result: Cleaned | Rejection) -> set[str]:
    return {judged.verdict.rule for judged in result.blocks}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(ROW, "utf-8")
    return path


def test_it_returns_what_clean_page_returns() -> None:
    page = SEED.read_bytes()
    assert Cleaner().clean(page, source_path="a.txt") == qingwen.clean_page(page, source_path="a.txt")


def test_settings_rules_and_sites_are_its_own(table: Path) -> None:
    page = f"老街茶馆一座难求\n\n{BODY}\n\n茶馆预订：找小王\n".encode()
    assert "找小王" not in text_of(Cleaner(rules=table).clean(page))
    assert isinstance(Cleaner(Config(min_article_chars=1000)).clean(page), Rejection)
    line = "临河人看临河事，河上的桥通了"
    book = SiteBook({"a.cn": Site(9, {line_key(line): Template(9, line)})})
    page = f"老街茶馆一座难求\n\n{BODY}\n\n{line}\n".encode()
    assert "site.template" not in rules_of(Cleaner().clean(page, url="http://a.cn/1"))
    assert "site.template" in rules_of(Cleaner(sites=book).clean(page, url="http://a.cn/1"))


@pytest.mark.parametrize(
    "row",
    [
        {"text": f"老街茶馆一座难求\n\n{BODY}", "url": "http://a.cn/1", "date": "2023-05-30"},
        {"title": "老街茶馆一座难求", "maintext": BODY, "url": "http://a.cn/1", "date_download": "2023-05-30"},
        {"html": f"<title>老街茶馆一座难求</title><h1>老街茶馆一座难求</h1><p>{BODY}</p>", "url": "http://a.cn/1"},
    ],
    ids=["text", "news-please", "html"],
)
def test_a_row_is_read_by_the_names_that_crawlers_use(row: dict[str, str]) -> None:
    result = Cleaner().clean_row(row, source_path="rows#1")
    assert isinstance(result, Cleaned)
    assert (result.record.title, result.record.text) == ("老街茶馆一座难求", BODY)
    assert (result.record.url, result.record.source_path) == ("http://a.cn/1", "rows#1")


def test_a_row_is_read_by_the_names_in_the_settings() -> None:
    cleaner = Cleaner(Config(text_field="page.words"))
    assert text_of(cleaner.clean_row({"page": {"words": f"老街茶馆一座难求\n\n{BODY}"}, "text": "別的"})) == BODY


def test_it_goes_to_another_process_with_its_rules(table: Path) -> None:
    cleaner = Cleaner(Config(crawl_date=None, min_article_chars=30), rules=table, sites=SiteBook())
    page = f"老街茶馆一座难求\n\n{BODY}\n\n茶馆预订：找小王\n".encode()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert pool.submit(cleaner.clean, page).result() == cleaner.clean(page)


def test_equal_cleaners_pickle_to_equal_bytes(table: Path) -> None:
    """So that what caches by a function's bytes finds its results again."""
    made = [pickle.dumps(Cleaner(rules=table)) for _ in range(2)]
    assert made[0] == made[1] != pickle.dumps(Cleaner())


def test_it_refuses_a_machine_with_other_rules() -> None:
    cleaner = Cleaner()
    *rest, version = cleaner.__getstate__()
    other = Cleaner.__new__(Cleaner)
    with pytest.raises(SetupError, match=f"rules of version other, this machine ships {version}"):
        other.__setstate__((*rest, "other"))


def test_a_wrong_rule_is_refused_when_it_is_made(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text(ROW.replace('"ad"', '"advert"'), "utf-8")
    with pytest.raises(qingwen.RuleError, match=r"bad\.toml: ad\.tea-house"):
        Cleaner(rules=tmp_path / "bad.toml")
