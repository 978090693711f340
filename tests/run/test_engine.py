"""The engine: tables, increments, rebuilds, copies, pending pages; rows that depend on nothing but their inputs."""

from __future__ import annotations

import json
import os
import shutil
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES, SEED
from made import COPIED, copies_with_differences
from qingwen import Config
from qingwen.clean import restore_parts
from qingwen.dataset import dataset, delta
from qingwen.dataset.location import location_of
from qingwen.dataset.lookup import look_up
from qingwen.dataset.schema import TABLES
from qingwen.errors import BatchError, EndedError, PublishError, SetupError
from qingwen.model import BODY, TITLE
from qingwen.run import workers
from qingwen.run.engine import open_run, run
from qingwen.run.jobs import CleanJob, Job, Result, WorkerContext
from qingwen.run.report import RunReport
from qingwen.run.request import Request


def clean(output: Path, *inputs: Path, **options: Any) -> RunReport:
    return run(Request(tuple(map(str, inputs)), str(output), **{"runner": "inline", **options}))


def rows(output: Path, name: str) -> list[dict[str, Any]]:
    from qingwen.dataset.schema import ORDERS

    found = delta.read(output, name).to_pylist()
    return sorted(found, key=lambda row: [str(row[key]).rjust(12, "0") for key in ORDERS[name]])


def everything(output: Path) -> dict[str, list[dict[str, Any]]]:
    found = {name: rows(output, name) for name in TABLES}
    found["records"] = [{key: row[key] for key in row if key not in COPIED} for row in found["records"]]
    return found


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("corpus") / "out"
    clean(output, PAGES, SEED)
    return output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of three pages, one of them twice."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, page in {
        "b.txt": "clean-dispatch.txt",
        "c.txt": "science-blog.txt",
        "d.txt": "epaper-lawsuit.txt",
    }.items():
        shutil.copy(PAGES / page, folder / name)
    shutil.copy(PAGES / "clean-dispatch.txt", folder / "e.txt")
    return folder


def test_every_input_has_a_row_and_every_page_an_outcome(corpus: Path) -> None:
    sources = rows(corpus, "sources")
    assert len(sources) == len([path for path in PAGES.iterdir() if not path.name.endswith(".json")]) + 1
    pages = {row["page_id"] for row in sources}
    records, rejections = rows(corpus, "records"), rows(corpus, "rejections")
    assert {row["id"] for row in records} | {row["page_id"] for row in rejections} == pages
    assert len(records) + len(rejections) == len(pages)


def test_every_table_has_its_declared_columns_described(corpus: Path) -> None:
    for name, schema in TABLES.items():
        table = delta.read(corpus, name)
        assert table.schema.names == schema.names, name
        assert all(field.metadata[b"description"] for field in schema)


def test_data_files_are_plain_parquet_in_zstd_with_small_row_groups(corpus: Path) -> None:
    from pyarrow import parquet

    for name in ("records", "blocks", "edits"):
        (file,) = (corpus / name).glob("*.parquet")
        data = parquet.ParquetFile(file)
        assert data.metadata.row_group(0).column(0).compression == "ZSTD"
        assert all(data.metadata.row_group(n).num_rows <= 1000 for n in range(data.num_row_groups))
    (file,) = (corpus / "records").glob("*.parquet")
    ids = parquet.read_table(file)["id"].to_pylist()
    assert ids == sorted(ids)


def test_every_page_is_given_back_from_the_tables(corpus: Path) -> None:
    for row in rows(corpus, "records"):
        stored = look_up(corpus, row["id"])
        text = restore_parts({TITLE: row["title"], BODY: row["text"]}, stored.blocks, stored.edits)
        if row["source_format"] == "txt":
            octets = Path(row["source_path"]).read_bytes()
            assert text == octets.decode("utf-16" if row["source_encoding"].startswith("utf-16") else "utf-8")
        assert len(text) == stored.blocks[-1].block.span.end


def test_the_manifest_counts_what_the_tables_hold(corpus: Path) -> None:
    (path,) = (corpus / "_runs").glob("*.json")
    manifest = json.loads(path.read_text("utf-8"))
    assert manifest["counts"]["records"] == len(rows(corpus, "records"))
    assert sum(manifest["counts"]["rejections"].values()) == len(rows(corpus, "rejections"))
    assert sum(manifest["counts"]["edits"].values()) == len(rows(corpus, "edits"))
    assert set(manifest["commits"]) == set(TABLES)
    assert manifest["versions"]["pyarrow"]


def test_the_card_describes_every_column(corpus: Path) -> None:
    card = (corpus / "README.md").read_text("utf-8")
    assert card.startswith("---\nlanguage: [zh]")
    assert all(f"| `{name}` |" in card for name in TABLES["records"].names)


def test_rows_do_not_depend_on_batches_workers_or_order(corpus: Path, tmp_path: Path) -> None:
    clean(tmp_path / "out", SEED, PAGES, runner="local", workers=2, batch_pages=20)
    assert everything(tmp_path / "out") == everything(corpus)


def test_a_run_over_the_same_inputs_writes_nothing(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    before = {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()}
    report = clean(output, folder)
    assert not report.wrote
    assert report.unchanged == 4
    assert {path: path.stat().st_mtime_ns for path in output.rglob("*") if path.is_file()} == before


def test_a_touched_file_with_the_same_bytes_is_no_change(folder: Path, tmp_path: Path) -> None:
    clean(tmp_path / "out", folder)
    (folder / "c.txt").touch()
    assert not clean(tmp_path / "out", folder).wrote


def test_verify_finds_what_size_and_time_hide(folder: Path, tmp_path: Path) -> None:
    output, page = tmp_path / "out", folder / "c.txt"
    clean(output, folder)
    before = page.stat()
    page.write_bytes(page.read_bytes().replace("湖".encode(), "海".encode()))
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not clean(output, folder).wrote
    report = clean(output, folder, verify=True)
    assert (report.counts.records, report.withdrawn) == (1, 1)
    assert not clean(output, folder, verify=True).wrote


def test_new_inputs_are_added_and_old_ones_left(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder / "b.txt")
    report = clean(output, folder)
    assert (report.unchanged, report.counts.pages) == (1, 3)
    clean(tmp_path / "fresh", folder)
    assert everything(output) == everything(tmp_path / "fresh")


def test_a_changed_file_withdraws_what_it_replaces(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    shutil.copy(PAGES / "account-repost.txt", folder / "c.txt")
    report = clean(output, folder)
    assert report.withdrawn == 1
    assert {row["title"] for row in rows(output, "records")} >= {"凌晨四点的菜市场"}
    assert "研究团队在高原湖泊发现新的浮游植物" not in {row["title"] for row in rows(output, "records")}
    outcomes = [row["outcome"] for row in rows(output, "sources") if row["source_path"].endswith("c.txt")]
    assert sorted(outcomes) == ["record", "superseded"]
    clean(tmp_path / "fresh", folder)
    old = {name: found for name, found in everything(output).items() if name != "sources"}
    assert old == {name: found for name, found in everything(tmp_path / "fresh").items() if name != "sources"}


def test_identical_copies_share_a_record_under_the_smallest_path(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    by_path = {Path(row["source_path"]).name: row["outcome"] for row in rows(output, "sources")}
    assert by_path == {"b.txt": "record", "c.txt": "record", "d.txt": "record", "e.txt": "copy"}
    shutil.copy(folder / "e.txt", folder / "a.txt")
    clean(output, folder)
    by_path = {Path(row["source_path"]).name: row["outcome"] for row in rows(output, "sources")}
    assert (by_path["a.txt"], by_path["b.txt"], by_path["e.txt"]) == ("record", "copy", "copy")
    clean(tmp_path / "fresh", folder)
    assert everything(output) == everything(tmp_path / "fresh")


def test_a_record_goes_on_under_another_copy_s_path(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    shutil.copy(PAGES / "account-repost.txt", folder / "b.txt")
    clean(output, folder)
    paths = {row["title"]: Path(row["source_path"]).name for row in rows(output, "records")}
    assert paths["我国科学家完成深海钻探新航次"] == "e.txt"
    assert paths["凌晨四点的菜市场"] == "b.txt"


def test_equal_texts_of_different_pages_are_exact_duplicates(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    text = (folder / "b.txt").read_text("utf-8")
    (folder / "f.txt").write_text(text + "\n分享到：\n", "utf-8")
    clean(output, folder)
    members = rows(output, "duplicates")
    assert [row["cluster_size"] for row in members] == [2, 2]
    first = next(row["id"] for row in rows(output, "records") if row["source_path"].endswith("b.txt"))
    assert {row["id"]: row["duplicate_of"] for row in members}[first] is None
    second = next(row for row in rows(output, "records") if row["source_path"].endswith("f.txt"))
    assert (second["duplicate_of"], second["duplicate_kind"], second["cluster_size"]) == (first, "exact", 2)


def test_other_rules_do_not_mix_with_old_rows(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    before = everything(output)
    with pytest.raises(SetupError, match=r"config_digest .*--rebuild"):
        clean(output, folder, config=Config(min_article_chars=41))
    assert everything(output) == before
    report = clean(output, folder / "b.txt", config=Config(min_article_chars=41), rebuild=True)
    assert report.counts.pages == 4, "a rebuild loses no page that the dataset knows"
    assert {name: len(found) for name, found in everything(output).items()} == {
        name: len(found) for name, found in before.items()
    }


def test_a_wrong_table_refuses_the_run_before_anything_is_touched(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[[rule]]\nid = "ad.x"\n', "utf-8")
    with pytest.raises(SetupError, match=r"mine\.toml: ad\.x: why is missing"):
        clean(tmp_path / "out", folder, rules=str(tmp_path / "mine.toml"))
    assert not (tmp_path / "out").exists()


def test_a_second_run_is_refused_while_one_holds_the_dataset(folder: Path, tmp_path: Path) -> None:
    request = Request((str(folder),), str(tmp_path / "out"))
    with open_run(request), pytest.raises(PublishError, match="another run holds"), open_run(request):
        pass


def test_a_failed_batch_fails_alone_and_is_tried_again_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copies_with_differences(tmp_path / "in", 45)
    output = tmp_path / "out"
    original, refused = workers.perform, list[Job]()

    def failing(context: str, job: Job) -> Result:
        if isinstance(job, CleanJob) and (job in refused or not refused):
            refused.append(job)
            raise BatchError("No space left on device.")
        return original(context, job)

    monkeypatch.setattr(workers, "perform", failing)
    report = clean(output, made)
    assert (report.counts.records, report.pending) == (25, 20)
    assert "No space left" in report.faults[0]
    assert sum(row["outcome"] == "pending" for row in rows(output, "sources")) == 20
    monkeypatch.undo()
    report = clean(output, made)
    assert (report.counts.records, report.unchanged, report.pending) == (20, 25, 0)
    clean(tmp_path / "fresh", made)
    assert everything(output) == everything(tmp_path / "fresh")


def test_a_fault_nobody_foresaw_rejects_its_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qingwen import load_rules
    from qingwen.rules.site_book import SiteBook
    from qingwen.run import clean_batch

    def broken(page: Any, **options: Any) -> None:
        raise ZeroDivisionError("secret text of the page")

    monkeypatch.setattr(clean_batch, "clean_page", broken)
    (tmp_path / "a.txt").write_text("清文" * 50, "utf-8")
    from qingwen.read.inputs import list_sources

    job = clean_batch.CleanJob(tuple(list_sources([str(tmp_path)])), str(tmp_path / "staged"))
    counts = clean_batch.clean_batch(job, WorkerContext(Config(), load_rules(), SiteBook()))
    assert counts.rejections == {"fault.unforeseen": 1}
    from pyarrow import parquet

    (row,) = parquet.read_table(tmp_path / "staged" / "rejections.parquet").to_pylist()
    assert row["detail"] == "ZeroDivisionError in broken: please report the page."


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"workers": -5}, "workers: must be 0 or more, not -5"),
        ({"batch_pages": 0}, "batch_pages: must be 1 or more, not 0"),
        ({"page_seconds": -1}, "page_seconds: must be 0 or more, not -1"),
        ({"worker_gib": 0.1}, "worker_gib: a worker needs 0.5 GiB"),
        ({"runner": "slurm"}, "runner: must be one of local, inline, dask, ray, not 'slurm'"),
        ({"partition_by": "day"}, "partition_by: must be month, not 'day'"),
        ({"cluster": "tcp://a:1"}, "cluster tcp://a:1: needs a runner that knows clusters"),
    ],
)
def test_an_option_out_of_its_range_is_refused(option: dict[str, Any], says: str) -> None:
    with pytest.raises(SetupError, match=says):
        Request(("in",), "out", **option)


def test_runs_stay_in_order_where_the_clock_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Back(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime(2026, 3, 29, 2, 0, 0) - timedelta(hours=1)

    (tmp_path / "_runs").mkdir()
    (tmp_path / "_runs" / "20260329T015959-77.json").write_text("{}")
    monkeypatch.setattr(dataset, "datetime", Back)
    assert dataset.new_name(location_of(tmp_path)) == f"20260329T020000-{os.getpid()}"


@pytest.mark.parametrize("stage", ["start", "survey", "clean", "publish"])
def test_a_run_that_is_stopped_keeps_what_is_cleaned_and_one_that_publishes_goes_on(tmp_path: Path, stage: str) -> None:
    made, stop = copies_with_differences(tmp_path / "in", 45), threading.Event()
    request = Request((str(made),), str(tmp_path / "out"), runner="inline", workers=1)
    if stage == "start":
        stop.set()

    def stop_at(named: str, done: int, total: int) -> None:
        if named == stage and (done or stage == "publish"):
            stop.set()

    if stage == "publish":
        assert run(request, stop_at, stop).counts.records == 45
        return
    with pytest.raises(EndedError, match="1 of 3 batches are cleaned and kept" if stage == "clean" else "run again"):
        run(request, stop_at, stop)
    assert not delta.exists(location_of(tmp_path / "out"), "records")
    kept = list((tmp_path / "out" / "_state" / "staging").glob("*/done.json"))
    assert len(kept) == (stage == "clean")
    before = [path.stat().st_mtime_ns for path in kept]
    seen: list[tuple[list[Path], list[int]]] = []

    def look(named: str, done: int, total: int) -> None:
        if named == "publish":
            seen.append((kept, [path.stat().st_mtime_ns for path in kept]))

    assert run(request, look).counts.records == 45
    assert seen == [(kept, before)], "what is cleaned is not cleaned again"


DAMAGES = {
    "cut": lambda octets: octets[: len(octets) // 2],
    "empty": lambda octets: b"",
    "zeros": lambda octets: bytes(len(octets)),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name", ["_state/dataset.json", "_state/tries.json", "_state/sites.json", "_state/forgotten.json"]
)
def test_a_damaged_file_of_the_state_is_told_and_what_to_do(
    name: str, damage: str, folder: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    clean(output, folder)
    path = output / name
    path.write_bytes(DAMAGES[damage](path.read_bytes() if path.exists() else b'{"a": 1}'))
    (folder / "new.txt").write_text("清文", "utf-8")
    for _ in range(2):
        with pytest.raises(SetupError, match=path.name):
            clean(output, folder)
    if name == "_state/tries.json":
        path.unlink()
        clean(output, folder)
    elif name != "_state/forgotten.json":
        clean(output, folder, rebuild=True)


def killed_at(commits: int, monkeypatch: pytest.MonkeyPatch, output: Path, folder: Path) -> None:
    """Run, and end the run before it commits one more table."""
    commit, made = delta.commit, list[bool]()

    def until(*args: Any, **options: Any) -> bool:
        if len(made) == commits:
            raise KeyboardInterrupt
        made.append(commit(*args, **options))
        return made[-1]

    with monkeypatch.context() as patched:
        patched.setattr(delta, "commit", until)
        with pytest.raises(KeyboardInterrupt):
            clean(output, folder)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "name", ["commit.json", "changes.parquet", "parts.parquet", "gone.parquet", "stated.parquet", "records", "blocks"]
)
def test_what_a_killed_run_decided_is_made_anew_if_it_is_damaged(
    name: str, damage: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    killed_at(0, monkeypatch, output, folder)
    staging = output / "_state" / "staging"
    damaged = list(staging.glob(f"final/{name}" if "." in name else f"*/{name}.parquet"))
    assert damaged
    for path in damaged:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert clean(output, folder).finished_earlier is None
    clean(tmp_path / "undisturbed", folder)
    assert everything(output) == everything(tmp_path / "undisturbed")


def test_what_is_damaged_when_some_tables_have_it_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"
    killed_at(3, monkeypatch, output, folder)
    decided = output / "_state" / "staging" / "final"
    (decided / "stated.parquet").write_bytes(b"")
    with pytest.raises(SetupError, match=r"some tables have it already\. Remove the folder, then run with --rebuild"):
        clean(output, folder)
    shutil.rmtree(decided)
    clean(output, folder, rebuild=True)
    clean(tmp_path / "undisturbed", folder)
    assert everything(output) == everything(tmp_path / "undisturbed")
