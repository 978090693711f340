"""A step for datatrove's pipelines: pages in, articles out."""

from contextlib import nullcontext
from typing import Any

from datatrove.data import Document, DocumentsPipeline
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.writers.disk_base import DiskWriter
from datatrove.utils.typeshelper import StatHints

from qingwen.adapters.rows import clean_row, receipt_columns, record_columns
from qingwen.clean import Cleaner
from qingwen.dataset.export_formats import plain
from qingwen.model import Rejection


class CleanNews(PipelineStep):
    """Replace each document's text, a page's dump or HTML, by its article. Put it between a reader and a writer.

    ``url``, ``date`` (of the crawl) and ``title`` are read from the document's metadata. The document's id stays and is
    the record's ``source_path``. The record's other columns go into the metadata, dates in ISO 8601, the record's id as
    ``page_id``; ``receipts`` adds the page's rows of ``blocks`` and ``edits``.
    A page without an article is dropped, counted by rule (``dropped_label.reject...``), and passed unchanged to the
    ``exclusion_writer``, with ``filter_reason`` (the rule) and ``filter_detail`` in its metadata.
    """

    type = "🛢 - EXTRAC"
    name = "qingwen"

    def __init__(
        self, cleaner: Cleaner | None = None, *, exclusion_writer: DiskWriter | None = None, receipts: bool = False
    ) -> None:
        super().__init__()
        self.cleaner = cleaner or Cleaner()
        self.exclusion_writer = exclusion_writer
        self.receipts = receipts

    def run(self, data: DocumentsPipeline, rank: int = 0, world_size: int = 1) -> DocumentsPipeline:
        """Yield the documents that are articles."""
        with self.exclusion_writer or nullcontext() as writer:
            for document in data:
                self.stat_update(StatHints.total)
                with self.track_time():
                    rejection = self._clean(document)
                if rejection is None:
                    self.stat_update(StatHints.forwarded)
                    self.update_doc_stats(document)
                    yield document
                    continue
                self.stat_update(StatHints.dropped, f"dropped_{rejection.rule}")
                if writer is not None:
                    document.metadata |= {"filter_reason": rejection.rule, "filter_detail": rejection.detail}
                    writer.write(document, rank)

    def _clean(self, document: Document) -> Rejection | None:
        row = {"text": document.text, "metadata": document.metadata}
        result = clean_row(self.cleaner, row, str(document.id))
        if isinstance(result, Rejection):
            return result
        columns: dict[str, Any] = plain(record_columns(result))
        document.text = columns.pop("text")
        columns["page_id"] = columns.pop("id")
        document.metadata |= columns | (receipt_columns(result) if self.receipts else {})
        return None
