"""Clean Chinese news out of dirty pages, with a receipt for every character that was removed or changed.

>>> import qingwen
>>> qingwen.clean_page(b"").detail
'The page is empty (0 bytes).'

The names in ``__all__``, their parameters and fields, are stable: they change only with the major version.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qingwen.clean import Cleaner as Cleaner
    from qingwen.clean import clean_page as clean_page
    from qingwen.clean import restore as restore
    from qingwen.config import Config as Config
    from qingwen.errors import BatchError as BatchError
    from qingwen.errors import PublishError as PublishError
    from qingwen.errors import RuleError as RuleError
    from qingwen.errors import SetupError as SetupError
    from qingwen.model import Block as Block
    from qingwen.model import Cleaned as Cleaned
    from qingwen.model import Flag as Flag
    from qingwen.model import Label as Label
    from qingwen.model import LabelledBlock as LabelledBlock
    from qingwen.model import Metadata as Metadata
    from qingwen.model import Page as Page
    from qingwen.model import Record as Record
    from qingwen.model import Rejection as Rejection
    from qingwen.model import Verdict as Verdict
    from qingwen.rules.book import RuleBook as RuleBook
    from qingwen.rules.book import load_rules as load_rules
    from qingwen.rules.site_book import SiteBook as SiteBook
    from qingwen.rules.site_book import load_sites as load_sites
    from qingwen.text.spans import Edit as Edit
    from qingwen.text.spans import Span as Span

__version__ = "1.0.0"

# The public names of each module, which is imported when one of them is first used: importing the package costs little.
_MODULES = {
    "clean": "Cleaner clean_page restore",
    "config": "Config",
    "errors": "BatchError PublishError RuleError SetupError",
    "model": "Block Cleaned Flag Label LabelledBlock Metadata Page Record Rejection Verdict",
    "rules.book": "RuleBook load_rules",
    "rules.site_book": "SiteBook load_sites",
    "text.spans": "Edit Span",
}
_EXPORTS = {name: module for module, names in _MODULES.items() for name in names.split()}
# Names of 1.0, which work for one more version.
_RENAMED = {"Facts": "Metadata", "Judged": "LabelledBlock"}
__all__ = sorted(_EXPORTS)


if not TYPE_CHECKING:  # a type checker would accept any name because of it

    def __getattr__(name: str) -> Any:
        if name in _RENAMED:
            warnings.warn(f"{__name__}.{name} is now {__name__}.{_RENAMED[name]}", DeprecationWarning, stacklevel=2)
            name = _RENAMED[name]
        if name in _EXPORTS:
            return getattr(import_module(f".{_EXPORTS[name]}", __name__), name)
        raise AttributeError(f"module 'qingwen' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
