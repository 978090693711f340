"""A run in a few lines, for the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from qingwen.corpus.pending import MOST_TRIES
from qingwen.corpus.report import RunReport
from qingwen.report.terminal import counted, printed


def summary(report: RunReport) -> Iterator[str]:
    """Yield what a run did, a line each."""
    counts = report.counts
    if report.finished_earlier:
        yield f"Finished the run {report.finished_earlier}, which was killed while it published."
    yield from report.notes
    if not report.wrote:
        yield f"Nothing to do: {report.dataset} already holds {counted(report.inputs, 'input')}. Nothing was written."
        return
    inputs = f"{counted(report.inputs, 'page')} in" + (f", {report.unchanged} unchanged" if report.unchanged else "")
    yield (
        f"{inputs}: {counted(counts.records, 'record')}, {report.rejected()} rejected, "
        + counted(counts.copies, "identical copy", "identical copies")
        + (f", {report.withdrawn} withdrawn" if report.withdrawn else "")
        + (f", {report.pending} pending" if report.pending else "")
        + f" ({report.seconds.get('total', 0):.1f} s)"
    )
    if counts.removed_chars:
        listed = ", ".join(f"{label} {n}" for label, n in counts.removed_chars.most_common(8))
        yield f"  characters removed: {listed}"
    repairs = [(rule, n) for rule, n in counts.edits.most_common() if not rule.startswith("layout.")]
    if repairs:
        yield "  characters repaired: " + ", ".join(f"{rule} {n}" for rule, n in repairs[:8])
    if counts.rejections:
        yield "  rejected: " + ", ".join(f"{rule} {n}" for rule, n in counts.rejections.most_common())
    for jump in report.jumps:
        yield f"  unlike the last runs: {jump}"
    for fault in report.faults[:3]:
        yield f"  pending: {printed(fault)}"
    if report.given_up:
        pages = counted(report.given_up, "page")
        yield f"  left alone: {pages} at which workers died in {MOST_TRIES} runs; --verify tries again"
    if report.pending:
        yield "  Run again to try the pending pages once more."
    yield f"Dataset: {report.dataset} (read records/*.parquet; every decision is in blocks, edits, flags, rejections)"
    yield f"See the records:    qingwen head {report.dataset}"
    if counts.rejections:
        yield f"Why was it none?    qingwen head {report.dataset} --rejected"
    yield f"Why did a line go?  qingwen explain {report.dataset} ID"
    yield f"Read what came out: qingwen report {report.dataset}"
