"""Spacing: noise goes, a writer's space stays."""

from __future__ import annotations

import pytest

from qingwen import Config, load_rules
from qingwen.clean import normalize
from qingwen.model import BODY, TITLE, Document
from qingwen.normalize.passes import Context


def spaced(text: str, title: str = "") -> str:
    return normalize(Document({TITLE: title, BODY: text}), Context(Config(), load_rules())).parts[BODY]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("\u3000\u3000会议昨天闭幕。\n\u3000\u3000代表们认为，成果丰硕。", "会议昨天闭幕。\n代表们认为，成果丰硕。"),
        ("会议 ， 昨天闭幕。", "会议，昨天闭幕。"),
        ("会议 ，昨天 、今天和明天 。都开", "会议，昨天、今天和明天。都开"),
        ("他说, 要快, 要稳, 要好。", "他说，要快，要稳，要好。"),
        ("加 微 信 号", "加微信号"),
        ("行 政 会 议 通 过 更 新 的 空 气 质 素 指 标", "行政会议通过更新的空气质素指标"),
        ("图 书 馆 二 〇 二 六 年 五 月 开 放", "图书馆二〇二六年五月开放"),
        ("早上  出发", "早上 出发"),
        ("港 铁 表 示 ， 本 月 22 日 除 夕 晚 通 宵 行 驶 。", "港铁表示，本月 22 日除夕晚通宵行驶。"),
        ("首段结束。\u3000\u3000次段开始。", "首段结束。\n次段开始。"),
    ],
)
def test_spaces_that_no_writer_typed_go(text: str, right: str) -> None:
    assert spaced(text) == right


@pytest.mark.parametrize(
    "text",
    [
        "迈上新征程 创造新伟业",
        "记者 马永亮 李若男",
        "真好！ 大家都说。",
        "《新闻联播》 昨晚播出",
        "他说“好” 然后走了",
        "张 三",
        "张建国  王 军  李 强  赵小明",
        "全体队员：王 军 李 强 张建国",
        "成绩：优 良 中 差",
        "使用 Python 写程序",
        "会议闭幕。 代表离京",
        "《The Sea： One Story of Love， Loss， and Hope》",
    ],
)
def test_a_writer_s_space_stays(text: str) -> None:
    assert spaced(text) == text
