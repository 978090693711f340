"""Help beyond --help: docs, completion."""

import sys
from importlib.resources import files
from typing import Annotated, Literal

from typer import Argument

from qingwen.cli.exits import DONE, put
from qingwen.errors import SetupError

Shell = Literal["bash", "zsh", "fish", "powershell"]
# Where typer's scripts put what they ask for.
COMPLETE = "_QINGWEN_COMPLETE"
DOCS = files("qingwen") / "docs"


def docs(topic: Annotated[str | None, Argument(metavar="TOPIC", help="The name of a guide.")] = None) -> int:
    """Print a guide, or list the guides.

    \b
    Examples:
      qingwen docs
    """
    guides = {path.name.removesuffix(".md"): path for path in DOCS.iterdir() if path.name.endswith(".md")}
    if topic is None:
        for name, path in sorted(guides.items()):
            heading = path.read_text("utf-8").lstrip("# \n").partition("\n")[0]
            put(f"{name:14} {heading}")
        return DONE
    if topic not in guides:
        raise SetupError(f"docs: there is no guide {topic}. Guides: {', '.join(sorted(guides))}.")
    text = guides[topic].read_text("utf-8")
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        put(text, end="")
    return DONE


def completion(shell: Annotated[Shell, Argument(help="The shell that the script is for.")]) -> int:
    """Print the script that completes commands and options in a shell.

    \b
    Examples:
      eval "$(qingwen completion bash)"    # a line for ~/.bashrc
      qingwen completion zsh > _qingwen    # a file for a folder of $fpath
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    put(get_completion_script(prog_name="qingwen", complete_var=COMPLETE, shell=shell))
    return DONE
