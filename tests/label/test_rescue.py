"""What the sequence decision would lose of an article is put right where its shape proves it, and nowhere else."""

from __future__ import annotations

import pytest

from qingwen import load_rules
from qingwen.label.block_stats import measure
from qingwen.label.crf import BODY, DIRT, HEAD, TAIL
from qingwen.label.rescue import rescue
from qingwen.segment.segment import segment_plain

BOOK = load_rules()
FIRST = "临河大桥今天上午六时正式通车，首批车辆由北向南驶过大桥。大桥全长2.3公里，双向六车道，设计时速80公里。"
SECOND = "市交通局负责人介绍，大桥通车后，两岸通行时间由四十分钟缩短到八分钟，市民出行更加方便。"
AD, SHORT = "招商热线：4008123660", "他很高兴。"
ROW = "车流\t8万\t6万"
NOTICE = "打印本页 关闭窗口"


def rescued(*lines: str) -> tuple[list[int], set[str]]:
    """Return the states below the first paragraph, the only one that the model put into the article, and the rescues that changed them."""
    blocks = measure(segment_plain("\n".join([FIRST, *lines])), BOOK)
    states, rescued_by = rescue(blocks, [BODY, *[TAIL] * len(lines)], None)
    return states[1:], {one.rule for one in rescued_by.values()}


@pytest.mark.parametrize("ads", [1, 2])
def test_a_paragraph_right_behind_advertisements_is_the_article_s(ads: int) -> None:
    assert rescued(*[AD] * ads, SECOND) == ([*[DIRT] * ads, BODY], {"rescue.behind-ad"})


def test_a_paragraph_behind_many_advertisements_or_other_matter_stays_below() -> None:
    assert rescued(AD, AD, AD, SECOND) == ([TAIL] * 4, set())
    assert rescued(NOTICE, SECOND) == ([TAIL] * 2, set())
    assert rescued(AD, SECOND[:-1] + "...") == ([TAIL] * 2, set())


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_paragraph_behind_short_sentences_is_the_article_s_and_so_are_they(lines: int) -> None:
    sentences = [SHORT, "记者问：怎么来的？", "坐车来的。"][:lines]
    assert rescued(*sentences, SECOND) == ([BODY] * (lines + 1), {"rescue.behind-lines"})


def test_a_paragraph_behind_lines_of_furniture_stays_below() -> None:
    assert rescued("临河网友101 06-12 03:15", SECOND) == ([TAIL] * 2, set())
    assert rescued("回复 顶(2)", SECOND) == ([TAIL] * 2, set())
    assert rescued(*["大桥"] * 9, SECOND) == ([TAIL] * 10, set())


def test_items_below_a_colon_are_the_article_s() -> None:
    items = ["北岸：服装、电子", "南岸：机械五金模具", "东港：物流、冷链"]
    assert rescued("各镇街的主要产业有：", *items, NOTICE) == ([BODY] * 4 + [TAIL], {"rescue.behind-lines"})
    assert rescued(*items) == ([TAIL] * 3, set())


def test_rows_of_a_table_right_behind_the_article_are_its_own() -> None:
    assert rescued("指标\t今年\t去年", ROW, NOTICE) == ([BODY, BODY, TAIL], {"rescue.table"})


def test_one_row_is_no_table() -> None:
    assert rescued(ROW, NOTICE) == ([TAIL, TAIL], set())


def test_name_and_date_close_a_notice() -> None:
    assert rescued("临河市人民政府", "2023年5月1日", NOTICE) == ([BODY, BODY, TAIL], {"rescue.signature"})
    assert rescued("临河市人民政府", "5月1日", NOTICE) == ([TAIL] * 3, set())


def test_a_page_without_an_article_is_left() -> None:
    blocks = measure(segment_plain(f"{FIRST}\n{SECOND}"), BOOK)
    assert rescue(blocks, [HEAD, HEAD], None) == ([HEAD, HEAD], {})


@pytest.mark.parametrize(("rows", "state"), [(4, BODY), (2, DIRT)])
def test_many_lines_in_a_row_between_paragraphs_are_a_table_of_the_article(rows: int, state: int) -> None:
    lines = [f"北岸{n}号码头 货运 {n}万吨" for n in range(rows)]
    blocks = measure(segment_plain("\n".join([FIRST, *lines, SECOND])), BOOK)
    states, _ = rescue(blocks, [BODY, *[DIRT] * rows, BODY], None)
    assert states == [BODY, *[state] * rows, BODY]
