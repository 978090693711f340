"""Exit statuses, and how a command prints: what is wrong, and what was asked for."""

import re
import sys
from contextlib import suppress

DONE, PENDING, WRONG, REFUSED = 0, 1, 2, 3
# A signal's number is added to it.
SIGNALLED = 128


def say(message: object, status: int = DONE, *, command: str = "qingwen") -> int:
    """Print a message to standard error, if that is open; return the exit status.

    What files hold cannot steer the terminal.
    """
    with suppress(OSError, ValueError):
        print(f"{command}: {safe(message)}", file=sys.stderr)
    return status


def put(text: object, *, exact: bool = False, end: str = "\n") -> None:
    """Print a text to standard output, without what steers a terminal.

    An ``exact`` text, such as a page's, goes to a file or a pipe as it is.
    """
    sys.stdout.write(f"{text if exact and not sys.stdout.isatty() else safe(text)}{end}")


def safe(text: object) -> str:
    """Return a text of several lines, with tabs, without what steers a terminal."""
    parts = re.split("([\n\t])", str(text))
    if all(map(str.isprintable, parts[::2])):
        return "".join(parts)
    from qingwen.text.characters import printed

    return "".join(part if part in ("\n", "\t") else printed(part) for part in parts)
