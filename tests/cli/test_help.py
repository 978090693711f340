"""The help: every command has one with examples, and every example runs as it stands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from qingwen.cli.commands import COMMANDS, make_parser

EXAMPLES = [
    pytest.param(example.partition("    #")[0].partition("  #")[0].strip(), id=f"{command.name}-{n}")
    for command in COMMANDS
    # A deployment is served until it is interrupted: test_operations.py does so.
    if command.name != "serve"
    for n, example in enumerate(command.examples)
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("help")
    (folder / "seeds").symlink_to(ROOT / "seeds")
    (folder / "bin").mkdir()
    launcher = folder / "bin" / "qingwen"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m qingwen "$@"\n', "utf-8")
    launcher.chmod(0o755)
    run(folder, "qingwen clean --no-prefect")
    return folder


def run(folder: Path, command: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_example_runs_as_it_stands(command: str, made: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    shutil.copytree(made, folder, symlinks=True)
    (run_name,) = (path.stem for path in (folder / "data/corpus/_runs").glob("*.json"))
    done = run(folder, command.replace("20261125T030000-4711", run_name))
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_each_command_says_what_it_does_with_which_options_and_shows_examples(command: object, made: Path) -> None:
    text = run(made, f"COLUMNS=100 qingwen {command.name} --help").stdout
    assert text.startswith(f"usage: qingwen {command.name} ")
    for part in ("examples:\n  ", "exit status:", *command.examples):
        assert part in text


def test_each_option_has_its_line_of_help() -> None:
    (commands,) = (action for action in make_parser()._actions if isinstance(action.choices, dict))
    for name, parser in commands.choices.items():
        for action in parser._actions:
            assert action.help, f"{name}: {action.option_strings or action.dest}"


def test_qingwen_alone_prints_the_help(made: Path) -> None:
    text = run(made, "qingwen", status=2).stdout
    assert all(f"\n  {command.name} " in text for command in COMMANDS)
    assert text == run(made, "qingwen --help").stdout


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clen", "there is no command clen. Did you mean clean?"),
        ("frobnicate", "there is no command frobnicate.\nAll commands: qingwen --help"),
        (
            "explain",
            "qingwen explain: the following arguments are required: PAGE|DATASET.\nHelp: qingwen explain --help",
        ),
        ("clean --work 2", "unrecognized arguments: --work"),
        ("head data/corpus -n 0", "--rows 0: at least 1"),
        ("head data/corpus --rejected --flag x", "--flag: is of records"),
        ("head seeds", "no dataset stands here"),
        ("rules show", "name a rule"),
        ("rules show ad.nothing", "ad.nothing: no row has this id"),
        ("rules show punct.widen", "decided in normalize/punctuation.py"),
        ("rules check ad.contact-line", "to see one: qingwen rules show ad.contact-line"),
        ("explain data/corpus nothing.txt", "no page of data/corpus has this id, path or URL"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_what_to_do(line: str, said: str, made: Path) -> None:
    done = run(made, f"qingwen {line}", status=2)
    assert said in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "completed"),
    [("qingwen expl", "explain"), ("qingwen clean --ou", "--output"), ("qingwen rules ch", "check")],
)
def test_bash_completes_commands_options_and_choices(words: str, completed: str, made: Path) -> None:
    script = f"""
    eval "$(qingwen completion bash)"
    COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    _shtab_qingwen
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert completed in run(made, script).stdout.split()


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh", "powershell"])
def test_other_shells_get_a_script_too(shell: str, made: Path) -> None:
    script = run(made, f"qingwen completion {shell}").stdout
    assert all(command.name in script for command in COMMANDS)
