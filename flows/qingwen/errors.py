"""Errors have three kinds.

- A *page's* fault is a value: a `Rejection` row with stage, rule and detail. It is never raised.
- A *batch's* fault (`BatchError`: a dead worker, a full disk) fails its task; its pages stay pending.
- A *set-up's* fault (`SetupError`) refuses the run before anything is touched: exit status 2.
- `PublishError` refuses to write into the dataset (other rules, a concurrent run): exit status 3.

`EditError` is a programming fault: edits that overlap or do not fit their text.
"""


class QingwenError(Exception):
    """The root of all errors that this package raises."""


class EditError(QingwenError, ValueError):
    """Edits overlap, or an edit does not fit the text it is applied to."""


class SetupError(QingwenError):
    """The command, a rule table or the configuration is wrong; nothing was touched.

    >>> from qingwen import Config
    >>> Config().with_values({"max_depth": "deep"}, "mine.toml")
    Traceback (most recent call last):
    qingwen.errors.SetupError: mine.toml: max_depth must be a whole number >= 0, not 'deep'.
    """


class RuleError(SetupError):
    """A row of a rule table is wrong; the message names the table, the row and the fault.

    >>> from qingwen.rules.book import compile_rules
    >>> compile_rules([("a.toml", 'off = ["ad.gone"]')])
    Traceback (most recent call last):
    qingwen.errors.RuleError: a.toml: off: no shipped row has the id 'ad.gone'; see qingwen rules show.
    """


class BatchError(QingwenError):
    """A batch of pages could not be cleaned by this machine now; its pages stay pending.

    >>> issubclass(WorkerLostError, BatchError), issubclass(BatchError, SetupError)
    (True, False)
    """


class WorkerLostError(BatchError):
    """A worker died at a piece of work, or ran out of memory; its watch says at which page."""


class EndedError(BatchError):
    """The run was asked to end: no more is begun, what is cleaned is kept, nothing is published."""


class PublishError(QingwenError):
    """Cleaned, but the dataset must not be written: mixing rules, or another run holds it.

    >>> issubclass(PublishError, QingwenError), issubclass(PublishError, SetupError)
    (True, False)
    """
