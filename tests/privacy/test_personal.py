"""What is taken for personal data: the table's own cases, and lines that were written apart from it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import qingwen
from qingwen.errors import RuleError
from qingwen.rules.book import load_rules
from qingwen.rules.personal_data import PersonalDataMatch, is_proved, joined, overwrite
from qingwen.text.spans import Span

BOOK = load_rules()
TABLE = BOOK.personal
CASES = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))
FORMS = tomllib.loads(Path(__file__).with_name("forms.toml").read_text("utf-8"))
GUIDE = (Path(qingwen.__file__).parent / "docs" / "privacy.md").read_text("utf-8")
MOBILE = "13800138000"


def marked(case: str) -> tuple[str, set[str]]:
    """Return a case's line without its marks, and what must be found in it as "start:data"."""
    line, wanted, start = "", set(), 0
    for sign in case:
        if sign == "⟦":
            start = len(line)
        elif sign == "⟧":
            wanted.add(f"{start}:{line[start:]}")
        else:
            line += sign
    return line, wanted


def found_in(line: str) -> set[str]:
    return {f"{hit.span.start}:{hit.span.of(line)}" for hit in TABLE.find(line)}


@pytest.mark.parametrize("kind", FORMS["masked"])
def test_a_form_that_dodges_filters_is_masked_whole_and_alone(kind: str) -> None:
    lines = [marked(case) for case in FORMS["masked"][kind]]
    assert [(line, wanted, found_in(line)) for line, wanted in lines if not wanted or found_in(line) != wanted] == []


@pytest.mark.parametrize("reason", FORMS["left"])
def test_a_form_that_cannot_be_proved_is_left_and_the_guide_says_so(reason: str) -> None:
    assert [line for line in FORMS["left"][reason] if found_in(line)] == []
    assert f"| {reason} |" in GUIDE


@pytest.mark.parametrize("kind", FORMS["negatives"])
def test_what_only_looks_like_personal_data_stays(kind: str) -> None:
    assert [(line, found_in(line)) for line in FORMS["negatives"][kind] if found_in(line)] == []


def test_there_are_forms_enough_and_the_guide_counts_them() -> None:
    counts = {half: sum(map(len, FORMS[half].values())) for half in FORMS}
    assert counts["masked"] + counts["left"] >= 108
    assert counts["negatives"] >= 80
    for half, words in (("masked", "are masked"), ("left", "are left"), ("negatives", "that only look like")):
        assert f"{counts[half]} {words}" in GUIDE


def test_what_overlaps_is_one_from_the_first_sign_to_the_last() -> None:
    found = [
        PersonalDataMatch(Span(4, 9), "mask.b"),
        PersonalDataMatch(Span(0, 5), "mask.a"),
        PersonalDataMatch(Span(9, 12), "mask.c"),
        PersonalDataMatch(Span(1, 3), "d"),
    ]
    assert joined(found) == (PersonalDataMatch(Span(0, 9), "mask.a"), PersonalDataMatch(Span(9, 12), "mask.c"))


@pytest.mark.parametrize("half", CASES)
def test_of_each_half_of_the_lines_all_is_found_and_nothing_else(half: str) -> None:
    lines = [marked(case) for cases in CASES[half].values() for case in cases]
    assert len(lines) > 80
    assert sum(not wanted for _, wanted in lines) >= len(lines) // 2
    assert [(line, wanted, found_in(line)) for line, wanted in lines if found_in(line) != wanted] == []


def test_a_line_is_found_by_the_row_of_its_kind() -> None:
    for cases in CASES.values():
        for kind, lines in cases.items():
            rules = {hit.rule for case in lines for hit in TABLE.find(marked(case)[0])}
            allowed = {
                "id_card": {"id-card", "old-id-card"},
                "bank_card": {"bank-card", "payment-card"},
                "spared": set(),
            }
            assert rules <= {f"mask.{name}" for name in allowed.get(kind, {kind})}


@pytest.mark.parametrize(
    "data", ["𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎", "1️⃣3️⃣8️⃣0️⃣0️⃣1️⃣3️⃣8️⃣0️⃣0️⃣0️⃣", "1\u200b3\u200b8\ufeff00138000", "&#x31;&#51;800138000"]
)
@pytest.mark.parametrize("around", ["电话{}。", "{}", "他的号码&amp;{}\n"])
def test_a_number_is_found_whatever_hides_it(data: str, around: str) -> None:
    line = around.format(data)
    (hit,) = TABLE.find(line)
    assert hit.span.of(line) == data


def test_a_number_twice_escaped_is_found() -> None:
    line = "电话&amp;#49;&amp;amp;#51;800138000，谢谢"
    assert [hit.span.of(line) for hit in TABLE.find(line)] == ["&amp;#49;&amp;amp;#51;800138000"]


@pytest.mark.parametrize(
    "line",
    [
        "1" * 400,
        f"9{MOBILE}",
        f"{MOBILE}9",
        f"v{MOBILE}",
        f"{MOBILE}b",
        "1380013\n8000",
        "1,380,013,800",
        "138.001.380.00",
    ],
)
def test_a_part_of_a_longer_number_is_no_number(line: str) -> None:
    assert TABLE.find(line) == ()


def test_the_heading_of_a_hotline_spares_the_line_below_it() -> None:
    assert TABLE.find(f"举报电话：\n{MOBILE}\n") == ()
    assert len(TABLE.find(f"家属电话：\n{MOBILE}\n")) == 1


def test_who_is_named_between_a_hotline_and_a_number_has_it() -> None:
    line = f"新闻热线：0351-4061234，记者李明{MOBILE}"
    assert [hit.span.of(line) for hit in TABLE.find(line)] == [MOBILE]


def test_check_digits_are_those_of_the_standards() -> None:
    # The examples in the text of GB 11643-1999, and one of ISO/IEC 7812-1.
    assert is_proved("id-card", "11010519491231002X")
    assert is_proved("id-card", "440524188001010014") is False  # right, and too old to live
    assert [n for n in range(10) if is_proved("luhn", f"4992739871{n}")] == [6]


def test_a_text_keeps_its_length_and_its_white_space() -> None:
    text = f"甲 {MOBILE[:3]} {MOBILE[3:7]}\u3000{MOBILE[7:]} 乙"
    assert overwrite(text, [hit.span for hit in TABLE.find(text.replace("\u3000", " "))]) == "甲 ███ ████\u3000████ 乙"


MASK = {
    "id": '"mask.badge"', "sign": '"工牌"', "pattern": '"工牌[0-9]{6}"', "why": '"A test."', "since": '"0.2.0"',
    "matches": '["他的工牌123456"]',
}  # fmt: skip
SPARE = {
    "id": '"spare.mine"', "of": '["mask.mobile"]', "before": '"茶馆"', "why": '"A test."', "since": '"0.2.0"',
    "spares": f'["老茶馆：{MOBILE}"]',
}  # fmt: skip


def written(tmp_path: Path, kind: str, row: dict[str, str], **changes: str | None) -> Path:
    path = tmp_path / "mine.toml"
    kept = {key: value for key, value in {**row, **changes}.items() if value is not None}
    path.write_text(f"[[{kind}]]\n" + "\n".join(f"{key} = {value}" for key, value in kept.items()), "utf-8")
    return path


def test_a_user_s_rows_are_added_and_change_the_version(tmp_path: Path) -> None:
    book = load_rules(written(tmp_path, "mask", MASK))
    assert book.check() == []
    assert [hit.rule for hit in book.personal.find("工牌123456")] == ["mask.badge"]
    assert book.version != BOOK.version
    book = load_rules(written(tmp_path, "spare", SPARE))
    assert book.check() == []
    assert book.personal.find(f"老茶馆电话：{MOBILE}") == ()


def test_a_user_s_row_with_a_known_id_takes_its_place(tmp_path: Path) -> None:
    book = load_rules(written(tmp_path, "spare", SPARE, id='"spare.hotline"'))
    assert book.personal.n_rows == TABLE.n_rows
    assert len(book.personal.find(f"新闻热线：{MOBILE}")) == 1


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("mask", {"sign": None}, "mask.badge: sign is missing"),
        ("mask", {"matches": "[]"}, "mask.badge: matches is missing"),
        ("mask", {"pattern": '"("'}, "mask.badge: the pattern '(' does not compile"),
        ("mask", {"pattern": '["a", "b{0,2}"]'}, "matches the empty line"),
        ("mask", {"pattern": '"工牌[0-9]+"'}, "mask.badge: the pattern '工牌[0-9]+' repeats without an end"),
        ("mask", {"near": "1"}, "near must be a text in quotes"),
        ("mask", {"proof": '"iban"'}, "unknown proof 'iban'"),
        ("mask", {"id": '"ad.badge"'}, "the id must look like mask.mobile"),
        ("mask", {"colour": '"red"'}, "unknown field 'colour'"),
        ("spare", {"of": None}, "spare.mine: of is missing"),
        ("spare", {"before": '"茶{2,}"'}, "repeats without an end"),
        ("spare", {"between": '"(茶)"'}, "must hold no capturing group"),
        ("spare", {"before": None}, "says not where it spares"),
        ("spare", {"after": '"["'}, "spare.mine: the pattern '[' does not compile"),
        ("spare", {"id": '"mask.mine"'}, "the id must look like spare.mobile"),
    ],
)
def test_a_wrong_row_is_refused_and_named(tmp_path: Path, kind: str, changes: dict[str, str | None], says: str) -> None:
    with pytest.raises(RuleError) as fault:
        load_rules(written(tmp_path, kind, MASK if kind == "mask" else SPARE, **changes))
    assert says in str(fault.value)


def test_the_check_names_each_case_that_does_not_hold(tmp_path: Path) -> None:
    faults = load_rules(
        written(tmp_path, "mask", MASK, matches='["工牌123456", "工号123456"]', spares='["工牌654321"]')
    ).check()
    assert [fault.partition("mine.toml: ")[2] for fault in faults] == [
        "mask.badge: does not match its case '工号123456'.",
        "mask.badge: masks '工牌654321' in '工牌654321', which mask.badge spares.",
    ]
    faults = load_rules(written(tmp_path, "spare", SPARE, spares=f'["老茶馆：{MOBILE}", "茶馆"]')).check()
    assert [fault.partition("mine.toml: ")[2] for fault in faults] == [
        "spare.mine: its case '茶馆' is spared without it."
    ]
