"""Learning what a farm swaps: consistent differences come out as proposed rows, and nothing else does."""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

import pytest

from qingwen.review.learn_swaps import Text, align, find_pairs, mine_swaps, to_toml
from qingwen.rules.book import load_rules

PLACES = "青山 白河 东关 西岭 南湖 北桥 石门 柳林 沙洲 云台 金坪 银滩 龙泉 虎丘 凤城 梅溪".split()
THINGS = "桥梁 学校 水库 医院 公园 道路 粮仓 码头 车站 剧场 书店 集市 苗圃 鱼塘 泵站 灯塔".split()
WAYS = "提前 按时 分期 连夜 冒雨 顺利 如期 低调 高标准 分步".split()
VERBS = "建成 修复 扩建 启用 验收 搬迁 改造 开放 移交 封闭".split()


def article(chance: random.Random) -> str:
    """A made article: no two sentences of two articles are alike."""
    said = []
    for _ in range(12):
        place, thing, way, verb = map(chance.choice, (PLACES, THINGS, WAYS, VERBS))
        n = chance.randint(100, 999)
        said.append(
            chance.choice([
                f"{place}的{thing}{way}{verb}，共投入{n}万元，是当地最大的一项工程。",
                f"据介绍，{place}{n}户居民{way}搬进新居，第一批住户对{thing}最满意。",
                f"{thing}{verb}之后，{place}每天接待{n}人，唯一的不足是停车难。",
                f"{place}把{thing}列为重点，{way}{verb}，全网关注度上升了{n}位。",
            ])
        )  # fmt: skip
    return "\n".join(said)


def farmed(text: str) -> str:
    return text.replace("最", "蕞").replace("第一", "头部").replace("唯一", "仅有").replace("全网", "网上")


@pytest.fixture(scope="module")
def crawl() -> list[Text]:
    chance = random.Random(1)
    texts = []
    for n in range(40):
        text = article(chance)
        texts.append(Text.of(f"a{n}", "paper.example", text))
        texts.append(Text.of(f"b{n}", "farm.example", farmed(text) + "\n厂房招商热线请来电"))
        texts.append(Text.of(f"c{n}", "other.example", article(chance) + "仅有一处头部企业，网上也有。"))
    chance.shuffle(texts)
    return texts


def test_consistent_differences_are_found_with_their_class_and_nothing_else(crawl: list[Text]) -> None:
    found = {(swap.original, swap.form): swap for swap in mine_swaps(crawl)}
    assert found.keys() == {("最", "蕞"), ("第一", "头部"), ("唯一", "仅有"), ("全网", "网上")}
    assert {swap.site for swap in found.values()} == {"farm.example"}
    assert found["最", "蕞"].kind == "A"
    assert found["第一", "头部"].kind == "B"
    assert all(swap.consistency == 1.0 for swap in found.values())
    assert all(swap.form in context for swap in found.values() for context in swap.contexts)


def test_the_order_of_the_crawl_changes_nothing(crawl: list[Text]) -> None:
    def rows(texts: list[Text]) -> set[tuple[str, str, int]]:
        return {(swap.original, swap.form, swap.n) for swap in mine_swaps(texts)}

    assert rows(crawl[::-1]) == rows(crawl)


def test_what_is_mined_is_a_table_that_loads_and_does_not_act(crawl: list[Text], tmp_path: Path) -> None:
    path = tmp_path / "mined.toml"
    path.write_text(to_toml(mine_swaps(crawl)), "utf-8")
    rows = tomllib.loads(path.read_text("utf-8"))["sub"]
    assert all(row["status"] == "proposed" and row["sites"] == ["farm.example"] for row in rows)
    assert all("consistency 1.000" in row["why"] for row in rows)
    book = load_rules(path)
    assert book.check() == []
    mined = [sub for sub in book.spun.rows if sub.id.startswith("mined.")]
    assert len(mined) == len(rows) == 4
    assert not any(sub.acts_on("farm.example") for sub in mined)


def test_an_honest_site_may_be_named(crawl: list[Text]) -> None:
    pair = [text for text in crawl if text.site != "other.example"]
    assert {swap.site for swap in mine_swaps(pair, ["paper.example"])} == {"farm.example"}
    assert {swap.site for swap in mine_swaps(pair, ["farm.example"])} == {"paper.example"}


def test_sites_that_print_an_article_alike_teach_nothing() -> None:
    chance = random.Random(2)
    texts = [
        Text.of(f"{site}{n}", site, text) for n in range(20) for text in [article(chance)] for site in ("a.cn", "b.cn")
    ]
    assert mine_swaps(texts) == []


def test_rare_and_inconsistent_differences_are_no_swaps() -> None:
    chance = random.Random(3)
    texts = []
    for n in range(30):
        text = article(chance)
        other = text.replace("最", "更") if n % 2 else text
        texts += [
            Text.of(f"a{n}", "a.cn", text),
            Text.of(f"b{n}", "b.cn", other.replace("居民", "住户") if n < 3 else other),
        ]
    assert mine_swaps(texts, ["a.cn"]) == []


def test_two_articles_are_aligned_only_when_they_are_one() -> None:
    chance = random.Random(4)
    one, other = article(chance), article(chance)
    assert align(Text.of("1", "a", one), Text.of("2", "b", farmed(one))) is not None
    assert align(Text.of("1", "a", "天地玄黄宇宙洪荒"), Text.of("2", "b", "日月盈昃辰宿列张")) is None
    assert list(find_pairs([Text.of("1", "a", one), Text.of("2", "b", other)])) == []


def test_a_pair_looks_the_same_from_both_sides() -> None:
    pair = align(Text.of("1", "a", "他说这是最好的结果之一"), Text.of("2", "b", "他说这是蕞好的结果之一"))
    assert pair is not None
    assert pair.across(4, 5) == "蕞"
    assert pair.turned().across(4, 5) == "最"
    assert pair.turned().turned() == pair
