"""Rule tables: every row holds its cases, a wrong row is refused and named, a user's rows go on top."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import qingwen
from conftest import PAGES
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
    for sub in BOOK.spun.rows:
        assert sub.restores
        assert sub.keeps


def test_no_row_hits_a_sentence_of_the_seed_s_article() -> None:
    from conftest import cases

    for case in cases():
        for paragraph in case.gold.get("paragraphs", ()):
            hits = [hit.rule.id for hit in BOOK.hits(paragraph) if hit.rule.scope in ("any", "article")]
            assert hits == [], paragraph


@pytest.mark.parametrize(
    "line",
    [
        "记者在候车厅看到乘客进站前要先在入口处用手机扫码登记姓名和车次信息再由工作人员逐一核对身份证件"
        "年纪大的旅客可以请家属代为扫码并由志愿者帮忙加注联系方式",
        "他拨打了客服热线。4000123021一直无人接听",
    ],
)
def test_news_that_is_almost_an_advertisement_is_none(line: str) -> None:
    assert BOOK.hits(line) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": '"adv"'}, r"mine\.toml: ad\.test-row: unknown label 'adv'"),
        ({"scope": '"middle"'}, "unknown scope 'middle'"),
        ({"view": '"blurred"'}, "unknown view 'blurred'"),
        ({"pattern": '"("'}, r"RE2 does not take the pattern: missing \): \("),
        (
            {"pattern": '"a(?=b)"'},
            r"RE2 does not take the pattern: invalid perl operator: \(\?=\. .* write max_chars or also",
        ),
        ({"also": '["(a)\\\\1"]'}, "RE2 does not take the pattern: invalid escape sequence"),
        ({"pattern": "'[a-z]\\w+'"}, r"\\w knows ASCII letters alone"),
        ({"max_chars": '"60"'}, "max_chars must be a number"),
        ({"also": '"x"'}, "also must be a list of texts"),
        ({"cut": '"match"', "max_chars": "9"}, "takes no max_chars"),
        ({"cut": '"match"', "pattern": "'[(]广告[^)]*[)]'"}, "repeats nothing without an end"),
        ({"pattern": "'(?:[^，。！？]{0,31}x){0,32}'"}, "bound them closer"),
        ({"table": '"mine"'}, "unknown field 'table'"),
        ({"pattern": '"x*"'}, "matches the empty line"),
        ({"why": None}, "why is missing"),
        ({"matches": "[]"}, "matches is missing"),
        ({"id": '"No Good"'}, "the id must look like"),
        ({"id": None}, "row 1: id is missing"),
        (
            {"pattern": None, "patern": '"x"'},
            "unknown field 'patern'. A row of this table has id, why, since, label, scope, pattern",
        ),
        (
            {"colour": '"red"'},
            "unknown field 'colour'. A row of this table has id, why, since, label, scope, pattern, matches",
        ),
        ({"pattern": "{a = 1}"}, "pattern must be a text in quotes"),
        ({"matches": '"租房找小王"'}, "matches must be a list of texts"),
        ({"opens_tail": "1"}, "opens_tail must be true or false"),
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


def test_the_check_names_a_line_that_a_row_must_miss(tmp_path: Path) -> None:
    faults = load_rules(table(tmp_path, not_this='["租房找小王", "租房找小李"]')).check()
    assert [fault.partition("mine.toml: ")[2] for fault in faults] == [
        "ad.test-row: matches '租房找小王', which its not_this forbids."
    ]


def test_an_id_names_one_row_of_a_table(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_text(f"{path.read_text('utf-8')}\n" * 2, "utf-8")
    with pytest.raises(RuleError, match=r"ad\.test-row: two rows of the table have this id"):
        load_rules(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rule = 1", r"rule must be tables; write \[\[rule\]\]"),
        ('words = ["x"]\n[[sub]]', r"words must be one table of texts; write \[words\]"),
        ("[classes]\nNUM = 1\n[[sub]]", "classes must be one table of texts"),
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RuleError, match=says):
        load_rules(path)


def test_a_folder_without_tables_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"the folder holds no \*\.toml rule table"):
        load_rules(tmp_path)
    with pytest.raises(RuleError, match="cannot read the rule table"):
        load_rules(tmp_path / "mine.toml")


def test_every_case_of_a_row_is_counted(tmp_path: Path) -> None:
    mine = load_rules(table(tmp_path, spares='["甲", "乙"]', not_this='["丙"]'))
    assert mine.n_cases - BOOK.n_cases == 4


def test_a_hit_in_a_later_line_of_a_block_is_placed_in_the_block(tmp_path: Path) -> None:
    words = "记者报道。\n\n租房找小王\n他说。"
    (hit,) = load_rules(table(tmp_path)).hits(words)
    assert hit.span.of(words) == "租房找小王"


KEEP = {"id": '"script.test-row"', "pattern": '"乾"', "why": '"A test."', "since": '"0.2.0"', "turns": '[["乾", "乾"]]'}
SUB = {
    "id": '"mine.sub"', "form": '"甲"', "original": '"乙"', "class": '"A"', "why": '"A test."', "since": '"0.2.0"',
    "restores": '["甲"]', "clause": '[{ id = "all", action = "restore" }]',
}  # fmt: skip


def written(tmp_path: Path, name: str, row: dict[str, str], **changes: str | None) -> Path:
    path = tmp_path / "mine.toml"
    kept = {key: value for key, value in {**row, **changes}.items() if value is not None}
    path.write_text(f"[[{name}]]\n" + "\n".join(f"{key} = {value}" for key, value in kept.items()), "utf-8")
    return path


def test_a_user_s_keep_row_goes_before_opencc(tmp_path: Path) -> None:
    book = load_rules(
        written(tmp_path, "keep", KEEP, pattern='"王鉅鎮"', result='"王钜镇"', turns='[["王鉅鎮", "王钜镇"]]')
    )
    assert book.check() == []
    assert book.keep.convert("記者王鉅鎮", "t2s") == "记者王钜镇"
    assert book.version != BOOK.version


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"turns": None}, "script.test-row: turns is missing"),
        ({"extra": "1"}, "unknown field 'extra'"),
        ({"conversions": '["s2t"]'}, "unknown conversion 's2t'"),
        ({"pattern": '"乾("'}, "RE2 does not take the pattern '乾(': missing )"),
        ({"pattern": '"乾(?=州)"'}, "left, left_not, right or right_not"),
        ({"left": "1"}, "left must be a text in quotes"),
        ({"turns": '["乾"]'}, "turns must be pairs"),
        ({"pattern": '"乾?"'}, "must match a word"),
    ],
)
def test_a_wrong_keep_row_is_refused_and_named(tmp_path: Path, changes: dict[str, str | None], says: str) -> None:
    with pytest.raises(RuleError, match=r"script\.test-row") as fault:
        load_rules(written(tmp_path, "keep", KEEP, **changes))
    assert says in str(fault.value)


def test_a_keep_row_that_misses_its_case_or_hits_what_it_spares_is_a_fault(tmp_path: Path) -> None:
    book = load_rules(
        written(tmp_path, "keep", KEEP, turns='[["國", "国"], ["乾", "干"]]', spares='["乾杯"]', conversions='["t2s"]')
    )
    assert [fault.partition("script.test-row: ")[2] for fault in book.check() if "test-row" in fault] == [
        "does not match its case '國'.",
        "t2s makes '乾' of '乾', not '干'.",
        "matches '乾杯', which it spares.",
    ]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"why": None}, "why is missing"),
        ({"class": '"D"'}, "unknown class 'D'"),
        ({"status": '"perhaps"'}, "unknown status 'perhaps'"),
        ({"restores": None}, "restores is missing"),
        ({"words": '"none"'}, "no word list 'none'"),
        ({"class": '"C"'}, "needs sites"),
        ({"class": '"C"', "sites": '["a.cn"]'}, "never restored by itself"),
        ({"clause": '[{ action = "flag" }]'}, "clause ?: id is missing"),
        ({"clause": '[{ id = "all" }]'}, "clause all: action is missing"),
        ({"clause": '[{ id = "all", action = "guess" }]'}, "unknown action 'guess'"),
        ({"clause": '[{ id = "all", action = "flag", behind = "x" }]'}, "unknown field 'behind'"),
        ({"clause": '[{ id = "all", action = "flag", left = "{NONE}" }]'}, "there is no class 'NONE'"),
        ({"clause": '[{ id = "all", action = "flag", right = "(" }]'}, "RE2 does not take the pattern '(': missing )"),
        ({"clause": '[{ id = "all", action = "flag", right = "(?!a)b" }]'}, "left, left_not, right or right_not"),
        (
            {"clause": '[{ id = "all", action = "flag", near_window = 100000 }]'},
            "near_window must be a number from 0 to 600",
        ),
        ({"clause": "1"}, "clause must be tables; write [[clause]] above each"),
        ({"clause": '[{ id = "all", action = "flag", score = -1 }]'}, "score must be a number from 0 to"),
    ],
)
def test_a_wrong_substitution_is_refused_and_named(tmp_path: Path, changes: dict[str, str | None], says: str) -> None:
    with pytest.raises(RuleError, match=r"mine\.sub") as fault:
        load_rules(written(tmp_path, "sub", SUB, **changes))
    assert says in str(fault.value)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("keep", KEEP),
        ("sub", SUB),
        ("mask", {
            "id": '"mask.test-row"', "sign": '"甲"', "pattern": '"甲乙"', "why": '"A test."', "since": '"0.2.0"', "matches": '["甲乙"]',
        }),
        ("spare", {
            "id": '"spare.test-row"', "of": '["mask.mobile"]', "before": '"甲"', "why": '"A test."', "since": '"0.2.0"',
            "spares": '["甲13800138000"]',
        }),
    ],
)  # fmt: skip
def test_an_id_that_two_rows_of_a_table_have_is_refused(name: str, row: dict[str, str], tmp_path: Path) -> None:
    path = written(tmp_path, name, row)
    load_rules(path)
    path.write_text(path.read_text("utf-8") + "\n" + path.read_text("utf-8"), "utf-8")
    with pytest.raises(RuleError, match="two rows of the table have this id"):
        load_rules(path)


@pytest.mark.parametrize("text", ['[[rules]]\nid = "ad.tea-house"\n', '[[map]]\nid = "unicode.mine"\n'])
def test_a_table_that_a_user_s_file_cannot_add_to_is_refused_and_named(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(RuleError, match=r"mine\.toml: unknown key '(rules|map)'\. Known: rule, page, sub, keep"):
        load_rules(path)


def test_a_folder_of_tables_may_hold_a_page_that_tells_of_them(tmp_path: Path) -> None:
    written(tmp_path, "keep", KEEP)
    (tmp_path / "README.md").write_text("[[rule]]\n", "utf-8")
    assert "script.test-row" in {row.id for row in load_rules(tmp_path).keep.rows}


def test_other_weights_make_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows made with other weights do not mix with those of before."""
    from qingwen.rules import book

    before = book._compile([]).version

    monkeypatch.setattr(book, "weights_of_features", lambda: "{}")
    assert book._compile([]).version != before


def test_a_shipped_row_of_any_kind_is_turned_off_by_its_id(tmp_path: Path) -> None:
    shipped = load_rules()
    ids = ["ad.contact-line", shipped.spun.rows[0].id, shipped.keep.rows[0].id, shipped.personal.masks[0].id]
    ids.append(shipped.personal.spares[0].id)
    table = tmp_path / "mine.toml"
    table.write_text(f"off = {ids}\n", "utf-8")
    book = load_rules(table)
    left = [
        row.id for row in (*book.rules, *book.spun.rows, *book.keep.rows, *book.personal.masks, *book.personal.spares)
    ]
    assert not set(ids) & set(left)
    assert (
        len(left) == len(shipped.rules) + len(shipped.spun.rows) + len(shipped.keep.rows) + shipped.personal.n_rows - 5
    )
    assert book.version != shipped.version
    line = "招商热线:400-012-3021"
    assert [hit.rule.id for hit in shipped.hits(line)] == ["ad.contact-line"]
    assert book.hits(line) == []


def test_a_row_that_is_turned_off_may_come_again_in_one_s_own_words(tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    row = '[[rule]]\nid = "ad.contact-line"\nlabel = "ad"\nscope = "any"\npattern = "甲"\nwhy = "x."\nsince = "1"\nmatches = ["甲"]\n'
    table.write_text('off = ["ad.contact-line"]\n' + row, "utf-8")
    (mine,) = (rule for rule in load_rules(table).rules if rule.id == "ad.contact-line")
    assert mine.table == str(table)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('off = ["ad.gone"]', "off: no shipped row has the id 'ad.gone'"),
        ('off = "ad.contact-line"', "off must be a list of texts"),
    ],
)
def test_a_wrong_off_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    with pytest.raises(RuleError, match=re.escape(said)):
        load_rules(tmp_path / "mine.toml")


def test_an_off_below_a_row_is_told_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="off belongs at the top of the file"):
        load_rules(table(tmp_path, off='["ad.contact-line"]'))


def test_a_page_is_cleaned_with_every_row_turned_off(tmp_path: Path) -> None:
    """No code counts on a row."""
    book = load_rules()
    rows = (*book.rules, *book.spun.rows, *book.keep.rows, *book.personal.masks, *book.personal.spares)
    table = tmp_path / "mine.toml"
    table.write_text(f"off = {[row.id for row in rows]}\n", "utf-8")
    cleaner = qingwen.Cleaner(qingwen.Config(mask_personal_data=True), rules=table)
    for path in sorted(PAGES.glob("*.txt")):
        assert isinstance(cleaner.clean(path.read_bytes()), qingwen.Cleaned | qingwen.Rejection)


def test_a_substitution_that_misses_its_case_or_acts_where_it_must_not_is_a_fault(tmp_path: Path) -> None:
    clause = '[{ id = "all", action = "restore", right = "丙" }]'
    book = load_rules(written(tmp_path, "sub", SUB, restores='["甲丁"]', keeps='["甲丙"]', clause=clause))
    assert [fault.partition("mine.toml: ")[2] for fault in book.check()] == [
        "mine.sub: does not restore 甲 in '甲丁'.",
        "mine.sub: clause all restores 甲 in '甲丙', which must stay.",
    ]
