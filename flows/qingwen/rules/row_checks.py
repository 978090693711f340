"""Rows of the tables that people write: pydantic checks their fields, and a wrong row is refused in one sentence.

A kind of row is a subclass of `Row`, and its fields are the keys that such a row may have.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from qingwen.errors import RuleError
from qingwen.rules.patterns import PatternError, compile_re2, repeats_without_end

# A row counts characters, or weighs a clause.
LARGEST = 1_000_000
# A left context sees so many characters before the word, a right one so many behind it.
LEFT_WINDOW, RIGHT_WINDOW = 16, 600
_ID = re.compile(r"[a-z]++(?:\.[a-z0-9-]{1,99}+)++")


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("the id must look like ad.scan-qr-code")
    return value


def _re2(value: Any, frame: str = "{}") -> Any:
    """Compile a pattern, put into a frame such as ``(?:{})$``, with RE2."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "a text")
    try:
        return compile_re2(frame.replace("{}", value))
    except PatternError as fault:
        raise ValueError(f"RE2 does not take the pattern {value!r:.200}: {fault}") from fault


def bounded(value: Any) -> Any:
    """Compile a pattern of Python's `re`; refuse a repeat without an end, which may take more than linear time."""
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "a text")
    try:
        pattern = re.compile(value)
    except re.error as fault:
        raise ValueError(f"the pattern {value!r:.200} does not compile: {fault}") from fault
    if repeats_without_end(value):
        raise ValueError(f"the pattern {value!r:.200} repeats without an end; write {{0,20}} for *, {{1,20}} for +")
    return pattern


# Ids are in columns, commands and files for ever.
Id = Annotated[str, AfterValidator(_id)]
Text = Annotated[str, Field(min_length=1)]
Since = Annotated[str, BeforeValidator(str), Field(min_length=1)]
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Cases = Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
TextSet = Annotated[frozenset[str], Field(strict=False)]
Number = Annotated[float, Field(ge=0, le=LARGEST)]
Program = Annotated[Any, BeforeValidator(_re2)]
LeftProgram = Annotated[Any, BeforeValidator(lambda value: _re2(value, "(?:{})$"))]
BoundedPattern = Annotated[re.Pattern[str], BeforeValidator(bounded)]


class Row(BaseModel):
    """One row of a table; ``table`` names the table."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True)

    id: Id
    why: Text
    since: Since
    table: str = Field(default="", alias="(table)")  # a key that no one writes


class Context(BaseModel):
    """The neighbours of a word: ``left`` must end where it starts, ``right`` must start where it ends.

    ``left_not`` and ``right_not`` must not.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    left: LeftProgram = None
    left_not: LeftProgram = None
    right: Program = None
    right_not: Program = None

    def fits(self, before: bytes, behind: bytes) -> bool:
        """Tell whether this context fits a word with such `neighbours`."""
        return (
            (self.right is None or bool(self.right.match(behind)))
            and (self.right_not is None or not self.right_not.match(behind))
            and (self.left is None or bool(self.left.search(before)))
            and (self.left_not is None or not self.left_not.search(before))
        )


def neighbours(text: str, start: int, end: int) -> tuple[bytes, bytes]:
    """Return, in UTF-8, what a context sees of a text before and behind the word at ``start..end``."""
    before, behind = text[max(0, start - LEFT_WINDOW) : start], text[end : end + RIGHT_WINDOW]
    return before.encode("utf-8", "replace"), behind.encode("utf-8", "replace")


Kind = TypeVar("Kind", bound=BaseModel)


def read_rows(kind: type[Kind], table: Mapping[str, Any], key: str, name: str) -> Iterator[Kind]:
    """Yield the rows under a key of a parsed TOML table (``[[rule]]``); refuse a wrong one."""
    for number, row in enumerate(tables_of(table, key, name), 1):
        yield read_row(kind, {**row, "(table)": name}, f"{name}: {row.get('id', f'{key} row {number}')}")


def read_row(kind: type[Kind], row: Mapping[str, Any], where: str) -> Kind:
    """Return a row as an object of its kind.

    Raises:
        RuleError: a field is unknown or missing, or has a wrong value; the sentence begins with ``where``.
    """
    try:
        return kind.model_validate(row)
    except RecursionError as fault:
        raise RuleError(f"{where}: a pattern is nested too deeply.") from fault
    except ValidationError as fault:
        errors = fault.errors()
        # A misspelt field is unknown, and the right one missing: only the first says what is wrong.
        error = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
        raise RuleError(f"{where}: {_sentence(error, kind)}.") from fault


def _sentence(error: ErrorDetails, kind: type[BaseModel]) -> str:
    key, value, type_ = error["loc"][0] if error["loc"] else "", error["input"], error["type"]
    names = {field.alias or name: field for name, field in kind.model_fields.items() if name != "table"}
    if type_ in ("missing", "too_short", "string_too_short"):
        return f"{key} is missing. A row of this table has {', '.join(n for n, f in names.items() if f.is_required())}"
    if type_ == "extra_forbidden" and key == "off":
        return "off belongs at the top of the file, above the first [[...]]"
    if type_ == "extra_forbidden":
        return f"unknown field {key!r}. A row of this table has {', '.join(names)}"
    if type_ in ("literal_error", "enum"):
        return f"unknown {key} {value!r:.200}. It must be one of {error['ctx']['expected']}"
    if type_ == "value_error":
        return str(error["ctx"]["error"])
    if len(error["loc"]) > 1 or type_ in ("tuple_type", "frozen_set_type"):
        return f"{key} must be a list of texts, not {value!r:.200}"
    if type_ == "string_type":
        return f"{key} must be a text in quotes, not {value!r:.200}"
    if type_ == "bool_type":
        return f"{key} must be true or false, not {value!r:.200}"
    most = error["ctx"]["le"] if type_ == "less_than_equal" else LARGEST
    return f"{key} must be a number from 0 to {int(most)}, not {value!r:.200}"


def know(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a key of a table that means nothing: it is most often a misspelt one."""
    for key in table:
        if key not in known:
            raise RuleError(f"{where}: unknown key {key!r}. Known: {', '.join(known)}.")


def tables_of(table: Mapping[str, Any], key: str, where: str) -> Sequence[Mapping[str, Any]]:
    """Return the tables under a key (``[[rule]]``), none where it is missing; refuse anything else."""
    rows = table.get(key, ())
    if not (isinstance(rows, list | tuple) and all(isinstance(row, dict) for row in rows)):
        raise RuleError(f"{where}: {key} must be tables; write [[{key}]] above each.")
    return rows


def texts_of(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, str]:
    """Return the table of texts under a key (``[words]``), none where it is missing."""
    texts = table.get(key, {})
    if not (isinstance(texts, dict) and all(isinstance(value, str) for value in texts.values())):
        raise RuleError(f"{where}: {key} must be one table of texts; write [{key}] above it.")
    return texts
