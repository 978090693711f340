"""Duplicates: what is alike is clustered, whatever the runs and the order; what shares its boilerplate is not."""

from __future__ import annotations

import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PAGES
from qingwen.dataset import delta
from qingwen.dataset.database import Database
from qingwen.dataset.minhash import SIZE, signature, similarity
from qingwen.run import near_duplicates as lsh
from qingwen.run.engine import run
from qingwen.run.near_duplicates import cluster, similar
from qingwen.run.request import Request


def text(seed: int, sentences: int = 30) -> str:
    """News-like text of its own: sentences of common characters."""
    chars = random.Random(seed)
    return "".join("".join(chr(0x4E00 + chars.randrange(3000)) for _ in range(20)) + "。" for _ in range(sentences))


def jaccard(one: str, other: str) -> float:
    first, second = ({t[at : at + 4] for at in range(len(t) - 3)} for t in (one, other))
    return len(first & second) / len(first | second)


def test_a_signature_estimates_the_similarity_of_texts() -> None:
    errors = []
    for seed in range(40):
        base = text(seed).replace("。", "")
        other = base[: 30 + 13 * seed] + text(seed + 1000).replace("。", "")[30 + 13 * seed :]
        errors.append(similarity(signature(base), signature(other)) - jaccard(base, other))
    assert abs(float(np.mean(errors))) < 0.01
    assert max(map(abs, errors)) < 4 / 32


def test_marks_spaces_and_case_do_not_show_in_a_signature() -> None:
    assert signature("会议，于 3 月在 Beijing 召开。") == signature("会议于3月在BEIJING召开")
    assert len(signature("")) == len(signature("清")) == 4 * SIZE


def matrix(*signatures: bytes) -> Any:
    return np.array([np.frombuffer(one, "<u4") for one in signatures])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), max_size=12))
def test_clusters_are_the_components_of_what_is_alike(tmp_path_factory: Any, texts: list[tuple[int, int]]) -> None:
    """Against every pair compared, on texts that are plainly alike or plainly not."""
    made = [text(seed) + text(100 * seed + more, more) for seed, more in texts]
    rows = matrix(*map(signature, made)) if made else np.zeros((0, SIZE), np.uint32)
    found = similar(rows, 0.45, tmp_path_factory.mktemp("lsh"))
    wanted = [min(j for j, (other, _) in enumerate(texts) if other == seed) for seed, _ in texts]
    assert found.tolist() == wanted


def test_a_crowd_in_one_band_is_one_cluster(tmp_path: Path) -> None:
    base = text(1)
    crowd = [base + text(n, 1) for n in range(2, 100)]
    assert set(similar(matrix(*map(signature, crowd)), 0.45, tmp_path).tolist()) == {0}
    assert len(crowd) > lsh._CROWD


def test_a_chain_that_grows_too_long_falls_into_what_is_like_its_first(tmp_path: Path) -> None:
    sentences = [text(n, 1) for n in range(120)]
    chain = ["".join(sentences[at : at + 40]) for at in range(0, 80, 5)]
    rows = matrix(*map(signature, chain))
    assert set(similar(rows, 0.45, tmp_path).tolist()) == {0}
    found = similar(rows, 0.45, tmp_path, most_chained=5).tolist()
    assert len(set(found)) > 1
    for n, first in enumerate(found):
        assert first == n or similarity(signature(chain[n]), signature(chain[first])) >= 0.45


# Through runs

ARTICLES = [
    (PAGES / name).read_text("utf-8") for name in ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt")
]


def write(path: Path, pages: list[str]) -> Path:
    path.write_text("".join(json.dumps({"text": page}) + "\n" for page in pages), "utf-8")
    return path


def clusters(output: Path) -> list[dict[str, Any]]:
    return sorted(delta.read(output, "duplicates").to_pylist(), key=lambda row: row["id"])


def clean(output: Path, *inputs: Path, **options: Any) -> None:
    run(Request(tuple(map(str, inputs)), str(output), **{"runner": "inline", **options}))


def repost(page: str, n: int) -> str:
    """The article with a sentence of its own."""
    head, line, rest = page.partition("。")
    return f"{head}{line}这是第{n}次转载的一句话{'，又转载' * (n % 3)}。{rest}"


@pytest.fixture(scope="module")
def pages() -> list[str]:
    made = [
        page
        for article in ARTICLES
        for page in (article, repost(article, 1), repost(article, 2), f"{article}\n分享到：\n")
    ]
    random.Random(4).shuffle(made)
    return made


def test_two_runs_give_the_clusters_of_one(tmp_path: Path, pages: list[str]) -> None:
    first, second = write(tmp_path / "a.jsonl", pages[:5]), write(tmp_path / "b.jsonl", pages[5:])
    clean(tmp_path / "both", first, second)
    clean(tmp_path / "runs", second)
    clean(tmp_path / "runs", first)
    assert clusters(tmp_path / "runs") == clusters(tmp_path / "both")
    found = clusters(tmp_path / "both")
    assert len(found) == len(pages)
    assert {row["cluster_size"] for row in found} == {4}
    assert sum(row["duplicate_of"] is None for row in found) == len(ARTICLES)
    assert {row["kind"] for row in found} == {"near"}, "the longest repost stands, and is like all others"


def test_the_first_by_date_stands_for_a_cluster_then_the_longest(tmp_path: Path) -> None:
    article = ARTICLES[0]
    pages = [article, repost(article, 1), f"{article}\n2019-03-02 10:00\n"]
    clean(tmp_path / "out", write(tmp_path / "a.jsonl", pages))
    records = {row["id"]: row for row in delta.read(tmp_path / "out", "records").to_pylist()}
    (standing,) = [row["id"] for row in clusters(tmp_path / "out") if row["duplicate_of"] is None]
    dated = {name for name, row in records.items() if row["published_at"] is not None}
    wanted = dated or {max(records, key=lambda name: records[name]["n_chars"])}
    assert standing in wanted
    assert {row["duplicate_of"] for row in clusters(tmp_path / "out")} == {None, standing}
    for name, row in records.items():
        assert row["duplicate_of"] == (None if name == standing else standing)


OLD, NEW = datetime(2019, 3, 2), datetime(2020, 3, 2)


@pytest.mark.parametrize(
    ("members", "standing"),
    [
        ({"a": (NEW, 90), "b": (OLD, 10)}, "b"),
        ({"a": (None, 90), "b": (NEW, 10)}, "b"),
        ({"a": (None, 10), "b": (None, 90)}, "b"),
        ({"a": (OLD, 10), "b": (OLD, 90)}, "b"),
        ({"b": (OLD, 10), "a": (OLD, 10), "c": (OLD, 10)}, "a"),
    ],
    ids=["first by date", "with a date", "longest", "longest of one day", "smallest id"],
)
@pytest.mark.parametrize("equal", [True, False], ids=["exact", "near"])
def test_who_stands_for_a_cluster(
    tmp_path: Path, members: dict[str, tuple[datetime | None, int]], standing: str, equal: bool
) -> None:
    same = signature("会议今天上午在北京召开。")
    with Database(tmp_path) as database:
        database.do("CREATE TABLE keys (id VARCHAR, text_sha256 VARCHAR, published_at TIMESTAMP, n_chars INTEGER)")
        database.do("CREATE TABLE signatures (id VARCHAR, signature BLOB)")
        for name, (published, size) in members.items():
            database.do("INSERT INTO keys VALUES (?, ?, ?, ?)", name, "text" if equal else name, published, size)
            database.do("INSERT INTO signatures VALUES (?, ?)", name, same)
        cluster(database, 0.45)
        found = database.rows("SELECT id, duplicate_of, kind, cluster_size FROM clusters ORDER BY id")
    kind = "exact" if equal else "near"
    wanted = [(name, None if name == standing else standing, kind, len(members)) for name in sorted(members)]
    assert found == wanted


def test_boilerplate_makes_no_duplicates(tmp_path: Path) -> None:
    """Short news under one long disclaimer: as dumped the pages are alike, cleaned they are not."""
    disclaimer = (
        "\n免责声明：本文仅代表作者个人观点，与本网无关。其原创性以及文中陈述文字和内容未经本站证实，对本文以及其中全部或者部分内容、"
        "文字的真实性、完整性、及时性本站不作任何保证或承诺，请读者仅作参考，并请自行核实相关内容。\n版权声明：本网转载的作品，"
        "均转载自其它媒体，转载目的在于传递更多信息，并不代表本网赞同其观点和对其真实性负责。\n"
    )
    news = (
        "新华社北京4月9日电 记者从国家气象中心了解到，受冷空气影响，未来三天北方大部分地区气温将下降6至8摄氏度。",
        "本报讯 昨日上午，滨海大桥完成荷载试验，预计下月通车，届时两岸往来的时间将由40分钟缩短到10分钟。",
        "据统计局消息，一季度全省粮食播种面积比去年同期增加12万亩，早稻长势好于常年，机械化插秧的比例超过六成。",
    )
    pages = [page + disclaimer for page in news]
    assert min(jaccard(pages[0], pages[1]), jaccard(pages[1], pages[2])) > 0.45
    clean(tmp_path / "out", write(tmp_path / "a.jsonl", pages))
    assert clusters(tmp_path / "out") == []
    assert delta.read(tmp_path / "out", "records").num_rows == 3


def test_a_duplicate_that_goes_leaves_no_cluster_behind(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(ARTICLES[0], "utf-8")
    (tmp_path / "in" / "b.txt").write_text(repost(ARTICLES[0], 1), "utf-8")
    clean(tmp_path / "out", tmp_path / "in")
    assert len(clusters(tmp_path / "out")) == 2
    (tmp_path / "in" / "b.txt").write_text(ARTICLES[1], "utf-8")
    clean(tmp_path / "out", tmp_path / "in")
    assert clusters(tmp_path / "out") == []
