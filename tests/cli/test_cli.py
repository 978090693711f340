"""The command line: output, exit status, messages. Commands run in this process, but where a process is the matter."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from commands import qingwen
from conftest import PAGES, ROOT, SEED, group_lives, wait_for
from qingwen.dataset.progress import Progress
from qingwen.errors import BatchError, EndedError, PublishError, SetupError
from qingwen.run.report import RunReport
from qingwen.run.request import Request

QINGWEN = [sys.executable, "-m", "qingwen"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("cli") / "corpus"
    qingwen("clean", "seeds", "tests/pages", "--output", output, "--no-prefect", "--runner", "inline")
    return output


def test_clean_says_what_it_did_and_finds_nothing_to_do_the_second_time(tmp_path: Path) -> None:
    command = ["clean", "--output", str(tmp_path / "out"), "--no-prefect", "--runner", "inline"]
    done = qingwen(*command)
    assert_says_what_it_did(done.stdout)
    assert qingwen(*command).stdout.startswith("Nothing to do")


def test_a_rebuild_says_that_the_files_of_the_old_rows_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("clean", "--output", out, "--no-prefect", "--runner", "inline", "--rebuild")
    assert "vacuum" not in qingwen(*command).stdout
    assert f"old rows stay until you remove them: qingwen vacuum {out}\n" in qingwen(*command).stdout


def test_a_dataset_stands_in_a_folder_of_any_common_name(tmp_path: Path) -> None:
    folder = tmp_path / "新 闻 50%#'{a}"
    qingwen("clean", "seeds", "-o", folder, "--no-prefect", "--runner", "inline")
    assert "1 shown; 1 record" in qingwen("head", folder).stdout
    assert qingwen("restore", folder, "f6ba1c28").stdout == SEED.read_text("utf-8")
    for command in ("export", "report", "compact", "vacuum"):
        qingwen(command, folder)
    qingwen("clean", "seeds", "tests/pages", "-o", folder, "--no-prefect", "--runner", "inline", "--accept")
    assert "15 records" in qingwen("head", folder).stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name]


@pytest.mark.parametrize("name", ["a%20b", "a[b", "a]b", "a^b", "a|b", "a\\b", "a\nb", "a?b"])
def test_a_folder_whose_name_the_tables_cannot_have_is_refused(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    done = qingwen("clean", "seeds", "-o", folder, "--no-prefect", status=2)
    assert "no dataset can stand below a folder with" in done.stderr
    assert list(tmp_path.iterdir()) == []
    folder.mkdir()
    assert "no dataset can stand" in qingwen("head", folder, status=2).stderr


def test_a_folder_that_holds_something_else_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("MY NOTES", "utf-8")
    for output in (tmp_path, "."):
        done = qingwen("clean", SEED, "-o", output, "--no-prefect", cwd=tmp_path, status=2)
        assert (
            done.stderr
            == f"qingwen: --output {output}: the folder holds other things than a dataset. Name one of its own.\n"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    (tmp_path / "empty").mkdir()
    qingwen("clean", SEED, "-o", tmp_path / "empty", "--no-prefect", "--runner", "inline")


def test_tables_of_another_version_are_told_in_a_sentence(tmp_path: Path) -> None:
    out = tmp_path / "out"
    qingwen("clean", SEED, "-o", out, "--no-prefect", "--runner", "inline")
    versions = out / "_state" / "dataset.json"
    versions.write_text(versions.read_text("utf-8").replace('"schema_version": 3', '"schema_version": 2'), "utf-8")
    for command in (("head", out), ("export", out), ("report", out), ("explain", out, "f6ba1c28")):
        assert "have the columns of version 2" in qingwen(*command, status=2).stderr
    assert "--rebuild" in qingwen("clean", SEED, "-o", out, "--no-prefect", status=2).stderr
    qingwen("clean", SEED, "-o", out, "--no-prefect", "--runner", "inline", "--rebuild")
    assert '"confidence"' in qingwen("export", out, "--min-confidence", "0.5").stdout
    assert qingwen("export", out, "--min-confidence", "1").stdout == ""


def test_the_numbers_of_a_container_add_up(tmp_path: Path) -> None:
    crawl, page = tmp_path / "crawl.jsonl", SEED.read_text("utf-8")
    rows = [page, page.replace("吴俊清", "吴俊青"), page.replace("晋中", "太原"), page, "太短。"]
    crawl.write_text("".join(json.dumps({"text": text}) + "\n" for text in rows), "utf-8")
    command = ("clean", crawl, "-o", tmp_path / "out", "--no-prefect", "--runner", "inline")
    done = qingwen(*command)
    assert done.stdout.startswith("1 file, 5 pages in: 3 records, 1 rejected, 1 identical copy (")
    assert "duplicates in the dataset: 0 exact, 2 near" in done.stdout
    assert "clean: 5/5 pages" in done.stderr
    with crawl.open("a") as file:
        file.write(json.dumps({"text": "太短了。"}) + "\n")
    again = qingwen(*command, "--accept").stdout
    assert again.startswith("1 file, 6 pages in, 5 unchanged: 0 records, 1 rejected, 0 identical copies (")


@pytest.mark.usefixtures("prefect_home")
def test_clean_runs_the_flow_without_prefect_s_log(tmp_path: Path) -> None:
    command = [*QINGWEN, "clean", "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert_says_what_it_did(done.stdout)
    assert "INFO" not in done.stderr


def assert_says_what_it_did(text: str) -> None:
    assert text.startswith("1 page in: 1 record, 0 rejected, 0 identical copies")
    assert "characters removed: related 1796, ad 106" in text
    assert re.search("^  changes: .*spun.zui 13", text, re.MULTILINE)
    assert "duplicates in the dataset: 0 exact, 0 near" in text
    assert "vacuum" not in text


def test_show_prints_title_and_text(tmp_path: Path) -> None:
    title, blank, first, *_ = qingwen("show", SEED).stdout.split("\n")
    assert title == "吴俊清主持召开市委第一百一十三次疫情防控专题会强调"
    assert blank == ""
    assert first.startswith("8月30日上午，市委书记")
    assert json.loads(qingwen("show", SEED, "--format", "json").stdout)["n_repairs"] == 17


def test_show_of_a_page_without_an_article_says_why() -> None:
    done = qingwen("show", PAGES / "error-page.html", status=1)
    assert done.stdout == ""
    assert "no article (label: reject.no-article)" in done.stderr


def test_explain_marks_removals_and_changes_with_their_rules(corpus: Path) -> None:
    text = qingwen("explain", SEED).stdout
    assert "- 葛毅明微信号  [ad: ad.agent-account;" in text
    assert "# 吴俊清主持召开市委[头部→第一]百一十三次疫情防控专题会强调  {spun.diyi 1}" in text
    assert "[蕞→最]先的敏锐激活" in text
    from_tables = qingwen("explain", corpus, "f6ba1c28").stdout
    assert from_tables.splitlines()[1:] == text.splitlines()[1:]


def test_explain_of_a_rejected_page_shows_its_blocks(corpus: Path) -> None:
    assert "rejected (label: reject.no-article)" in qingwen("explain", PAGES / "list-page.html").stdout
    assert "地铁五号线年底通车" in qingwen("explain", PAGES / "list-page.html").stdout


def test_restore_gives_back_the_page(corpus: Path) -> None:
    assert qingwen("restore", corpus, "f6ba1c28").stdout == SEED.read_text("utf-8")


def test_rules_check_counts_rules_and_cases(tmp_path: Path) -> None:
    assert "all hold" in qingwen("rules", "check").stdout
    (tmp_path / "mine.toml").write_text(
        '[[rule]]\nid = "ad.x"\nlabel = "ad"\nscope = "any"\npattern = "甲"\nwhy = "x."\nsince = "1"\nmatches = ["乙"]\n',
        "utf-8",
    )
    done = qingwen("rules", "check", "--rules", tmp_path / "mine.toml", status=2)
    assert "ad.x: does not match its case '乙'" in done.stderr


def test_clean_refuses_a_row_of_one_s_own_that_fails_its_case(tmp_path: Path) -> None:
    mine, output = tmp_path / "mine.toml", tmp_path / "out"
    row = '[[rule]]\nid = "ad.x"\nlabel = "ad"\nscope = "any"\npattern = "甲"\nwhy = "x."\nsince = "1"\n'
    for cases, fault in (
        ('matches = ["乙"]\n', "ad.x: does not match its case '乙'."),
        ('matches = ["甲"]\nspares = ["甲午"]\n', "ad.x: matches the news line '甲午', which ad.x spares."),
    ):
        mine.write_text(row + cases, "utf-8")
        done = qingwen("clean", "--rules", mine, "-o", output, "--no-prefect", "--runner", "inline", status=2)
        assert done.stderr == f"qingwen: {mine}: {fault}\n"
        assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clean", "nothing/*.txt", "--no-prefect"], "nothing/*.txt: there is no such file or folder; nothing to read"),
        (["clean", "--no-prefect", "--crawl-date", "yesterday"], "crawl_date must be a date such as 2023-05-30"),
        (["clean", "--no-prefect", "--config", "gone.toml"], "gone.toml: cannot read"),
        (["clean", "--no-prefect", "--rules", "gone.toml"], "gone.toml: cannot read the rule table"),
        (["show", "gone.txt"], "there is no such file"),
        (["show", "seeds"], "is a folder"),
        (["explain", "seeds", "abc"], "there is no dataset here"),
    ],
)
def test_a_wrong_command_says_what_and_where_and_touches_nothing(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    output = ["--output", str(tmp_path / "out")] if arguments[0] == "clean" else []
    done = qingwen(*arguments, *output, status=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_id_is_named(corpus: Path) -> None:
    assert "no page of" in qingwen("explain", corpus, "zzzz", status=2).stderr


def test_a_field_that_no_row_has_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "out"
    rows.write_text(json.dumps({"inhalt": SEED.read_text("utf-8"), "adresse": "http://a.example/"}) + "\n", "utf-8")
    command = ("clean", rows, "-o", out, "--no-prefect", "--runner", "inline")
    done = qingwen(*command, "--text-field", "inhlat", status=2)
    assert (
        done.stderr
        == f"qingwen: --text-field inhlat: no row has this field. The fields in {rows} are adresse, inhalt.\n"
    )
    assert not out.exists()
    assert "name one with --text-field or --html-field" in qingwen(*command).stdout
    assert "1 record" in qingwen(*command, "--text-field", "inhalt", "--rebuild").stdout


def test_settings_come_from_a_file_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.qingwen]\nmin_article_chars = 100000\n", "utf-8")
    assert "reject.too-short" in qingwen("show", SEED, cwd=tmp_path, status=1).stderr
    (tmp_path / "bad.toml").write_text('min_article_chars = "many"\n', "utf-8")
    done = qingwen("show", SEED, "--config", tmp_path / "bad.toml", status=2)
    assert "min_article_chars must be a whole number >= 0, not 'many'" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_first_signal_sets_the_stop_event_and_a_second_ends_at_once(
    number: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(request: Request, progress: Progress, *, stop: Event) -> RunReport:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        if request.output == "twice":
            signal.raise_signal(number)
        raise EndedError("1 of 2 batches are cleaned and kept.")

    monkeypatch.setattr("qingwen.run.engine.run", run)
    handlers = signal.getsignal(signal.SIGINT)
    done = qingwen("clean", "--no-prefect", "-o", "once", status=status)
    assert "the run ends when the batches under way are done. A second signal ends it at once." in done.stderr
    assert done.stderr.endswith("qingwen: 1 of 2 batches are cleaned and kept.\n")
    with pytest.raises(SystemExit) as ended:
        qingwen("clean", "--no-prefect", "-o", "twice")
    assert ended.value.code == status
    assert signal.getsignal(signal.SIGINT) == handlers


@pytest.mark.parametrize(
    ("fault", "status"),
    [(SetupError, 2), (PublishError, 3), (BatchError, 1), (EndedError, 1), (KeyboardInterrupt, 130)],
)
def test_each_kind_of_fault_has_its_exit_status(
    fault: type[BaseException], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(request: Request, progress: Progress, *, stop: Event) -> RunReport:
        raise fault("broken \x1b[2J")

    monkeypatch.setattr("qingwen.run.engine.run", run)
    said = qingwen("clean", "--no-prefect", "-o", "x", status=status).stderr
    assert "\x1b" not in said
    assert status == 130 or said == "qingwen: broken \\x1b[2J\n"


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_run_and_its_workers(number: int, status: int, tmp_path: Path) -> None:
    from made import copies_with_differences

    made = copies_with_differences(tmp_path / "in", 400)
    command = [*QINGWEN, "clean", str(made), "--output", str(tmp_path / "out"), "--no-prefect"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell that runs the tests in the background lets its children ignore the interrupt.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(lambda: list((tmp_path / "out" / "_state").glob("staging/*")), 30)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == status, said
    assert "run again to go on" in said
    wait_for(lambda: not group_lives(process.pid), 10)


def test_head_prints_the_first_records_as_a_table(corpus: Path) -> None:
    lines = qingwen("head", corpus, "-n", "3").stdout.splitlines()
    assert lines[0].split() == "id published site characters removed repairs flags title".split()
    assert len([line for line in lines if re.match("[0-9a-f]{8} ", line)]) == 3
    assert "3 shown; 15 records, 6 rejections in all." in lines
    everything = qingwen("head", corpus, "-n", "100").stdout
    assert "吴俊清主持召开市委第一百一十三次疫情防控专题会强调" in everything
    (seed,) = (line for line in everything.splitlines() if line.startswith("f6ba1c28"))
    assert re.fullmatch(r"f6ba1c28 +8个月前 \(09-29\) +晋中厂房网 +2178 +48% +17 +0 +吴俊清主持召开市委.*", seed)


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_narrow_head_leaves_columns_out_and_cuts_the_title(corpus: Path, columns: int) -> None:
    from rich.cells import cell_len

    head, *lines = qingwen("head", corpus, "-n", "100", columns=columns).stdout.splitlines()
    assert head.split()[:3] == ["id", "published", "site"]
    assert head.split()[-1] == "title"
    assert ("characters" in head, "removed" in head, "flags" in head) == (columns > 60, columns > 80, columns > 80)
    assert all(cell_len(line) <= columns for line in lines if re.match("[0-9a-f]{8} ", line))
    (seed,) = (line for line in lines if line.startswith("f6ba1c28"))
    assert re.search("晋中厂房网.* 吴俊清主持召开市委.*… *$", seed)


def test_head_prints_rejections_with_their_reasons_and_records_with_a_flag(corpus: Path) -> None:
    text = qingwen("head", corpus, "--rejected").stdout
    assert re.search(r"read\.empty +tests/pages/empty\.txt +The page is empty", text)
    assert "6 shown; 15 records" in text
    flagged = qingwen("head", corpus, "--flag", "unicode.private-use").stdout
    assert "0 shown; 15 records" in flagged


def test_a_page_comes_by_a_pipe_with_its_address(tmp_path: Path) -> None:
    command = ["show", "-", "--url", "http://news.example.cn/a/1.html", "--format", "json"]
    record = json.loads(qingwen(*command, cwd=tmp_path, stdin=SEED.read_bytes()).stdout)
    assert (record["url"], record["site"], record["source_path"]) == (
        "http://news.example.cn/a/1.html",
        "example.cn",
        "-",
    )


def test_one_item_of_a_container_is_shown_and_explained(tmp_path: Path) -> None:
    rows = [{"text": PAGES.joinpath(name).read_text("utf-8")} for name in ("account-repost.txt", "epaper-lawsuit.txt")]
    container = tmp_path / "rows.jsonl"
    container.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    assert "网站被判赔偿" in qingwen("show", f"{container}#1").stdout
    assert f"{container}#1: record" in qingwen("explain", f"{container}#1").stdout
    assert f"as in {container}#0" in qingwen("show", container, status=2).stderr
    assert "has no such item" in qingwen("show", f"{container}#2", status=2).stderr


def test_a_page_of_a_dataset_is_found_by_its_path(corpus: Path) -> None:
    by_path = qingwen("explain", corpus, "seeds/000_fa0feccd83b6dce8.txt").stdout
    assert by_path == qingwen("explain", corpus, "f6ba1c28").stdout
    assert qingwen("restore", corpus, "seeds/000_fa0feccd83b6dce8.txt").stdout == SEED.read_text("utf-8")


def test_rules_show_prints_rows_as_they_are_written(tmp_path: Path) -> None:
    row = qingwen("rules", "show", "ad.contact-line").stdout
    assert row.startswith('# ads.toml\n[[rule]]\nid = "ad.contact-line"\n')
    assert row.count("[[rule]]") == 1
    assert 'id = "zui-classical"' in qingwen("rules", "show", "spun.zui").stdout
    assert qingwen("rules", "show", "copyright.").stdout.count("[[rule]]") > 3
    (tmp_path / "mine.toml").write_text(
        '[[rule]]\nid = "ad.x"\nlabel = "ad"\nscope = "any"\npattern = "甲"\nwhy = "x."\nsince = "1"\nmatches = ["甲"]\n',
        "utf-8",
    )
    assert 'id = "ad.x"' in qingwen("rules", "show", "ad.x", "--rules", tmp_path / "mine.toml").stdout


def test_repairs_mine_proposes_rows_from_pages_of_two_sites(tmp_path: Path) -> None:
    pages = tmp_path / "crawl"
    pages.mkdir()
    towns, goods = "青山 白河 东关 西岭 南湖 北桥 石门 柳林".split(), "棉花 水稻 茶叶 柑橘 苹果 蜂蜜 木耳 辣椒".split()
    for n, (town, good) in enumerate((town, good) for town in towns[:4] for good in goods[:3]):
        said = [
            f"{town}今年的{good}收成是十年来最好的一次，亩产{n + 3}百斤。",
            f"当地最大的{good}合作社负责人说，{n + 2}成的产品销往外省，价格比去年高。",
            f"{town}镇长介绍，下一步最要紧的是修好{n + 4}公里的产业路。",
        ]
        text = f"{town}{good}丰收\n\n" + "\n".join(said)
        (pages / f"a{n}.txt").write_text(f"{town}{good}丰收_山乡日报\n{text}\n", "utf-8")
        (pages / f"b{n}.txt").write_text(f"{town}{good}丰收_招商快讯\n{text.replace('最', '嘬')}\n", "utf-8")
    done = qingwen("repairs", "mine", pages, "--output", tmp_path / "rows.toml")
    assert done.stderr.endswith("1 swaps found, 0 of them known, 1 proposed in " + str(tmp_path / "rows.toml") + ".\n")
    rows = (tmp_path / "rows.toml").read_text("utf-8")
    assert 'form = "嘬"\noriginal = "最"\nclass = "A"\nstatus = "proposed"' in rows
    assert qingwen("rules", "check", "--rules", tmp_path / "rows.toml").stdout.endswith("all hold.\n")


def test_explain_shows_what_is_in_doubt_and_what_else_it_may_be(tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    line = "蕞新数据显示，这家企业的市场份额居行业头部，比去年又高了三个百分点，员工也多了两成。"
    page.write_text(f"一家企业的一年\n\n{line}\n", "utf-8")
    done = qingwen("explain", page)
    assert "市场份额居行业[头部]，比去年" in done.stdout
    assert "spun.diyi (rank-unsure) perhaps 第一" in done.stdout


def test_an_unknown_conversion_is_refused(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('conversion = "s2t"\n', "utf-8")
    done = qingwen("show", SEED, "--config", config, status=2)
    assert "conversion must be one of t2s, tw2s, tw2sp, hk2s, not 's2t'" in done.stderr


def test_profile_times_stages_passes_and_rules_and_writes_nothing(tmp_path: Path) -> None:
    done = qingwen("clean", SEED, "--profile", "--output", tmp_path / "out")
    assert done.stdout.startswith("1 pages of 4346 characters")
    for name in ("label", "widen_punctuation", r"[a-z]+\.[a-z-]+"):  # a stage, a pass, and the slowest rules
        assert re.search(rf"^{name} +[0-9.]+ +[0-9.]+%", done.stdout, re.MULTILINE), done.stdout
    assert not (tmp_path / "out").exists()


def test_report_writes_the_review_page_beside_the_dataset(corpus: Path, tmp_path: Path) -> None:
    said = qingwen("report", corpus, "--pages", "21").stdout
    assert said == f"{corpus / 'review.html'}: 21 pages to read. Open it in a browser; it needs no network.\n"
    assert "吴俊清" in (corpus / "review.html").read_text("utf-8")
    other = tmp_path / "other.html"
    qingwen("report", corpus, "--pages", "1", "--compare", corpus, "--output", other)
    assert "Old and new" in other.read_text("utf-8")
    assert "there is no dataset here" in qingwen("report", tmp_path, status=2).stderr


def test_diff_tells_what_other_rules_do(corpus: Path, tmp_path: Path) -> None:
    assert "Nothing differs" in qingwen("diff", corpus, corpus).stdout
    assert qingwen("diff", corpus, corpus, "--records") == ("", "qingwen: No record differs.\n")
    rules = tmp_path / "mine.toml"
    rules.write_text(
        '[[rule]]\nid = "ad.mine"\nlabel = "ad"\nscope = "any"\npattern = "二要以"\nwhy = "A test."\n'
        'since = "2026-11-25"\nmatches = ["二要以蕞快"]\n',
        "utf-8",
    )
    qingwen(
        "clean",
        "seeds",
        "tests/pages",
        "--output",
        tmp_path / "new",
        "--no-prefect",
        "--runner",
        "inline",
        "--rules",
        rules,
    )
    said = qingwen("diff", corpus, tmp_path / "new").stdout
    assert "ad.mine: acts otherwise on 1 page" in said
    assert "二要以蕞快的速度" in said
    (row,) = qingwen("diff", corpus, tmp_path / "new", "--records").stdout.splitlines()
    change, rules_of_row, path = row.split("\t")[1:]
    assert (change, path) == ("changed", str(SEED.relative_to(ROOT)))
    assert {*rules_of_row.split()} - {"label.unsure"} == {"ad.mine", "punct.widen", "spun.diyi", "spun.zui"}
    assert "Invalid value for '--examples'" in qingwen("diff", corpus, corpus, "--examples", "0", status=2).stderr


def test_a_complaint_of_a_reviewer_is_a_test_of_the_rules(tmp_path: Path) -> None:
    line = "产业招商/厂房土地租售:400 0123 021"
    case = {"kind": "verdict", "page": "a" * 32, "rule": "ad.contact-line", "label": "ad", "text": line}
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps({"format": 1, "pages": {}, "cases": [{**case, "wrong": "removed"}]}), "utf-8")
    done = qingwen("rules", "check", "--cases", cases, status=2)
    assert "ad.contact-line" in done.stderr
    assert "1 fault" in done.stdout
    assert "cannot be read" in qingwen("rules", "check", "--cases", tmp_path / "none.json", status=2).stderr


def test_an_option_of_prefect_without_prefect_is_refused(tmp_path: Path) -> None:
    for option in (("--review", "5"), ("--runner", "dask")):
        done = qingwen("clean", "--output", tmp_path / "out", "--no-prefect", *option, status=2)
        assert "leave out --no-prefect" in done.stderr
    assert not (tmp_path / "out").exists()


def test_docs_lists_the_guides_and_prints_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "output.md").write_text("# Read the output\n\nSeven *tables*.\n", "utf-8")
    (tmp_path / "glossary.md").write_text("# Glossary\n", "utf-8")
    monkeypatch.setattr("qingwen.cli.help.DOCS", tmp_path)
    assert qingwen("docs").stdout == "glossary       Glossary\noutput         Read the output\n"
    assert qingwen("docs", "output").stdout == "# Read the output\n\nSeven *tables*.\n"
    refused = qingwen("docs", "outptu", status=2)
    assert refused.stderr == "qingwen: docs: there is no guide outptu. Guides: glossary, output.\n"


def seconds_of(*arguments: str) -> float:
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    return used.ru_utime + used.ru_stime
