"""Masked datasets: no file of one holds personal data; the commands print none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from conftest import PAGES
from people import bare
from qingwen import Config
from qingwen.adapters.prefect_options import Options, to_parameters, to_request
from qingwen.clean import restore_parts
from qingwen.cli.main import main
from qingwen.dataset import delta
from qingwen.dataset.location import location_of
from qingwen.dataset.lookup import look_up
from qingwen.errors import SetupError
from qingwen.review.review_page import write_review
from qingwen.rules.personal_data import MASKED
from qingwen.run.engine import run
from qingwen.run.request import Request

ON = Config(mask_personal_data=True)
HEADS = ["临河大桥今晨通车", "北岸小学扩建完工", "河道清淤下月开始", "老街书店迎来新主", "夜市灯光换上新装"]
TOLD = ["春汛之前，", "秋收之后，", "入冬以来，", "端午前后，", "国庆期间，"]
BODY = [
    "{}的消息传来，住在附近的居民一早就赶到现场，有人还带着相机，把这一天的样子一一记下。",
    "负责人说，{}一事前后用了两年，其间三次修改方案，听取了四百多位居民的意见，才定下如今的样子。",
]
# Each page has its own people; all print one number of the site's manager, which is no hotline's.
SITE_S = "站长李某13577778888"
PEOPLE = [
    "13800138000", "11010519491231002X", "6222021234567890128", "zhangsan@example.com", "京A12345", "138-1234-5678",
    "１３９１２３４５６７８", "&#49;3712345678",
]  # fmt: skip


def page(n: int) -> str:
    own = [f"住户张某（{data}）说，这件事他等了很久。" for data in PEOPLE[n::5]]
    body = [TOLD[n] + text.format(HEADS[n]) + f"这是今年第{n + 2}件民生实事，{TOLD[n]}还要办两件。" for text in BODY]
    head = f"{HEADS[n]}_临河在线\n首页 新闻\n{HEADS[n]}\n2023-05-0{n + 1} 08:00 来源：临河日报\n"
    return head + "\n".join([*body, *own]) + f"\n联系人王五 {PEOPLE[n]}\n{SITE_S}\n"


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masked") / "crawl"
    folder.mkdir()
    for n in range(len(HEADS)):
        (folder / f"{n}.txt").write_text(page(n), "utf-8")
    (folder / "short.txt").write_text(f"联系人 {PEOPLE[0]}\n", "utf-8")
    rows = [{"text": page(n).replace("老街", "新街"), "title": f"{HEADS[n]} {PEOPLE[0]}"} for n in range(3)]
    (folder / "rows.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    return folder


def clean(crawl: Path, output: Path, config: Config) -> Path:
    run(Request((str(crawl),), str(output), config, runner="inline"))
    return output


@pytest.fixture(scope="module")
def masked(crawl: Path) -> Path:
    return clean(crawl, crawl.parent / "on", ON)


@pytest.fixture(scope="module")
def plain(crawl: Path) -> Path:
    return clean(crawl, crawl.parent / "off", Config())


def all_said(dataset: Path) -> str:
    """Return all that the files of a dataset say: their octets, and the rows of those that are packed."""
    said = []
    for path in sorted(dataset.rglob("*")):
        if path.is_file():
            said.append(path.read_bytes().decode("utf-8", "replace"))
            if path.suffix == ".parquet":
                said.append(str(parquet.read_table(path).to_pylist()))
    return bare("\n".join(said))


def test_no_file_of_a_masked_dataset_holds_personal_data(masked: Path, plain: Path) -> None:
    wanted = [bare(data) for data in (*PEOPLE, SITE_S)]
    assert [data for data in wanted if data not in all_said(plain)] == []
    assert [data for data in wanted if data in all_said(masked)] == []


def test_what_a_line_is_found_to_be_does_not_hang_on_the_masks(masked: Path, plain: Path) -> None:
    def verdicts(dataset: Path) -> list[tuple[Any, ...]]:
        rows = delta.read(dataset, "blocks").to_pylist()
        return sorted((row["page_id"], row["n"], row["label"], row["rule"], row["kept"], row["score"]) for row in rows)

    assert verdicts(masked) == verdicts(plain)
    assert any(rule == "site.template" for _, _, _, rule, _, _ in verdicts(masked))
    sites = json.loads((masked / "_state" / "sites.json").read_text("utf-8"))["sites"]
    assert f"站长李某{MASKED * 11}" in [text for _, _, text in sites["临河在线"]["lines"]]


def test_a_page_of_a_masked_dataset_is_restored_up_to_its_masks(masked: Path, plain: Path) -> None:
    for page_id in delta.read(masked, "records", ("id",))["id"].to_pylist():
        one, other = (look_up(dataset, page_id) for dataset in (masked, plain))
        here, there = (restore_parts(found.parts, found.blocks, found.edits) for found in (one, other))
        assert MASKED in here
        assert len(here) == len(there)
        assert [b for a, b in zip(here, there, strict=True) if a != b and a not in (MASKED, "\u200b")] == []


def test_the_card_and_the_counts_say_what_was_masked(masked: Path, plain: Path) -> None:
    (manifest,) = (masked / "_runs").glob("*.json")
    edits = json.loads(manifest.read_text("utf-8"))["counts"]["edits"]
    assert {name for name in edits if name.startswith("mask.")} >= {"mask.mobile", "mask.id-card", "mask.plate"}
    assert "is masked by █" in (masked / "README.md").read_text("utf-8")
    assert "is masked by" not in (plain / "README.md").read_text("utf-8")


def test_the_review_page_shows_the_masks_alone(masked: Path, tmp_path: Path) -> None:
    write_review(masked, tmp_path / "review.html", pages=20)
    said = bare((tmp_path / "review.html").read_text("utf-8"))
    assert [data for data in map(bare, PEOPLE) if data in said] == []
    assert "mask.mobile" in (tmp_path / "review.html").read_text("utf-8")


def test_rows_with_and_without_masks_do_not_mix(crawl: Path, plain: Path) -> None:
    with pytest.raises(SetupError, match="rebuild"):
        clean(crawl, plain, ON)


@pytest.mark.parametrize("command", ["show", "explain"])
def test_a_raw_page_is_printed_masked(crawl: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(crawl / "0.txt")
    assert main([command, path]) == 0
    assert PEOPLE[0] in capsys.readouterr().out
    assert main([command, path, "--mask-personal-data"]) == 0
    said = capsys.readouterr().out
    assert PEOPLE[0] not in said
    assert MASKED * 11 in said
    assert f"{MASKED}→" not in said


def test_the_option_goes_before_the_file_of_settings(
    crawl: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "mine.toml"
    settings.write_text("mask_personal_data = true\n", "utf-8")
    shown = ["show", str(crawl / "0.txt"), "--config", str(settings)]
    assert main(shown) == 0
    assert MASKED in capsys.readouterr().out
    assert main([*shown, "--no-mask-personal-data"]) == 0
    assert MASKED not in capsys.readouterr().out
    settings.write_text('mask_personal_data = "yes"\n', "utf-8")
    assert main(shown) == 2
    assert "mask_personal_data must be true or false, not 'yes'" in capsys.readouterr().err


def test_the_flow_s_parameters_say_that_personal_data_is_masked() -> None:
    request = Request(("seeds",), "out", ON)
    parameters = json.loads(json.dumps(to_parameters(request)))
    assert parameters["options"] == {"mask_personal_data": True}
    assert to_request(["seeds"], "out", Options(**parameters["options"])).config == ON
    assert to_request(["seeds"], "out", Options(thresholds={"mask_personal_data": True})).config == ON
    assert to_request(["seeds"], "out", Options()).config == Config()


def test_of_a_page_that_was_taken_down_no_byte_is_left(tmp_path: Path) -> None:
    """Neither in a table nor in a log, the state, the manifests, the card or the review page: text, title, address."""
    crawl, out = tmp_path / "crawl.jsonl", tmp_path / "out"
    texts = [path.read_text("utf-8") for path in sorted(PAGES.glob("*.txt")) if path.stat().st_size > 600][:6]
    address = "http://victim-host.example/zhangsanfeng/secret.html"

    def write(*pages: str) -> None:
        rows = [{"text": text, "url": address if n == 0 else f"http://n.example/{n}"} for n, text in enumerate(pages)]
        crawl.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")

    old = texts[0] + "\n旧版独有的一行，编辑后来删去了。\n"
    write(old, *texts[1:])
    clean(crawl, out, Config())
    write(*texts)  # the page changed: what its path held before stays in the table of sources
    clean(crawl, out, Config())
    write_review(out, out / "review.html", pages=20)
    victim = look_up(location_of(out), f"{crawl}#0").row["id"]
    others = bare("".join(texts[1:]))
    page = bare(old)
    shingles = {page[at : at + 12] for at in range(len(page) - 12)} - {
        others[at : at + 12] for at in range(len(others))
    }
    needles = {*shingles, "victim-host", "zhangsanfeng"}
    assert {needle for needle in needles if needle in all_said(out)}
    assert main(["forget", str(out), "--url", address.replace("http:", "HTTPS:") + "#top"]) == 0
    assert main(["vacuum", str(out)]) == 0
    said = all_said(out)
    assert [needle for needle in sorted(needles) if needle in said] == []
    assert victim in said
    # Live pages stand in no log either.
    logs = "".join(path.read_text("utf-8") for path in out.rglob("_delta_log/*.json"))
    assert not [text for text in texts[1:] if bare(text)[20:40] in bare(logs)]
    again = clean(crawl, out, Config())
    assert address not in all_said(again)
