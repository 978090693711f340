"""Show what each threshold is worth: the scores of the development pages with half of it, and with twice as much.

python tests/quality/thresholds.py MODULE[.NAME] ...      such as label.title label.rescue._MOST_ADS

A row gives the changes of the mean F1 of HTML pages and dumps, and of the share of right titles, in points of a
thousandth; a threshold that changes nothing either way carries no weight on these pages, and is kept for its reason alone.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from measure import Gold, development_pages, scores

Figures = tuple[float, ...]


def thresholds(module: ModuleType) -> Iterator[tuple[str, float]]:
    """Yield the names that a module gives a number, with the numbers."""
    for statement in ast.parse(inspect.getsource(module)).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for name in (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)):
            value = getattr(module, name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield name, value


def tried(value: float) -> tuple[float, float]:
    """Return half of a threshold and twice as much, whole numbers for a whole number, and never the same."""
    if isinstance(value, int):
        return min(value - 1, value // 2), max(value + 1, 2 * value)
    return value / 2, min(value * 2, (1 + value) / 2) if 0 < value < 1 else value * 2


def figures(pages: dict[str, list[Gold]]) -> Figures:
    found = [scores(pages[kind]) for kind in ("html", "dumps")]
    return *(kind["f1"] for kind in found), *(kind["title"] for kind in found)


def measured(job: tuple[str, str, float, dict[str, list[Gold]]]) -> Figures:
    """Return the figures with one threshold changed, in a process that ends with them."""
    name_of_module, name, value, pages = job
    if name:
        module = importlib.import_module(f"qingwen.{name_of_module}")
        # A public one was imported by others, each with a name of its own for it.
        users = [] if name.startswith("_") else [m for key, m in sys.modules.items() if key.startswith("qingwen.")]
        for user in [module, *(user for user in users if hasattr(user, name))]:
            setattr(user, name, value)
    return figures(pages)


def main(asked: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pages = development_pages(Path(folder))
        jobs: list[tuple[str, str, float, dict[str, list[Gold]]]] = [("", "", 0.0, pages)]
        for word in asked:
            last = word.rpartition(".")[2]
            only = last if last.isupper() else ""
            module = word.removesuffix(f".{only}")
            for name, value in thresholds(importlib.import_module(f"qingwen.{module}")):
                if only in ("", name):
                    jobs += [(module, name, other, pages) for other in tried(value)]
        with multiprocessing.get_context("spawn").Pool(2, maxtasksperchild=1) as pool:
            before: Figures = ()
            print("| threshold | tried | F1 HTML | F1 dumps | titles HTML | titles dumps |\n|---|---|---|---|---|---|")
            for (module, name, value, _), found in zip(jobs, pool.imap(measured, jobs), strict=True):
                before = before or found
                changes = (f"{1000 * (now - then):+.1f}" for now, then in zip(found, before, strict=True))
                row = (f"{module}.{name}", f"{value:g}", *changes) if name else ("as shipped", "", *map(str, found))
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or sys.exit(__doc__))
