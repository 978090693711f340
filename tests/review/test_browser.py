"""The review page in a real Chromium: nothing of a page runs; filters, search, keys, marks and export work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conftest import SEED
from qingwen.clean import restore_parts
from qingwen.dataset.location import location_of
from qingwen.dataset.lookup import look_up
from qingwen.review.complaints import check_cases
from qingwen.rules.book import load_rules
from review.browsing import article, count, mark, opened, wait_for


def test_nothing_of_a_page_runs_or_calls_home(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    page.evaluate("for (const one of document.querySelectorAll('article')) one.style.contentVisibility = 'visible'")
    touched = page.evaluate("""() => {
      const some = ['removed', 'kept'].flatMap((name) => [...document.querySelectorAll('.' + name)].slice(0, 200));
      for (const one of some) for (const event of ['mouseover', 'click']) one.dispatchEvent(new MouseEvent(event, {bubbles: true}));
      return some.length;
    }""")
    assert touched == 400
    page.locator("#search").fill("window.hacked")
    page.wait_for_timeout(400)
    assert page.evaluate("[window.hacked, ({}).hacked, document.title]")[:2] == [None, None]
    assert page.locator("main img, main iframe, main a, main form form, main svg:not(tr svg), h1 ~ h1").count() == 0
    assert page.url == (reviewed / "review.html").as_uri()
    assert page.faults == []


def test_the_policy_stops_what_would_run(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: 'window.hacked = 2'}))")
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None
    assert page.faults != []


def test_the_original_is_the_page_s_text_in_every_character(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    shown = page.evaluate(
        "articles.map((one) => [one.dataset.page, Number(one.dataset.cut), blocksOf(one).map(original).join('')])"
    )
    assert len(shown) > 40
    for name, cut, text in shown:
        stored = look_up(location_of(reviewed / "out"), name)
        if stored.blocks and not cut:
            assert text == restore_parts(stored.parts, stored.blocks, stored.edits), stored.row["source_path"]


def test_filters_leave_the_pages_that_fit(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    everything = count(page)
    page.locator('[data-filter="rule"]').select_option("spun.zui")
    fit = page.locator('article[data-rule*="spun.zui"]').count()
    assert 0 < count(page) == fit < everything
    assert page.locator("#count").inner_text() == f"{fit} of {everything} pages"
    assert page.locator("article:visible .e.hit").first.get_attribute("title") == "spun.zui"
    page.locator('[data-filter="site"]').select_option("临河仓储网")
    assert count(page) == 1
    page.locator('[data-filter="label"]').select_option("comment")
    assert count(page) == 0
    assert page.locator("#none").is_visible()
    page.locator("button[type=reset]").click()
    wait_for(page, everything)
    page.locator('[data-filter="chosen"]').select_option("rejected, most like an article")
    assert count(page) == page.locator('article[data-chosen^="rejected"]').count() > 0


def test_search_finds_removed_changed_and_cleaned_text(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    for words, name in [
        ("400 0123 021", SEED.name),
        ("2723e99b1edd", "gov-notice.html"),
        ("渔会总干事林国良", "hant-dump.txt"),
    ]:
        page.keyboard.press("/")
        page.keyboard.type(words)
        wait_for(page, 1)
        assert article(page, name).is_visible()
        assert page.evaluate("CSS.highlights.get('found').size") > 0
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.tagName") == "BODY"
    assert page.faults == []


def test_keys_move_between_pages_and_decisions(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    at = "document.activeElement.closest('article')?.id"
    for key, where in [("j", "p1"), ("j", "p2"), ("ArrowRight", "p3"), ("k", "p2"), ("ArrowLeft", "p1"), ("k", "p1")]:
        page.keyboard.press(key)
        assert page.evaluate(at) == where
    top = page.evaluate("document.activeElement.getBoundingClientRect().top")
    assert top >= page.evaluate("document.querySelector('.filters').getBoundingClientRect().bottom")
    page.keyboard.press("n")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.textContent") != first
    page.keyboard.press("p")
    assert page.evaluate("document.activeElement.textContent") == first
    assert page.locator("#chosen").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#chosen").is_hidden()
    page.keyboard.press("?")
    assert page.locator("#help").is_visible()


def test_marks_stay_and_export_as_cases_that_the_rules_are_checked_against(
    context: Any, reviewed: Path, tmp_path: Path
) -> None:
    page = opened(context, reviewed)
    seed = article(page, SEED.name)
    mark(page, seed.locator('.removed[data-rule="ad.contact-line"]').first)
    mark(page, seed.locator('.e[title="spun.diyi"]').first)
    mark(page, seed.locator('.e[title="spun.zui"]').first)
    mark(page, article(page, "clean-dispatch.txt").locator('.kept[data-label="body"]').first)
    mark(page, article(page, "japanese.txt").locator(".reject"))
    mark(page, seed.locator('.removed[data-rule="nav.breadcrumb"]').first)
    page.keyboard.press("m")  # taken back
    page.reload()
    assert page.locator("#marked").inner_text() == "5"
    assert page.locator(".wrong").count() == 5
    page.locator("#only-marked").check()
    assert count(page) == 3
    with page.expect_download() as download:
        page.keyboard.press("e")
    download.value.save_as(tmp_path / "cases.json")
    text = (tmp_path / "cases.json").read_text("utf-8")
    stated = json.loads(text)
    by_kind = {(case["kind"], case.get("before", case.get("wrong"))): case for case in stated["cases"]}
    assert by_kind["verdict", "removed"]["text"].strip() == "产业招商/厂房土地租售:400 0123 021"
    assert by_kind["edit", "蕞"]["right"].startswith("先的敏锐") or by_kind["edit", "蕞"]["left"]
    assert stated["pages"][by_kind["edit", "蕞"]["page"]]["text"] == SEED.read_text("utf-8")
    faults = check_cases(text, load_rules())
    assert len(faults) == 5, faults
    assert download.value.suggested_filename == "qingwen-cases.json"
    assert page.faults == []
