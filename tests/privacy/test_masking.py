"""With masking on, nothing that comes of a page holds personal data; with masking off, nothing changes."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import SEED, Case, cases
from people import bare, people
from qingwen import Cleaned, Config, Rejection, clean_page, load_rules, restore
from qingwen.clean import normalize
from qingwen.model import BODY, HTML, TITLE, Document, Page
from qingwen.normalize.passes import Context
from qingwen.read.page import read_page
from qingwen.rules.personal_data import MASKED, overwrite
from qingwen.segment.segment import segment
from qingwen.text.spans import Edit, PositionMap

ON = Config(mask_personal_data=True)
# What stands for what is masked, and for the rest of an entity behind it.
MASKS = (MASKED, "\u200b", " ")
MOBILE, EMAIL = "13800138000", "zhangsan@example.com"
TEXT = f"""老街书店失窃案告破

2023-05-01 08:00 来源：临河日报

临河市公安局昨日通报，书店店主张某（身份证号11010519491231002X）丢失现金三千余元，报警时留下手机138-0013-8000，民警当天便赶到现场。
据监控显示，一辆车牌为京A12345的轿车停在门口，司机的邮箱是{EMAIL}，转账卡号6222021234567890128，民警循线追踪，将嫌疑人抓获归案。
市民如有线索，可以到老街派出所，向值班的民警反映情况，也可以拨打新闻热线：{MOBILE}，提供线索者将得到奖励。

责任编辑：李四
联系人王五 13912345678
"""


def pages() -> list[Page]:
    read = (read_page(str(case.path), Config()) for case in cases())
    return [page for page in read if isinstance(page, Page)]


PAGES = pages()


def cleaned(text: str, config: Config = ON, name: str = "page.txt") -> Cleaned:
    found = clean_page(text.encode(), source_path=name, config=config)
    assert isinstance(found, Cleaned), found
    return found


def everything(result: Cleaned | Rejection) -> str:
    """Return all that a result says, as one text."""
    found: list[Any] = [result.record.row()] if isinstance(result, Cleaned) else [result.rule, result.detail]
    for judged in result.blocks:
        found += [judged.text, judged.block.path, judged.verdict.why]
    if isinstance(result, Cleaned):
        found += [astuple(edit) for edit in result.edits] + [astuple(flag) for flag in result.flags]
        found.append(restore(result.record, result.blocks, result.edits))
    return "\n".join(map(str, found))


def page_text(page: Page) -> str:
    found = segment(page, Config())
    return "" if isinstance(found, Rejection) else found.text


def test_personal_data_in_an_article_is_masked_sign_for_sign() -> None:
    off, on = cleaned(TEXT, Config()), cleaned(TEXT)
    for data in ("11010519491231002X", "138-0013-8000", "京A12345", EMAIL, "6222021234567890128"):
        assert data in off.record.text
        assert data not in on.record.text
    assert f"手机{MASKED * 13}，" in on.record.text
    assert f"新闻热线：{MOBILE}，" in on.record.text
    assert len(on.record.text) == len(off.record.text)


def test_each_mask_in_the_text_is_an_edit_that_does_not_hold_what_it_masks() -> None:
    found = cleaned(TEXT)
    masks = [edit for edit in found.edits if edit.rule.startswith("mask.")]
    assert [edit.rule for edit in masks] == [
        "mask.id-card",
        "mask.mobile",
        "mask.plate",
        "mask.email",
        "mask.bank-card",
    ]
    assert all(edit.before == edit.after == MASKED * len(edit.span) and edit.step == 0 for edit in masks)
    assert found.record.n_edits == len(found.edits)


def test_restoring_gives_the_page_up_to_the_masks() -> None:
    found = cleaned(TEXT)
    table = load_rules().personal
    assert restore(found.record, found.blocks, found.edits) == overwrite(TEXT, [hit.span for hit in table.find(TEXT)])


def test_what_was_removed_stands_masked_too() -> None:
    (judged,) = [judged for judged in cleaned(TEXT).blocks if "王五" in (judged.text or "")]
    assert judged.text == f"联系人王五 {MASKED * 11}\n"


BOUND = "ABC DEF GHI JKL " * 9 + "京A12345" + "粤B8D321" + "字" * 20 + "。"


@pytest.mark.parametrize(
    ("line", "name"),
    [(BOUND, "min_han_ratio"), ("アイウエオ" + "字" * 40 + "，手机13800138000，车牌京A12345。", "max_kana_ratio")],
    ids=["han", "kana"],
)
def test_a_page_at_the_very_bound_is_judged_by_the_letters_that_masks_stand_for(line: str, name: str) -> None:
    page = f"老街书店失窃案告破\n\n{line}\n".encode()
    off = clean_page(page, config=Config(min_han_ratio=0.0, max_kana_ratio=1.0))
    assert isinstance(off, Cleaned)
    text = off.record.text
    letters = sum(char.isalnum() for char in text)
    bounds = {"min_han_ratio": off.record.quality["han_ratio"], "max_kana_ratio": text.count("ア") * 5 / letters}
    other = {"min_han_ratio": 0.0, "max_kana_ratio": 1.0, name: bounds[name]}
    on = clean_page(page, config=Config(mask_personal_data=True, **other))
    assert isinstance(on, Cleaned), on
    assert "京A12345" not in on.record.text
    assert on.record.quality["han_ratio"] == off.record.quality["han_ratio"]


def test_a_rejected_page_is_masked() -> None:
    found = clean_page(f"版权所有\n联系人 {MOBILE}\n".encode(), config=ON)
    assert isinstance(found, Rejection)
    assert "联系人 " + MASKED * 11 in "".join(judged.text or "" for judged in found.blocks)


def test_facts_of_a_page_are_masked() -> None:
    page = (
        f'<html><head><title>老街书店失窃</title><meta property="og:site_name" content="{EMAIL}"></head>'
        f"<body><h1>老街书店失窃</h1><p id='{MOBILE}'>来源 {EMAIL}</p>"
        + "".join(f"<p>{line}</p>" for line in TEXT.split("\n")[4:7])
        + "</body></html>"
    )
    for config, holds in ((Config(), True), (ON, False)):
        found = cleaned(page, config, "page.html")
        assert (found.record.metadata.site == EMAIL) is holds
        assert (EMAIL in repr(found.record.metadata)) is holds
        assert any(MOBILE in judged.block.path for judged in found.blocks) is holds


@pytest.mark.parametrize("name", ["id='t{}'", "class='c{}'", "id='u-{}'", "class='x_{} y'", "id='no{}7'"])
@pytest.mark.parametrize("number", [MOBILE, "138-0013-8000", "138_0013_8000"])
def test_no_number_is_left_in_the_path_of_a_block(name: str, number: str) -> None:
    body = "".join(f"<p {name.format(number)}>{line}</p>" for line in TEXT.split("\n")[4:7])
    page = f"<html><body><h1>老街书店失窃案告破</h1>{body}</body></html>"
    off, on = cleaned(page, Config(), "page.html"), cleaned(page, ON, "page.html")
    assert any(MOBILE in bare(judged.block.path) for judged in off.blocks)
    assert not any(MOBILE in bare(judged.block.path) for judged in on.blocks)
    assert [len(a.block.path) for a in on.blocks] == [len(b.block.path) for b in off.blocks]
    assert [judged.verdict for judged in on.blocks] == [judged.verdict for judged in off.blocks]


def test_a_number_over_several_lines_is_masked_in_each() -> None:
    body = "".join(f"<p>{line}</p>" for line in TEXT.split("\n")[4:7])
    page = f"<html><body><h1>老街书店失窃案告破</h1>{body}<p>店主手机：138<br>0012<br>7000，谢谢</p></body></html>"
    for config, holds in ((Config(), True), (ON, False)):
        found = cleaned(page, config, "page.html")
        assert ("13800127000" in bare(everything(found))) is holds
        text = restore(found.record, found.blocks, found.edits)
        assert "店主手机：" in text
        assert "，谢谢" in text
        assert len(text) == len(restore(*_parts(cleaned(page, Config(), "page.html"))))


def _parts(found: Cleaned) -> tuple[Any, Any, Any]:
    return found.record, found.blocks, found.edits


def test_the_notice_of_the_seed_is_masked_and_its_landline_is_not() -> None:
    found = clean_page(SEED.read_bytes(), config=ON)
    assert isinstance(found, Cleaned)
    assert found.record.metadata.rights is not None
    assert found.record.metadata.rights.endswith(f"400-0123-021\xa0或 {MASKED * 11}")
    assert "13391219793" not in everything(found)


def test_masking_is_off_by_default() -> None:
    assert Config().mask_personal_data is False
    assert MOBILE in cleaned(TEXT.replace("新闻热线", "家属"), Config()).record.text


def test_an_article_that_holds_no_personal_data_is_the_same_with_masking_on(case: Case) -> None:
    page = read_page(str(case.path), Config())
    assert isinstance(page, Page)
    off, on = clean_page(page), clean_page(page, config=ON)
    if load_rules().personal.find(page_text(page)):
        assert isinstance(on, Cleaned)
        assert MASKED in everything(on)
    else:
        assert on == off


def test_normalising_a_masked_article_again_changes_nothing() -> None:
    record = cleaned(TEXT).record
    assert normalize(Document({TITLE: record.title, BODY: record.text}), Context(ON, load_rules())).edits == ()


@pytest.mark.parametrize("hidden", ["ï¼‘3800138000", "138&ensp;0013&ensp;8000", "&amp;#49;3800138000"])
def test_a_number_that_only_the_passes_bring_to_light_is_masked_where_it_came_from(hidden: str) -> None:
    page = TEXT.replace("138-0013-8000", hidden)
    assert MOBILE in bare(cleaned(page, Config()).record.text.replace(f"新闻热线：{MOBILE}", ""))
    found = cleaned(page.replace("新闻热线", "家属"))
    assert MOBILE not in bare(everything(found))
    text = restore(found.record, found.blocks, found.edits)
    assert len(text) == len(page) - 2
    assert all(sign in (was, *MASKS) for sign, was in zip(text, page.replace("新闻热线", "家属"), strict=True))


def test_a_page_of_many_hidden_numbers_maps_its_positions_as_often_as_one_of_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []

    def counted(edits: list[Edit]) -> PositionMap:
        made.append(edits)
        return PositionMap(edits)

    monkeypatch.setattr("qingwen.text.spans.PositionMap", counted)
    times = []
    for several in (2, 40):
        numbers = "".join(f"住户张某的手机是ï¼‘38{number:08d}，他说。" for number in range(several))
        found = cleaned(TEXT.replace("民警循线追踪", numbers))
        assert sum(edit.rule == "mask.mobile" for edit in found.edits) == several + 1
        times.append(len(made))
        made.clear()
    assert times[0] == times[1]


@st.composite
def with_people(draw: st.DrawFn) -> tuple[Page, list[str]]:
    page = draw(st.sampled_from(PAGES))
    text = page.text
    places = sorted(draw(st.lists(st.integers(0, len(text)), min_size=1, max_size=3)), reverse=True)
    hidden = []
    for at in places:
        piece, data = draw(people())
        text = text[:at] + piece + text[at:]
        hidden.append(data)
    return replace(page, text=text), hidden


# What fails is a page of thousands of characters, which does not shrink.
@settings(
    max_examples=120,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(with_people())
def test_whatever_page_holds_someone_s_data_nothing_that_comes_of_it_does(made: tuple[Page, list[str]]) -> None:
    page, hidden = made
    on, off = clean_page(page, config=ON), clean_page(page)
    seen = bare(everything(on))
    assert [data for data in hidden if data in seen] == []
    assert type(on) is type(off)
    # What a block is found to be never hangs on the masks.
    assert [judged.verdict for judged in on.blocks] == [judged.verdict for judged in off.blocks]
    if isinstance(on, Cleaned):
        text, was = restore(on.record, on.blocks, on.edits), page_text(page)
        assert all(sign in (before, *MASKS) for sign, before in zip(text, was, strict=True))
        assert (
            normalize(Document({TITLE: on.record.title, BODY: on.record.text}), Context(ON, load_rules())).edits == ()
        )
    assert clean_page(page, config=ON) == on


def test_the_reference_reader_is_masked_alike() -> None:
    page = next(page for page in PAGES if page.media_type == HTML)
    page = replace(page, text=page.text.replace("<p>", f"<p>住户张某（{MOBILE}）说，", 1))
    for reader in ("lexbor", "soup"):
        assert MOBILE not in everything(clean_page(page, config=replace(ON, html_reader=reader)))


def test_what_hangs_together_with_masked_data_is_looked_at_again() -> None:
    glued = f"联系人 li@mail.net{MOBILE}"
    assert MOBILE not in everything(clean_page(f"{glued}\n{TEXT.replace(MOBILE, '')}".encode(), config=ON))
