"""What the page beside the rule tables says of them is true: every table, every field, and each example is a shipped row."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qingwen
from conftest import ROOT
from qingwen import load_rules
from qingwen.config import CONVERSIONS
from qingwen.model import Label
from qingwen.rules import book, check_digits, conversion_exceptions, line_rules, personal_data, swapped_words

PACKAGE = Path(qingwen.__file__).parent
TEXT = (PACKAGE / "rules" / "README.md").read_text("utf-8")
FILES = {
    path.name: path
    for path in (*PACKAGE.glob("rules/*.toml"), *PACKAGE.glob("text/*.toml"), PACKAGE / "label" / "weights.json")
}
LINES = ("ads.toml", "head.toml", "site.toml", "tail.toml")


def sections() -> dict[str, str]:
    """Return the text below each heading, by the heading without its signs, up to the next one."""
    parts = re.split(r"^#+ (.*)\n", TEXT, flags=re.MULTILINE)
    return {heading.replace("`", ""): text for heading, text in zip(parts[1::2], parts[2::2], strict=True)}


SECTIONS = sections()
RULE = SECTIONS["Rows that judge a line: [[rule]]"]


def fields(text: str) -> set[str]:
    """Return what the first column of a section's tables names; [[map]] and map are one."""
    cells = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return {name.strip("[]") for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def shipped(name: str) -> dict[str, Any]:
    text = FILES[name].read_text("utf-8")
    found: dict[str, Any] = json.loads(text) if name.endswith(".json") else tomllib.loads(text)
    return found


def keys_of_rows(table: dict[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        yield key
        yield from (name for row in value if isinstance(row, dict) for name in row) if isinstance(value, list) else ()


KNOWN: dict[str, set[str]] = {
    "spun.toml": {*swapped_words._KNOWN, *swapped_words._CLAUSE},
    "keep.toml": {*conversion_exceptions._KNOWN},
    "personal.toml": {*personal_data._MASK_KNOWN, *personal_data._SPARE, *personal_data._PLACES, "between"},
    "unicode.toml": {*keys_of_rows(shipped("unicode.toml"))},
    "script.toml": {*shipped("script.toml")},
    "punctuation.toml": {*shipped("punctuation.toml"), *shipped("punctuation.toml")["spacing"]},
    "contact.toml": {*keys_of_rows(shipped("contact.toml"))},
    "metadata.toml": {*shipped("metadata.toml")},
    "weights.json": {name for model in shipped("weights.json").values() for name in (*model, *model["card"])}
    | {*shipped("weights.json")},
}


def test_each_table_has_its_section_and_each_section_its_table() -> None:
    assert {heading for heading in SECTIONS if re.fullmatch(r"\w+\.(toml|json)", heading)} == set(FILES)
    assert set(KNOWN) | set(LINES) == set(FILES)
    assert set(re.findall(r"`(\w+\.(?:toml|json))`", TEXT.partition("\n## ")[0])) == set(FILES)


@pytest.mark.parametrize("name", KNOWN)
def test_a_section_names_every_field_and_no_other(name: str) -> None:
    assert fields(SECTIONS[name]) == KNOWN[name]


def test_the_fields_of_rules_and_what_they_may_be_are_named() -> None:
    assert fields(RULE) == set(line_rules._KNOWN)
    row = {cell: line for line in RULE.splitlines() if (cell := next(iter(re.findall(r"^\| `(\w+)`", line)), ""))}
    assert all(f"`{name}`" in row["scope"] for name in line_rules.SCOPES)
    assert all(f"`{name}`" in row["view"] for name in book.VIEWS)
    assert all(f"`{name}`" in row["cut"] for name in line_rules.CUTS)
    labels = re.findall(r"\w+", row["label"].partition(": ")[2])
    assert set(labels) == {label.value for label in Label} - {"title", "body"}


def test_the_other_values_that_a_field_may_have_are_named() -> None:
    said = SECTIONS["spun.toml"]
    assert all(f"**{name}**" in said for name in swapped_words.CLASSES)
    assert all(f"`{name}`" in said for name in (*swapped_words.ACTIONS, *swapped_words.STATUSES))
    assert f"the left ones see {swapped_words._LEFT} characters" in said
    assert f"({swapped_words._NEAR} at most" in said
    assert all(f"`{name}`" in SECTIONS["keep.toml"] for name in CONVERSIONS)
    assert all(f"`{name}`" in SECTIONS["personal.toml"] for name in filter(None, check_digits.PROOFS))
    assert f"up to {personal_data._BACK} characters before" in SECTIONS["personal.toml"]
    assert set(
        re.findall(r"\w+", SECTIONS["punctuation.toml"].partition("of what it is: ")[2].partition(" |")[0])
    ) == set(shipped("punctuation.toml")["protect"])


def test_a_row_says_which_fields_it_must_have() -> None:
    """ "Required, as are the next six" stands at the first field, and the table is in that order."""
    numbers = {"four": 4, "five": 5, "six": 6}
    for text, required in (
        (RULE, line_rules._REQUIRED),
        (SECTIONS["spun.toml"], swapped_words._REQUIRED),
        (SECTIONS["keep.toml"], conversion_exceptions._REQUIRED),
        (SECTIONS["personal.toml"], personal_data._MASK),
    ):
        names = re.findall(r"^\| `(\w+)`", text, re.MULTILINE)
        most = numbers[re.findall(r"required, as are the next (\w+)", text)[0]]
        assert set(names[: most + 1]) == set(required)
        assert len(required) == most + 1
    said = re.findall(r"required, as are (`.*`) \|", SECTIONS["personal.toml"])[0]
    assert {"id", *re.findall(r"`(\w+)`", said)} == set(personal_data._SPARE)


def examples(text: str) -> Iterator[dict[str, Any]]:
    for kind, code in re.findall(r"^```(toml|json)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield tomllib.loads(code) if kind == "toml" else json.loads(code)


def holds(whole: Any, part: Any) -> bool:
    """Tell whether a table holds what an example shows: of tables some keys, of rows some whole ones."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], part[key]) for key in part)
    if isinstance(part, list) and part and isinstance(part[0], dict):
        return all(row in whole for row in part)
    return bool(whole == part)


@pytest.mark.parametrize("name", FILES)
def test_a_section_shows_a_row_of_its_table_as_it_is_shipped(name: str) -> None:
    shown = list(examples(SECTIONS[name]))
    assert shown
    assert all(part and holds(shipped(name), part) for part in shown)


@pytest.mark.parametrize("name", FILES)
def test_a_section_says_who_reads_the_table_and_where_it_came_from(name: str) -> None:
    assert "*Where it came from*" in SECTIONS[name].replace("came from.*", "came from*")
    readers = RULE if name in LINES else SECTIONS[name]
    assert re.search(r"\*Read by\* `[\w/]+\.py`", readers)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([\w/]+/[\w.]+\.\w+|\w+\.py)`", TEXT))))
def test_a_file_that_is_named_exists(path: str) -> None:
    # What lies in a dataset is named as `_state/…`.
    assert path.startswith("_state/") or (PACKAGE / path).is_file() or (ROOT / path).is_file()


def test_a_user_may_add_to_the_tables_that_say_so() -> None:
    may = {
        kind
        for line in re.findall(r"^\| `.* \| yes \|$", TEXT, re.MULTILINE)
        for kind in re.findall(r"`\[\[(\w+)\]\]`", line)
    }
    assert may == set(book.ROWS)


def test_the_views_and_the_order_are_those_of_the_code(tmp_path: Path) -> None:
    views = re.findall(r"^\| `(\w+)` \|", SECTIONS["What they share"], re.MULTILINE)
    assert tuple(views) == book.VIEWS
    path = tmp_path / "mine.toml"
    row = 'label = "ad"\nscope = "any"\npattern = "^茶馆$"\nwhy = "A test."\nsince = "0.2.0"\nmatches = ["茶馆"]\n'
    path.write_text(f'[[rule]]\nid = "ad.mine"\n{row}[[rule]]\nid = "ad.scan-qr-code"\n{row}', "utf-8")
    ours, mine = ([line_rules.id for rule in load_rules(extra).rules] for extra in (None, path))
    assert mine == [*ours, "ad.mine"]  # the known id keeps its turn
    tables = [line_rules.table for rule in load_rules().rules]
    assert tables == sorted(tables)


def test_no_count_of_rows_is_stated() -> None:
    assert not re.search(r"\b[0-9]+ (?:rows|rules|cases|tables|clauses|weights)\b", TEXT)
