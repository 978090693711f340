"""No pattern that takes more than linear time is accepted; what reads a bounded stretch is."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from math import inf
from pathlib import Path

import pytest

from growth import patterns, searching
from qingwen import load_rules
from qingwen.errors import RuleError
from qingwen.rules.patterns import refusal, steps
from qingwen.rules.row_checks import compiled

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


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_what_matches_the_same_text_in_ever_more_ways_is_exponential(pattern: str) -> None:
    assert searching(pattern).degree == inf
    assert refusal(steps(pattern))


@pytest.mark.parametrize("pattern", POLYNOMIAL)
def test_what_reads_a_long_text_again_and_again_is_more_than_linear(pattern: str) -> None:
    assert 1 < searching(pattern).degree < inf


@pytest.mark.parametrize("pattern", TOO_MANY)
def test_what_tries_too_many_ways_is_refused(pattern: str) -> None:
    assert "bound them closer" in (refusal(steps(pattern)) or "")


@pytest.mark.parametrize("pattern", BOUNDED)
def test_what_reads_a_bounded_stretch_from_each_place_is_linear(pattern: str) -> None:
    assert refusal(steps(pattern)) is None
    assert searching(pattern).degree == 1


@pytest.mark.parametrize(
    "pattern", ["^a*b", "^[^,]*+,a*+b", r"\A(?:ab)*c", r"\s+", "[^\\W_]+", "x[0-9]+", "^a+$|bc", r"\n[ \t]*"]
)
def test_what_starts_once_or_ends_in_a_run_is_linear(pattern: str) -> None:
    assert searching(pattern).degree == 1


@pytest.mark.parametrize("pattern", [*EXPONENTIAL, *POLYNOMIAL, *TOO_MANY])
def test_no_row_holds_such_a_pattern(pattern: str) -> None:
    with pytest.raises(RuleError, match=r"mine\.toml: mine\.row: the pattern .* not known to take linear time"):
        # Contexts of swapped words and kept words are asked at many places of a text.
        compiled(pattern if pattern[0] != "^" else pattern[1:], "mine.toml: mine.row")


def test_a_context_of_a_known_length_may_repeat_without_end() -> None:
    assert refusal(steps("[a-z]+$"))
    assert refusal(steps("[a-z]+$", 16)) is None
    assert refusal(steps("(?:a|a)+$", 16))


def test_many_repeats_are_weighed_without_being_counted_out() -> None:
    assert steps("(?:a*){0,4000000000}b").degree > 1
    assert steps("(?:a|b|cd){0,4000000000}b").factor > 1e99


def test_the_shipped_rows_stay_under_the_most_steps() -> None:
    """Loading refuses others; this one names how far the rows of kept words are from it."""
    load_rules()
    table = tomllib.loads(resources.files("qingwen.rules").joinpath("keep.toml").read_text("utf-8"))
    assert max(steps(row["pattern"]).factor for row in table["keep"]) < 100


# Only ever matched whole, at the start of an id.
AT_START = ("rules.rows._ID",)
# Markup and bytes are cut by limits of their own before these see them.
ELSEWHERE = ("segment.", "read.")
OWN = [(name, pattern) for name, pattern in patterns() if not name.startswith(ELSEWHERE)]


@pytest.mark.parametrize(("name", "pattern"), OWN, ids=[name for name, _ in OWN])
def test_the_package_s_own_patterns_search_any_text_in_linear_time(name: str, pattern: re.Pattern[str]) -> None:
    assert searching(pattern, at_start=name in AT_START).degree <= 1


RULE = """
[[rule]]
id = "ad.test-row"
label = "ad"
scope = "any"
cut = "{cut}"
pattern = '{pattern}'
why = "A test."
since = "0.3.0"
matches = ["x"]
"""


@pytest.mark.parametrize(
    ("cut", "pattern", "says"),
    [
        ("block", "广告(?!商)", "negative look-around"),
        ("block", "(?:[^，。！？]{0,31}x){0,32}", "bound them closer"),
        ("match", "[(]广告[^)]*[)]", "at most 200 characters"),
        ("match", "[(]广告[^)]{0,300}[)]", "at most 200 characters"),
        ("match", "^(?=.*广)广告", "takes no look-ahead"),
    ],
)
def test_a_rule_that_is_not_linear_is_refused_and_named(tmp_path: Path, cut: str, pattern: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RULE.format(cut=cut, pattern=pattern), "utf-8")
    with pytest.raises(RuleError, match=r"mine\.toml: ad\.test-row: ") as fault:
        load_rules(path)
    assert says in str(fault.value)


def test_near_reads_no_further_than_its_window(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    row = (
        'id = "mine.sub"\nform = "甲"\noriginal = "乙"\nclass = "A"\nwhy = "A test."\nsince = "0"\nrestores = ["甲"]\n'
    )
    clause = '[[sub.clause]]\nid = "all"\naction = "restore"\nnear = "丙"\nnear_window = 100000\n'
    path.write_text(f"[[sub]]\n{row}{clause}", "utf-8")
    with pytest.raises(RuleError, match="near_window must be from 0 to 600"):
        load_rules(path)
