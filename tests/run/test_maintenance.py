"""Between runs: compaction, vacuum, changes, pages taken down; and that others' tools load the tables."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from conftest import PAGES, ROOT
from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.dataset.dataset import changes
from qingwen.dataset.lookup import look_up
from qingwen.dataset.schema import TABLES
from qingwen.errors import SetupError
from qingwen.run.engine import run
from qingwen.run.maintenance import compact, forget, vacuum
from qingwen.run.report import RunReport
from qingwen.run.request import Request

NAMES = ("clean-dispatch.txt", "science-blog.txt", "epaper-lawsuit.txt", "account-repost.txt")


def clean(output: Path, inputs: Path, **options: Any) -> RunReport:
    return run(Request((str(inputs),), str(output), **{"runner": "inline", **options}))


def rows(output: Path, name: str) -> list[dict[str, Any]]:
    return sorted(delta.read(output, name).to_pylist(), key=str)


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A folder with inputs and a dataset after three days: two pages; one more, like the first; one page replaced."""
    folder = tmp_path_factory.mktemp("daily")
    inputs, output = folder / "in", folder / "out"
    inputs.mkdir()
    runs = []
    for name in NAMES[:2]:
        shutil.copy(PAGES / name, inputs / name)
    runs.append(clean(output, inputs).run)
    text = (PAGES / NAMES[0]).read_text("utf-8")
    (inputs / "repost.txt").write_text(
        f"{text}\n本报记者另外了解到，下一航次将于明年三月出发，航期预计为五十天。\n", "utf-8"
    )
    runs.append(clean(output, inputs).run)
    shutil.copy(PAGES / NAMES[2], inputs / NAMES[1])
    runs.append(clean(output, inputs).run)
    shutil.copytree(folder, folder.with_name(f"{folder.name}-pristine"))
    return folder, runs


@pytest.fixture
def daily(three_days: tuple[Path, list[str]]) -> tuple[Path, Path, list[str]]:
    """Inputs, dataset and names of runs, as they were made: under the same paths, which the dataset holds."""
    folder, runs = three_days
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name(f"{folder.name}-pristine"), folder)
    return folder / "in", folder / "out", list(runs)


def test_compaction_joins_files_and_refreshes_the_copies(daily: tuple[Path, Path, list[str]], tmp_path: Path) -> None:
    inputs, output, _ = daily
    before = {name: rows(output, name) for name in TABLES}
    assert {row["cluster_size"] for row in before["duplicates"]} == {2}
    assert sorted(row["cluster_size"] for row in before["records"]) != sorted([2, 2, 1]), "one row was written before"
    done = compact(output)
    assert done.refreshed == 1
    for row in before["records"]:
        assert look_up(output, row["id"][:10]).row["title"] == row["title"]
    assert done.files["blocks"][0] > done.files["blocks"][1] == 1
    for name in TABLES:
        if name != "records":
            assert rows(output, name) == before[name], name
    clean(tmp_path / "fresh", inputs)
    assert rows(output, "records") == rows(tmp_path / "fresh", "records")
    again = compact(output)
    assert (again.refreshed, {a - b for a, b in again.files.values()}) == (0, {0})
    assert not clean(output, inputs).wrote


def test_after_a_vacuum_a_plain_glob_is_exact(daily: tuple[Path, Path, list[str]]) -> None:
    _, output, _ = daily
    compact(output)
    assert sum(len(list((output / name).glob("*.parquet"))) for name in TABLES if name != "signatures") > len(TABLES)
    assert vacuum(output).removed
    for name in TABLES:
        files = {str(path) for path in Path(delta.path_of(output, name)).glob("*.parquet")}
        assert files == set(delta.files(output, name)), name
    assert not vacuum(output).removed


def test_a_reader_of_the_old_version_keeps_its_files_through_compaction(daily: tuple[Path, Path, list[str]]) -> None:
    from deltalake import DeltaTable

    _, output, _ = daily
    reader = DeltaTable(str(output / "blocks"))
    held = parquet.read_table(reader.file_uris()).num_rows
    compact(output)
    assert parquet.read_table(reader.file_uris()).num_rows == held
    assert parquet.read_table(DeltaTable(str(output / "blocks")).file_uris()).num_rows == held


def test_the_reader_of_the_card_is_right_after_a_run_that_replaced_pages(
    daily: tuple[Path, Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of any name; and it is not deltalake's scan, which may abort a process that ends behind it."""
    _, output, _ = daily
    folder = Path(shutil.copytree(output, tmp_path / "新 闻 50%#"))
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(folder)
    read: dict[str, Any] = {}
    exec(code, read)
    assert sorted(read["records"]["id"].to_pylist()) == sorted(row["id"] for row in rows(output, "records"))
    assert len(list((folder / "records").glob("*.parquet"))) > 1
    guides = [*ROOT.glob("README*.md"), *(ROOT / "flows").rglob("*.md"), *(ROOT / "flows").rglob("*.py")]
    assert not [path for path in guides if ".to_pyarrow" in path.read_text("utf-8")]


def check_files(output: Path, what: str) -> None:
    """Each file of each table has the declared columns: types, nullability, descriptions, names of inner columns."""
    for name, schema in TABLES.items():
        for file in Path(delta.path_of(output, name)).rglob("part-*.parquet"):
            data = parquet.ParquetFile(file)
            assert data.schema_arrow.equals(schema, check_metadata=True), (what, name)
            paths = [data.schema.column(n).path for n in range(len(data.schema.names))]
            assert not [path for path in paths if path.endswith(".element")], (what, name)
            assert {data.metadata.row_group(n).num_rows for n in range(data.num_row_groups - 1)} <= {1000}, (what, name)
        for entry in Path(delta.path_of(output, name)).glob("_delta_log/*.json"):
            for line in entry.read_text("utf-8").splitlines():
                stats = json.loads(json.loads(line).get("add", {}).get("stats") or "{}")
                assert set(stats.get("minValues", ())) <= {"id", "page_id"}, (what, name)


@pytest.mark.parametrize("by_month", [{}, {"partition_by": "month"}], ids=["flat", "by month"])
def test_every_file_has_the_declared_columns_whatever_wrote_it(tmp_path: Path, by_month: dict[str, Any]) -> None:
    inputs, output = tmp_path / "in", tmp_path / "out"
    inputs.mkdir()
    shutil.copytree(PAGES, inputs / "pages")
    clean(output, inputs, **by_month)
    check_files(output, "a run")
    shutil.copy(PAGES / NAMES[3], inputs / "pages" / NAMES[0])
    shutil.copy(PAGES / "english.txt", inputs / "pages" / NAMES[1])
    clean(output, inputs, **by_month)
    check_files(output, "pages replaced and withdrawn")
    forget(output, [rows(output, "records")[0]["id"]])
    check_files(output, "a page taken down")
    before = {name: rows(output, name) for name in TABLES}
    compact(output)
    check_files(output, "compaction")
    vacuum(output)
    check_files(output, "vacuum")
    assert {name: found for name, found in ((name, rows(output, name)) for name in TABLES) if name != "records"} == {
        name: found for name, found in before.items() if name != "records"
    }
    (inputs / "more.txt").write_text((PAGES / NAMES[0]).read_text("utf-8"), "utf-8")
    clean(output, inputs, **by_month)
    check_files(output, "more pages")


def test_compaction_writes_a_file_of_other_columns_anew(daily: tuple[Path, Path, list[str]]) -> None:
    """As versions before 1.1 left them, which let delta-rs rewrite files."""
    from deltalake import DeltaTable

    _, output, _ = daily
    compact(output)
    vacuum(output)
    held = {name: rows(output, name) for name in TABLES}
    DeltaTable(str(output / "blocks")).optimize.z_order(["page_id"])
    DeltaTable(str(output / "records")).update({"cluster_size": "cluster_size"})
    vacuum(output)
    with pytest.raises(AssertionError):
        check_files(output, "another writer")
    compact(output)
    vacuum(output)
    check_files(output, "compaction")
    assert {name: rows(output, name) for name in TABLES} == held


def test_vacuum_spares_what_the_last_hours_used(daily: tuple[Path, Path, list[str]]) -> None:
    _, output, _ = daily
    (killed := output / "blocks/part-00000-00000000-0000-0000-0000-000000000000-c000.zstd.parquet").write_bytes(b"")
    assert not vacuum(output, 24).removed
    os.utime(killed, (0, 0))
    assert vacuum(output, 24, dry_run=True).removed == vacuum(output, 24).removed == (killed,)
    assert len(vacuum(output).removed) > 3


def test_changes_since_a_run(daily: tuple[Path, Path, list[str]]) -> None:
    inputs, output, runs = daily
    first = dict(changes(output, runs[0]))
    assert sorted(first.values()) == ["added", "added", "withdrawn"]
    assert {name for name, change in first.items() if change == "added"} < {
        row["id"] for row in rows(output, "records")
    }
    assert sorted(dict(changes(output, runs[1])).values()) == ["added", "withdrawn"]
    assert dict(changes(output, runs[2])) == {}
    # What came and went again is no change.
    (inputs / "more.txt").write_text((PAGES / NAMES[3]).read_text("utf-8"), "utf-8")
    clean(output, inputs)
    (inputs / "more.txt").write_text("清文", "utf-8")
    clean(output, inputs)
    assert dict(changes(output, runs[2])) == {}
    vacuum(output)
    assert dict(changes(output, runs[0])) == first, "what a vacuum removes is not needed"
    with pytest.raises(SetupError, match=f"no run of .* has this name. The last ones: .*{runs[2]}"):
        list(changes(output, "yesterday"))


def test_a_rebuild_tells_what_it_changed(daily: tuple[Path, Path, list[str]], tmp_path: Path) -> None:
    inputs, output, runs = daily
    again = clean(output, inputs, rebuild=True)
    assert again.wrote
    assert dict(changes(output, runs[2])) == {}
    shutil.copy(PAGES / NAMES[3], inputs / NAMES[0])
    clean(output, inputs, rebuild=True)
    assert sorted(dict(changes(output, runs[2])).values()) == ["added", "withdrawn"]


def test_a_record_that_other_rules_make_another_is_told_as_changed(
    daily: tuple[Path, Path, list[str]], tmp_path: Path
) -> None:
    inputs, output, runs = daily
    mine = tmp_path / "mine.toml"
    mine.write_text(
        '[[rule]]\nid = "ad.voyage"\nlabel = "ad"\nscope = "any"\npattern = "^本报记者另外了解到"\n'
        'why = "A test."\nsince = "0"\nmatches = ["本报记者另外了解到"]\n',
        "utf-8",
    )
    clean(output, inputs, rebuild=True, rules=str(mine))
    (repost,) = [row["id"] for row in rows(output, "records") if row["source_path"].endswith("repost.txt")]
    assert dict(changes(output, runs[2])) == {repost: "changed"}


@pytest.mark.parametrize("by", ["id", "url", "site"])
def test_a_page_taken_down_leaves_every_table_and_never_comes_back(tmp_path: Path, by: str) -> None:
    output = tmp_path / "out"
    pages = [
        {"text": (PAGES / name).read_text("utf-8"), "url": f"http://{name[:5].strip('-')}.example/{name}"}
        for name in NAMES
    ]
    source = tmp_path / "a.jsonl"
    source.write_text("".join(json.dumps(page) + "\n" for page in [*pages, pages[0]]), "utf-8")
    clean(output, source)
    (row,) = [row for row in rows(output, "records") if row["source_path"].endswith("#0")]
    found = forget(output, **{f"{by}s": [row[by]]})
    assert found.ids == {row["id"]}
    for name, key in (
        ("records", "id"),
        ("blocks", "page_id"),
        ("edits", "page_id"),
        ("flags", "page_id"),
        ("signatures", "id"),
    ):
        assert row["id"] not in {found[key] for found in rows(output, name)}, name
    assert {r["rule"] for r in rows(output, "rejections") if r["page_id"] == row["id"]} == {"forget.asked"}
    assert len(rows(output, "records")) == 3
    vacuum(output)
    left = b"".join(path.read_bytes() for path in output.rglob("*.parquet"))
    assert row["title"].encode() not in left
    assert not clean(output, source).wrote
    clean(output, source, rebuild=True)
    assert len(rows(output, "records")) == 3
    # From elsewhere, with other boilerplate: by its URL or site it is still known.
    again = tmp_path / "b.jsonl"
    again.write_text(json.dumps({**pages[0], "text": pages[0]["text"] + ("" if by == "id" else "\n分享到：")}), "utf-8")
    clean(output, again)
    assert len(rows(output, "records")) == 3


def test_what_no_page_has_is_not_taken_down(
    daily: tuple[Path, Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    _, output, _ = daily
    before = {name: rows(output, name) for name in TABLES}
    known = rows(output, "records")[0]["id"]
    for arguments, said in (
        (["--id", "f" * 32], "no page of"),
        (["--id", ""], "no page of"),
        (["--url", "http://nowhere.example/"], "no page of"),
        (["--site", "nowhere.example"], "no page of"),
        (["--id", known, "--url", "http://nowhere.example/"], "has this URL. Nothing was taken down."),
    ):
        assert main(["forget", str(output), *arguments]) == 2
        assert said in capsys.readouterr().err
    assert {name: rows(output, name) for name in TABLES} == before
    assert main(["forget", str(output), "--id", known[:8]]) == 0
    assert known not in {row["id"] for row in rows(output, "records")}
    assert main(["forget", str(output), "--id", known]) == 0, "once more is no error"


def test_the_commands_say_what_they_did(
    daily: tuple[Path, Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    _, output, runs = daily
    assert main(["compact", str(output)]) == 0
    assert "records           2 → 1 file" in capsys.readouterr().out
    assert main(["vacuum", str(output)]) == 0
    assert "files removed." in capsys.readouterr().out
    assert main(["changes", str(output), "--since", runs[0]]) == 0
    assert capsys.readouterr().out.count("\tadded\n") == 2
    assert main(["forget", str(output)]) == 2
    assert "--id, --url or --site" in capsys.readouterr().err
    assert main(["forget", str(output), "--id", rows(output, "records")[0]["id"]]) == 0
    assert "1 page taken down" in capsys.readouterr().out
    assert main(["compact", str(output / "nowhere")]) == 2


# Loading


def test_arrow_duckdb_polars_and_datasets_load_the_records(daily: tuple[Path, Path, list[str]], tmp_path: Path) -> None:
    _, output, _ = daily
    compact(output)
    vacuum(output)
    wanted = {(row["id"], row["text"]) for row in rows(output, "records")}
    files = f"{output}/records/*.parquet"

    from pyarrow import dataset

    table = dataset.dataset(output / "records", format="parquet", exclude_invalid_files=True).to_table()
    assert set(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True)) == wanted
    import duckdb

    assert set(duckdb.sql(f"SELECT id, text FROM '{files}'").fetchall()) == wanted
    polars = pytest.importorskip("polars")
    assert set(polars.scan_parquet(files).select("id", "text").collect().rows()) == wanted
    assert polars.read_delta(str(output / "records")).height == len(wanted)
    datasets = pytest.importorskip("datasets")
    found = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path / "cache"))
    assert {(row["id"], row["text"]) for row in found} == wanted


def test_records_by_month_are_the_same_records_in_folders(tmp_path: Path) -> None:
    """Through a replaced page, compaction, a page taken down, vacuum and a rebuild."""
    inputs = tmp_path / "in"
    inputs.mkdir()
    flat, monthly = tmp_path / "flat", tmp_path / "monthly"

    def both(change: str) -> None:
        assert {name: rows(monthly, name) for name in TABLES} == {name: rows(flat, name) for name in TABLES}, change

    def cleaned(**options: Any) -> None:
        clean(flat, inputs, **options)
        clean(monthly, inputs, partition_by="month", **options)

    for name in NAMES[:3]:
        shutil.copy(PAGES / name, inputs / name)
    cleaned()
    both("a run")
    shutil.copy(PAGES / NAMES[3], inputs / NAMES[0])
    cleaned()
    both("a page replaced")
    victim = rows(flat, "records")[0]["id"]
    for output in (flat, monthly):
        compact(output)
        forget(output, [victim], [], [])
        vacuum(output)
    both("compact, forget, vacuum")
    months = {path.parent.name.removeprefix("published_month=") for path in monthly.glob("records/*/*.parquet")}
    dates = [row["published_at"] for row in rows(monthly, "records")]
    assert months - {"_delta_log"} == {f"{date:%Y-%m}" if date else "__HIVE_DEFAULT_PARTITION__" for date in dates}
    assert len(months) > 1
    assert "data_files: records/published_month=*/*.parquet" in (monthly / "README.md").read_text("utf-8")
    clean(monthly, inputs, rebuild=True)
    assert delta.is_by_month(monthly, "records"), "it stays so"
    with pytest.raises(SetupError, match="not partitioned by month"):
        clean(flat, inputs, partition_by="month")
    clean(flat, inputs, partition_by="month", rebuild=True)
    both("a rebuild")
    assert delta.is_by_month(flat, "records")
