"""The laws, over every page that the tests hold, and the gold of each."""

from __future__ import annotations

from dataclasses import replace

from conftest import Case
from qingwen import Config, clean_page, load_rules, restore
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Cleaned, Document, Page, Rejection
from qingwen.normalize.passes import Context
from qingwen.read.page import read_page
from qingwen.segment.segment import segment


def page_of(case: Case) -> Page:
    page = read_page(str(case.path), Config())
    assert isinstance(page, Page)
    return page


def cleaned_of(case: Case) -> Cleaned:
    result = clean_page(page_of(case))
    assert isinstance(result, Cleaned), result
    return result


def test_an_article_comes_out_as_its_gold(case: Case) -> None:
    record = cleaned_of(case).record
    assert record.title == case.gold["title"]
    assert record.text.split("\n") == case.gold["paragraphs"]
    row = record.row()
    stated = {name: value for name, value in case.gold.items() if name in row and name != "title"}
    assert {name: row[name] for name in stated} == stated


def test_a_page_without_an_article_is_rejected_with_its_reason(case: Case) -> None:
    page = read_page(str(case.path), Config())
    result = page if isinstance(page, Rejection) else clean_page(page)
    assert isinstance(result, Rejection)
    assert result.rule == case.gold["rule"]
    assert result.detail
    assert result.stage


def test_blocks_tile_the_text_of_an_article(case: Case) -> None:
    found = segment(page_of(case), Config())
    assert not isinstance(found, Rejection)
    at = 0
    for block in found.blocks:
        assert block.span.start == at
        at = block.span.end
        assert block.n == 0 or not block.span.of(found.text)[:1].isspace()
    assert at == len(found.text)


def test_nothing_vanishes_from_an_article(case: Case) -> None:
    cleaned = cleaned_of(case)
    for judged in cleaned.blocks:
        assert judged.verdict.rule
        assert judged.verdict.why
        assert (judged.text is None) == judged.verdict.kept


def test_an_article_is_given_back_exactly(case: Case) -> None:
    cleaned = cleaned_of(case)
    found = segment(page_of(case), Config())
    assert not isinstance(found, Rejection)
    assert restore(cleaned.record, cleaned.blocks, cleaned.edits) == found.text


def test_evidence_of_an_article_covers_what_the_rule_says(case: Case) -> None:
    found = segment(page_of(case), Config())
    assert not isinstance(found, Rejection)
    for judged in cleaned_of(case).blocks:
        evidence = judged.verdict.evidence
        if evidence is not None:
            assert judged.block.span.start <= evidence.start < evidence.end <= judged.block.span.end


def test_normalising_an_article_again_changes_nothing(case: Case) -> None:
    record = cleaned_of(case).record
    assert normalize(Document({TITLE: record.title, BODY: record.text}), Context(Config(), load_rules())).edits == ()


def test_cleaning_an_article_twice_gives_equal_results(case: Case) -> None:
    assert cleaned_of(case) == cleaned_of(case)


def test_an_article_is_known_by_its_bytes_and_not_by_its_path(case: Case) -> None:
    elsewhere = clean_page(replace(page_of(case), source_path="somewhere/else"))
    assert isinstance(elsewhere, Cleaned)
    assert elsewhere.record.id == cleaned_of(case).record.id
    assert elsewhere.record.text == cleaned_of(case).record.text


def test_the_text_of_an_article_holds_no_layout(case: Case) -> None:
    record = cleaned_of(case).record
    lines = record.text.split("\n")
    assert all(line and line == line.strip() for line in lines)
    assert "\n" not in record.title
