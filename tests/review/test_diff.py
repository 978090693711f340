"""Two rule versions compared: numbers, rules by the size of their difference, examples; nothing steers a terminal."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest

from conftest import PAGES, SEED
from qingwen import Config
from qingwen.dataset import delta
from qingwen.dataset.dataset import pin
from qingwen.dataset.location import location_of
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError
from qingwen.review.diff import Comparison, Move, Pair, RuleChange, changes, compare, lines
from qingwen.review.diff import tables as tables_of
from qingwen.review.terminal import printed
from qingwen.run.engine import run
from qingwen.run.request import Request

RULES = """
[[rule]]
id = "ad.tea-house"
label = "ad"
scope = "any"
view = "folded"
pattern = "^(?:茶馆预订|本台茶讯)"
why = "The tea house that sponsors the site."
since = "2026-11-24"
matches = ["茶馆预订：找小王"]
spares = ["老街的茶馆预订火爆。"]

[[rule]]
id = "ad.contact-line"
label = "ad"
scope = "any"
view = "contact"
pattern = "^招商热线[:]\\\\s*400[0-9]{7}$"
why = "Narrower than the shipped row."
since = "2026-11-24"
matches = ["招商热线:400-012-3021"]
spares = ["市民可拨打12345。"]

[[sub]]
id = "spun.core"
form = "取芯"
original = "取心"
class = "A"
why = "Made for this test."
since = "2026-11-24"
restores = ["取芯设备"]
keeps = ["取心设备"]

[[sub.clause]]
id = "always"
action = "restore"
"""
LINE = "茶馆预订：找小王，他在老街东口的茶馆里等着各位街坊前来品茶，\x1b[2J春天的新茶已经到了\u202e，味道非常好。"
HOSTILE, GONE, HANT, AGENT = "hos\x1b]0;tile.txt", "gone.txt", "hant-dump.txt", "warehouse-agent.txt"
CONTACT = "【海景豪宅搶購專線】0912345678，限時優惠，立即預約賞屋"


class Made(NamedTuple):
    old: Path
    new: Path
    folder: Path

    def page(self, name: str) -> str:
        rows = delta.read(self.old, "sources").to_pylist()
        return next(row["page_id"] for row in rows if row["source_path"].endswith(f"/{name}"))


def clean(folder: Path, output: Path, **options: Any) -> Path:
    run(Request((str(folder), str(SEED)), str(output), runner="inline", **options))
    return output


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Pages, cleaned by the shipped rules and with a row added, a row replaced and a swapped word."""
    folder = tmp_path_factory.mktemp("compare")
    pages = folder / "in"
    pages.mkdir()
    for name in ("clean-dispatch.txt", AGENT, "binary.txt", "science-blog.txt"):
        shutil.copy(PAGES / name, pages / name)
    dispatch = (PAGES / "clean-dispatch.txt").read_text("utf-8").rstrip()
    dispatch = dispatch.replace("\n新华社", f"\n{LINE}\n新华社").replace("这批样品", "这批蕞好的样品")
    (pages / HOSTILE).write_text(dispatch, "utf-8")
    hant = (PAGES / HANT).read_text("utf-8")
    (pages / HANT).write_text(hant.replace("\n停辦", f"\n{LINE}\n\n停辦"), "utf-8")
    paragraph = (
        "本台茶讯，今年春茶的采摘已经开始，第{}片茶园里的茶农说，雨水充足，茶叶的质量比去年更好，预计产量也会增加。"
    )
    (pages / GONE).write_text("\n".join(["春茶开始采摘", *map(paragraph.format, "一二三四五")]), "utf-8")
    rules = folder / "mine.toml"
    rules.write_text(RULES, "utf-8")
    return Made(clean(pages, folder / "old"), clean(pages, folder / "new", rules=str(rules)), pages)


@pytest.fixture(scope="module")
def compared(made: Made) -> Comparison:
    return compare(location_of(made.old), location_of(made.new))


def rule_of(comparison: Comparison, rule: str) -> RuleChange:
    return next(change for change in comparison.rules if change.rule == rule)


def test_the_numbers_are_those_of_the_tables(made: Made, compared: Comparison) -> None:
    old, new = ({row["id"]: row for row in delta.read(path, "records").to_pylist()} for path in made[:2])
    assert compared.records == Pair(len(old), len(new))
    assert compared.rejections == Pair(*(len(delta.read(path, "rejections")) for path in made[:2]))
    differ = [
        page for page in old.keys() & new.keys() if any(old[page][key] != new[page][key] for key in ("title", "text"))
    ]
    assert compared.changed == len(differ) == 3  # the swapped word, the removed line, the line that is kept now
    assert compared.same == len(old.keys() & new.keys()) - 3
    assert compared.only == (0, 0)
    assert not compared.equal


def test_the_rule_with_the_largest_difference_stands_first(made: Made, compared: Comparison) -> None:
    first = compared.rules[0]
    assert first.rule == "ad.tea-house"
    assert (first.counts["blocks"], first.pages) == ((0, 7), (0, 3))
    blocks = delta.read(made.new, "blocks").to_pylist()
    taken = sum(row["end"] - row["start"] for row in blocks if row["rule"] == "ad.tea-house")
    assert first.counts["characters"] == (0, taken)
    assert (first.differ, first.records) == (3, 3)


def test_an_example_is_the_line_that_is_removed_now(made: Made, compared: Comparison) -> None:
    (found,) = [example for example in compared.rules[0].examples if example.page_id == made.page(HOSTILE)]
    assert (found.text, found.was, found.now, found.acts) == (LINE, "kept", "ad: ad.tea-house", True)
    assert found.source_path == str(made.folder / HOSTILE)


def test_a_replaced_rule_shows_what_is_kept_now_and_what_another_removes(made: Made, compared: Comparison) -> None:
    contact = rule_of(compared, "ad.contact-line")
    assert contact.counts["blocks"].new == 0 < contact.counts["blocks"].old
    assert made.page(HANT) > made.page(AGENT)
    kept, *others = contact.examples  # what changes a text stands first, whatever the ids
    assert (kept.text, kept.was, kept.now, kept.acts) == (CONTACT, "ad: ad.contact-line", "kept", False)
    assert kept.page_id == made.page(HANT)
    assert {example.now for example in others} == {"other: sequence.tail"}
    assert (
        rule_of(compared, "sequence.tail").counts["blocks"].new
        > rule_of(compared, "sequence.tail").counts["blocks"].old
    )


def test_an_edit_is_shown_in_its_context(compared: Comparison) -> None:
    core = rule_of(compared, "spun.core")
    assert core.counts["edits"] == (0, 4)
    assert core.pages == (0, 2)
    assert len({example.page_id for example in core.examples[:2]}) == 2  # another page before another place
    assert {example.text for example in core.examples} <= {
        "。头部企业参与研制的[取芯→取心]设备首次在深海使用，",
        "设备首次在深海使用，[取芯→取心]率达到91%。 据介",
    }
    assert all((example.was, example.now) == ("not made", "made") for example in core.examples)


def test_edits_that_only_stand_elsewhere_are_no_difference(made: Made, compared: Comparison) -> None:
    """A line that goes shifts the edits of all that stands behind it."""
    old, new = (
        [row for row in delta.read(path, "edits").to_pylist() if row["rule"] == "script.t2s"] for path in made[:2]
    )
    assert "spun.zui" in {
        row["rule"] for row in delta.read(made.new, "edits").to_pylist() if row["page_id"] == made.page(HOSTILE)
    }
    assert "spun.zui" not in {change.rule for change in compared.rules}
    shifted = {(row["before"], row["start"]) for row in old} - {(row["before"], row["start"]) for row in new}
    assert len(shifted) > 20
    more = Counter(row["before"] for row in new) - Counter(row["before"] for row in old)
    assert set(more) <= set(CONTACT)  # the one line that is kept now
    script = rule_of(compared, "script.t2s")
    assert script.counts["edits"] == (len(old), len(new))
    assert {example.text.partition("[")[2][0] for example in script.examples} <= set(more)
    assert {example.was for example in script.examples} == {"not made"}


def test_a_record_that_went_is_named_with_the_rule_that_rejects_it(made: Made, compared: Comparison) -> None:
    gone = ((made.page(GONE), str(made.folder / GONE)),)
    assert compared.moves == (Move("went", "reject.no-article", 1, gone),)
    assert rule_of(compared, "reject.no-article").counts["rejections"].new == 1
    told = "\n".join(lines(compared))
    assert "1 record went: rejected now by reject.no-article\n    " + made.page(GONE)[:12] in told


def test_the_other_way_round_it_appeared(made: Made) -> None:
    back = compare(location_of(made.new), location_of(made.old))
    (move,) = back.moves
    assert (move.change, move.reason, move.records) == ("appeared", "reject.no-article", 1)
    assert rule_of(back, "ad.tea-house").counts["blocks"] == (7, 0)
    assert "+ 茶馆预订" in "\n".join(lines(back))


def test_equal_datasets_say_so(made: Made) -> None:
    same = compare(location_of(made.old), location_of(made.old))
    assert same.equal
    assert (same.changed, same.moves, same.rules) == (0, (), ())
    assert list(lines(same))[-1].startswith("Nothing differs: 7 records and 1 rejection in both")


def test_every_record_that_differs_is_told_with_its_rules(made: Made) -> None:
    told = {
        page: (change, rules.split())
        for page, change, rules, _ in changes(location_of(made.old), location_of(made.new))
    }
    assert len(told) == 4
    assert told[made.page(GONE)][0] == "went"
    assert "ad.tea-house" in told[made.page(GONE)][1]
    # A page that is proved spun shows its other doubtful words, too.
    assert told[made.page("clean-dispatch.txt")] == ("changed", ["spun.core", "spun.diyi"])


def test_an_input_of_one_alone_is_counted_apart(made: Made, tmp_path: Path) -> None:
    fewer = tmp_path / "in"
    shutil.copytree(made.folder, fewer)
    for name in (HANT, "binary.txt"):
        (fewer / name).unlink()
    found = compare(location_of(made.old), location_of(clean(fewer, tmp_path / "out")))
    assert found.only == (2, 0)
    assert found.moves == (Move("went", "no input", 1, ((made.page(HANT), str(made.folder / HANT)),)),)
    assert found.rules == ()
    assert any(line.startswith("The inputs differ: 2 pages of the old alone, 0 of the new") for line in lines(found))


def test_a_record_that_is_pending_now_went_but_is_an_input(made: Made, tmp_path: Path) -> None:
    other, page = tmp_path / "other", made.page(HANT)
    shutil.copytree(made.old, other)
    records, sources = delta.read(other, "records"), delta.read(other, "sources").to_pylist()
    waiting = [row | {"page_id": None, "outcome": "pending"} if row["page_id"] == page else row for row in sources]
    stated = {"records": [row for row in records.to_pylist() if row["id"] != page], "sources": waiting}
    for name, rows in stated.items():
        arrow = pa.Table.from_pylist(rows, TABLES[name])
        assert delta.commit(location_of(other), name, arrow, delta.Commit(99, "test", rebuild=True))
    pin(location_of(other))
    found = compare(location_of(made.old), location_of(other))
    assert (found.only, found.records) == ((0, 0), (7, 6))
    assert found.moves == (Move("went", "pending", 1, ((page, str(made.folder / HANT)),)),)
    assert "1 record went: pending now" in list(lines(found))


def test_the_article_of_a_rejected_page_is_taken_by_the_rule_that_rejects_it(made: Made, tmp_path: Path) -> None:
    other = clean(made.folder, tmp_path / "out", config=Config(min_article_chars=200))
    found = compare(location_of(made.old), location_of(other), examples=20)
    short = rule_of(found, "reject.too-short")
    assert short.counts["rejections"].new == short.pages.new == found.moved("went") > 0
    assert "sequence.body" not in {change.rule for change in found.rules}
    became = {(bool(example.text), example.was, example.now) for example in short.examples}
    assert became == {
        (False, "record", "reject.too-short"),
        (True, "kept", "title: reject.too-short"),
        (True, "kept", "body: reject.too-short"),
    }
    assert "The configurations differ: not every difference is one of the rules." in found.notes


def test_another_configuration_or_schema_is_said(made: Made, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(made.old, other)
    stated = json.loads((other / "_state" / "dataset.json").read_text("utf-8"))
    stated |= {"schema_version": 99, "config_digest": "another"}
    (other / "_state" / "dataset.json").write_text(json.dumps(stated), "utf-8")
    notes = " ".join(compare(location_of(made.old), location_of(other)).notes)
    assert "The schema versions differ (3 → 99)" in notes
    assert "The configurations differ" in notes


@pytest.mark.parametrize("turned", [False, True])
def test_what_is_no_dataset_is_refused(made: Made, tmp_path: Path, turned: bool) -> None:
    pair = [location_of(made.old), location_of(tmp_path)]
    with pytest.raises(SetupError, match="there is no dataset here"):
        compare(*(reversed(pair) if turned else pair))


def test_nothing_that_a_page_holds_steers_the_terminal(compared: Comparison) -> None:
    told = list(lines(compared))
    shown = [cell for _, columns, rows in tables_of(compared) for row in (columns, *rows) for cell in row]
    for text in (*told, *shown):
        assert text.isprintable(), text
    assert any("\\x1b[2J" in line and "hos\\x1b]0;tile.txt" in line for line in told)
    assert any("\\u202e" in cell for cell in shown)


def test_what_does_not_print_is_escaped() -> None:
    assert printed("a\x00\n\ud800\U000e0001蕞") == "a\\x00\\n\\ud800\\U000e0001蕞"


def test_the_tables_of_the_review_page_say_the_same(compared: Comparison) -> None:
    found = {title: (columns, rows) for title, columns, rows in tables_of(compared)}
    assert ("records that changed", "3") in found["Old and new"][1]
    columns, rows = found["Rules that act otherwise"]
    assert dict(zip(columns, rows[0], strict=True))["blocks"] == "0 → 7 (+7)"
    assert all(len(row) == len(columns) for columns, rows in found.values() for row in rows)
    assert len(found["Examples"][1]) == sum(len(change.examples) for change in compared.rules)
