"""The SQL of a run: a file a step, named after what it makes; its first lines say what it reads and what it makes."""

from importlib import resources

from qingwen.dataset.database import Database


def make(database: Database, step: str) -> None:
    """Execute the statements of ``<step>.sql``, one after the other.

    Raises:
        FileNotFoundError: there is no such step.
    """
    text = resources.files(__name__).joinpath(f"{step}.sql").read_text("utf-8")
    for statement in text.split(";\n"):
        if statement.strip():
            database.do(statement)
