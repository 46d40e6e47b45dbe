"""What stands before every answer: rates, methods, other sites, defects."""

import asyncio

import pytest

from twin.api.shield import Rate


def waits(rate: float, moments: list[float], address: str = "a") -> list[int]:
    """Return the answers to requests at certain seconds."""
    found: list[int] = []
    clock = iter(moments)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        if message["type"] == "http.response.start":
            found.append(message["status"])

    guard = Rate(app, rate=rate, time=lambda: next(clock))

    async def ask() -> None:
        for _ in moments:
            scope = {"type": "http", "client": (address, 1)}
            await guard(scope, None, send)

    asyncio.run(ask())
    return found


def test_a_burst_is_let_through_and_then_so_many_a_second():
    """Two seconds' worth at once, then as many as time gives back."""
    assert waits(2, [0, 0, 0, 0, 0]) == [200] * 4 + [429]
    assert waits(2, [0, 0, 0, 0, 0, 0.5, 0.5, 1.0]) == [200] * 4 + [429, 200, 429, 200]
    assert waits(0.1, [0, 1, 9.9, 10.1]) == [200, 429, 429, 200]


def test_in_the_long_run_nobody_gets_more_than_the_rate():
    moments = [k / 100 for k in range(2000)]
    assert waits(5, moments).count(200) == pytest.approx(5 * 20 + 10, abs=1)


def test_addresses_do_not_share_and_are_forgotten(monkeypatch):
    monkeypatch.setattr("twin.api.shield.MOST_ADDRESSES", 3)
    found = []

    async def app(scope, receive, send):
        found.append(scope["client"][0])

    async def send(message):
        pass

    guard = Rate(app, rate=0.5, time=lambda: 0.0)

    async def ask() -> None:
        for name in "aabcda":
            await guard({"type": "http", "client": (name, 1)}, None, send)

    asyncio.run(ask())
    assert found == list("abcda"), "the second a was too early, the last was forgotten"


def test_who_asks_too_often_is_told_when_to_come_again(whole, served):
    client = served(whole, rate=1)
    answers = [client.get("/api/points") for _ in range(4)]
    assert [one.status_code for one in answers[:2]] == [200, 200]
    last = answers[-1]
    assert last.status_code == 429
    assert int(last.headers["retry-after"]) >= 1
    assert "requests a second" in last.json()["detail"]


def test_named_sites_may_ask_and_others_not(whole, served):
    client = served(whole, origins=("https://city.example",))
    for origin, told in (("https://city.example",) * 2, ("https://other.example", None)):
        answer = client.get("/api/status", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == told
    ahead = client.options(
        "/api/ingest",
        headers={
            "Origin": "https://city.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert ahead.status_code == 200
    assert ahead.headers["access-control-allow-origin"] == "https://city.example"


@pytest.mark.parametrize(
    "address",
    ["/api/status", "/api/latest", "/api/events", "/api/points/ghi", "/ogc/collections"],
)
def test_head_is_get_without_the_body(whole, served, address):
    """Also of a stream, which has no end."""
    client = served(whole)
    head = client.head(address)
    assert head.content == b""
    if address != "/api/events":
        whole_answer = client.get(address)
        assert head.status_code == whole_answer.status_code
        assert head.headers["content-type"] == whole_answer.headers["content-type"]


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("/api/status", "GET, HEAD, OPTIONS"),
        ("/api/ingest", "OPTIONS, POST"),
        ("/api/points/b2/heat/power/history", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_tells_what_an_address_takes(whole, served, address, allowed):
    answer = served(whole).options(address)
    assert answer.status_code == 204
    assert answer.headers["allow"] == allowed
    wrong = served(whole).delete(address)
    assert wrong.status_code == 405
    assert wrong.json()["detail"] == "Method Not Allowed"


def test_a_misspelt_parameter_is_told(whole, served):
    answer = served(whole).get("/api/status", params={"when": "now"})
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "parameter 'when' must be known; take one of at, known_at"
    )


def test_a_defect_is_told_by_a_word_and_found_in_the_log(
    whole, served, monkeypatch, caplog
):
    def broken(*_: object, **__: object) -> None:
        message = "a secret of the inside"
        raise RuntimeError(message)

    monkeypatch.setattr("twin.api.live.as_record", broken)
    answer = served(whole).get("/api/state")
    assert answer.status_code == 500
    detail = answer.json()["detail"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    word = detail.split()[-1]
    (record,) = [one for one in caplog.records if one.name == "heidi.api"]
    assert word in record.getMessage()
    assert "secret" in record.getMessage()
    assert answer.headers["x-content-type-options"] == "nosniff"
