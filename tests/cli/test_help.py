"""The help: every command has one with examples, and every example runs as it stands."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from commands import qingwen
from conftest import ROOT
from qingwen.cli.main import COMMANDS, app

NAMES = [command.__name__ for commands in COMMANDS.values() for command in commands]
GROUP = typer.main.get_command(app)


def examples(name: str) -> list[str]:
    lines = GROUP.commands[name].help.partition("Examples:\n")[2].splitlines()
    return [line.partition("    #")[0].partition("  #")[0].strip() for line in lines]


EXAMPLES = [
    pytest.param(
        example, id=f"{name}-{n}", marks=[pytest.mark.slow] if name == "clean" and "--no-prefect" not in example else []
    )
    for name in NAMES
    # A deployment is served until it is interrupted: tests/flow/test_deployment.py does so.
    if name != "serve"
    for n, example in enumerate(examples(name))
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("help")
    (folder / "seeds").symlink_to(ROOT / "seeds")
    (folder / "bin").mkdir()
    launcher = folder / "bin" / "qingwen"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qingwen "$@"\n', "utf-8")
    launcher.chmod(0o755)
    qingwen("clean", "--no-prefect", "--runner", "inline", cwd=folder)
    return folder


def shell(folder: Path, command: str) -> str:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_as_it_stands(example: str, made: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(made, folder, symlinks=True)
    (run,) = (path.stem for path in (folder / "data/corpus/_runs").glob("*.json"))
    words = shlex.split(example.replace("20261125T030000-4711", run), comments=True)
    if {"<", ">", "eval"} & {*words}:
        shell(folder, example)
    elif "--no-prefect" in words:
        qingwen(*words[1:], "--runner", "inline", cwd=folder)
    else:
        if words[1] == "clean":
            request.getfixturevalue("prefect_api")
        qingwen(*words[1:], cwd=folder)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_says_what_it_does_with_which_options_and_shows_examples(name: str) -> None:
    text = qingwen(name, "--help", columns=100).stdout
    assert text.startswith(f"Usage: qingwen {name} ")
    for part in ("Examples:\n    qingwen ", "Exit status:", *examples(name)):
        assert part in text.replace('eval "$(qingwen', "qingwen") if part.startswith("Examples") else text
    assert qingwen(name, "-h", columns=100).stdout == text


def test_each_option_and_argument_has_its_line_of_help() -> None:
    for name, command in GROUP.commands.items():
        assert [param.name for param in command.params if not param.help] == [], name


def test_help_fits_a_terminal_of_80_columns() -> None:
    for name in NAMES:
        text = qingwen(name, "--help", columns=80).stdout.partition("Examples:")[2].partition("\n\n")[2]
        assert max(map(len, text.splitlines())) <= 80, name


def test_qingwen_alone_prints_the_help() -> None:
    text = qingwen(status=2).stdout
    assert all(f"\n  {name} " in text for name in NAMES)
    assert all(f"\n{group}:\n" in text for group in COMMANDS)
    assert text == qingwen("--help").stdout


def test_python_m_qingwen_is_qingwen() -> None:
    command = [sys.executable, "-m", "qingwen", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == qingwen("--version").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is a full standard output")
def test_streams_that_are_closed_or_full_are_no_traceback(made: Path) -> None:
    python = f"'{sys.executable}' -m qingwen"
    for line, status, said in (
        (
            f"{python} head data/corpus >/dev/full",
            1,
            "qingwen: Standard output cannot be written: No space left on device.\n",
        ),
        (f"{python} head data/corpus 2>/dev/full >&-", 0, ""),
        (f"{python} head data/corpus >&- 2>&- <&-", 0, ""),
        (f"{python} head nothing 2>&-", 2, ""),
    ):
        done = subprocess.run(["sh", "-c", line], cwd=made, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (status, said), line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clen", "qingwen: No such command 'clen'. Did you mean 'clean'?\nHelp: qingwen --help\n"),
        ("frobnicate", "qingwen: No such command 'frobnicate'.\nHelp: qingwen --help\n"),
        ("explain", "qingwen explain: Missing argument 'PAGE|DATASET'.\nHelp: qingwen explain --help\n"),
        ("clean --work 2", "qingwen clean: No such option: --work (Possible options: --worker-gib, --workers)"),
        ("clean --workers -1", "qingwen clean: Invalid value for '--workers'"),
        ("clean --runner slurm", "'slurm' is not one of 'local', 'inline', 'dask', 'ray'"),
        ("clean --partition-by day", "'day' is not one of 'month'"),
        ("head data/corpus -n 0", "Invalid value for '--rows' / '-n': Input should be greater than or equal to 1"),
        ("head data/corpus --rejected --flag x", "--flag: selects records; leave out --rejected"),
        ("head seeds", "there is no dataset here"),
        ("rules chek", "'chek' is not one of 'check', 'show'"),
        ("rules show", "name a rule"),
        ("rules show ad.nothing", "ad.nothing: no row has this id"),
        ("rules show ad.contcat-line", "no row has this id. Did you mean ad.contact-line?"),
        ("rules show contact-line", "no row has this id. Did you mean ad.contact-line?"),
        ("rules show nosuch", "nosuch: no row has this id. Ids begin with ad, byline, "),
        ("rules show punct.widen", "decided in normalize/punctuation.py"),
        ("rules check ad.contact-line", "to see one: qingwen rules show ad.contact-line"),
        ("explain data/corpus nothing.txt", "no page of data/corpus has this id, path or URL"),
        ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish', 'powershell'"),
        ("show \x1b[2J", "\\x1b[2J"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_what_to_do(line: str, said: str, made: Path) -> None:
    done = qingwen(*line.split(), cwd=made, status=2)
    assert said in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "completed"),
    [("expl", "explain"), ("clean --ou", "--output"), ("rules ch", "check"), ("clean --runner d", "dask")],
)
def test_the_script_for_bash_completes_commands_options_and_choices(words: str, completed: str, made: Path) -> None:
    script = f"""
    eval "$(qingwen completion bash)"
    COMP_WORDS=(qingwen {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    _qingwen_completion qingwen
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert completed in shell(made, script).split()


def test_a_reader_that_goes_away_ends_a_command_in_peace(made: Path) -> None:
    assert shell(made, "qingwen rules show ad. 2>errors | head -0; echo ${PIPESTATUS[0]}; cat errors") == "0\n"


@pytest.mark.parametrize("shell", ["zsh", "fish", "powershell"])
def test_other_shells_get_a_script_too(shell: str) -> None:
    assert "_QINGWEN_COMPLETE" in qingwen("completion", shell).stdout
