"""The examples of the documentation are what the decoders take."""

import re
from pathlib import Path

import pytest

from twin.ingest.mapping import parse_mapping
from twin.ingest.payloads.forms import decode, recognise

PAGE = (Path(__file__).parents[4] / "docs" / "payloads.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^### (\w+)\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (form, example)
    for form, section in SECTIONS
    for example in re.findall(r"```json\n(.*?)```", section, re.DOTALL)
]


@pytest.mark.parametrize(("form", "example"), EXAMPLES, ids=[form for form, _ in EXAMPLES])
def test_every_example_is_read_whole(form, example):
    body = example.encode()
    assert recognise(body) == form
    decoded = decode(body)
    assert decoded.refused == ()
    assert decoded.readings


def test_every_form_has_an_example():
    assert {form for form, _ in EXAMPLES} == {
        "native",
        "rec",
        "ngsi",
        "senml",
        "sensorthings",
        "lorawan",
    }


def test_the_mapping_of_the_page_holds():
    (text,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    assert len(parse_mapping(text)) == 4
