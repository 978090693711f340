"""Exit statuses, and how a command says what is wrong."""

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


def safe(text: object) -> str:
    """Return a text of several lines without what steers a terminal."""
    lines = str(text).split("\n")
    if all(map(str.isprintable, lines)):
        return "\n".join(lines)
    from qingwen.review.terminal import printed

    return "\n".join(map(printed, lines))
