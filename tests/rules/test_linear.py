"""The package's own patterns for Python's `re` search any text in linear time, and what proves it is right.

Patterns of rules, swapped words and kept words run in RE2, which takes linear time whatever the pattern.
"""

from __future__ import annotations

from math import inf

from growth import patterns, searching, steps
from qingwen import load_rules

# Each takes more than linear time in a search by Python's engine: exponential, or a power of the text's length.
EXPONENTIAL = [
    "(a+)+$", "(a*)*b", "(a|a)*b", "(a|aa)+$", "(?:a|ab)*(?:b|c)d", "([a-zA-Z]+)*$", "(?:x+x+)+y", r"(\w+\s?)*$", r"(?:\s*,?\s*)+z",
    "((ab)*)*c", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"^(?:(?:\d|\w)+,?)+$", "(?=(a+)+b)a", "(?:(?:a{1,9})+)b", "(?:.|\n)*?(?:.|\n)*x|(?:a|a?)+b",
    "(?:[一二三]|十[一二三]?|十)+年",
]  # fmt: skip
POLYNOMIAL = [
    "[0-9]+元", "a.*b", r"\s+$", r"\s*x\s*y", "x*y*z", "^.*a.*b", "^a*a*b", "(.*a){12}", "^[^,]*,.*,.*;", "a++b", "(?>a+)b", r"(a+)\1b",
    "(?<!a)b.*c", "x(?=.*y)", "(?:ab)+c", ".*?,", "[^。]*第[0-9]+页", r"^\s*(.*?)\s*$", "a{3,}b", "(?:^|,)a*b",
]  # fmt: skip
# Each has a greatest number of steps, which grows past bearing with its repeats.
TOO_MANY = ["^(a?){20}a{20}", "(.{0,99}){0,99}x", "(?:a{1,50}){1,50}b", ".{0,200}.{0,200}.{0,200}b", "(?:a?){0,50}b"]
BOUNDED = [
    "乾安", "乾(?=安[縣鎮])", "(?<![0-9])[0-9]{1,4}年", "[^，。]{0,10}(?:[肋椎]|关节)", "第[一二三](?![^。]{0,20}节)", "(?:[个点种]|方面)[^，]{0,8}：",
    "(?:(?:记者|通讯员)\\s?){0,2}报道", "a{0,500}b", "(?i:abc)", "(?:[0-9]{1,3},){1,3}", "a{1,9}+b", "(?>a{1,9}|b)c",
]  # fmt: skip


STARTS_ONCE = ["^a*b", "^[^,]*+,a*+b", r"\A(?:ab)*c", r"\s+", "[^\\W_]+", "x[0-9]+", "^a+$|bc", r"\n[ \t]*"]
# The most steps from one place. The shipped rows of personal data take up to 17,100, by this bound, which real text
# never comes near.
MOST_STEPS = 20_000


def test_the_proof_tells_exponential_and_polynomial_patterns_from_linear_ones() -> None:
    assert [pattern for pattern in EXPONENTIAL if searching(pattern).degree != inf] == []
    assert [pattern for pattern in POLYNOMIAL if not 1 < searching(pattern).degree < inf] == []
    assert [pattern for pattern in TOO_MANY if steps(pattern).factor <= MOST_STEPS] == []
    assert [pattern for pattern in BOUNDED if steps(pattern).degree or steps(pattern).factor > MOST_STEPS] == []
    assert [pattern for pattern in (*BOUNDED, *STARTS_ONCE) if searching(pattern).degree != 1] == []


def test_many_repeats_are_weighed_without_being_counted_out() -> None:
    assert steps("(?:a*){0,4000000000}b").degree > 1
    assert steps("(?:a|b|cd){0,4000000000}b").factor > 1e99


def test_the_shipped_rows_of_personal_data_read_a_bounded_stretch() -> None:
    table = load_rules().personal
    found = [pattern for row in table.masks for pattern in (row.sign, *row.patterns, row.near)]
    found += [pattern for row in table.spares for pattern in (row.after, row.within)]
    told = [pattern.pattern for pattern in found if pattern is not None]
    told += [part for row in table.spares for part in (row.before, row.between) if part]
    weighed = {pattern: steps(pattern) for pattern in (*told, table.between)}
    assert {p: its for p, its in weighed.items() if its.degree or its.factor > MOST_STEPS} == {}


# Only ever matched whole, at the start of an id or an address.
AT_START = ("rules.row_checks._ID", "text.addresses._PARTS")
# It matches at each place where it can begin, and goes on behind: nothing is read twice.
NEVER_FAILS = ("text.addresses._PARAMETER",)
# Markup and bytes are cut by limits of their own before these see them.
ELSEWHERE = ("segment.", "read.")


def test_the_package_s_own_patterns_search_any_text_in_linear_time() -> None:
    own = {name: pattern for name, pattern in patterns() if not name.startswith((*ELSEWHERE, *NEVER_FAILS))}
    assert len(own) > 60
    assert [name for name, pattern in own.items() if searching(pattern, at_start=name in AT_START).degree > 1] == []
