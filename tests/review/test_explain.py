"""The explanation in lines: what was removed, changed, masked and flagged, each with its rule."""

from __future__ import annotations

from conftest import SEED
from qingwen import Cleaned, Config, clean_page, restore
from qingwen.model import BODY, TITLE, Flag
from qingwen.review.explain import explain
from qingwen.review.fact_places import places_of
from qingwen.text.spans import Span

ROUTE = "临河市公安局昨日通报，司机张某当时驾驶车牌为京A12345的轿车停在书店门口，民警当天便赶到了现场。"
PAGE = f"老街书店失窃案告破\n\n2023-05-01 08:00 来源：临河日报\n\n{ROUTE}\n市民可到老街派出所，向值班民警反映情况。\n责任编辑：李四\n"


def lines(found: Cleaned, flags: tuple[Flag, ...] | None = None) -> list[str]:
    parts = {TITLE: found.record.title, BODY: found.record.text}
    told = explain("page.txt", parts, found.blocks, found.edits, found.flags if flags is None else flags)
    return ["".join(run.text for run in line) for line in told]


def cleaned(page: bytes, config: Config | None = None) -> Cleaned:
    found = clean_page(page, config=config)
    assert isinstance(found, Cleaned), found
    return found


def test_removed_and_changed_stand_with_their_rules() -> None:
    told = lines(cleaned(SEED.read_bytes()))
    assert any(line.startswith("- 长按/扫一扫加葛毅明的微信号  [ad: ad.scan-qr-code;") for line in told)
    assert any("以[蕞→最]先的敏锐" in line and line.rstrip().endswith("}") for line in told)
    assert any(line.startswith("Removed characters: related") for line in told)
    assert any(line.startswith("Changes: ") and "spun.zui 13" in line for line in told)


def test_a_line_that_facts_come_from_names_them() -> None:
    found = cleaned(PAGE.encode())
    record, metadata = found.record, found.record.metadata
    parts = {TITLE: record.title, BODY: record.text}
    places = places_of(record.row(), found.blocks, restore(record, found.blocks, found.edits))
    assert places == dict(metadata.places)
    told = explain("page.txt", parts, found.blocks, (), (), row=record.row(), places=places)
    said = ["".join(run.text for run in line) for line in told]
    assert any("来源：临河日报" in line and line.endswith("← published_at, source_name") for line in said)
    assert any("责任编辑：李四" in line and line.endswith("← authors") for line in said)
    assert "authors: 李四  [line 5]" in said
    assert "source_name: 临河日报  [line 2]" in said


def test_a_mask_stands_alone_for_what_it_was_is_not_known() -> None:
    told = lines(cleaned(PAGE.encode(), Config(mask_personal_data=True)))
    (line,) = [line for line in told if "驾驶" in line]
    assert "车牌为[███████]的轿车" in line
    assert "mask.plate 1" in line


def test_what_was_flagged_stands_in_its_context_with_what_else_it_may_be() -> None:
    found = cleaned(PAGE.encode())
    at = found.record.text.index("书店")
    flags = (
        Flag(BODY, "spun.some", Span(at, at + 2), "书店", "书屋", "some-clause", 0.5),
        Flag(BODY, "unicode.lost", Span(at, at), "U+E000"),
    )
    told = lines(found, flags)
    assert (
        f"? {found.record.text[at - 10 : at]}[书店]{found.record.text[at + 2 : at + 12]}  spun.some (some-clause) perhaps 书屋"
        in told
    )
    assert any("[U+E000]" in line and line.endswith("  unicode.lost") for line in told)
    assert "Flagged: spun.some 1, unicode.lost 1" in told


def test_of_many_flags_the_first_are_shown_and_the_rest_counted() -> None:
    found = cleaned(PAGE.encode())
    told = lines(found, tuple(Flag(BODY, "spun.some", Span(n, n + 1), "字") for n in range(23)))
    assert sum(line.startswith("? ") for line in told) == 20
    assert told[-1] == "  … and 3 more"
