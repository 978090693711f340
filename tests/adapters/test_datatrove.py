"""A step of datatrove: what `Cleaner` makes of a page, through its own readers, writers, filters and executor."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

import qingwen
from conftest import PAGES, SEED
from qingwen import Cleaned, Cleaner, Config, Rejection
from qingwen.adapters.datatrove import CleanNews
from qingwen.dataset.lookup import edit_of, labelled_blocks

BODY = "茶馆预订火爆，老街一座难求。市文旅局昨日公布的数据显示，假期首日老街接待游客三万人次，同比增长两成。"
DUMP = f"老街茶馆一座难求\n\n{BODY}\n"
HTML = f"<html><head><title>老街茶馆一座难求</title></head><body><h1>老街茶馆一座难求</h1><p>{BODY}</p></body></html>"


def through(*documents: Document, **options: Any) -> tuple[list[Document], CleanNews]:
    step = CleanNews(**options)
    return list(step.run(iter(documents))), step


def counts(step: CleanNews) -> dict[str, int]:
    return {name: int(stat.total) for name, stat in step.stats.stats.items()}


@pytest.mark.parametrize("text", [DUMP, HTML], ids=["dump", "html"])
def test_a_page_becomes_its_article_with_the_record_beside_it(text: str) -> None:
    metadata = {"url": "http://a.cn/1.html", "date": "2023-05-30T01:02:03Z", "mine": [1]}
    ((made,), step) = through(Document(text, "crawl/1.html", metadata=metadata))
    assert (made.text, made.id) == (BODY, "crawl/1.html")
    cleaned = Cleaner().clean(text.encode())
    assert isinstance(cleaned, Cleaned)
    told = made.metadata
    assert (told["page_id"], told["title"], told["source_path"]) == (cleaned.record.id, "老街茶馆一座难求", made.id)
    assert (told["url"], told["site"], told["mine"]) == ("http://a.cn/1.html", "a.cn", [1])
    assert (told["fetched_at"], told["date"]) == ("2023-05-30T01:02:03+00:00", "2023-05-30T01:02:03Z")
    assert told["quality"] == cleaned.record.quality
    assert not {"text", "id", "duplicate_of", "cluster_size", "blocks", "edits"} & told.keys()
    assert json.dumps(told)
    assert counts(step) | {"doc_len": len(BODY)} == counts(step)
    assert counts(step)["total"] == counts(step)["forwarded"] == 1


def test_a_title_beside_the_text_is_the_article_s() -> None:
    ((made,), _) = through(Document(BODY, "1", metadata={"title": "老街茶馆一座难求"}))
    assert (made.metadata["title"], made.text) == ("老街茶馆一座难求", BODY)
    ((made,), _) = through(Document(HTML, "1", metadata={"title": "老街茶馆一座难求 - 某网"}))
    assert (made.metadata["title"], made.text) == ("老街茶馆一座难求", BODY)


def test_the_cleaner_is_the_user_s() -> None:
    made, step = through(Document(DUMP, "1"), cleaner=Cleaner(Config(min_article_chars=1000)))
    assert made == []
    assert counts(step) == {"total": 1, "dropped": 1, "dropped_reject.too-short": 1}


def test_receipts_give_the_page_back() -> None:
    page = SEED.read_text("utf-8")
    ((made,), _) = through(Document(page, "1"), receipts=True)
    told = json.loads(json.dumps(made.metadata))
    cleaned = Cleaner().clean(page.encode())
    assert isinstance(cleaned, Cleaned)
    blocks, edits = tuple(map(labelled_blocks, told["blocks"])), tuple(map(edit_of, told["edits"]))
    assert qingwen.restore(cleaned.record, blocks, edits) == page


def test_a_fault_nobody_foresaw_drops_its_page_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Cleaner.clean

    def clean(self: Cleaner, page: Any, **options: Any) -> Any:
        if "某乡" in page.text:
            raise KeyError("secret")
        return real(self, page, **options)

    monkeypatch.setattr(Cleaner, "clean", clean)
    made, step = through(Document(DUMP + "某乡", "1"), Document(DUMP, "2"))
    assert [document.id for document in made] == ["2"]
    assert counts(step)["dropped_fault.unforeseen"] == 1


@pytest.mark.parametrize(
    ("text", "metadata", "outcome"),
    [
        ("", {}, "read.no-text"),
        ("\0" * 1000, {}, "read.binary"),
        ("<html>" + "<div>" * 100_000, {}, "segment.too-deep"),
        (DUMP * 20_000, {}, "segment.too-deep"),
        ("\ud800" + DUMP, {}, None),
        (DUMP, {"url": 7, "date": {"a": 1}, "title": ["x"]}, None),
        (DUMP, {"url": "x" * 10_000, "date": "nonsense", "html": "<html>bad"}, None),
    ],
    ids="empty binary deep long surrogate types nonsense".split(),
)
def test_no_document_ends_the_pipeline(text: str, metadata: dict[str, Any], outcome: str | None) -> None:
    made, step = through(Document(text, 7, metadata=metadata), Document(DUMP, "2"))  # type: ignore[arg-type]
    assert [document.id for document in made] == ([7, "2"] if outcome is None else ["2"])
    assert all(BODY in document.text for document in made)
    assert outcome is None or counts(step)[f"dropped_{outcome}"] == 1


def test_it_runs_in_a_pipeline_of_several_workers(tmp_path: Path) -> None:
    pages = sorted(PAGES.glob("*.txt"))
    (tmp_path / "in").mkdir()
    for n, part in enumerate((pages[::2], pages[1::2])):
        lines = (
            json.dumps({"text": page.read_text("utf-8", "replace"), "id": page.name, "url": f"http://a.cn/{page.name}"})
            for page in part
        )
        (tmp_path / "in" / f"{n}.jsonl").write_text("\n".join(lines), "utf-8")
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(tmp_path / "in")),
            CleanNews(exclusion_writer=JsonlWriter(str(tmp_path / "dropped"))),
            JsonlWriter(str(tmp_path / "out")),
        ],
        tasks=2,
        workers=2,
        logging_dir=str(tmp_path / "logs"),
    ).run()

    def read(name: str) -> dict[str, dict[str, Any]]:
        files = sorted((tmp_path / name).glob("*.jsonl.gz"))
        return {row["id"]: row for file in files for row in map(json.loads, gzip.open(file, "rt", encoding="utf-8"))}

    out, dropped = read("out"), read("dropped")
    cleaner = Cleaner()
    texts = {page.name: page.read_text("utf-8", "replace") for page in pages}
    assert out.keys() | dropped.keys() == {name for name, text in texts.items() if text}, "a reader skips what is empty"
    for name in out.keys() | dropped.keys():
        expected = cleaner.clean_row({"text": texts[name], "url": f"http://a.cn/{name}"}, source_path=name)
        if isinstance(expected, Rejection):
            assert dropped[name]["text"] == texts[name]
            assert dropped[name]["metadata"]["filter_reason"] == expected.rule
            assert dropped[name]["metadata"]["filter_detail"].startswith(expected.detail[:20])
        else:
            assert (out[name]["text"], out[name]["metadata"]["title"]) == (expected.record.text, expected.record.title)
    (stats,) = (tmp_path / "logs").glob("stats.json")
    step = json.loads(stats.read_text("utf-8"))[1]
    assert (step["stats"]["forwarded"], step["stats"]["dropped"]) == (len(out), len(dropped))
