"""The options that commands share, made of the fields of `Config` and `RunOptions` that they set.

A command with `with_settings` gets its options as ``settings``, one with `with_request` all of a run as ``request``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from datetime import date
from functools import cache, wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

from typer import Argument, Option

from qingwen.config import Config, load_config, read_rules_setting
from qingwen.run.request import Request, RunOptions

if TYPE_CHECKING:
    from qingwen.rules.book import RuleBook

INPUTS, OUTPUT = ("seeds",), "data/corpus"
Dataset = Annotated[str, Argument(metavar="DATASET", help="Folder of a dataset, or its URL in a store.")]
PageId = Annotated[
    str, Argument(metavar="ID", help="A page of the dataset: the first digits of its id, its path or its URL.")
]

_DATASET, _CLEANING, _ROWS, _WORK = "The dataset", "How pages are cleaned", "Rows of JSON Lines and Parquet", "The work"
_GROUPS = {
    **dict.fromkeys(("rebuild", "verify", "accept", "partition_by", "review"), _DATASET),
    **dict.fromkeys(("html_reader", "mask_personal_data", "crawl_date", "url_prefix"), _CLEANING),
    **dict.fromkeys(("text_field", "html_field", "url_field", "date_field", "title_field"), _ROWS),
}
_METAVARS = {"crawl_date": "DATE", "url_prefix": "URL", "rules": "FILE|DIR", "cluster": "ADDRESS"}


class Settings(NamedTuple):
    """What pages are cleaned with: the thresholds, and the path of the user's own rules."""

    config: Config
    rules: str | None

    def book(self) -> RuleBook:
        """Return the shipped rules, with the user's own."""
        from qingwen.rules.book import load_rules

        return load_rules(Path(self.rules) if self.rules else None)


def with_settings(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of `Settings`, which it gets as ``settings``."""
    return _with(command, "settings", [*_rules(), *_thresholds()], _settings)


def with_rules(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command ``--rules`` and ``--config``, which it gets as ``settings``."""
    return _with(command, "settings", _rules(), _settings)


def with_request(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the inputs, the output and the options of a run, which it gets as ``request``."""
    inputs = Argument(metavar="INPUT", help="Files, folders, quoted globs, URLs of stores; by default seeds.")
    output = Option("--output", "-o", metavar="DIR", help="Folder, or URL in a store.", rich_help_panel=_DATASET)
    options = [
        _parameter("inputs", Annotated[list[str] | None, inputs], None),
        _parameter("output", Annotated[str, output], OUTPUT),
        *(_option(field, RunOptions) for field in fields(RunOptions) if field.name != "rules"),
    ]
    return _with(command, "request", [*options, *_rules(), *_thresholds()], _request)


def _with(
    command: Callable[..., int], name: str, options: Sequence[Parameter], make: Callable[..., Any]
) -> Callable[..., int]:
    @wraps(command)
    def wrapper(**given: Any) -> int:
        taken = {option.name: given.pop(option.name) for option in options}
        return command(**{name: make(**taken)}, **given)

    own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in signature(command, eval_str=True).parameters.values()]
    own = [one for one in own if one.name != name]
    wrapper.__signature__ = signature(command).replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {}  # typer asks for the types of all that it finds here
    return wrapper


def _request(inputs: list[str] | None, output: str, **given: Any) -> Request:
    run = {field.name: given.pop(field.name) for field in fields(RunOptions) if field.name != "rules"}
    settings = _settings(**given)
    return Request(tuple(inputs or INPUTS), output, settings.config, rules=settings.rules, **run)


def _settings(config: Path | None, rules: str | None, **stated: Any) -> Settings:
    project = Path("pyproject.toml")
    path = config or (project if project.exists() else None)
    overrides = {name: value for name, value in stated.items() if value is not None}
    return Settings(load_config(path, overrides), rules or (read_rules_setting(path) if path else None))


@cache
def _rules() -> list[Parameter]:
    text = "Your own thresholds; by default the table [tool.qingwen] of pyproject.toml."
    config = Option("--config", metavar="FILE.toml", help=text, rich_help_panel=_CLEANING)
    (rules,) = (field for field in fields(RunOptions) if field.name == "rules")
    return [_option(rules, RunOptions, _CLEANING), _parameter("config", Annotated[Path | None, config], None)]


@cache
def _thresholds() -> list[Parameter]:
    """Return the options of single thresholds: without a default, as a file may state them."""
    stated = [field for field in fields(Config) if field.name in _GROUPS]
    return [_option(field, Config).replace(default=None) for field in stated]


_hints = cache(get_type_hints)


def _option(field: Field[Any], of: type, group: str = _WORK) -> Parameter:
    """Return the option that sets a field: its name, type, bounds, default and description."""
    kind, name = _hints(of)[field.name], field.name.replace("_", "-")
    flags = f"--{name}/--no-{name}" if name == "mask-personal-data" else f"--{name}"
    info = Option(
        flags,
        help=field.metadata["description"],
        metavar=_METAVARS.get(field.name, "NAME" if name.endswith("-field") else "N" if kind in (int, float) else None),
        min=field.metadata.get("ge"),
        show_default=field.default not in (None, False),
        rich_help_panel=_GROUPS.get(field.name, group),
        parser=str if kind == date | None else None,  # what is no date is refused with the other thresholds
    )
    return _parameter(field.name, Annotated[kind, info], field.default)


def _parameter(name: str, annotation: Any, default: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
