"""What became of records since a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pyarrow import parquet

from qingwen.dataset.dataset import check_dataset
from qingwen.dataset.location import Location, open_file
from qingwen.errors import SetupError

_FOLDED: Mapping[tuple[str | None, str], str | None] = {
    ("added", "changed"): "added",
    ("added", "withdrawn"): None,
    ("withdrawn", "added"): "changed",
}


def changes(dataset: Location, since: str) -> Iterator[tuple[str, str]]:
    """Yield (id, added, changed or withdrawn) for what differs from the records as they were after a run.

    Raises:
        SetupError: there is no such run; the message names the last ones.
    """
    folder = check_dataset(dataset) / "_runs"
    runs = sorted(path.name.removesuffix(".changes.parquet") for path in folder.glob("*.changes.parquet"))
    if since not in runs:
        known = ", ".join(runs[-3:]) or "none"
        raise SetupError(f"{since}: no run of {dataset} has this name. The last ones: {known}.")
    net: dict[str, str] = {}
    for run in runs[runs.index(since) + 1 :]:
        with open_file(folder / f"{run}.changes.parquet") as opened, parquet.ParquetFile(opened) as file:
            for batch in file.iter_batches(use_threads=False):
                for name, change in zip(batch["id"].to_pylist(), batch["change"].to_pylist(), strict=True):
                    told = _FOLDED.get((net.get(name), change), change)
                    net.pop(name, None)
                    if told is not None:
                        net[name] = told
    yield from sorted(net.items())
