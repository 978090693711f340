"""List the records that changed since a run."""

from collections.abc import Iterator, Mapping

from pyarrow import parquet

from qingwen.dataset.dataset import check_dataset
from qingwen.dataset.location import Location, open_file
from qingwen.errors import SetupError

# The change of a record over several runs, by its change so far and the next one; None: no change in all.
_NET_CHANGE: Mapping[tuple[str | None, str], str | None] = {
    ("added", "changed"): "added",
    ("added", "withdrawn"): None,
    ("withdrawn", "added"): "changed",
}


def changes(dataset: Location, since: str) -> Iterator[tuple[str, str]]:
    """Yield the id and the change (added, changed or withdrawn) of each record that differs from those after a run.

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
                    total = _NET_CHANGE.get((net.pop(name, None), change), change)
                    if total is not None:
                        net[name] = total
    yield from sorted(net.items())
