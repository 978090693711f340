"""What the tests of the review page in a browser do with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

PHONE = {"width": 390, "height": 844}
# What only a screen reader is told stands before a change: the driver would aim there.
INSIDE = {"x": 6, "y": 8}


def opened(context: Any, dataset: Path) -> Any:
    """Open the review; what goes wrong in it is gathered in ``faults``."""
    page = context.new_page()
    page.faults = []
    page.on("dialog", lambda dialog: (page.faults.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("console", lambda line: page.faults.append(line.text) if line.type in ("error", "warning") else None)
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.on("request", lambda request: page.faults.append(request.url) if not own(request.url) else None)
    page.goto((dataset / "review.html").as_uri())
    return page


def own(url: str) -> bool:
    return url.startswith("blob:") or (url.startswith("file:") and url.endswith("/review.html"))


def article(page: Any, name: str) -> Any:
    return page.locator(f'article[data-path$="{name}"]')


def count(page: Any) -> int:
    return int(page.locator("article:visible").count())


def mark(page: Any, element: Any) -> None:
    element.click(position=INSIDE)
    page.keyboard.press("m")


def wait_for(page: Any, shown: int) -> None:
    """Wait until so many pages are shown. The driver's own waiting is evaluated, which the page's policy forbids."""
    deadline = time.monotonic() + 20
    while count(page) != shown:
        assert time.monotonic() < deadline, (count(page), shown)
        page.wait_for_timeout(50)
