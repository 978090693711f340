"""The review page as a file: what it holds, that it is whole in itself, and that no page gets out of its place."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conftest import PAGES
from qingwen.dataset import delta
from qingwen.dataset.database import Database
from qingwen.dataset.location import location_of
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError
from qingwen.review.figures import figures, totals
from qingwen.review.review_page import write_review
from qingwen.review.shown_page import LONGEST, visible
from qingwen.run.engine import run
from qingwen.run.request import Request
from review import hostile

TAGS = set(
    "html head meta title style script body a header main footer section article aside div p span h1 h2 h3 h4 dl dt dd "
    "table caption small thead tbody tr th td svg rect form input button output label select option code kbd mark del "
    "ins strong dialog".split()
)
ADDRESSES = ("src", "href", "action", "formaction", "srcdoc", "srcset", "data", "poster", "background", "style")


class Read(HTMLParser):
    """What a parser sees in the page: tags with their attributes, text, comments."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.comments: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.fixture(scope="module")
def dataset(reviewed: Path) -> Path:
    return reviewed / "out"


@pytest.fixture(scope="module")
def html(reviewed: Path) -> str:
    return (reviewed / "review.html").read_text("utf-8")


@pytest.fixture(scope="module")
def read(html: str) -> Read:
    return Read(html)


def test_no_page_brings_a_tag_an_address_or_a_handler_of_its_own(read: Read) -> None:
    assert {tag for tag, _ in read.tags} <= TAGS
    assert [tag for tag, _ in read.tags if tag in ("script", "style")] == ["style", "script"]
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]
    addresses = [(tag, a[name]) for tag, a in read.tags for name in ADDRESSES if name in a]
    assert addresses == [("a", "#pages")]
    assert read.comments == []


def test_a_page_is_text_and_no_template(html: str, read: Read) -> None:
    said = "".join(read.words)
    for attack in hostile.ATTACKS[:9]:
        assert attack in said
    assert "{{ 7*7 }}{% for x in range(9) %}" in said
    assert "49" not in re.findall(r"记者看到，(\d+)", said)


def test_the_policy_lets_run_our_own_script_and_style_and_nothing_else(html: str, read: Read) -> None:
    policy = next(a["content"] for _, a in read.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (body,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_the_page_holds_no_character_that_html_cannot(html: str) -> None:
    assert not re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", html)
    assert "⟨0001⟩" in html


def test_pages_are_chosen_by_risk_and_at_random_and_the_same_each_time(dataset: Path, tmp_path: Path) -> None:
    sizes = [write_review(location_of(dataset), tmp_path / f"{n}.html", pages=20) for n in range(2)]
    first, second = ((tmp_path / f"{n}.html").read_text("utf-8") for n in range(2))
    assert sizes == [20, 20]
    assert first == second
    chosen = re.findall(r'data-chosen="([^"]+)"', first)
    assert chosen.count("random") == 10
    assert {"most removed", "lowest score kept", "rejected, most like an article"} <= set(chosen)


def test_a_small_dataset_is_shown_whole(dataset: Path, html: str) -> None:
    count = sum(delta.read(location_of(dataset), name).num_rows for name in ("records", "rejections"))
    assert html.count("<article ") == count > 40


def test_numbers_are_those_of_the_tables(dataset: Path, html: str) -> None:
    place = location_of(dataset)
    with Database() as database:
        for name in ("records", "blocks", "edits", "flags", "rejections", "sources", "duplicates"):
            database.view(name, delta.files(place, name), TABLES[name])
        found, counted = {figure.title: figure for figure in figures(database)}, dict(totals(database))
    records, blocks = delta.read(place, "records").to_pylist(), delta.read(place, "blocks").to_pylist()
    ids = {row["id"] for row in records}
    removed = [row for row in blocks if row["page_id"] in ids and not row["kept"]]
    assert counted["records"] == len(records)
    assert counted["characters removed"] == sum(len(row["text"]) for row in removed)
    by_label = {row[0]: row[-1] for row in found["Removed, by label"].rows}
    assert by_label["ad"] == sum(len(row["text"]) for row in removed if row["label"] == "ad")
    assert sum(row[-1] for row in found["Lengths"].rows) == len(records)
    assert sum(row[-1] for row in found["Removed of a page"].rows) == len(records)
    assert sum(row[-1] for row in found["Dates, by precision"].rows) == len(records)
    assert max(found["Sites"].bars) == 100
    assert all(title in html for title in found)


def test_a_comparison_is_shown_as_its_tables(dataset: Path, tmp_path: Path) -> None:
    rows = [("records <b>", "12", "13")]
    write_review(
        location_of(dataset), tmp_path / "r.html", pages=1, comparison=[("Old & new", ("what", "old", "new"), rows)]
    )
    html = (tmp_path / "r.html").read_text("utf-8")
    assert "<caption>Old &amp; new</caption>" in html
    assert "<td>records &lt;b&gt;</td><td>12</td><td>13</td>" in html


def test_a_very_long_page_is_cut_and_says_so(tmp_path: Path) -> None:
    page = tmp_path / "in" / "long.txt"
    page.parent.mkdir()
    lines = (PAGES / "clean-dispatch.txt").read_text("utf-8").split("\n")
    page.write_text(
        "\n".join([*lines, *(f"第{n}户居民说，今年的收成比去年好得多，合作社已经开了会。" for n in range(2000))]),
        "utf-8",
    )
    run(Request((str(page),), str(tmp_path / "out"), runner="inline"))
    write_review(location_of(tmp_path / "out"), tmp_path / "review.html")
    html = (tmp_path / "review.html").read_text("utf-8")
    assert "more characters" in html
    assert len(html) < 4 * LONGEST + 200_000


def test_no_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="there is no dataset here"):
        write_review(location_of(tmp_path), tmp_path / "review.html")


@pytest.mark.parametrize(
    ("text", "seen"),
    [("a\x00\ud800", "a⟨0000⟩⟨D800⟩"), ("\u3000 ", "▭␣"), ("平常 的字", "平常 的字"), ("👨‍👩‍👧", "👨‍👩‍👧")],
)
def test_what_a_screen_does_not_show_is_named(text: str, seen: str) -> None:
    assert visible(text, blanks=True) == seen
