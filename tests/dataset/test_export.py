"""Records in the forms of other corpora: every record once, its text as the tables have it, equal bytes each time."""

from __future__ import annotations

import errno
import gzip
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import zstandard

from conftest import PAGES
from made import COPIED, copies_with_differences
from qingwen import Cleaned, Cleaner
from qingwen.cli.main import main
from qingwen.dataset import delta, export_files
from qingwen.dataset.database import Database
from qingwen.dataset.export import FILE_BYTES, Exported, ExportOptions, export, exported
from qingwen.dataset.export_files import Output
from qingwen.dataset.export_formats import dolma, mnbvc, plain, simhash
from qingwen.dataset.location import location_of
from qingwen.errors import BatchError, SetupError
from qingwen.run.engine import run
from qingwen.run.maintenance import forget
from qingwen.run.request import Request

NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt", "account-repost.txt", "portal-gbk.html")
# CommonData of DataCheck_MNBVC, the checker of that corpus: what each line must have, and of which type.
FILE = {
    "文件名": str, "是否待查文件": bool, "是否重复文件": bool, "文件大小": int, "simhash": int, "最长段落长度": int, "段落数": int,
    "去重段落数": int, "低质量段落数": int, "段落": list, "扩展字段": str, "时间": str,
}  # fmt: skip
PARAGRAPH = {"行号": int, "是否重复": bool, "是否跨文件重复": bool, "md5": str, "内容": str, "扩展字段": str}
# docs/data-format.md of Dolma.
MANDATORY, OPTIONAL = {"id": str, "text": str, "source": str}, {"added": str, "created": str, "metadata": dict}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A dataset of two runs, and the name of the first: single pages, then a cluster of alike ones and one more page."""
    folder = tmp_path_factory.mktemp("made")
    inputs, output = folder / "in", folder / "news"
    inputs.mkdir()
    for name in NAMES[:-1]:
        shutil.copy(PAGES / name, inputs / name)
    first = run(Request((str(inputs),), str(output), runner="inline")).run
    copies_with_differences(inputs / "alike", 3)
    shutil.copy(PAGES / NAMES[-1], inputs / NAMES[-1])
    run(Request((str(inputs),), str(output), runner="inline"))
    return output, first


@pytest.fixture
def news(made: tuple[Path, str]) -> Path:
    return made[0]


def records(dataset: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in delta.read(dataset, "records").to_pylist()}


def read(dataset: Path, **wanted: Any) -> list[dict[str, Any]]:
    with exported(location_of(dataset), ExportOptions(**wanted)) as lines:
        return [json.loads(line) for line in lines]


def write(dataset: Path, path: Path, overwrite: bool = False, compression: str = "gzip", **options: Any) -> Exported:
    output = Output(location_of(path), compression=compression, overwrite=overwrite)
    size = options.pop("file_bytes", FILE_BYTES)
    return export(location_of(dataset), output, ExportOptions(**options), file_bytes=size)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def row(**values: Any) -> dict[str, Any]:
    cleaned = Cleaner().clean((PAGES / NAMES[0]).read_bytes(), source_path="a.txt")
    assert isinstance(cleaned, Cleaned)
    return {**cleaned.record.row(), **values}


def test_every_record_stands_once_in_the_order_of_ids_as_the_tables_have_it(news: Path) -> None:
    stored = records(news)
    found = read(news)
    assert [made["id"] for made in found] == sorted(stored)
    for made in found:
        mine = plain(stored[made["id"]])
        assert list(made) == list(mine), "all columns, in the table's order"
        assert {name: made[name] for name in mine if name not in COPIED} == {
            name: value for name, value in mine.items() if name not in COPIED
        }


def test_what_it_says_of_duplicates_is_what_their_table_says(news: Path) -> None:
    truth = {row["id"]: row for row in delta.read(news, "duplicates").to_pylist()}
    assert len(truth) == 3
    for made in read(news):
        stated = truth.get(made["id"], {"duplicate_of": None, "kind": None, "cluster_size": 1})
        assert [made[name] for name in COPIED] == [stated[name] for name in ("duplicate_of", "kind", "cluster_size")]


def test_without_duplicates_one_of_each_cluster_stands_for_it(news: Path) -> None:
    truth = delta.read(news, "duplicates").to_pylist()
    gone = {row["id"] for row in truth if row["duplicate_of"]}
    assert {made["id"] for made in read(news, representatives=True)} == set(records(news)) - gone
    assert len(gone) == 2


def test_a_cluster_whose_representative_was_taken_down_is_not_lost(news: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "news"
    shutil.copytree(news, dataset)
    (stands,) = {row["id"] for row in delta.read(dataset, "duplicates").to_pylist() if row["duplicate_of"] is None}
    forget(location_of(dataset), ids=[stands])
    kept = read(dataset, representatives=True)
    assert sum(made["site"] == "晋中厂房网" for made in kept) >= 1
    assert stands not in {made["id"] for made in kept}


def test_since_a_run_is_what_came_after_it(made: tuple[Path, str]) -> None:
    news, first = made
    paths = {Path(made["source_path"]).name for made in read(news, since=first)}
    assert paths == {"00000.txt", "00001.txt", "00002.txt", NAMES[-1]}
    with pytest.raises(SetupError, match=r"no run of .* has this name"):
        read(news, since="yesterday")


def test_dates_are_iso_8601_with_their_zone() -> None:
    crawled = datetime(2023, 5, 30, 1, 2, tzinfo=UTC)
    made = plain(row(published_at=datetime(2022, 9, 29, 8, 30), fetched_at=crawled))
    assert (made["published_at"], made["fetched_at"]) == ("2022-09-29T08:30:00+08:00", "2023-05-30T01:02:00+00:00")
    assert plain(row(published_at=None))["published_at"] is None


def test_an_export_is_a_crawl_that_cleans_to_itself(news: Path, tmp_path: Path) -> None:
    path = tmp_path / "news.jsonl"
    write(news, path)
    run(Request((str(path),), str(tmp_path / "again"), runner="inline"))
    again = {(row["title"], row["text"]) for row in records(tmp_path / "again").values()}
    assert again == {(row["title"], row["text"]) for row in records(news).values()}


@pytest.mark.parametrize(
    ("name", "unpack"),
    [("a.jsonl", ["cat"]), ("a.jsonl.gz", ["gzip", "-dc"]), ("a.json.gz", ["gzip", "-dc"]), ("a.jsonl.zst", ["zstd", "-dc"])],
)  # fmt: skip
def test_a_file_is_packed_as_its_name_ends(name: str, unpack: list[str], news: Path, tmp_path: Path) -> None:
    if shutil.which(unpack[0]) is None:
        pytest.skip(f"{unpack[0]} is not installed")
    done = write(news, tmp_path / "deep" / name)
    assert done == Exported(len(records(news)), 1)
    lines = subprocess.run([*unpack, tmp_path / "deep" / name], check=True, capture_output=True).stdout.splitlines()
    assert [json.loads(line) for line in lines] == read(news)
    assert left(tmp_path / "deep") == [name]


def test_a_folder_has_several_files_of_a_bounded_size(news: Path, tmp_path: Path) -> None:
    with exported(location_of(news), ExportOptions()) as lines:
        whole = list(lines)
    most = max(map(len, whole)) + 100
    done = write(news, tmp_path / "out", file_bytes=most)
    names = left(tmp_path / "out")
    assert names == [f"part-{n:05d}.jsonl.gz" for n in range(done.files)]
    assert 1 < done.files < len(whole)
    parts = [gzip.decompress((tmp_path / "out" / name).read_bytes()) for name in names]
    assert b"".join(parts) == b"".join(whole)
    assert max(map(len, parts)) <= most
    assert left(tmp_path) == ["out"]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_equal_records_give_equal_bytes(compression: str, news: Path, tmp_path: Path) -> None:
    for name in "ab":
        write(news, tmp_path / name, form="dolma", compression=compression, file_bytes=5_000)
    assert left(tmp_path / "a") == left(tmp_path / "b")
    for name in left(tmp_path / "a"):
        octets = (tmp_path / "a" / name).read_bytes()
        assert octets == (tmp_path / "b" / name).read_bytes()
        if compression == "zstd":
            octets = zstandard.ZstdDecompressor().decompressobj().decompress(octets)
        elif compression == "gzip":
            octets = gzip.decompress(octets)
        assert octets.endswith(b"}\n")


def test_no_record_is_an_empty_file(news: Path, tmp_path: Path) -> None:
    last = sorted((news / "_runs").glob("*.changes.parquet"))[-1].name.removesuffix(".changes.parquet")
    assert write(news, tmp_path / "out", since=last) == Exported(0, 1)
    assert gzip.decompress((tmp_path / "out" / "part-00000.jsonl.gz").read_bytes()) == b""


def test_dolma_s_documents_are_as_its_format_says(news: Path) -> None:
    found = read(news, form="dolma", source="qingwen-news")
    stored = records(news)
    for made in found:
        assert MANDATORY.keys() <= made.keys() <= MANDATORY.keys() | OPTIONAL.keys()
        for name, value in made.items():
            assert type(value) is {**MANDATORY, **OPTIONAL}[name], name
        for name in OPTIONAL.keys() & made.keys() - {"metadata"}:
            assert datetime.fromisoformat(made[name]).tzinfo
        mine = stored[made["id"]]
        assert (made["text"], made["source"]) == (mine["text"], "qingwen-news")
        assert made.keys() | made["metadata"].keys() >= mine.keys() - {"fetched_at", "published_at"}
        assert made["metadata"]["title"] == mine["title"]
    assert len({made["id"] for made in found}) == len(found) == len(stored)
    assert any("created" in made for made in found)


def test_the_title_stands_above_the_text_on_request() -> None:
    mine = row()
    assert dolma(mine)["text"] == mine["text"]
    assert dolma(mine, title=True)["text"] == f"{mine['title']}\n{mine['text']}"
    assert dolma({**mine, "title": ""}, title=True)["text"] == mine["text"]
    assert mnbvc(mine, title=True)["段落"][0]["内容"] == mine["title"]


def test_mnbvc_s_rows_are_as_its_checker_asks(news: Path) -> None:
    stored = {row["source_path"]: row for row in records(news).values()}
    truth = {row["id"] for row in delta.read(news, "duplicates").to_pylist() if row["duplicate_of"]}
    found = read(news, form="mnbvc")
    assert {made["文件名"] for made in found} == set(stored)
    for made in found:
        assert {name: type(value) for name, value in made.items()} == FILE
        assert all({name: type(value) for name, value in part.items()} == PARAGRAPH for part in made["段落"])
        mine = stored[made["文件名"]]
        assert "\n".join(part["内容"] for part in made["段落"]) == mine["text"]
        assert [part["行号"] for part in made["段落"]] == list(range(1, made["段落数"] + 1))
        assert all(part["md5"] == md5(part["内容"].encode()).hexdigest() for part in made["段落"])
        assert made["文件大小"] == len(mine["text"].encode())
        assert made["是否重复文件"] == (mine["id"] in truth)
        more = json.loads(made["扩展字段"])
        assert more.keys() == mine.keys() - {"text"}
        assert (more["id"], more["title"], more["url"]) == (mine["id"], mine["title"], mine["url"])
        assert json.loads(made["段落"][0]["扩展字段"]) == {}


def test_mnbvc_s_counts_are_of_distinct_paragraphs() -> None:
    made = mnbvc(row(text="甲乙丙。\n丁。\n甲乙丙。"))
    counts = [made[name] for name in ("段落数", "去重段落数", "最长段落长度", "低质量段落数", "是否待查文件")]
    assert counts == [3, 2, 4, 0, False]
    assert [part["是否重复"] for part in made["段落"]] == [False, False, True]
    assert made["simhash"] == mnbvc(row(text="甲乙丙。\n丁。"))["simhash"]
    assert mnbvc(row(text="甲。\n甲。\n甲。"))["是否待查文件"] is True


def test_mnbvc_s_day_is_that_of_publication_else_of_the_crawl() -> None:
    crawled = datetime(2023, 5, 30, 20, 0, tzinfo=UTC)
    mine = row(published_at=datetime(2022, 9, 29), published_precision="day", fetched_at=crawled)
    assert mnbvc(mine)["时间"] == "20220929"
    assert mnbvc({**mine, "published_precision": "month"})["时间"] == "20230531", "Beijing is eight hours ahead"
    assert mnbvc({**mine, "published_at": None, "published_precision": "none", "fetched_at": None})["时间"] == ""


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["第一行", "第二行"], 126455933734751296),
        (["a"], 3585878926028121697),
        (["a", "b", "c", "d"], 3476805791311271713),
        (["老街茶馆一座难求", "市文旅局昨日公布的数据显示。", "假期首日。"], 18136914571284443924),
        ([f"第{n}段" for n in range(450)], 2750679890815106669),
    ],
)
def test_the_simhash_is_that_of_the_package_that_mnbvc_uses(texts: list[str], value: int) -> None:
    """Values of ``Simhash(texts).value``, simhash 2.1.2."""
    assert simhash(md5(text.encode()).hexdigest() for text in texts) == value


@pytest.mark.parametrize(
    ("before", "path", "says"),
    [
        (["out.jsonl"], "out.jsonl", r"out\.jsonl: exists already\. Name another file, or replace it with --overwrite"),
        (["out/part-00000.jsonl"], "out", r"out: holds an export already\."),
        (["out/thesis.doc"], "out", r"out: holds files that no export wrote \(thesis\.doc\)"),
        (["out"], "out", r"out: is not a folder\. Files end in \.jsonl"),
        (["a.jsonl/b"], "a.jsonl", r"a\.jsonl: is a folder"),
        ([], "out.parquet", r"out\.parquet: cannot write files of this kind"),
        (["a"], "a/out.jsonl", r"a/out\.jsonl: cannot be written: "),
    ],
)
def test_what_stands_there_is_left_alone(before: list[str], path: str, says: str, news: Path, tmp_path: Path) -> None:
    for name in before:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("mine", "utf-8")
    with pytest.raises(SetupError, match=says):
        write(news, tmp_path / path)
    assert [(tmp_path / name).read_text("utf-8") for name in before] == ["mine"] * len(before)


def test_an_export_is_replaced_on_request_and_nothing_else_is(news: Path, tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "news.jsonl"
    write(news, out, file_bytes=3_000)
    assert len(left(out)) > 1
    write(news, out, overwrite=True, compression="none")
    assert left(out) == ["part-00000.jsonl"]
    for _ in range(2):
        write(news, file, overwrite=True)
    assert file.read_bytes() == (out / "part-00000.jsonl").read_bytes()
    (out / "thesis.doc").write_text("mine", "utf-8")
    with pytest.raises(SetupError, match="holds files that no export wrote"):
        write(news, out, overwrite=True)


def test_a_full_disk_leaves_what_stood_there(news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    write(news, out, file_bytes=3_000)
    before = {name: (out / name).read_bytes() for name in left(out)}

    def full(self: Output, lines: Iterator[bytes], *rest: Any) -> None:
        next(lines)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(export_files.Output, "_write_shards", full)
    for path in (out, tmp_path / "new"):
        with pytest.raises(BatchError, match=r"the machine failed under the export \(.*No space left on device\)"):
            write(news, path, overwrite=True)
    assert {name: (out / name).read_bytes() for name in left(out)} == before
    assert left(tmp_path) == ["out"]


def test_a_file_of_the_dataset_that_is_gone_is_told(news: Path, tmp_path: Path) -> None:
    shutil.copytree(news, tmp_path / "news")
    next((tmp_path / "news" / "records").glob("*.parquet")).unlink()
    for path in ("new", "new.jsonl"):
        with pytest.raises(BatchError, match=r"the machine failed under the export .*nothing was written\. Run again"):
            write(tmp_path / "news", tmp_path / path)
    assert left(tmp_path) == ["news"]


def test_a_signal_while_the_database_works_ends_it(news: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*rest: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Database, "stream", interrupted)
    assert main(["export", str(news), "-o", str(tmp_path / "out")]) == 130
    assert left(tmp_path) == []


@pytest.mark.parametrize("name", ["export", "records/out.jsonl"])
def test_nothing_is_written_into_the_dataset(name: str, news: Path) -> None:
    before = sorted(news.rglob("*"))
    with pytest.raises(SetupError, match="is inside the dataset"):
        write(news, news / name)
    assert sorted(news.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"form": "xml"}, "--to xml: unknown form. Known forms: jsonl, dolma, mnbvc"),
        ({"title": True}, "--title: jsonl already has the title as a column"),
        ({"form": "mnbvc", "source": "a"}, "--source: only dolma has a source"),
        ({"since": "yesterday"}, "has this name"),
    ],
)
def test_what_a_form_has_no_place_for_is_refused(
    options: dict[str, Any], says: str, news: Path, tmp_path: Path
) -> None:
    with pytest.raises(SetupError, match=says):
        write(news, tmp_path / "deep" / "out", **options)
    assert left(tmp_path) == []


def test_the_command_writes_to_standard_output_and_to_files(
    news: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["export", str(news)]) == 0
    assert [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()] == read(news)
    assert main(["export", str(news), "--to", "mnbvc", "-o", str(tmp_path / "out"), "--without-duplicates"]) == 0
    assert b"6 records as mnbvc in 1 file: " in capfdbinary.readouterr().out
    assert left(tmp_path / "out") == ["part-00000.jsonl"]
    assert main(["export", str(tmp_path)]) == 2
    assert b"there is no dataset here" in capfdbinary.readouterr().err
    assert main(["export", str(news), "--file-megabytes", "0", "-o", str(tmp_path / "x")]) == 2
    assert main(["export", str(news), "--compression", "gzip", "-o", str(tmp_path / "x.jsonl")]) == 2
    assert b"x.jsonl: --compression is for a folder" in capfdbinary.readouterr().err
    assert left(tmp_path) == ["out"]


def test_a_reader_that_goes_away_is_no_fault(news: Path) -> None:
    command = f"{sys.executable} -m qingwen export {news} --to dolma | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.stdout[:8], done.stderr) == ('{"id": "', "")


@pytest.mark.slow
def test_a_store_gives_and_takes_an_export(news: Path, tmp_path: Path, store: Any) -> None:
    store.put(str(news), "crawl/news", recursive=True)
    dataset = location_of("s3://crawl/news")
    write(news, tmp_path / "out", file_bytes=5_000)
    for name in ("out", "one.jsonl.gz"):
        output = Output(location_of(f"s3://crawl/{name}"), compression="gzip", overwrite=False)
        export(dataset, output, ExportOptions(), file_bytes=5_000)
    store.invalidate_cache()
    assert sorted(path.rpartition("/")[2] for path in store.find("crawl/out")) == left(tmp_path / "out")
    for name in left(tmp_path / "out"):
        assert store.cat(f"crawl/out/{name}") == (tmp_path / "out" / name).read_bytes()
    assert [json.loads(line) for line in gzip.decompress(store.cat("crawl/one.jsonl.gz")).splitlines()] == read(news)
    with pytest.raises(SetupError, match="holds an export already"):
        Output(location_of("s3://crawl/out"), compression="gzip", overwrite=False)
    with pytest.raises(SetupError, match="is inside the dataset"):
        export(dataset, Output(location_of("s3://crawl/news/x"), compression="gzip", overwrite=False), ExportOptions())
