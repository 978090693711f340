"""Rows that refuse a page by its lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingwen import Cleaner, clean_page
from qingwen.errors import RuleError
from qingwen.model import Cleaned, Rejection
from qingwen.rules.book import load_rules

TEXT = "防护网由镀锌钢丝编成，网面平整，不易锈蚀，可以用在公路和铁路两旁。安装也很简单，两个工人一天能装二百米。"
FIELDS = "规格型号：1.2×2.0\n品牌：天成\n价格：面议\n立即询价\n产品详情\n"


def test_each_row_refuses_its_pages_and_spares_the_news() -> None:
    assert load_rules().pages.check() == []
    assert len(load_rules().pages.rows) >= 6


def test_a_product_is_refused_and_the_reason_names_the_lines() -> None:
    found = clean_page(f"防护网\n{FIELDS}{TEXT}".encode())
    assert isinstance(found, Rejection)
    assert (found.stage, found.rule) == ("label", "reject.product")
    assert "品牌：天成" in found.detail
    assert any(block.text and TEXT in block.text for block in found.blocks)


@pytest.mark.parametrize("byline", ["来源：临河日报", "来源：临河日报 作者：李文"])
def test_a_page_that_names_its_reporter_or_its_source_is_news(byline: str) -> None:
    found = clean_page(f"防护网厂投产\n2024-03-02 10:20 {byline}\n{TEXT}\n{FIELDS}".encode())
    assert isinstance(found, Cleaned), found


def test_a_row_of_one_s_own_refuses_pages(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(
        '[[page]]\nid = "reject.recipe"\nwhy = "A recipe: what goes in."\nsince = "1"\nneeded = 2\n'
        'signs = ["^用料", "^步骤"]\nmatches = ["用料：面粉\\n步骤一"]\nspares = ["步骤明确"]\n',
        "utf-8",
    )
    found = Cleaner(rules=table).clean(f"葱油饼\n用料：面粉\n步骤一：和面\n{TEXT}".encode())
    assert isinstance(found, Rejection)
    assert found.rule == "reject.recipe"


def test_a_row_that_needs_more_signs_than_it_has_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(
        '[[page]]\nid = "reject.recipe"\nwhy = "x"\nsince = "1"\nneeded = 3\nsigns = ["^用料", "^步骤"]\n'
        'matches = ["用料"]\nspares = ["步骤"]\n',
        "utf-8",
    )
    with pytest.raises(RuleError, match="needs 3 of 2 signs"):
        Cleaner(rules=table)
