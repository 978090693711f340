"""The flow on a real Prefect server: states, artifacts, retries, pending pages."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from conftest import PAGES, SEED
from qingwen import Config
from qingwen.dataset import delta
from qingwen.dataset.location import identity
from qingwen.errors import BatchError, SetupError
from qingwen.run.jobs import Job, Result
from qingwen.run.request import Request
from qingwen.run.workers import Pool

pytest.importorskip("prefect")


def request_for(output: Path, *inputs: Path, **options: Any) -> Request:
    return Request(tuple(map(str, inputs)), str(output), **{"workers": 2, **options})


def artifacts() -> dict[str, Any]:
    """Return the newest artifact of each key."""
    from prefect.client.orchestration import get_client

    async def read() -> list[Any]:
        async with get_client() as client:
            return await client.read_artifacts()

    return {artifact.key: artifact.data for artifact in sorted(asyncio.run(read()), key=lambda each: each.created)}


def flow_runs() -> list[Any]:
    from prefect.client.orchestration import get_client

    async def read() -> list[Any]:
        async with get_client() as client:
            return await client.read_flow_runs()

    return asyncio.run(read())


@pytest.mark.usefixtures("prefect_api")
def test_the_flow_cleans_publishes_and_reports(tmp_path: Path) -> None:
    from qingwen import flow

    said: list[tuple[str, int, int]] = []
    report = flow.run(request_for(tmp_path / "out", SEED, PAGES), lambda *step: said.append(step))
    assert report.counts.records == 15
    assert report.rejected() == 6
    assert ("clean", 21, 21) in said
    assert delta.read(tmp_path / "out", "records").num_rows == 15
    made, own = artifacts(), f"qingwen-{identity(str(tmp_path / 'out'))}"
    assert "# qingwen run" in made[f"{own}-run"]
    assert '"records"' in made[f"{own}-pages"]
    assert "reject.language" in made[f"{own}-rejections-by-reason"]
    assert "related" in made[f"{own}-characters-removed-by-label"]
    assert "spun.zui" in made[f"{own}-changes-by-rule"]


@pytest.mark.usefixtures("prefect_api")
def test_a_passing_fault_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qingwen import flow

    original, tries = Pool.do, list[Job]()

    def failing_once(self: Pool, context: str, job: Job) -> Result:
        tries.append(job)
        if len(tries) == 1:
            raise BatchError("The disk is busy.")
        return original(self, context, job)

    monkeypatch.setattr(Pool, "do", failing_once)
    report = flow.run(request_for(tmp_path / "out", SEED))
    assert (report.counts.records, report.pending, len(tries)) == (1, 0, 2)


@pytest.mark.usefixtures("prefect_api")
def test_a_batch_that_fails_for_good_leaves_its_pages_pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qingwen import flow

    def failing(self: Pool, context: str, job: Job) -> Result:
        raise BatchError("No space left on device.")

    monkeypatch.setattr(Pool, "do", failing)
    report = flow.run(request_for(tmp_path / "out", SEED))
    assert (report.counts.records, report.pending) == (0, 1)
    assert "No space left on device" in report.faults[0]
    assert "Pending pages" in {run.state_name for run in flow_runs()}


@pytest.mark.usefixtures("prefect_api")
def test_a_wrong_set_up_fails_the_flow_and_says_why(tmp_path: Path) -> None:
    from qingwen import flow

    with pytest.raises(SetupError, match="nothing to read"):
        flow.run(request_for(tmp_path / "out", tmp_path / "nothing-*.txt"))


def test_a_request_survives_as_flow_parameters() -> None:
    from datetime import date

    from qingwen import flow
    from qingwen.adapters.prefect_options import Options

    config = Config(crawl_date=date(2023, 5, 30), max_blocks=9)
    request = Request(("a", "b"), "out", config, workers=3, rebuild=True, partition_by="month", page_seconds=60)
    stated = json.loads(json.dumps(flow.to_parameters(request)))
    assert flow.to_request(stated["inputs"], stated["output"], Options(**stated["options"])) == request


def test_more_inputs_than_a_server_takes_are_refused_with_advice() -> None:
    from qingwen import flow

    inputs = tuple(f"crawl/2023/05/30/a-rather-long-name-of-a-page-{n}.html" for n in range(10_000))
    with pytest.raises(SetupError, match=r"10000 inputs are more than a Prefect server takes.*quoted glob"):
        flow.to_parameters(Request(inputs, "out"))


def test_the_server_s_form_describes_every_parameter() -> None:
    from prefect.utilities.callables import parameter_schema

    from qingwen import flow

    schema = parameter_schema(flow.clean_news.fn).model_dump()
    assert {"inputs", "output", "options"} == set(schema["properties"])
    assert all(schema["properties"][name]["description"] for name in ("inputs", "output"))
    options = schema["definitions"]["Options"]
    assert all(entry.get("description") for entry in options["properties"].values())
    assert options["properties"]["runner"]["enum"] == ["local", "inline", "dask", "ray"]
