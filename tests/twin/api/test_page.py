"""Every example of docs/api.md is answered, and every address has one."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
TOKEN = "a token that is long enough"


def examples() -> list[tuple[str, str, dict[str, str], str]]:
    """Return method, address, headers and body of each example."""
    found = []
    for block in re.findall(r"```http\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S):
        block = block.replace("heidi-064", "b2")
        if block.startswith("POST"):
            head, body = block.split("\n\n", 1)
            first, *lines = head.splitlines()
            headers = dict(line.split(": ", 1) for line in lines)
            found.append((*first.split(" ", 1), headers, body))
        else:
            found += [(*line.split(" ", 1), {}, "") for line in block.splitlines()]
    return found


def test_every_example_is_answered(whole, keep, served):
    keep(whole, "b2/heat/power", {h: 1.0 * h for h in range(24)})
    keep(whole, "weather/ghi", dict.fromkeys(range(24), 100.0))
    client = served(whole, token=TOKEN)
    key = {"Authorization": f"Bearer {TOKEN}"}
    for method, address, headers, body in examples():
        if address.startswith("/api/events"):
            with client.stream(method, address) as answer:
                assert answer.status_code == 200
            continue
        answer = client.request(method, address, headers={**headers, **key}, content=body)
        assert answer.status_code == 200, (address, answer.text)
        if method == "POST":
            assert answer.json()["new"] == 1


def test_every_address_has_an_example(whole, served):
    told = served(whole).get("/openapi.json").json()["paths"]
    asked_for = {address.partition("?")[0] for _, address, _, _ in examples()}
    for path in told:
        form = re.sub(r"\{\w+\}", "(.+)", path)
        assert any(re.fullmatch(form, address) for address in asked_for), path


@pytest.mark.parametrize("word", ["known_at", "coverage_percent", "Retry-After", "--cors"])
def test_the_page_speaks_of_what_matters(word):
    assert word in PAGE.read_text(encoding="utf-8")


def test_a_page_without_scripts_says_where_the_values_are(whole, served):
    page = served(whole).get("/").text
    (told,) = re.findall(r"<noscript>(.*?)</noscript>", page, re.S)
    assert 'href="api/status"' in told
