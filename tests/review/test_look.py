"""How the review page reads: to a screen reader, in light and dark, on a phone, without shifts, with little work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES, SEED
from made import copies_with_differences
from qingwen.dataset.location import location_of
from qingwen.review.review_page import write_review
from qingwen.run.engine import run
from qingwen.run.request import Request
from review.browsing import INSIDE, PHONE, article, count, opened


def test_a_screen_reader_is_told_what_a_change_is(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    element = article(page, SEED.name).locator('.e[title="spun.zui"]').first
    content = "(e) => [getComputedStyle(e, '::before').content, getComputedStyle(e.nextSibling, '::before').content]"
    assert element.evaluate(content) == ['" [was: "', '" [now: "']
    tree = page.locator("body").aria_snapshot()
    assert "search" in tree
    assert 'article "吴俊清主持召开市委第一百一十三次疫情防控专题会强调"' in tree
    element.click(position=INSIDE)
    assert "蕞 → 最" in page.locator("#said").inner_text()
    assert page.locator("#mark").get_attribute("aria-pressed") == "false"
    unnamed = "[...document.querySelectorAll('input, select, button')].filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim()))"
    assert page.evaluate(f"{unnamed}.length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_legible_in_light_and_dark(browser: Any, reviewed: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = opened(context, reviewed)
    # Painted on a canvas, so that whatever notation a colour has, its bytes are compared.
    contrast = """() => {
      const brush = Object.assign(document.createElement('canvas'), {width: 1, height: 1}).getContext('2d');
      const light = (colour) => {
        brush.fillStyle = colour; brush.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...brush.getImageData(0, 0, 1, 1).data].map((v) => v / 255)
          .map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
      };
      const paper = (e) => { const c = getComputedStyle(e).backgroundColor; return /, 0\\)$/.test(c) ? paper(e.parentElement) : c; };
      const ratios = {};
      for (const e of document.querySelectorAll('.removed, .kept, .e, .kept > ins, .quiet, .flag, .why, .cleaned mark, td, h3, button:enabled')) {
        const [a, b] = [light(getComputedStyle(e).color), light(paper(e))].sort((x, y) => y - x);
        const name = `${e.nodeName}.${e.className} ${e.dataset.label ?? ''}`;
        ratios[name] = Math.min(ratios[name] ?? 99, (a + .05) / (b + .05));
      }
      return ratios;
    }"""
    ratios = page.evaluate(contrast)
    assert len(ratios) > 15
    assert {name: round(ratio, 2) for name, ratio in ratios.items() if ratio < 4.5} == {}
    dark = (
        sum(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).slice(0, 3).map(Number)"))
        < 200
    )
    assert dark == (scheme == "dark")
    context.close()


def test_the_theme_is_chosen_and_kept(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    page.keyboard.press("t")
    page.keyboard.press("t")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator("#theme").inner_text() == "Theme: dark"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_long_lines_neither_widen_the_page_nor_shift_it(browser: Any, reviewed: Path, width: int) -> None:
    context = browser.new_context(viewport={**PHONE, "width": width}, has_touch=True)
    page = opened(context, reviewed)
    page.evaluate("for (const one of document.querySelectorAll('article')) one.style.contentVisibility = 'visible'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = "[...document.querySelectorAll('article *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).length"
    assert page.evaluate(too_wide) == 0
    context.close()


def test_nothing_shifts_while_it_is_read(context: Any, reviewed: Path) -> None:
    page = opened(context, reviewed)
    page.evaluate("""() => { window.shifted = 0; new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shifted += entry.value;
    }).observe({type: 'layout-shift', buffered: true}); }""")
    for _ in range(12):
        page.keyboard.press("j")
        page.keyboard.press("n")
        page.wait_for_timeout(60)
    assert page.evaluate("window.shifted") < 0.1


def test_a_phone_shows_one_column_and_hides_the_filters(browser: Any, reviewed: Path) -> None:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    page = opened(context, reviewed)
    seed = article(page, SEED.name)
    original, cleaned = (seed.locator(f".{side}").bounding_box() for side in ("original", "cleaned"))
    assert cleaned["y"] >= original["y"] + original["height"]
    assert not page.locator('[data-filter="rule"]').is_visible()
    page.locator("#more").tap()
    page.locator('[data-filter="rule"]').select_option("spun.zui")
    seed.locator('.e[title="spun.zui"]').first.tap(position=INSIDE)
    page.locator("#mark").tap()
    assert page.locator("#marked").inner_text() == "1"
    context.close()


def test_of_two_hundred_pages_only_those_in_sight_are_laid_out(browser: Any, tmp_path: Path) -> None:
    """So the page opens as fast as a short one. The work is counted, as seconds are the machine's."""
    copies = copies_with_differences(tmp_path / "in", 200)
    run(Request((str(copies), str(PAGES)), str(tmp_path / "out"), runner="inline"))
    assert write_review(location_of(tmp_path / "out"), tmp_path / "review.html") == 200
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = opened(context, tmp_path)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.keyboard.press("j")
    page.locator("article.here").wait_for()
    laid_out = "articles.filter((one) => one.firstElementChild.checkVisibility({contentVisibilityAuto: true})).length"
    assert 0 < page.evaluate(laid_out) <= 10
    work = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
    # One listener serves all pages, and no script asks for a layout page by page.
    assert work["JSEventListeners"] < 200
    assert work["LayoutCount"] < 50
    assert (count(page), page.faults) == (200, [])
    context.close()
