"""The command line: runs a command, tells its faults, answers to signals.

Starts fast: what a command needs is imported when it runs, and only ``clean`` and ``serve`` import prefect.
"""

from __future__ import annotations

import difflib
import os
import signal
import sys
import threading
from collections.abc import Sequence

from qingwen.cli import pages
from qingwen.cli.commands import NAMES, make_parser
from qingwen.cli.pages import DONE, PENDING, REFUSED, WRONG, said
from qingwen.errors import BatchError, EndedError, PublishError, SetupError


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status.

    0 done; 1 done, but pages are pending (``show``: the page is no article); 2 the command, a rule table or the
    configuration is wrong, and nothing was touched; 3 cleaned, but refused to publish; 130 and 143 on signals.
    """
    named = list(sys.argv[1:] if argv is None else argv)
    if not named:
        make_parser().print_help()
        return WRONG
    if not named[0].startswith("-") and named[0] not in NAMES:
        near = difflib.get_close_matches(named[0], NAMES, 1)
        meant = f" Did you mean {near[0]}?" if near else ""
        return said(f"there is no command {named[0]}.{meant}\nAll commands: qingwen --help", WRONG)
    arguments = make_parser().parse_args(named)
    arguments.stop = _stop
    signal.signal(signal.SIGTERM, _signalled)
    if arguments.command is pages.clean:
        signal.signal(signal.SIGINT, _signalled)
    try:
        status: int = arguments.command(arguments)
        return status
    except SetupError as fault:
        return said(fault, WRONG)
    except PublishError as fault:
        return said(fault, REFUSED)
    except EndedError as fault:
        return said(fault, 128 + _signals[0] if _signals else PENDING)
    except BatchError as fault:
        return said(fault, PENDING)
    except KeyboardInterrupt:
        return 128 + _signals[-1] if _signals else said("Interrupted.", 130)
    except BrokenPipeError:
        # The reader of our output went away (head, less): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


_signals: list[int] = []
_stop = threading.Event()


def _signalled(number: int, frame: object) -> None:
    """End a run with the batches that are under way; anything else, and at a second signal, at once."""
    _signals.append(number)
    word = "Interrupted" if number == signal.SIGINT else "Terminated"
    if len(_signals) == 1 and "qingwen.run.engine" in sys.modules:
        _stop.set()
        said(f"{word}: what is under way is finished first. Once more ends at once.", DONE)
        return
    said(f"{word}. The dataset is as it was; run again to go on.", DONE)
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
