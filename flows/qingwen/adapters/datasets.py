"""A function for ``datasets.Dataset.map``: rows of pages in, rows of articles out."""

from collections.abc import Mapping, Sequence
from typing import Any

from datasets import Features, Value

from qingwen import __version__
from qingwen.adapters.rows import COMPARED, clean_row, receipt_columns, record_columns
from qingwen.clean import Cleaner
from qingwen.dataset.schema import BLOCKS, EDITS, RECORDS
from qingwen.errors import SetupError
from qingwen.model import Rejection

_COLUMNS = [name for name in RECORDS.names if name not in COMPARED]


class CleanRows:
    """Clean rows in ``map``: pass it with ``batched=True``, the old columns removed and ``features=clean.features``.

    A row's text or HTML, URL, title and date of the crawl are found under the names that crawlers use, or those of the
    cleaner's settings; its column ``name`` becomes ``source_path``. The result has the columns of ``records``, except
    those that compare records. Rows without an article are dropped; ``keep_rejected`` keeps them without text, with
    the rule in ``rejected`` and its ``detail``. ``receipts`` adds each page's rows of ``blocks`` and ``edits``.

    Equal cleaners pickle to equal bytes, so ``datasets`` reuses its cache until rules, settings or version change.
    """

    def __init__(
        self,
        cleaner: Cleaner | None = None,
        *,
        name: str = "id",
        keep_rejected: bool = False,
        receipts: bool = False,
    ) -> None:
        self.cleaner = cleaner or Cleaner()
        self.name = name
        self.keep_rejected = keep_rejected
        self.receipts = receipts
        self.version = __version__

    @property
    def features(self) -> Features:
        """Return the types of all columns, so that none is guessed from the first batch."""
        found = Features({name: kind for name, kind in Features.from_arrow_schema(RECORDS).items() if name in _COLUMNS})
        if self.keep_rejected:
            found |= {"rejected": Value("string"), "detail": Value("string")}
        if self.receipts:
            for name, schema in (("blocks", BLOCKS), ("edits", EDITS)):
                kinds = dict(Features.from_arrow_schema(schema))
                del kinds["page_id"]
                found[name] = [kinds]
        return Features(found)

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
        """Return the columns of a batch's articles.

        Raises:
            SetupError: the argument is a single row.
        """
        names = list(batch)
        if any(isinstance(batch[name], str | bytes) for name in names):
            raise SetupError("CleanRows: takes batches of rows. Pass batched=True to map.")
        rows = (dict(zip(names, values, strict=True)) for values in zip(*(batch[name] for name in names), strict=True))
        made = [found for row in rows if (found := self._clean(row)) is not None]
        return {name: [row.get(name) for row in made] for name in self.features}

    def _clean(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        named = row.get(self.name)
        result = clean_row(self.cleaner, row, "" if named is None else str(named))
        if not isinstance(result, Rejection):
            columns = record_columns(result)
        elif self.keep_rejected:
            columns = {"id": result.page_id, "source_path": result.source_path}
            columns |= {"rejected": result.rule, "detail": result.detail}
        else:
            return None
        return columns | (receipt_columns(result) if self.receipts else {})
