"""The parameters of the flow, typed and described for the server's form; and the way from a request to them and back.

The only file that imports pydantic.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qingwen.config import Config
from qingwen.errors import SetupError
from qingwen.run.request import Request

# Prefect's server takes 512 KiB of parameters.
_MOST = 400_000
_MASKS = "mask_personal_data"
_RUN = (
    "rules workers batch_pages retries page_seconds worker_gib rebuild verify accept runner cluster partition_by"
).split()


class Options(BaseModel):
    """How to clean."""

    model_config = ConfigDict(extra="forbid")

    rules: str | None = Field(default=None, description="Your own rule table, or a folder of them (*.toml)")
    thresholds: dict[str, Any] = Field(
        default_factory=dict, description="Thresholds by name, as in config.py: min_article_chars, crawl_date, ..."
    )
    mask_personal_data: bool = Field(
        default=False, description="Mask mobile numbers, identity and bank cards, e-mail and licence plates"
    )
    workers: int = Field(default=0, ge=0, description="Worker processes; 0: one a core")
    batch_pages: int = Field(default=500, ge=1, description="Most pages in a batch")
    retries: int = Field(default=2, ge=0, description="How often a batch that failed is tried again")
    page_seconds: int = Field(default=120, ge=1, description="Longest time at a page; beyond it the page is pending")
    worker_gib: float = Field(default=0, ge=0, description="Memory of a worker in GiB; 0: its share of the machine's")
    rebuild: bool = Field(default=False, description="Make every row of the dataset anew, by the rules of now")
    verify: bool = Field(default=False, description="Read known inputs again, whatever size and time say")
    accept: bool = Field(default=False, description="Publish although the run is very unlike the last ones")
    runner: Literal["local", "inline", "dask", "ray"] = Field(default="local", description="Where the work is done")
    cluster: str | None = Field(default=None, description="Address of a Dask or Ray cluster; none: one is started")
    partition_by: Literal["month"] | None = Field(
        default=None, description="Records of a new dataset in folders by month"
    )
    review: int = Field(default=0, ge=0, description="Write a review page with so many pages of the dataset")


def to_request(inputs: Sequence[str], output: str, options: Options) -> Request:
    """Return the request that the flow's parameters state.

    Raises:
        SetupError: a threshold is unknown or of the wrong kind.
    """
    stated = {**options.thresholds, **({_MASKS: True} if options.mask_personal_data else {})}
    config = Config().with_values(stated, "the flow's thresholds")
    return Request(tuple(inputs), output, config, **{name: getattr(options, name) for name in _RUN})


def to_parameters(request: Request, review: int = 0) -> dict[str, Any]:
    """Return the flow's parameters for a request: what `to_request` reads back; JSON, for a deployment.

    Raises:
        SetupError: so many inputs are named that a server does not take them.
    """
    stated = {entry.name: getattr(request.config, entry.name) for entry in fields(Config)}
    changed = {name: value for name, value in stated.items() if value != getattr(Config(), name)}
    thresholds = {name: str(value) if name == "crawl_date" else value for name, value in changed.items()}
    masks = bool(thresholds.pop(_MASKS, False))
    options = Options(
        thresholds=thresholds,
        mask_personal_data=masks,
        review=review,
        **{name: getattr(request, name) for name in _RUN},
    )
    inputs = list(request.inputs)
    if len(json.dumps(inputs)) > _MOST:
        raise SetupError(
            f"{len(inputs)} inputs are more than a Prefect server takes as a parameter. "
            "Name their folder, or a quoted glob ('crawl/**/*.html'), which qingwen expands itself."
        )
    return {"inputs": inputs, "output": request.output, "options": options.model_dump(exclude_defaults=True)}
