"""The seed comes out exactly as a person would write it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import SEED
from qingwen import clean_page, restore
from qingwen.model import Cleaned

GOLD = json.loads((Path(__file__).parent / "gold" / "seed.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def cleaned() -> Cleaned:
    found = clean_page(SEED.read_bytes(), source_path="seeds/" + SEED.name)
    assert isinstance(found, Cleaned)
    return found


def test_title_and_paragraphs_are_right_in_every_character(cleaned: Cleaned) -> None:
    assert cleaned.record.title == GOLD["title"]
    assert cleaned.record.text.split("\n") == GOLD["paragraphs"]


def test_every_swapped_word_is_taken_back_and_nothing_else_is(cleaned: Cleaned) -> None:
    repairs = [edit for edit in cleaned.edits if edit.rule.startswith("spun.")]
    assert {form: sum(edit.before == form for edit in repairs) for form in GOLD["repairs"]} == GOLD["repairs"]
    for right in ("快速迅速", "核中"):
        assert right in cleaned.record.text
    assert cleaned.record.spun


def test_the_page_states_its_facts(cleaned: Cleaned) -> None:
    facts = cleaned.record.metadata
    assert (facts.site, facts.category, facts.authors) == (GOLD["site"], GOLD["category"], GOLD["authors"])
    assert (facts.published_raw, facts.published_precision) == (GOLD["published_raw"], GOLD["published_precision"])
    assert facts.published_at is None
    assert facts.rights is not None
    assert facts.rights.startswith("版权声明")


def test_a_crawl_date_resolves_the_relative_date() -> None:
    from datetime import date, datetime

    from qingwen import Config

    found = clean_page(SEED.read_bytes(), config=Config(crawl_date=date(2023, 5, 30)))
    assert isinstance(found, Cleaned)
    assert found.record.metadata.published_at == datetime(2022, 9, 29)
    assert found.record.metadata.published_precision == "day"


def test_each_removed_block_is_named_for_what_it_is(cleaned: Cleaned) -> None:
    labels = {(judged.text or "").split("\n")[0].strip()[:6]: judged.verdict.label.value for judged in cleaned.blocks}
    expected = {
        "当前位置:首": "nav", "admin8": "byline", "晋中市人民政": "site", "地址: 晋中": "site", "葛毅明微信号": "ad",
        "产业招商/厂": "ad", "或微信/手机": "ad", "请说明您的需": "ad", "长按/扫一扫": "ad", "版权声明:本": "copyright",
        "分享给朋友:": "share", "相关文章": "related", "山西为优质文": "related", "转让所得,不": "related",
    }  # fmt: skip
    assert {key: labels.get(key) for key in expected} == expected


def test_the_page_is_given_back_from_the_record_and_the_receipt(cleaned: Cleaned) -> None:
    assert restore(cleaned.record, cleaned.blocks, cleaned.edits) == SEED.read_text("utf-8")


def test_changes_are_few_and_each_is_named(cleaned: Cleaned) -> None:
    assert cleaned.record.n_edits == len(cleaned.edits) == 128
    assert all(edit.rule for edit in cleaned.edits)
