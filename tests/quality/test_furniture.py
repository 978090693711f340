"""What the grammar of furniture makes: many kinds, many lines, many layouts, states in legal order, the same from the same seed."""

from __future__ import annotations

from itertools import islice, pairwise
from pathlib import Path

import pytest

from qingwen.label import crf
from quality.furniture import BODY, DIRT, HEAD, KINDS, TAIL, MadePage, hard_news, lines, made_pages, plain_news


@pytest.fixture(scope="module")
def pages() -> list[MadePage]:
    return list(made_pages(1200, seed=1))


def test_the_states_are_those_of_the_sequence_model() -> None:
    assert (HEAD, BODY, DIRT, TAIL) == (crf.HEAD, crf.BODY, crf.DIRT, crf.TAIL)


def test_there_are_forty_kinds_and_ten_thousand_lines() -> None:
    made = {kind: lines(kind, 300, seed=1) for kind in KINDS}
    assert len(KINDS) >= 40
    assert len(set().union(*made.values())) >= 10_000
    assert {kind for kind, found in made.items() if len(found) != 300 or not all(found)} == set()


def test_each_kind_has_many_lines() -> None:
    assert {kind for kind in KINDS if len(set(lines(kind, 300, seed=2))) < 100} == set()


def test_no_line_shows_a_piece_of_the_grammar() -> None:
    made = (
        [line for kind in KINDS for line in lines(kind, 100, seed=3)] + hard_news(500, seed=3) + plain_news(500, seed=3)
    )
    assert [line for line in made if set("{}\\") & set(line)] == []


def test_each_row_of_the_grammar_closes_its_braces() -> None:
    rows = Path(__file__).with_name("furniture.toml").read_text("utf-8").splitlines()
    assert [row for row in rows if row.count("{") != row.count("}")] == []


def test_news_is_told_in_many_ways() -> None:
    plain = plain_news(2000, seed=1)
    assert len(set(hard_news(6000, seed=1))) >= 3000
    assert len(set(plain)) >= 1800
    assert all(20 <= len(paragraph) <= 300 for paragraph in plain)


def test_there_are_a_thousand_layouts(pages: list[MadePage]) -> None:
    assert len({page.layout for page in pages}) >= 1000


def test_an_article_starts_and_ends_with_body_and_is_never_entered_twice(pages: list[MadePage]) -> None:
    for page in pages:
        assert len(page.lines) == len(page.states) > 0
        assert page.states[0] in crf.STARTS
        assert page.states[-1] in crf.ENDS or set(page.states) == {crf.HEAD}  # no article
        assert all(after in crf.FOLLOWS[state] for state, after in pairwise(page.states)), page.layout


def test_a_line_is_one_line_with_something_in_it(pages: list[MadePage]) -> None:
    assert [line for page in pages for line in page.lines if not line.strip() or len(line.splitlines()) > 1] == []


def test_a_page_without_an_article_is_all_head_and_has_no_title(pages: list[MadePage]) -> None:
    assert {page.layout for page in pages if bool(page.title) != (BODY in page.states)} == set()
    assert {page.layout for page in pages if not page.title and set(page.states) != {HEAD}} == set()
    assert 50 < sum(not page.title for page in pages) < 400


def test_the_title_is_printed_as_it_is_given_on_most_pages(pages: list[MadePage]) -> None:
    articles = [page for page in pages if page.title]
    printed = [page for page in articles if any(page.title in line for line in page.lines)]
    assert 0.8 < len(printed) / len(articles) < 1


def test_the_same_seed_makes_the_same() -> None:
    for make in (hard_news, plain_news):
        assert make(50, 7) == make(50, 7) != make(50, 8)
    assert lines("byline", 50, 7) == lines("byline", 50, 7) != lines("byline", 50, 8)
    assert list(made_pages(20, 7)) == list(islice(made_pages(40, 7), 20)) != list(made_pages(20, 8))
