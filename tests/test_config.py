"""The configuration and the run options: defaults, bounds, messages, and the digest that datasets of 1.0 carry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from qingwen.adapters.prefect_options import Options, to_parameters, to_request
from qingwen.config import Config, load_config, read_rules_setting
from qingwen.errors import SetupError
from qingwen.rules.book import load_rules
from qingwen.run.request import Request, RunOptions


@pytest.mark.parametrize(
    ("values", "digest"),
    [
        ({}, "cd7aeb01bf243be5"),
        ({"crawl_date": "2023-05-30"}, "1e88273d5e1cf117"),
        ({"crawl_date": date(2020, 1, 2), "min_han_ratio": 1, "mask_personal_data": True}, "58cff8f6e0499f2a"),
        (
            {
                "html_reader": "soup",
                "conversion": "tw2sp",
                "max_blocks": 7,
                "min_similarity": 0,
                "url_prefix": "http://x/",
                "text_field": "a.b",
            },
            "1a4ab40b19b374dd",
        ),
    ],
)
def test_the_digest_is_that_of_1_0(values: dict[str, Any], digest: str) -> None:
    """Another one would refuse to add to a dataset of 1.0, where nothing has changed."""
    assert Config().with_values(values, "test").digest == digest


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_depth": "deep"}, "max_depth must be a whole number >= 0, not 'deep'"),
        ({"max_depth": True}, "max_depth must be a whole number >= 0, not True"),
        ({"max_depth": -1}, "max_depth must be a whole number >= 0, not -1"),
        ({"max_depth": 3.0}, "max_depth must be a whole number >= 0, not 3.0"),
        ({"min_han_ratio": 1.5}, "min_han_ratio must be a number between 0 and 1, not 1.5"),
        ({"min_han_ratio": True}, "min_han_ratio must be a number between 0 and 1, not True"),
        ({"mask_personal_data": "yes"}, "mask_personal_data must be true or false, not 'yes'"),
        ({"crawl_date": "yesterday"}, "crawl_date must be a date such as 2023-05-30, not 'yesterday'"),
        ({"conversion": "s2t"}, "conversion must be one of t2s, tw2s, tw2sp, hk2s, not 's2t'"),
        ({"html_reader": ["soup"]}, r"html_reader must be one of lexbor, soup, not \['soup'\]"),
        ({"url_prefix": 3}, "url_prefix must be text, not 3"),
        ({"min_page": 3}, "unknown setting 'min_page'. Known: conversion, crawl_date, date_field"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SetupError, match=rf"^mine\.toml: {message}"):
        Config().with_values(values, "mine.toml")


def test_a_file_states_thresholds_and_rules_and_options_go_before_it(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text('[tool.qingwen]\nmin_article_chars = 60\ncrawl_date = 2023-05-30\nrules = "mine"\n', "utf-8")
    config = load_config(path, {"min_article_chars": 70})
    assert config == Config(min_article_chars=70, crawl_date=date(2023, 5, 30))
    assert read_rules_setting(path) == str(tmp_path / "mine")
    assert load_config(None) == Config()
    path.write_text("[tool.other]\n", "utf-8")
    assert load_config(path) == Config()


def test_every_setting_and_run_option_is_described_and_typed_in_the_flow_s_form() -> None:
    from prefect.utilities.callables import parameter_schema

    from qingwen import flow

    forms = parameter_schema(flow.clean_news.fn).model_dump()["definitions"]
    for form, kind in (("Config", Config), ("Options", RunOptions)):
        for field in fields(kind):
            stated = forms[form]["properties"][field.name]
            assert stated["description"] == field.metadata["description"].strip() != "", field.name
            assert {"type", "anyOf", "enum"} & {*stated}, field.name
            assert stated.get("minimum") == field.metadata.get("ge"), field.name


def test_the_parameters_of_a_deployment_of_1_0_are_read() -> None:
    stated = {
        "thresholds": {"min_article_chars": 60, "crawl_date": "2023-05-30", "min_han_ratio": 0.5},
        "mask_personal_data": True,
        "workers": 3,
        "page_seconds": 60,
        "partition_by": "month",
        "review": 9,
    }
    config = Config(min_article_chars=60, crawl_date=date(2023, 5, 30), min_han_ratio=0.5, mask_personal_data=True)
    request = Request(("a",), "out", config, workers=3, page_seconds=60, partition_by="month", review=9)
    assert to_request(["a"], "out", Options(**stated)) == request
    assert json.loads(json.dumps(to_parameters(request))) == {"inputs": ["a"], "output": "out", "options": stated}
    assert to_parameters(replace(request, review=0), 9)["options"] == stated


@pytest.mark.parametrize(
    "options",
    [{"workers": -1}, {"batch_pages": 0}, {"runner": "slurm"}, {"thresholds": {"max_depth": "deep"}}, {"x": 1}],
)
def test_the_flow_refuses_what_the_command_line_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Options(**options)


@pytest.mark.parametrize("read", [load_config, load_rules])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("a = " + "{b=" * 5_000 + "1" + "}" * 5_000, "nested too deeply"),
        (".".join("a" * 100_000) + " = 1", "a line has more than 1000 dots"),
        ("[" + ".".join("a" * 100_000) + "]", "a line has more than 1000 dots"),
        (".".join("a" * 900) + " = 1", "nested more than 50 deep"),
        ("max_depth = " + "9" * 5_000, "not valid TOML"),
        ("max_depth = 0x" + "f" * 100_000, "a number has more than 64 bits"),
        ("# " + "x" * (17 << 20), "has more than 16 MiB"),
        ('min_article_chars = "' + "x" * 1_000_000 + '"', ""),
    ],
    ids=["arrays", "tables", "key", "head", "nested", "digits", "hexadecimal", "huge", "value"],
)
def test_a_table_that_no_person_writes_is_refused_in_a_sentence(
    read: Callable[[Path], object], text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(SetupError, match=said) as refused:
        read(path)
    assert len(str(refused.value)) < 500
