"""A real Chromium and a review of hostile pages, for the tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES, SEED
from qingwen.dataset.location import location_of
from qingwen.review.review_page import write_review
from qingwen.run.engine import run
from qingwen.run.request import Request
from review import hostile

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium, driven by playwright; without one of them the test is skipped and says so.

    It ends with the module: the driver keeps an event loop running, beside which Prefect starts none.
    """
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[test]'")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dataset of pages, hostile ones among them (``out``), and its review (``review.html``)."""
    folder = tmp_path_factory.mktemp("reviewed")
    inputs = (str(PAGES), str(SEED), str(hostile.write(folder / "hostile")))
    run(Request(inputs, str(folder / "out"), runner="inline"))
    write_review(location_of(folder / "out"), folder / "review.html")
    return folder


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A fresh window of the browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield context
    context.close()
