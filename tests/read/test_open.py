"""Inputs on an object store, through a real S3 API on loopback."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from unittest import mock

import pytest

from conftest import PAGES
from qingwen import Config
from qingwen.dataset import delta
from qingwen.errors import BatchError, SetupError
from qingwen.read.containers import raw_pages
from qingwen.read.inputs import list_sources
from qingwen.read.open import find_in_store
from qingwen.read.page import read_bytes
from qingwen.run.engine import run
from qingwen.run.request import Request

s3fs = pytest.importorskip("s3fs")
pytest.importorskip("moto")


@pytest.fixture
def bucket(store: s3fs.S3FileSystem) -> str:
    """A bucket with two pages and a container."""
    store.pipe("crawl/2023/a.txt", (PAGES / "clean-dispatch.txt").read_bytes())
    store.pipe("crawl/2023/b.txt.gz", gzip.compress((PAGES / "science-blog.txt").read_bytes()))
    text = (PAGES / "epaper-lawsuit.txt").read_text("utf-8")
    store.pipe("crawl/2024/rows.jsonl", json.dumps({"text": text}).encode())
    store.pipe("crawl/2024/picture.png", b"\x89PNG")
    return "s3://crawl"


@pytest.mark.slow
def test_pages_and_containers_are_read_from_a_bucket(bucket: str, tmp_path: Path) -> None:
    sources = list_sources([bucket])
    assert [source.path for source in sources] == [
        "s3://crawl/2023/a.txt", "s3://crawl/2023/b.txt.gz", "s3://crawl/2024/rows.jsonl",
    ]  # fmt: skip
    assert sources[0].size == (PAGES / "clean-dispatch.txt").stat().st_size
    assert sources[0].modified > 0
    assert [one.path for one in list_sources(["s3://crawl/*/*.txt"])] == ["s3://crawl/2023/a.txt"]
    report = run(Request((bucket,), str(tmp_path / "out"), runner="inline"))
    assert (report.counts.records, report.pending) == (3, 0)
    paths = sorted(delta.read(tmp_path / "out", "records", ("source_path",))["source_path"].to_pylist())
    assert paths == ["s3://crawl/2023/a.txt", "s3://crawl/2023/b.txt.gz", "s3://crawl/2024/rows.jsonl#0"]
    again = run(Request((bucket,), str(tmp_path / "out"), runner="inline"))
    assert (again.wrote, again.unchanged) == (False, 3)


@pytest.mark.slow
def test_an_input_that_names_nothing_is_an_error_and_a_file_that_went_a_rejection(bucket: str) -> None:
    with pytest.raises(SetupError, match="s3://crawl/2025: nothing to read"):
        list_sources([f"{bucket}/2025"])
    assert getattr(read_bytes(f"{bucket}/gone.txt", Config()), "rule", None) == "read.unavailable"


@pytest.mark.parametrize(
    "name", ["a.txt", "a.txt.gz", "a.jsonl", "a.jsonl.zst", "a.warc.gz", "a.parquet", "a.zip", "a.tar.gz"]
)
def test_a_store_that_fails_while_a_file_is_read_costs_no_page(name: str) -> None:
    """What was not read is not damaged: the batch fails, and its pages are pending."""
    import fsspec

    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError("the store went away")

        read1 = readinto = read  # type: ignore[assignment]

    files = fsspec.filesystem("memory")
    files.pipe(f"/{name}", b"x" * 1000)
    with (
        mock.patch.object(type(files), "_open", return_value=Failing(b"x" * 1000)),
        pytest.raises(BatchError, match="cannot be read now: ConnectionResetError"),
    ):
        list(raw_pages(f"memory://{name}", Config()))


def test_a_store_that_cannot_be_reached_is_the_machine_s_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(BatchError, match="cannot be opened now"):
        read_bytes("s3://crawl/a.txt", Config())
    with pytest.raises(BatchError, match="cannot be listed now"):
        list(find_in_store("s3://crawl"))
    s3fs.S3FileSystem.clear_instance_cache()
