"""A page that was taken down does not come back as another spelling, another file or another version of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.dataset.location import location_of
from qingwen.dataset.schema import TABLES
from qingwen.run.engine import run
from qingwen.run.maintenance import compact, forget
from qingwen.run.report import RunReport
from qingwen.run.request import Request
from qingwen.run.takedowns import OTHER_VERSION, SAME_PLACE, SIMILAR

PARAGRAPHS = [
    "临河市图书馆新馆昨天上午开门迎客，不少市民带着孩子排队入场，三层的少年阅览室里很快坐满了人。",
    "馆长介绍，新馆藏书四十二万册，比旧馆多出一倍，夜间开放到九点，周一闭馆整理书架和修补旧书。",
    "住在附近的退休教师说，从前借一本地方志要坐一个小时的车，如今走路十分钟就能到，她打算每周来两次。",
    "市文化部门表示，下半年还将在北岸的三个街道设立分馆，读者可以在任何一处归还从总馆借走的图书。",
]
OTHER = [
    "南山水库今年首次开闸放水，下游六个乡镇的稻田得到灌溉，水利站的技术员连夜沿渠巡查，防止渠堤渗漏。",
    "种粮大户说，往年这个时候要抽井水，今年渠水直接到田头，一亩地能省下三十多元的电费，心里踏实得多。",
    "气象台预计，本月下旬还有两次降水过程，县里要求各乡镇错开用水的时间，先保住秧田，再灌旱地。",
]
ADDRESS = "http://www.lib.example.cn/a/1.html"


def page(paragraphs: list[str], comment: str = "", title: str = "临河市图书馆新馆开馆") -> str:
    body = "".join(f"<p>{line}</p>" for line in paragraphs)
    return f"<html><head><title>{title}</title></head><body>{comment}<h1>{title}</h1>{body}</body></html>"


def crawl(folder: Path, name: str, *rows: tuple[str, str | None]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("".join(json.dumps({"html": html, "url": url}) + "\n" for html, url in rows), "utf-8")
    return path


def clean(inputs: Path, output: Path, **options: Any) -> RunReport:
    return run(Request((str(inputs),), str(output), **{"runner": "inline", **options}))


def held(output: Path, name: str) -> list[dict[str, Any]]:
    return sorted(delta.read(output, name).to_pylist(), key=str)


def ids(output: Path) -> set[str]:
    return {row["id"] for row in held(output, "records")}


@pytest.fixture
def library(tmp_path: Path) -> tuple[Path, Path, str]:
    """A folder of inputs, a dataset of the page that is to be taken down and of another, and the first one's id."""
    crawl(tmp_path / "in", "a.jsonl", (page(PARAGRAPHS), ADDRESS), (page(OTHER, title="南山水库开闸放水"), None))
    clean(tmp_path / "in", tmp_path / "out")
    (victim,) = (row["id"] for row in held(tmp_path / "out", "records") if row["url"])
    return tmp_path / "in", tmp_path / "out", victim


BY = pytest.mark.parametrize("by", ["id", "url"])


def take_down(output: Path, victim: str, by: str) -> None:
    assert forget(output, **{f"{by}s": [victim if by == "id" else ADDRESS]}).ids == {victim}


@BY
@pytest.mark.parametrize(
    "url",
    [
        "https://lib.example.cn/a/1.html",
        f"{ADDRESS}?utm_source=x#top",
        "http://LIB.example.cn:80/a/./1.html",
        f"{ADDRESS}?",
    ],
)
def test_another_spelling_of_the_address_brings_no_version_back(
    library: tuple[Path, Path, str], by: str, url: str
) -> None:
    inputs, output, victim = library
    take_down(output, victim, by)
    crawl(inputs, "b.jsonl", (page([*PARAGRAPHS[:3], "阅读 1 024 次。"], "<!-- 12:01 -->"), url))
    assert clean(inputs, output).counts.rejections == {"forget.asked": 1}
    assert len(ids(output)) == 1
    assert not [row for row in held(output, "sources") if row["url"]], "its address is not written down"


@BY
def test_a_page_with_the_same_text_is_gone_wherever_it_stands(library: tuple[Path, Path, str], by: str) -> None:
    inputs, output, victim = library
    take_down(output, victim, by)
    crawl(inputs, "b.jsonl", (page(PARAGRAPHS, "<!-- 12:01 -->"), "http://repost.example.com/9"))
    assert clean(inputs, output).counts.rejections == {"forget.asked": 1}
    assert len(ids(output)) == 1


def test_a_changed_file_of_the_same_path_is_the_same_page_while_its_text_is_similar(tmp_path: Path) -> None:
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    (inputs / "a.html").write_text(page(PARAGRAPHS), "utf-8")
    clean(inputs, output)
    (victim,) = ids(output)
    forget(output, ids=[victim])
    for n, paragraphs in enumerate((PARAGRAPHS, [*PARAGRAPHS, "这篇报道已有 2301 人阅读。"])):
        (inputs / "a.html").write_text(page(paragraphs, f"<!-- {n} -->"), "utf-8")
        assert clean(inputs, output).counts.rejections == {"forget.asked": 1}
        assert ids(output) == set()
    assert {row["detail"] for row in held(output, "rejections")} == {OTHER_VERSION[2]}
    assert held(output, "blocks") == [], "no block of it either"
    # The name is used again for another article: it is published, and said.
    (inputs / "a.html").write_text(page(OTHER, title="南山水库开闸放水"), "utf-8")
    report = clean(inputs, output)
    assert report.counts.flags[SAME_PLACE] == 1
    (record,) = held(output, "records")
    assert SAME_PLACE in record["flags"]


def test_a_similar_text_elsewhere_is_published_and_flagged_and_the_user_is_told(
    library: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, output, victim = library
    take_down(output, victim, "id")
    more = crawl(inputs, "b.jsonl", (page([*PARAGRAPHS, OTHER[2]]), "http://repost.example.com/9"))
    assert main(["clean", str(more), "-o", str(output), "--no-prefect", "--runner", "inline"]) == 0
    said = capsys.readouterr().out
    assert f"like pages that were taken down: {SIMILAR} 1 (qingwen head {output} --flag {SIMILAR})" in said
    (record,) = (row for row in held(output, "records") if row["url"])
    (flag,) = (row for row in held(output, "flags") if row["rule"] == SIMILAR)
    assert (flag["page_id"], record["flags"].count(SIMILAR)) == (record["id"], 1)
    assert 0.45 < flag["score"] < 1
    assert not [row for row in held(output, "flags") if row["page_id"] != record["id"] and row["rule"] == SIMILAR]


def test_what_the_dataset_holds_already_is_treated_as_a_rebuild_would(
    library: tuple[Path, Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same text goes too, another version of the address too, a similar text elsewhere is flagged."""
    inputs, output, victim = library
    crawl(
        inputs,
        "b.jsonl",
        (page(PARAGRAPHS, "<!-- copy -->"), "http://copy.example.com/1"),
        (page([*PARAGRAPHS, OTHER[2]]), "https://lib.example.cn/a/1.html"),
        (page([*PARAGRAPHS[:3], OTHER[1]]), "http://repost.example.com/9"),
        (page([OTHER[0], OTHER[2], "水库管理所的值班表贴在闸房的墙上。"], title="渠水到田头"), f"{ADDRESS}#x"),
    )
    clean(inputs, output)
    assert main(["forget", str(output), "--id", victim]) == 0
    said = capsys.readouterr().out
    assert "3 pages taken down" in said
    assert "2 records like them stay, flagged forget.*: " in said
    by_url = {row["url"]: set(row["flags"]) & {SIMILAR, SAME_PLACE} for row in held(output, "records")}
    assert by_url == {None: set(), "http://repost.example.com/9": {SIMILAR}, f"{ADDRESS}#x": {SAME_PLACE}}
    compact(location_of(output))  # the columns that copy the table of duplicates
    before = {name: held(output, name) for name in TABLES}
    assert not clean(inputs, output).wrote
    clean(inputs, output, rebuild=True)
    for name in TABLES:
        if name != "rejections":  # the detail of a rejection says what was known when it was made
            assert held(output, name) == before[name], name
    assert main(["forget", str(output), "--id", victim]) == 0, "once more is no error, and flags are not doubled"
    assert held(output, "flags") == before["flags"]


def test_of_a_site_all_pages_go_and_what_others_print_stays_flagged(library: tuple[Path, Path, str]) -> None:
    inputs, output, victim = library
    rejected = ("<html><body><p>首页</p></body></html>", "http://www.lib.example.cn/index.html")
    crawl(inputs, "b.jsonl", (page(PARAGRAPHS, "<!-- copy -->"), "http://copy.example.com/1"), rejected)
    clean(inputs, output)
    (index,) = (row["page_id"] for row in held(output, "rejections"))
    found = forget(location_of(output), sites=["example.cn"])
    assert found.ids == {victim, index}
    (copy,) = found.flagged
    assert [row["url"] for row in held(output, "records") if row["id"] == copy] == ["http://copy.example.com/1"]
    assert not [row for row in held(output, "blocks") if row["page_id"] == index]
    crawl(inputs, "c.jsonl", (rejected[0].replace("首页", "返回首页"), "http://lib.example.cn/"))
    assert clean(inputs, output).counts.rejections == {"forget.asked": 1}, "a rejected page of the site, too"


def test_what_was_flagged_goes_when_a_later_request_shows_that_it_is_another_version(
    library: tuple[Path, Path, str],
) -> None:
    inputs, output, victim = library
    (other,) = ids(output) - {victim}
    crawl(inputs, "b.jsonl", (page([*OTHER, PARAGRAPHS[3]], title="渠水到田头"), f"{ADDRESS}#x"))
    clean(inputs, output)
    (late,) = ids(output) - {victim, other}
    assert forget(output, ids=[victim]).flagged == {late}
    assert forget(output, ids=[other]).ids == {other, late}
    clean(inputs, output, rebuild=True)
    assert ids(output) == set()
