"""Rule tables: every row holds its cases, a wrong row is refused and named, a user's rows go on top."""

from __future__ import annotations

from pathlib import Path

import pytest

from qingwen.errors import RuleError
from qingwen.rules.book import load_rules

BOOK = load_rules()
ROW = {
    "id": '"ad.test-row"', "label": '"ad"', "scope": '"any"', "pattern": '"^租房找小王$"', "why": '"A test."',
    "since": '"0.1.0"', "matches": '["租房找小王"]',
}  # fmt: skip


def table(tmp_path: Path, **changes: str | None) -> Path:
    row = {**ROW, **changes}
    path = tmp_path / "mine.toml"
    path.write_text("[[rule]]\n" + "\n".join(f"{k} = {v}" for k, v in row.items() if v is not None), "utf-8")
    return path


def test_every_row_holds_every_case() -> None:
    assert BOOK.check() == []


def test_every_row_has_cases_and_a_reason() -> None:
    for rule in BOOK.rules:
        assert rule.matches
        assert rule.why.endswith((".", "声明.", "…"))
    for sub in BOOK.spun.subs:
        assert sub.restores
        assert sub.keeps


def test_no_row_hits_a_sentence_of_the_seed_s_article() -> None:
    from conftest import cases

    for case in cases():
        for paragraph in case.gold.get("paragraphs", ()):
            hits = [hit.rule.id for hit in BOOK.hits(paragraph) if hit.rule.scope in ("any", "article")]
            assert hits == [], paragraph


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": '"adv"'}, r"mine\.toml: ad\.test-row: unknown label 'adv'"),
        ({"scope": '"middle"'}, "unknown scope 'middle'"),
        ({"view": '"blurred"'}, "unknown view 'blurred'"),
        ({"pattern": '"("'}, "the pattern does not compile"),
        ({"pattern": '"x*"'}, "matches the empty line"),
        ({"why": None}, "why is missing"),
        ({"matches": "[]"}, "matches is missing"),
        ({"id": '"No Good"'}, "the id must look like"),
        ({"id": None}, "row 1: id is missing"),
        ({"colour": '"red"'}, "unknown key 'colour'"),
    ],
)
def test_a_wrong_row_is_refused_and_named(tmp_path: Path, changes: dict[str, str | None], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        load_rules(table(tmp_path, **changes))


def test_a_table_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[[rule", "utf-8")
    with pytest.raises(RuleError, match=r"mine\.toml: not valid TOML"):
        load_rules(path)


def test_a_user_s_row_is_added_and_changes_the_version(tmp_path: Path) -> None:
    mine = load_rules(table(tmp_path))
    assert "ad.test-row" in [hit.rule.id for hit in mine.hits("租房找小王")]
    assert BOOK.hits("租房找小王") == []
    assert mine.version != BOOK.version


def test_a_row_with_a_known_id_takes_its_place(tmp_path: Path) -> None:
    mine = load_rules(table(tmp_path, id='"ad.scan-qr-code"'))
    assert len(mine.rules) == len(BOOK.rules)
    assert mine.hits("长按识别二维码，关注“今日观察”") == []


def test_the_check_names_a_case_that_does_not_hold(tmp_path: Path) -> None:
    faults = load_rules(table(tmp_path, matches='["租房找小李"]', spares='["相关文章"]')).check()
    assert any("ad.test-row: does not match its case '租房找小李'" in fault for fault in faults)
    assert any(
        "related.header: matches the news line '相关文章', which ad.test-row spares" in fault for fault in faults
    )
