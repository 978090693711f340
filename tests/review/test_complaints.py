"""Complaints are tests: each stands while what it complains of is done, and no longer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import SEED
from qingwen import Config
from qingwen.clean import clean_page
from qingwen.errors import SetupError
from qingwen.model import BODY, Cleaned
from qingwen.review.complaints import check_cases, count_cases
from qingwen.rules.book import RuleBook, load_rules

LINE = "产业招商/厂房土地租售:400 0123 021\n"
REMOVED = {
    "kind": "verdict",
    "page": "a" * 32,
    "rule": "ad.contact-line",
    "label": "ad",
    "text": LINE,
    "wrong": "removed",
}
KEPT = {
    "kind": "verdict",
    "page": "a" * 32,
    "rule": "sequence.body",
    "label": "body",
    "text": "茶馆预订：找小王",
    "wrong": "kept",
}
EDIT = {
    "kind": "edit",
    "page": "a" * 32,
    "rule": "spun.zui",
    "before": "蕞",
    "after": "最",
    "left": "一要以",
    "right": "先的敏锐",
}
RULE = """
[[rule]]
id = "{id}"
label = "ad"
scope = "any"
view = "folded"
pattern = "{pattern}"
why = "A test."
since = "2026-11-24"
matches = ["茶馆预订:找小王"]
"""
SUB = """
[[sub]]
id = "spun.zui"
form = "蕞"
original = "最"
class = "A"
why = "A test."
since = "2026-11-24"
restores = ["蕞大"]

[[sub.clause]]
id = "large"
action = "restore"
right = "大"
"""


def standing(*cases: dict[str, Any], book: RuleBook | None = None, pages: dict[str, Any] | None = None) -> list[str]:
    return check_cases(json.dumps({"format": 1, "cases": cases, "pages": pages or {}}), book or load_rules())


def with_table(folder: Path, table: str) -> RuleBook:
    (folder / "mine.toml").write_text(table, "utf-8")
    return load_rules(folder / "mine.toml")


def test_a_removal_stands_while_its_rule_hits(tmp_path: Path) -> None:
    assert standing(REMOVED) == [
        f"cases: page {'a' * 12}: ad.contact-line still removes '产业招商/厂房土地租售:400 0123 021'."
    ]
    assert standing(REMOVED, book=with_table(tmp_path, RULE.format(id="ad.contact-line", pattern="^茶馆预订"))) == []


def test_what_was_kept_stands_until_a_rule_hits_it(tmp_path: Path) -> None:
    (fault,) = standing(KEPT)
    assert "nothing removes '茶馆预订：找小王'" in fault
    assert standing(KEPT, book=with_table(tmp_path, RULE.format(id="ad.tea-house", pattern="^茶馆预订"))) == []


def test_a_change_stands_while_it_is_made_in_its_context(tmp_path: Path) -> None:
    (fault,) = standing(EDIT)
    assert "'蕞' still becomes '最' behind '一要以'" in fault
    assert standing(EDIT, book=with_table(tmp_path, SUB)) == []


def seed() -> tuple[str, Cleaned, dict[str, Any]]:
    text = SEED.read_text("utf-8")
    cleaned = clean_page(text.encode())
    assert isinstance(cleaned, Cleaned)
    body = "".join(
        judged.block.span.of(text) for judged in cleaned.blocks if judged.text is None and judged.verdict.label == BODY
    )
    return text, cleaned, {"format": "txt", "text": text, "title": "", "body": body, "spun": True}


def test_a_verdict_of_no_row_is_judged_by_cleaning_the_page_again() -> None:
    text, cleaned, page = seed()
    dropped = next(
        j for j in cleaned.blocks if j.text is not None and j.verdict.rule.startswith(("sequence.", "structure."))
    )
    kept = next(judged for judged in cleaned.blocks if judged.text is None)
    case = {**REMOVED, "rule": dropped.verdict.rule, "text": dropped.text, "block": dropped.block.n}
    pages = {case["page"]: page}
    (fault,) = standing(case, pages=pages)
    assert f"{dropped.verdict.rule} still removes" in fault
    assert standing({**case, "text": kept.block.span.of(text), "block": kept.block.n}, pages=pages) == []


def test_what_only_the_markup_tells_stands_and_says_so() -> None:
    case = {**REMOVED, "rule": "sequence.tail", "block": 3}
    (fault,) = standing(case, pages={case["page"]: {"format": "html", "text": "一行"}})
    assert "only the page itself can tell" in fault


def test_a_change_is_looked_for_in_the_whole_page() -> None:
    _, cleaned, page = seed()
    edit = next(edit for edit in cleaned.edits if edit.rule == "spun.diyi" and edit.part == BODY)
    at = page["body"].index(edit.before)
    around = {"left": page["body"][at - 20 : at], "right": page["body"][at + len(edit.before) :][:20]}
    case = {**EDIT, "before": edit.before, "after": edit.after, "part": BODY, **around}
    assert len(standing(case, pages={case["page"]: page})) == 1
    assert standing({**case, "left": "别处"}, pages={case["page"]: page}) == []


def test_a_rejection_stands_while_the_page_is_rejected() -> None:
    case = {"kind": "rejection", "page": "b" * 32, "rule": "reject.no-article"}
    assert "still rejected" in standing(case, pages={case["page"]: {"format": "txt", "text": "首页\n登录\n"}})[0]
    assert standing(case, pages={case["page"]: {"format": "txt", "text": SEED.read_text("utf-8")}}) == []
    assert "only the page itself can tell" in standing(case)[0]


def test_a_file_without_complaints_holds() -> None:
    text = json.dumps({"format": 1, "cases": []})
    assert (check_cases(text, load_rules(), Config()), count_cases(text)) == ([], 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not valid JSON"),
        ("[]", "no file of cases of format 1"),
        ('{"format": 2, "cases": []}', "no file of cases of format 1"),
        ('{"format": 1}', "cases a list"),
        ('{"format": 1, "cases": [{"kind": "wish"}]}', "case 1: unknown kind 'wish'"),
        (json.dumps({"format": 1, "cases": [REMOVED, {**REMOVED, "text": None}]}), "case 2: text is missing"),
        (json.dumps({"format": 1, "cases": [{**REMOVED, "wrong": "both"}]}), "must be removed or kept"),
    ],
)
def test_a_wrong_file_is_refused_by_name(text: str, says: str) -> None:
    with pytest.raises(SetupError, match=says):
        check_cases(text, load_rules())
