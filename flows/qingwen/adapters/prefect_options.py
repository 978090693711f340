"""The parameters of the flow, typed and described for the server's form; a request as parameters, and back."""

import json
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass

from qingwen.config import Config, description_of, setting
from qingwen.errors import SetupError
from qingwen.run.request import Request, RunOptions

# Prefect's server takes 512 KiB of parameters.
_MOST_BYTES = 400_000


@dataclass(frozen=True, slots=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Options(RunOptions):
    """How to clean."""

    mask_personal_data: bool = setting(False, description_of(Config, "mask_personal_data"))
    thresholds: Config = setting(Config(), "What pages are cleaned with.")


def to_request(inputs: Sequence[str], output: str, options: Options) -> Request:
    """Return the request that the flow's parameters state.

    Raises:
        SetupError: an option is out of bounds.
    """
    masks = options.mask_personal_data or options.thresholds.mask_personal_data
    config = replace(options.thresholds, mask_personal_data=masks)
    return Request(tuple(inputs), output, config, **_run_options(options))


def to_parameters(request: Request, review: int = 0) -> dict[str, Any]:
    """Return the flow's parameters for a request: what `to_request` reads back; JSON, for a deployment.

    Raises:
        SetupError: so many inputs are named that a server does not take them.
    """
    inputs = list(request.inputs)
    if len(json.dumps(inputs)) > _MOST_BYTES:
        raise SetupError(
            f"{len(inputs)} inputs are more than a Prefect server takes as a parameter. "
            "Name their folder, or a quoted glob ('crawl/**/*.html'), which qingwen expands itself."
        )
    options = Options(
        mask_personal_data=request.config.mask_personal_data,
        thresholds=replace(request.config, mask_personal_data=False),
        **{**_run_options(request), "review": review or request.review},
    )
    stated = TypeAdapter(Options).dump_python(options, mode="json", exclude_defaults=True)
    return {"inputs": inputs, "output": request.output, "options": stated}


def _run_options(options: RunOptions) -> dict[str, Any]:
    return {option.name: getattr(options, option.name) for option in fields(RunOptions)}
