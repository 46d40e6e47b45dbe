"""Messages of every form come in by one address, and are on the disk when it answers."""

import base64
import json

import pytest

from twin.store.embedded import EmbeddedStore

TOKEN = "a token that is long enough"
MAPPING = """device,name,point,unit
urn:dev:ow:1,temp,weather/air_temperature,Cel
urn:ngsi-ld:Meter:7,power,b2/heat/power,
"""
ROW = {
    "point": "b2/heat/power",
    "time": "2026-06-21T10:00:00Z",
    "value": 12.5,
    "unit": "kW",
}
SENML = [{"bn": "urn:dev:ow:1:", "n": "temp", "u": "Cel", "v": 17.5, "t": 1_782_036_000}]
NGSI = {
    "id": "urn:ngsi-ld:Meter:7",
    "type": "Meter",
    "power": {
        "type": "Property",
        "value": 21.0,
        "unitCode": "KWT",
        "observedAt": "2026-06-21T09:00:00Z",
    },
}


@pytest.fixture
def client(whole, served, tmp_path):
    (tmp_path / "mapping.csv").write_text(MAPPING, encoding="utf-8")
    return served(whole, writable=True, mapping=tmp_path / "mapping.csv")


def send(client, body, kind="application/json", **more):
    """Send a message."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        "/api/ingest", content=content, headers={"Content-Type": kind}, **more
    )


def held(whole):
    """Return what the store holds."""
    with EmbeddedStore(whole / "live.sqlite", read_only=True) as store:
        return {(row.point, row.value) for row in store.latest()}


@pytest.mark.parametrize(
    ("body", "kind", "form", "taken"),
    [
        ([ROW], "application/json", None, ("b2/heat/power", 12.5)),
        (ROW, "application/octet-stream", "native", ("b2/heat/power", 12.5)),
        (SENML, "application/senml+json", None, ("weather/air_temperature", 17.5)),
        (SENML, "application/json", None, ("weather/air_temperature", 17.5)),
        (NGSI, "application/ld+json", None, ("b2/heat/power", 21.0)),
        (NGSI, "application/json; charset=utf-8", "ngsi", ("b2/heat/power", 21.0)),
        (
            b"\n".join(json.dumps({**ROW, "value": v}).encode() for v in (1.0, 2.0)),
            "application/x-ndjson",
            None,
            ("b2/heat/power", 2.0),
        ),
    ],
)
def test_every_form_comes_in(client, whole, body, kind, form, taken):
    answer = send(client, body, kind, params={} if form is None else {"form": form})
    assert answer.status_code == 200, answer.text
    assert answer.json()["refused"] == []
    assert held(whole) == {taken}, "on the disk once it answered"


def test_the_same_again_has_no_effect_whatever_its_key(client):
    for key in ("one", "one", "two", None):
        headers = {"Content-Type": "application/json"}
        headers |= {} if key is None else {"Idempotency-Key": key}
        answer = client.post("/api/ingest", content=json.dumps([ROW]), headers=headers)
        assert answer.status_code == 200
    assert answer.json() == {
        "new": 0,
        "repeated": 1,
        "revised": 0,
        "refused": [],
        "sequence": 1,
    }


def test_refused_rows_are_told_and_can_be_looked_at(client, whole):
    bad = {**ROW, "point": "ghost"}
    part = send(client, [ROW, bad])
    assert part.status_code == 207
    assert [(row["row"], row["reason"]) for row in part.json()["refused"]] == [(1, "point")]
    none = send(client, [bad])
    assert none.status_code == 422
    junk = send(client, b"\xff\x00 junk", "application/octet-stream")
    assert junk.status_code == 422
    told = client.get("/api/quarantine").json()
    assert told["reasons"]["point"] == 2
    payloads = [base64.b64decode(row["payload"]) for row in told["rows"]]
    assert b"\xff\x00 junk" in payloads, "as it came"
    few = client.get("/api/quarantine", params={"reason": "point", "waiting": True})
    (row,) = few.json()["rows"]
    assert (row["times"], row["released"]) == (2, None)
    assert held(whole) == {("b2/heat/power", 12.5)}


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (b"{}", "text/html", 415),
        (b"{}", "", 415),
        (b" " * 4_000_001, "application/json", 413),
        (b"[" * 100_000, "application/json", 422),
        (b'{"a":' * 50_000, "application/json", 422),
        (b"", "application/json", 422),
        (b"\xff\xfe\x00", "application/json", 422),
    ],
)
def test_messages_that_make_no_sense(client, body, kind, code):
    answer = send(client, body, kind)
    assert answer.status_code == code
    assert answer.headers["content-type"] == "application/json"


def test_messages_and_the_quarantine_need_the_token(whole, served):
    closed, guarded = served(whole), served(whole, token=TOKEN)
    assert send(closed, [ROW]).status_code == 403
    assert closed.get("/api/quarantine").status_code == 403
    assert send(guarded, [ROW]).status_code == 401
    refused = guarded.get("/api/quarantine")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert not (whole / "live.sqlite").exists()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/api/quarantine", headers=headers).json()["rows"] == []


def test_who_writes_keeps_the_things_as_they_are(client, whole):
    send(client, [ROW])
    with EmbeddedStore(whole / "live.sqlite", read_only=True) as store:
        (edition,) = store.editions()
    assert json.loads(edition.model)["format"] == "heidi-model"
    told = client.get("/api/state", params={"at": "2026-06-21T12:00Z"}).json()
    assert told["edition"]["number"] == 1


def test_a_mapping_that_makes_no_sense_is_told_at_once(whole, tmp_path):
    from gis.errors import TableError
    from twin.api.app import create_app

    (tmp_path / "mapping.csv").write_text("device,name,point,unit\nd,n,ghost,kW\n")
    with pytest.raises(TableError, match="ghost"):
        create_app(whole, mapping=tmp_path / "mapping.csv")
