"""A rule's pattern means to RE2 what it means to Python's `re`, and what RE2 cannot run is refused."""

from __future__ import annotations

import pickle
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingwen import load_rules
from qingwen.rules.patterns import MOST_INSTRUCTIONS, LinePattern, NotLinearError
from qingwen.text.match_view import view

BOOK = load_rules()
CASES = [case for rule in BOOK.rules for case in (*rule.matches, *rule.spares, *rule.not_this) if "\n" not in case]
PIECES = sorted({piece for case in CASES for piece in re.findall(r"[\u4e00-\u9fff]{1,4}|[A-Za-z]+|[0-9]+|\W", case)})


def plain(pattern: str, line: str) -> tuple[int, int] | None:
    found = re.search(pattern, line)
    return found and found.span()


@pytest.mark.parametrize("rule", BOOK.rules, ids=lambda rule: rule.id)
def test_a_shipped_pattern_finds_in_every_case_what_python_s_engine_finds(rule: object) -> None:
    kind, pattern = rule.view, rule.pattern  # type: ignore[attr-defined]
    for case in CASES:
        line = view(case, kind).text
        assert pattern.search(line) == plain(pattern.pattern, line), line


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_shipped_patterns_find_in_made_lines_what_python_s_engine_finds(line: str) -> None:
    for rule in BOOK.rules:
        assert rule.pattern.search(line) == plain(rule.pattern.pattern, line), rule.id


@pytest.mark.parametrize(
    "pattern",
    [
        "^a|^b", "^a|b", "b|^a", "(?:^a|b)", "^(?:a|b)c", "^a\\|b|c", "[|]^a", "^(a(b|c))|d", "a|ab", "ab|a", "a*?b", "a+?",
        "^(?=.{0,3}$)a", "^(?=.{0,3}$).*b|c", "^(?=.*a)(?=.*b)", "^(?=.*a)c|^(?=.*b)d", "^(?=[^a]*$)(?=.*c)b", "(?i:A)b", "(?i)A|B",
        "^(?:(?=.*a)b|c)", "[^\\s|]", "\\S\\s", "[\\S]a", "\\d", "\\w+", "\\W",  "a{2}", "(?:ab){1,2}c?", "^$|a", ".b", "\\Aa\\Z",
    ],
)  # fmt: skip
@given(line=st.text(alphabet="abcdAB| _1\u00a0\u3000\u4e00\u0661\x0b\x1c", max_size=6))
def test_a_pattern_finds_in_any_line_what_python_s_engine_finds(pattern: str, line: str) -> None:
    assert LinePattern(pattern).search(line) == plain(pattern, line)


@pytest.mark.parametrize("kind", ["\\s", "\\S", "\\d", "\\w"])
def test_a_class_of_characters_holds_what_it_holds_in_python(kind: str) -> None:
    pattern, mine = re.compile(kind), LinePattern(kind)
    # Which characters are assigned differs with the version of Unicode; those that this Python knows must agree.
    known = [char for char in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(char) not in ("Cn", "Cs")]
    assert [c for c in known if c != "\n" and (mine.search(c) is None) != (pattern.match(c) is None)] == []


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a(?=b)", "does not stand behind ^"),
        ("(?=.*a)b", "does not stand behind ^"),
        ("a(?!b)", "negative look-around"),
        ("(?<!a)b", "negative look-around"),
        ("(?<=a)b", "does not stand behind ^"),
        ("(a)\\1", "back-reference"),
        ("(a)?(?(1)b|c)", "conditional"),
        ("a++b", "possessive"),
        ("(?>a+)b", "atomic"),
        ("\\ba", "word boundary"),
        ("[a\\W]", "write the characters themselves"),
        ("a{0,2000}", "RE2 refuses it"),
        ("(?:[^,]{0,90}x){0,90}", "RE2 refuses it"),
        ("(?:[^，。！？]{0,31}x){0,32}", "bound them closer"),
    ],
)
def test_what_re2_cannot_run_is_refused_with_what_to_write(pattern: str, says: str) -> None:
    re.compile(pattern)
    with pytest.raises(NotLinearError) as fault:
        LinePattern(pattern)
    assert says in str(fault.value)


def test_shipped_patterns_stay_under_the_most_instructions() -> None:
    for rule in BOOK.rules:
        for alternative in rule.pattern.alternatives:
            for program in (alternative.pattern, *alternative.ahead):
                assert program.programsize <= MOST_INSTRUCTIONS


def test_a_pattern_goes_to_another_process_whole() -> None:
    assert pickle.loads(pickle.dumps(LinePattern("^(?=.{0,9}$)a|b"))).search("xb") == (1, 2)


def test_a_line_with_a_lone_surrogate_is_searched() -> None:
    assert LinePattern("b").search("\ud800b") == (1, 2)


def test_each_match_in_a_text_is_found_where_its_line_starts() -> None:
    text = "\u4e00a\na\u4e00"
    assert [text[start:end] for start, end in LinePattern("^a").spans(text)] == ["a"]
    assert list(LinePattern("a").spans(text)) == [(1, 2), (3, 4)]
