"""The command line: the app, its help, exit statuses, and faults as sentences.

It starts fast: what a command needs is imported when it runs, and only ``clean`` and ``serve`` import prefect.
"""

import errno
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from qingwen import __version__
from qingwen.cli import clean, datasets, help, pages, rules
from qingwen.cli.exits import DONE, PENDING, REFUSED, SIGNALLED, WRONG, put, say
from qingwen.errors import BatchError, PublishError, SetupError

COMMANDS: dict[str, tuple[Callable[..., int], ...]] = {
    "Clean pages": (clean.clean, clean.serve),
    "Look at pages": (pages.head, pages.show, pages.explain, pages.restore),
    "Use a dataset": (datasets.report, datasets.diff, datasets.export, datasets.changes),
    "Keep a dataset": (datasets.compact, datasets.vacuum, datasets.forget),
    "Work on the rules": (rules.rules, rules.repairs),
    "Help": (help.docs, help.completion),
}
_STREAM_FAULTS = (errno.ENOSPC, errno.EIO, errno.EBADF)
# The modules whose faults say that a table's files are damaged.
_ENGINES = ("pyarrow", "deltalake", "_internal", "duckdb", "_duckdb")
_STATUSES = (
    "Exit status: 0 done; 1 done, but pages are pending (show: the page is no article); 2 the command, a rule table or "
    "the configuration is wrong, and nothing was touched; 3 refused to publish; 130, 143 ended by a signal."
)


def _write_groups(rows: Iterable[tuple[str, str, str]], formatter: Any) -> None:
    """Write rows of help (group, name, text) under the titles of their groups, as typer does only with rich."""
    groups = defaultdict[str, list[tuple[str, str]]](list)
    for group, name, text in rows:
        groups[group].append((name, text))
    for group, listed in groups.items():
        with formatter.section(group):
            formatter.write_dl(listed)


class Command(TyperCommand):
    """A command whose help lists its options in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options."""
        rows = []
        params: list[Any] = sorted(self.get_params(ctx), key=lambda param: param.param_type_name)
        for param in params:
            name, text = param.get_help_record(ctx)
            if name.startswith(f"{param.metavar} <"):
                name = param.metavar  # typer writes PAGE <str>
            rows.append((param.rich_help_panel or f"{param.param_type_name.title()}s", name, text))
        _write_groups(rows, formatter)


class Group(TyperGroup):
    """The list of all commands, in groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command with the first sentence of its help."""
        commands: dict[str, Any] = {**self.commands}
        _write_groups(
            ((one.rich_help_panel, f"{name:10}", one.get_short_help_str(100)) for name, one in commands.items()),
            formatter,
        )


app = typer.Typer(
    name="qingwen",
    cls=Group,
    help="Clean Chinese news out of dirty pages, with a receipt for every character removed or changed.",
    epilog=_STATUSES,
    # Plain text: importing rich's help takes as long as all the rest, and boxes waste a third of a narrow terminal.
    rich_markup_mode=None,
    # Its options would import pydantic for every help; `qingwen completion` prints the scripts.
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 110},
)
for _title, _commands in COMMANDS.items():
    for _command in _commands:
        app.command(cls=Command, rich_help_panel=_title, epilog=_STATUSES)(_command)


def _print_version(wanted: bool) -> None:
    if wanted:
        put(f"qingwen {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status, as `_STATUSES` lists them."""
    if os.name == "nt":  # a pipe has a code page there, most without Chinese
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(encoding="utf-8")
    if help.COMPLETE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]

        completion_init()  # lets typer know the shells whose scripts `qingwen completion` prints
        app(prog_name="qingwen")  # prints the candidates, and exits
    _open_closed_streams()
    arguments = list(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = _run([*arguments] or ["--help"])
        sys.stdout.flush()
        return status if arguments else WRONG
    except SetupError as fault:
        return say(fault, WRONG)
    except PublishError as fault:
        return say(fault, REFUSED)
    except BatchError as fault:
        return say(fault, PENDING)
    except KeyboardInterrupt:
        return say("Interrupted.", SIGNALLED + signal.SIGINT)
    except BrokenPipeError:
        # The reader of our output went away (head, less): nothing is wrong.
        _drop_output()
        return DONE
    except OSError as fault:
        if fault.filename is not None:
            return say(f"{fault.filename}: cannot be read or written: {fault.strerror}.", WRONG)
        if fault.errno in _STREAM_FAULTS:
            _drop_output()
            return say(f"Standard output cannot be written: {fault.strerror}.", PENDING)
        if fault.errno is not None:
            raise
        return _say_damaged(fault)  # Arrow's
    except Exception as fault:
        if type(fault).__module__.partition(".")[0] not in _ENGINES:
            raise
        return _say_damaged(fault)


def _say_damaged(fault: Exception) -> int:
    why = " ".join(str(fault).partition("\n")[0].split())
    return say(
        f"Files of the dataset cannot be read: they are damaged, or gone ({type(fault).__name__}: {why}). "
        "Put back a whole copy, or make it anew from its inputs.",
        WRONG,
    )


def _open_closed_streams() -> None:
    """Open what the caller closed (2>&-), so that no file of ours takes its number and gets its text."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, open(number, "r" if name == "stdin" else "w", closefd=False))  # noqa: SIM115


def _drop_output() -> None:
    """Let nothing more go to standard output, which cannot be written; else Python tries again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    """Run a command as typer does, but let its faults pass, and say in two lines what is wrong with a command line."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("qingwen", arguments) as context:
            return int(command.invoke(context))
    except typer.Exit as end:
        return end.exit_code
    except TyperException as fault:
        path = ctx.command_path if (ctx := getattr(fault, "ctx", None)) else "qingwen"
        wrong = fault.format_message().replace("Value error, ", "")
        return say(f"{wrong}\nHelp: {path} --help", WRONG, command=path)


def _terminate(number: int, frame: object) -> NoReturn:
    raise SystemExit(say("Terminated.", SIGNALLED + number))


if __name__ == "__main__":
    sys.exit(main())
