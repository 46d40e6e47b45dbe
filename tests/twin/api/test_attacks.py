"""Who sends too much, too slowly or nonsense is refused, and others are served."""

import gzip
import socket
import time

import pytest

TOKEN = "a token that is long enough"
WRITER = {"authorization": f"Bearer {TOKEN}"}
JSON = {**WRITER, "content-type": "application/json"}
LIMITS = {"/api/observations": 1_000_000, "/api/ingest": 4_000_000}


@pytest.fixture
def client(whole, served):
    return served(whole, token=TOKEN)


def connected(client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port), 20)


def raw(client, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are and return what comes until the server ends it."""
    got = b""
    with connected(client) as line:
        try:
            for part in parts:
                line.sendall(part)
                time.sleep(pause)
            while more := line.recv(1 << 16):
                got += more
        except (ConnectionError, TimeoutError):
            return got
    return got


def head(method: str, address: str, *lines: str) -> bytes:
    told = (f"{method} {address} HTTP/1.1", "Host: localhost", "Connection: close", *lines)
    return "\r\n".join((*told, "", "")).encode()


def alive(client) -> bool:
    return client.get("/api/buildings").status_code == 200


def test_headers_that_never_end_are_waited_for_a_while_only(client, monkeypatch):
    monkeypatch.setattr("twin.api.server.PATIENCE", 0.5)
    begin = time.monotonic()
    lines = [connected(client) for _ in range(30)]
    for line in lines:
        line.sendall(b"GET /api/latest HTTP/1.1\r\nHost: x\r\nX-A: ")
    assert alive(client)
    for line in lines:
        assert line.recv(1 << 10) == b"", "closed without an answer"
        line.close()
    assert time.monotonic() - begin < 15
    assert alive(client)


def test_headers_that_trickle_do_not_buy_time(client, monkeypatch):
    monkeypatch.setattr("twin.api.server.PATIENCE", 0.5)
    begin = time.monotonic()
    assert raw(client, *[b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 40], pause=0.1) == b""
    assert time.monotonic() - begin < 15


def test_answers_may_take_longer_than_headers(client, monkeypatch):
    """A stream lives on: what is limited is the question."""
    monkeypatch.setattr("twin.api.server.PATIENCE", 0.3)
    with client.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("retry")
        time.sleep(1.0)
        sent = {"observations": []}
        assert client.post("/api/observations", json=sent, headers=WRITER).is_success
        assert any(line.startswith("event: hello") for line in lines)


@pytest.mark.parametrize("address", LIMITS)
def test_bodies_that_trickle_are_refused(client, monkeypatch, address):
    monkeypatch.setattr("twin.api.writing.PATIENCE", 0.4)
    begin = head(
        "POST", address, "Content-Type: application/json", "Content-Length: 100",
        f"Authorization: Bearer {TOKEN}",
    )  # fmt: skip
    # Who goes on sending after the answer may lose it.
    got = raw(client, begin, *[b"["] * 3, pause=0.1)
    assert got.startswith(b"HTTP/1.1 408 ")
    assert alive(client)


@pytest.mark.parametrize(("address", "most"), LIMITS.items())
def test_chunked_bodies_are_counted(client, address, most):
    """Without a length told beforehand the limit holds, too."""

    def chunks():
        for _ in range(2 * most // 50_000):
            yield b" " * 50_000

    try:
        code = client.post(address, content=chunks(), headers=JSON).status_code
    except OSError:
        code = 413
    assert code == 413
    assert alive(client)


@pytest.mark.parametrize(("address", "most"), LIMITS.items())
def test_a_length_beyond_the_limit_is_refused_before_the_body(client, address, most):
    for told in (str(most + 1), "9" * 4000):
        begin = head(
            "POST", address, "Content-Type: application/json", f"Content-Length: {told}",
            f"Authorization: Bearer {TOKEN}",
        )  # fmt: skip
        code = raw(client, begin).split(b" ")[1]
        assert code in (b"413", b"400")
    assert alive(client)


@pytest.mark.parametrize("address", LIMITS)
@pytest.mark.parametrize("packed", ["gzip", "deflate", "br", "gzip, gzip"])
def test_packed_bodies_are_not_unpacked(client, address, packed):
    bomb = gzip.compress(b"[" + b" " * 10_000_000 + b"]")
    answer = client.post(
        address, content=bomb, headers={**JSON, "content-encoding": packed}
    )
    assert answer.status_code == 415
    assert client.get("/api/quarantine", headers=WRITER).json()["rows"] == []


@pytest.mark.parametrize("address", LIMITS)
def test_nobody_without_the_token_makes_the_server_read(client, address):
    begin = head(
        "POST", address, "Content-Type: application/json", "Content-Length: 900000"
    )
    assert raw(client, begin).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "flood",
    [
        [f"X-{k}: {'a' * 100}" for k in range(1000)],
        [f"X: {'a' * 100_000}"],
        ["X: y"] * 20_000,
    ],
    ids=["many", "long", "short"],
)
def test_floods_of_headers_are_refused(client, flood):
    got = raw(client, head("GET", "/api/latest", *flood))
    assert not got or got.split(b" ")[1] in (b"400", b"431")
    assert alive(client)


@pytest.mark.parametrize(
    "begin",
    [
        b"\x00" * 100_000,
        b"GET http://[/ HTTP/1.1\r\nHost: [\r\n\r\n",
        b"POST /api/ingest HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 5\r\n\r\nffffffffffffffffffff\r\n",
        b"GET /api/latest HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(client, begin):
    got = raw(client, begin)
    assert not got or got.split(b" ")[1] in (b"400", b"401", b"404", b"422")
    assert alive(client)


@pytest.mark.parametrize(
    "address",
    [
        "/..%2f..%2fheidi.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/../../../../etc/passwd",
        "/....//etc/passwd",
        "/live.css%00.html",
        "/live.py",
        "/heidi.toml",
        "/live.sqlite",
        "/viewer.js",
        "/api/points/..%2f..%2fheidi.toml",
        "/api/buildings/%2fetc%2fpasswd",
        "/ogc/collections/..%2f..%2fheidi.toml/items",
        "/ogc/collections/facets/items/..%2f..%2fheidi.toml",
    ],
)
def test_no_file_but_the_pages_own_is_given(client, address):
    got = raw(client, head("GET", address))
    assert got.split(b" ")[1] in (b"400", b"404")
    assert b"root:" not in got
    assert b"[twin]" not in got


HEAT = "/api/points/b2/heat/power/history"
ALL = "start=2000-01-01T00:00Z&end=2199-12-31T00:00Z"


@pytest.mark.parametrize(
    "address",
    [
        f"{HEAT}?{ALL}&step=1s",
        f"{HEAT}?{ALL}&step=0s",
        f"{HEAT}?{ALL}&step=-1h",
        f"{HEAT}?{ALL}&step=1e9h",
        f"{HEAT}?{ALL}&step={'9' * 500}h",
        f"/api/expected?{ALL}",
        f"/api/hints?{ALL}",
        "/api/hints?limit=99999999999999999999",
        "/api/things?offset=99999999999999999999",
        "/api/things?limit=1e9",
        "/api/latest?building=" + "a" * 5_000,
        "/api/latest?" + "&".join(f"x{k}=1" for k in range(2_000)),
        "/api/status?at=9999-12-31T23:59:59Z",
        "/api/status?at=" + "0" * 5_000,
    ],
)
def test_absurd_questions_are_refused_at_once(client, address):
    begin = time.process_time()
    answer = client.get(address)
    assert answer.status_code in (400, 422), answer.text
    assert len(answer.text) < 1_000
    assert time.process_time() - begin < 3


@pytest.mark.parametrize(
    "address",
    [
        f"{HEAT}?{ALL}&step=999999d",
        f"{HEAT}?{ALL}&step=999999s",
        f"{HEAT}?{ALL}",
        f"/api/points/b2/heat/power/values?{ALL}",
    ],
)
def test_long_questions_about_little_are_answered_at_once(client, address):
    begin = time.process_time()
    assert client.get(address).status_code in (200, 422)
    assert time.process_time() - begin < 3


def test_a_parameter_told_a_thousand_times(client):
    answer = client.get("/api/latest?" + "&".join(["building=b2"] * 1_000))
    assert answer.status_code == 422
    assert answer.json()["detail"] == "parameter 'building' must be told once"


def test_other_sites_and_names_get_nothing(whole, served):
    client = served(whole, hosts=("127.0.0.1",))
    answer = client.get("/api/latest", headers={"origin": "https://other.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert client.get("/", headers={"host": "other.example"}).status_code == 400
    preflight = client.options(
        "/api/observations",
        headers={
            "origin": "https://other.example",
            "access-control-request-method": "POST",
        },
    )
    assert "access-control-allow-origin" not in preflight.headers


def test_nothing_is_written_unless_it_is_allowed(whole, served):
    client = served(whole)
    row = {"point": "b2/heat/power", "time": "2026-06-20T00:00Z", "value": 1, "unit": "kW"}
    for address in LIMITS:
        for told in (JSON, {"content-type": "application/json"}):
            assert client.post(address, json=[row], headers=told).status_code == 403
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT"):
        for address in (*LIMITS, "/api/latest", "/ogc/collections/buildings/items/b2"):
            assert client.request(method, address).status_code in (400, 404, 405)
    assert not (whole / "live.sqlite").exists()
