"""Quality signals are what their names say; only what is no Chinese article is rejected."""

from __future__ import annotations

import pytest

from qingwen import Cleaned, Config, clean_page
from qingwen.metadata.quality import fault_of, signals

NEWS = "市图书馆今天宣布，自下月起开放时间延长至晚上九点半。新馆长说，这是对读者意见的回应，周末也不例外。"


def test_signals_are_shares_of_the_text() -> None:
    found = signals("甲乙丙丁。\n甲乙丙丁。\nabcd efgh", page_chars=36)
    assert found["han_ratio"] == round(8 / 18, 4)
    assert (found["line_punct"], found["dup_line"]) == (0.6667, 0.3333)
    assert found["dup_char"] == round(5 / 18, 4)
    assert found["mean_paragraph"] == 6.0
    assert found["removed_ratio"] == 0.5
    assert found["dup_5gram"] == round(10 / 18, 4)
    assert found["dup_6gram"] == 0.0


def test_the_commonest_gram_is_counted_by_its_characters() -> None:
    assert signals("甲乙甲乙甲乙丙丁", 8)["top_2gram"] == 0.75


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (NEWS, None),
        (NEWS.replace("，", "。\n"), None),
        (f"{NEWS[:-1]}\n{NEWS[:-1]}", None),
        (NEWS[:30], "reject.too-short"),
        ("The library stays open until half past nine from next month on, it said.", "reject.language"),
        ("市立図書館の新館が、今日から開館した。本が並び、夜九時まで利用できる。館長は話している。", "reject.language"),
        (
            "시립도서관은 다음 달부터 밤 아홉 시 반까지 문을 연다고 오늘 밝혔다. 독자들의 의견을 받아들였다.",
            "reject.language",
        ),
        (
            "\n".join(["秋粮收购启动仪式举行"] + [f"地铁{n}号线年底通车" for n in "一二三四五六七八九"]),
            "reject.list-page",
        ),
    ],
)
def test_only_what_is_no_chinese_article_is_rejected(text: str, rule: str | None) -> None:
    fault = fault_of(text, signals(text, len(text)), Config())
    assert (fault.rule if fault else None) == rule


def test_a_page_with_damaged_bytes_is_cleaned_and_flagged() -> None:
    octets = NEWS.encode()
    found = clean_page("图书馆延长开放\n\n".encode() + octets[:60] + b"\xff" + octets[60:] + b"\n" + octets)
    assert isinstance(found, Cleaned)
    assert {"read.damaged", "unicode.damaged"} <= set(found.record.flags)
