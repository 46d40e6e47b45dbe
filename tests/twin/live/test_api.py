"""Answers over real HTTP are what the log holds; what is not allowed is refused."""

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from twin.ingest.gate import read_time
from twin.live import HOUR
from twin.store.embedded import EmbeddedStore
from twin.store.log import Log
from twin.store.records import Observation

START = read_time("2026-06-21T00:00Z")
ROW = {
    "point": "b2/heat/power",
    "time": "2026-06-21T10:00:00Z",
    "value": 12.5,
    "unit": "kW",
    "source": "meter",
}
TOKEN = "a token that is long enough"


def post(client: httpx.Client, *rows: object, **more: object) -> httpx.Response:
    return client.post("/api/observations", json={"observations": list(rows)}, **more)


def events(
    client: httpx.Client, count: int, *, last: int | str | None = None, **params: object
) -> list[dict]:
    """Return the first events of a stream."""
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    found: list[dict] = []
    with client.stream("GET", "/api/events", headers=headers, params=params) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for event in parsed(answer.iter_lines()):
            found.append(event)
            if len(found) == count:
                return found
    return found


def parsed(lines: Iterator[str]) -> Iterator[dict]:
    """Read server-sent events; comments count as events of their own."""
    event: dict = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            yield {"comment": line}
        elif line:
            event[name] = json.loads(value) if name == "data" else value
        elif event.keys() - {"retry"}:
            yield event
            event = {}
        else:
            event = {}


def test_status_is_what_the_terminal_says(fed, served, heidi):
    assert served(fed).get("/api/status").json() == json.loads(
        heidi("status", fed, "--json")
    )


def test_status_of_another_moment(fed, served):
    client = served(fed)
    for text in ("2026-06-21T12:00Z", "2026-06-21T14:00+02:00"):
        record = client.get("/api/status", params={"at": text}).json()
        assert record["as_of"] == "2026-06-21T12:00:00Z"
    # A plus sign that was not escaped arrives as a space.
    raw = client.get("/api/status?at=2026-06-21T14:00+02:00").json()
    assert raw["as_of"] == "2026-06-21T12:00:00Z"


def test_buildings_and_their_points(fed, served):
    told = served(fed).get("/api/buildings").json()["buildings"]
    assert [b["id"] for b in told] == ["way/7", "b2", "b3", "b4", "b5", "b6", "b7"]
    assert told[1]["points"][0] == "b2/pv/power"
    assert len(told[5]["points"]) == 3
    assert told[1]["year"] is None


@pytest.mark.parametrize("address", ["way/7", "way%2F7"])
def test_a_building_with_its_day(fed, served, address):
    record = served(fed).get(f"/api/buildings/{address}").json()
    assert record["id"] == "way/7"
    assert record["name"] == "Tågaborg & <Söder>"
    assert set(record["curves"]) == {
        "pv_power",
        "heat_power",
        "electricity_power",
        "indoor_temperature",
        "pv_power_expected",
        "pv_power_residual",
    }
    assert {len(values) for values in record["curves"].values()} == {24}
    with Log(fed / "live.sqlite", read_only=True) as log:
        rows = log.between(START, START + 24 * HOUR, points=["way/7/heat/power"])
    told = {(row.time - START) // HOUR: row.value for row in rows}
    for hour, value in enumerate(record["curves"]["heat_power"]):
        known = told.get(hour)
        assert value is None if known is None else value == pytest.approx(known, abs=1e-3)


def test_values_of_a_point(folder, served):
    with Log(folder / "live.sqlite") as log:
        log.append(
            [Observation("b2/heat/power", START + h * HOUR, float(h), "m") for h in (0, 2)]
        )
        log.append([Observation("b2/heat/power", START + 2 * HOUR, None, "m")])
    client = served(folder)
    answer = client.get("/api/points/b2/heat/power/values").json()
    assert (answer["quantity"], answer["unit"], answer["next"]) == (
        "heat_power",
        "kW",
        None,
    )
    assert answer["end"] == "2026-06-21T03:00:00Z", "the end of the log"
    assert [(v["time"], v["value"], v["revision"]) for v in answer["values"]] == [
        ("2026-06-21T00:00:00Z", 0.0, 0),
        ("2026-06-21T02:00:00Z", None, 1),
    ]
    part = client.get(
        "/api/points/b2/heat/power/values",
        params={"start": "2026-06-21T01:00Z", "end": "2026-06-21T02:00Z"},
    ).json()
    assert part["values"] == []


def test_long_answers_come_in_parts(folder, served, monkeypatch):
    monkeypatch.setattr("twin.api.series.MOST_VALUES", 10)
    with Log(folder / "live.sqlite") as log:
        log.append(
            [
                Observation("b2/heat/power", START + h * HOUR, float(h), "m")
                for h in range(24)
            ]
        )
    client, start, seen = served(folder), "2026-06-21T00:00:00Z", []
    while start:
        answer = client.get(
            "/api/points/b2/heat/power/values", params={"start": start}
        ).json()
        seen += [value["value"] for value in answer["values"]]
        start = answer["next"]
    assert seen == [float(hour) for hour in range(24)]


@pytest.mark.parametrize(
    ("address", "code", "told"),
    [
        ("/api/buildings/ghost", 404, "building 'ghost' must be one of 7"),
        ("/api/points/ghost/values", 404, "point 'ghost' must be one of"),
        ("/api/status?at=noon", 422, "a time must be like"),
        ("/api/status?at=2026-06-21T12:00", 422, "time zone"),
        ("/api/status?at=0001-01-01T00:00Z", 422, "2000 to 2200"),
        (
            "/api/points/b2/heat/power/values?start=2026-06-22T00:00Z&end=2026-06-21T00:00Z",
            422,
            "before end",
        ),
        ("/api/events?since=-1", 422, "since"),
        ("/api/events?since=x", 422, "since"),
        ("/nothing", 404, "there is no 'nothing'"),
        ("/../pyproject.toml", 404, "there is no"),
        ("/live.py", 404, "there is no"),
        ("/api/nothing", 404, ""),
    ],
)
def test_questions_without_an_answer(folder, served, address, code, told):
    answer = served(folder).get(address)
    assert answer.status_code == code
    assert told in answer.json()["detail"]


@pytest.mark.parametrize("address", ["/", "/docs", "/live.js"])
def test_who_asks_only_whether_a_page_is_there_is_told(folder, served, address):
    client = served(folder)
    answer = client.head(address)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.get(address).headers["content-type"]


def test_a_measured_value_does_not_come_among_simulated_ones(fed, served):
    client = served(fed, writable=True)
    before = client.get("/api/status").json()
    answer = post(client, ROW)
    assert answer.status_code == 422
    (refused,) = answer.json()["refused"]
    assert refused["reason"] == "mixed"
    assert "the log holds simulated values" in refused["message"]
    after = client.get("/api/status").json()
    assert after["label"] == "SIMULATED"
    assert after["sequence"] == before["sequence"]


def test_nobody_may_write_unless_it_is_allowed(folder, served):
    answer = post(served(folder), ROW)
    assert answer.status_code == 403
    assert not (folder / "live.sqlite").exists()


def test_only_the_right_token_may_write(folder, served):
    client = served(folder, writable=True, token=TOKEN)
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        assert post(client, ROW, headers=headers).status_code == 401
    assert (
        post(client, ROW, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    )


def test_an_answer_comes_after_the_commit(folder, served):
    """Whoever opens the file afterwards finds the row."""
    client = served(folder, writable=True)
    answer = post(client, ROW)
    assert answer.status_code == 200
    assert answer.json() == {
        "new": 1,
        "repeated": 0,
        "revised": 0,
        "refused": [],
        "sequence": 1,
    }
    with Log(folder / "live.sqlite", read_only=True) as log:
        assert [row.value for row in log.since(0)] == [12.5]
    assert post(client, ROW).json()["repeated"] == 1
    assert post(client, ROW | {"value": 13}).json()["revised"] == 1


def test_refused_rows_are_told_and_the_others_kept(folder, served):
    client = served(folder, writable=True)
    answer = post(client, ROW, ROW | {"unit": "W"}, "junk")
    assert answer.status_code == 200
    told = answer.json()
    assert told["new"] == 1
    assert [(row["row"], row["reason"]) for row in told["refused"]] == [
        (1, "unit"),
        (2, "shape"),
    ]
    nothing = post(client, "junk")
    assert nothing.status_code == 422, "nothing was taken"
    assert nothing.json()["refused"][0]["reason"] == "shape"
    assert client.get("/api/status").json()["quarantine"] == {
        "rows": 3,
        "reasons": {"shape": 2, "unit": 1},
    }


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        (b"{", "application/json", 422),
        (b"[]", "application/json", 422),
        (b'{"observations": 3}', "application/json", 422),
        (b'{"observations": [], "more": 1}', "application/json", 422),
        (b"\xff\xfe", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"observations": [1' + b"0" * 5000 + b"]}", "application/json", 422),
        (b'{"observations": []}', "text/plain", 415),
        (b'{"observations": []}', "application/json; charset=utf-8", 200),
        (b" " * 1_000_001, "application/json", 413),
        (b'{"observations": [' + b"1," * 10_000 + b"1]}", "application/json", 413),
    ],
)
def test_requests_that_make_no_sense(folder, served, content, kind, code):
    client = served(folder, writable=True)
    answer = client.post(
        "/api/observations", content=content, headers={"Content-Type": kind}
    )
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/json"


def test_a_large_request_of_unknown_length_is_cut_off(folder, served):
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000

    answer = served(folder, writable=True).post(
        "/api/observations", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 413


def test_a_log_that_is_held_is_no_defect(folder, served, monkeypatch):
    import sqlite3

    monkeypatch.setattr(
        "twin.api.desk.open_store",
        lambda where, *, read_only=False: EmbeddedStore(
            where / "live.sqlite", read_only=read_only, wait=0.05
        ),
    )
    client = served(folder, writable=True)
    post(client, ROW)
    raw = sqlite3.connect(folder / "live.sqlite", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    answer = post(client, ROW | {"value": 1})
    raw.close()
    assert answer.status_code == 503
    assert "another program holds it" in answer.json()["detail"]
    assert post(client, ROW | {"value": 1}).status_code == 200


def test_other_pages_may_not_ask(folder, served):
    client = served(folder, writable=True, hosts=("127.0.0.1", "localhost"))
    answer = client.get("/api/status", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
    ahead = client.options(
        "/api/observations",
        headers={
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert "access-control-allow-origin" not in ahead.headers
    # A name that someone points at this machine is not ours.
    assert client.get("/api/status", headers={"Host": "rebound.example"}).status_code == 400


def test_answers_forbid_what_no_page_of_ours_needs(folder, served):
    client = served(folder)
    for address in ("/", "/live.js", "/api/status", "/docs", "/nothing"):
        headers = client.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"


def test_nothing_is_loaded_from_elsewhere(folder, served):
    client = served(folder)
    for address in ("/", "/live.css", "/live.js", "/docs"):
        text = client.get(address).text.replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "//cdn" not in text


def test_the_interface_describes_itself_in_full(folder, served):
    told = served(folder).get("/openapi.json").json()
    assert set(told["paths"]) == {
        "/api/status",
        "/api/buildings",
        "/api/buildings/{building}",
        "/api/hints",
        "/api/latest",
        "/api/state",
        "/api/events",
        "/api/things",
        "/api/points",
        "/api/points/{point}",
        "/api/points/{point}/values",
        "/api/points/{point}/history",
        "/api/expected",
        "/api/observations",
        "/api/ingest",
        "/api/quarantine",
        "/ogc",
        "/ogc/conformance",
        "/ogc/collections",
        "/ogc/collections/{collection}",
        "/ogc/collections/{collection}/items",
        "/ogc/collections/{collection}/items/{feature}",
    }
    for methods in told["paths"].values():
        for operation in methods.values():
            assert operation["description"] or operation["summary"]
            assert "200" in operation["responses"]
            for given in operation.get("parameters", ()):
                known = given["in"] in ("path", "header") or given["description"]
                assert known, given["name"]
    body = told["paths"]["/api/observations"]["post"]["requestBody"]
    assert "observations" in body["content"]["application/json"]["schema"]["properties"]
    page = served(folder).get("/docs").text
    assert all(path in page for path in told["paths"])


def test_events_begin_now_and_bring_what_comes(folder, served):
    client = served(folder, writable=True)
    post(client, ROW)
    writer = threading.Timer(0.4, post, (client, ROW | {"value": 99.0}))
    writer.start()
    hello, news = events(client, 2)
    writer.join()
    assert (hello["event"], hello["id"]) == ("hello", "1")
    assert (news["event"], news["id"]) == ("values", "2")
    (row,) = news["data"]["values"]
    assert (row["point"], row["value"], row["revision"]) == ("b2/heat/power", 99.0, 1)


def test_events_resume_where_they_broke_without_loss_or_repeat(fed, served, monkeypatch):
    """Broken after any event and resumed by its id, the whole log comes once, in order."""
    monkeypatch.setattr("twin.api.events.PER_EVENT", 50)
    client = served(fed)
    with Log(fed / "live.sqlite", read_only=True) as log:
        end = log.sequence
    seen: list[int] = []
    last = 0
    while last < end:
        for event in events(client, 3, last=last):
            if event["event"] == "values":
                seen += [row["sequence"] for row in event["data"]["values"]]
                last = int(event["id"])
    assert seen == list(range(1, end + 1))


def test_another_process_is_followed(folder, served, heidi):
    client = served(folder)
    writer = threading.Timer(0.2, heidi, ("simulate", folder))
    writer.start()
    found = events(client, 2, since=0)
    writer.join()
    assert found[1]["event"] == "values"
    assert found[1]["data"]["values"][0]["source"] == "simulated"


def test_the_header_goes_before_the_address(fed, served):
    found = events(served(fed), 2, last=5, since=100)
    assert found[1]["data"]["values"][0]["sequence"] == 6


def test_a_log_that_begins_anew_is_told(folder, served):
    with Log(folder / "live.sqlite") as log:
        log.append([Observation("b2/heat/power", START, 1.0, "m")])
    found = events(served(folder), 3, last=500)
    assert [event["event"] for event in found] == ["hello", "reset", "values"]
    assert found[2]["id"] == "1"


def test_a_number_of_thousands_of_digits_is_one_the_log_does_not_know(folder, served):
    with Log(folder / "live.sqlite") as log:
        log.append([Observation("b2/heat/power", START, 1.0, "m")])
    client = served(folder)
    found = events(client, 3, last="9" * 5000)
    assert [event["event"] for event in found] == ["hello", "reset", "values"]
    assert events(client, 2, last="0" * 5000)[1]["id"] == "1", "so many noughts are 0"
    assert client.get("/api/events", params={"since": "9" * 5000}).status_code == 422


def test_a_silent_stream_says_that_it_lives(folder, served):
    assert events(served(folder, heartbeat=0.1), 2)[1] == {"comment": ": still here"}


def test_many_listeners_and_a_writer(folder, served):
    client = served(folder, writable=True)
    listening = threading.Barrier(9)
    found: list[list[dict]] = []

    def listen() -> None:
        with client.stream("GET", "/api/events") as answer:
            told = parsed(answer.iter_lines())
            hello = next(told)
            # Who is greeted after the value came begins behind it, and would wait for more.
            listening.wait(timeout=10)
            found.append([hello, next(told)])

    threads = [threading.Thread(target=listen) for _ in range(8)]
    for thread in threads:
        thread.start()
    listening.wait(timeout=10)
    post(client, ROW)
    for thread in threads:
        thread.join(timeout=10)
    assert [hello["data"]["sequence"] for hello, _ in found] == [0] * 8
    assert [event["data"]["sequence"] for _, event in found] == [1] * 8


def test_a_server_in_its_own_process_serves_a_day_and_ends_quietly(folder, heidi):
    """The port taken is told; Ctrl-C ends it at once even while somebody listens."""
    import signal

    process = heidi.start("serve", folder, "--port", "0", "--simulate", "--pace", "0.02")
    line = process.stdout.readline()
    address = line.split()[2].rstrip("/")
    port = address.rsplit(":", 1)[1]
    client = httpx.Client(base_url=address, timeout=10)
    assert "SIMULATED 21 June 2026" in process.stdout.readline()
    found = events(client, 2, since=0)
    assert found[1]["event"] == "values"
    assert f"port {port} is in use" in heidi("serve", folder, "--port", port, code=2)
    with client.stream("GET", "/api/events") as listening:
        next(listening.iter_lines())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    client.close()
