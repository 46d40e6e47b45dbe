"""The fetcher against a real server on this machine, which behaves well or badly."""

import base64
import hashlib
import itertools
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gis.errors import OutputError, SourceError
from gis.sources import transfer
from gis.sources.cache import Cache, default_folder
from gis.sources.fetch import Fetcher, Way, deliver
from gis.sources.origin import Origin
from gis.sources.pace import Clock, asked_pause, growing_pause
from gis.sources.request import Credential, Form, Request, plain_url, safe_name
from gis.sources.sidecar import (
    Record,
    checksum,
    credits_of,
    read_record,
    sidecar_path,
    write_record,
)
from gis.sources.transfer import Limits

OSM = Origin("OpenStreetMap", "buildings", "ODbL 1.0", "© OpenStreetMap contributors", 2026)
BODY = json.dumps({"elements": list(range(40_000))}).encode()
START = datetime(2026, 6, 21, 12, tzinfo=UTC)
QUICK = Limits(connect=2.0, read=0.4, whole=5.0)

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Let the test decide how to answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Note what is asked and give the next answer, the last one for ever."""
        server = self.server.owner  # type: ignore[attr-defined]
        server.asked.append((self.path, dict(self.headers)))
        answers = server.answers.get(self.path.split("?")[0], [status(404)])
        number = sum(path == self.path for path, _ in server.asked) - 1
        # The client may have had enough, which some tests want.
        with suppress(BrokenPipeError, ConnectionResetError):
            answers[min(number, len(answers) - 1)](self)
        if not self.close_connection:
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass
class Server:
    """A server, what it answers by path, and what it was asked."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def headers(self, number: int = -1) -> dict[str, str]:
        """Return the headers of a request."""
        return self.asked[number][1]


@dataclass
class Timer:
    """A clock that only waits in words."""

    present: datetime = START
    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, pause: float) -> None:
        """Note the pause and let the time pass."""
        self.slept.append(pause)
        self.seconds += pause
        self.present += timedelta(seconds=pause)

    @property
    def clock(self) -> Clock:
        """What the fetcher sees."""
        return Clock(lambda: self.present, lambda: self.seconds, self.sleep)


def send(
    body: bytes = BODY,
    code: int = 200,
    *,
    kind: str = "application/json",
    length: int | None = None,
    **headers: str,
) -> Answer:
    """Answer with a body; keywords are headers, with ``_`` for ``-``."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        if length is not None and length != len(body):
            handler.close_connection = True

    return answer


def status(code: int, **headers: str) -> Answer:
    """Answer without a body worth having."""
    return send(b"no", code, kind="text/html", **headers)


def versioned(body: bytes, etag: str) -> Answer:
    """Answer with a body once, and that it is up to date to those who have it."""

    def answer(handler: Handler) -> None:
        if handler.headers.get("If-None-Match") == etag:
            handler.send_response(304)
            handler.send_header("ETag", etag)
            handler.end_headers()
        else:
            send(body, ETag=etag, Last_Modified="Sat, 20 Jun 2026 10:00:00 GMT")(handler)

    return answer


def in_part(body: bytes, etag: str) -> Answer:
    """Answer the rest of a body to those who ask for it by range."""

    def answer(handler: Handler) -> None:
        first = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        assert handler.headers["If-Range"] == etag
        told = f"bytes {first}-{len(body) - 1}/{len(body)}"
        send(body[first:], 206, ETag=etag, Content_Range=told)(handler)

    return answer


def chunked(pieces: list[bytes], *, pause: float = 0.0, whole: bool = True) -> Answer:
    """Answer in chunks without telling the length."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.flush()
            time.sleep(pause)
        if whole:
            handler.wfile.write(b"0\r\n\r\n")
        else:
            handler.close_connection = True

    return answer


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    """Start a server on a free port."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.owner = Server(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield http.owner
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def cache(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def fetcher(cache, timer) -> Iterator[Fetcher]:
    made = Fetcher(cache, limits=QUICK, clock=timer.clock, chance=lambda: 1.0)
    yield made
    made.close()


def ask(server: Server, path: str = "/a", **changes: object) -> Request:
    """Return a request to the server."""
    plain = Request(server.url + path, "osm", OSM, "buildings.json", Form.JSON)
    return replace(plain, **changes)


def refusal(fetcher: Fetcher, request: Request) -> str:
    """Return the one line of a fetch that fails, and check that no half file is left."""
    with pytest.raises(SourceError) as refused:
        fetcher.fetch(request)
    line = str(refused.value)
    assert "\n" not in line
    assert not list(fetcher.cache.folder.rglob(".*")), "no part is left"
    return line


def test_a_file_comes_whole_with_its_record(server, fetcher):
    server.answers["/a"] = [versioned(BODY, '"v1"')]
    got = fetcher.fetch(ask(server))
    assert got.way is Way.FETCHED
    assert got.path.read_bytes() == BODY
    record = read_record(got.path)
    assert record is not None
    assert record == got.cached.record
    assert record.sha256 == hashlib.sha256(BODY).hexdigest()
    assert record.size == len(BODY)
    assert record.url == f"{server.url}/a"
    assert (record.etag, record.fetched) == ('"v1"', START)
    assert record.origin == OSM
    assert "heidi-twin/" in server.headers()["User-Agent"]


def test_a_young_copy_serves_without_asking(server, fetcher, timer):
    server.answers["/a"] = [send()]
    fetcher.fetch(ask(server))
    timer.present += timedelta(days=7)
    assert fetcher.fetch(ask(server)).way is Way.CACHED
    assert len(server.asked) == 1


def test_an_old_copy_is_confirmed_and_young_again(server, fetcher, timer):
    server.answers["/a"] = [versioned(BODY, '"v1"')]
    fetcher.fetch(ask(server))
    timer.present += timedelta(days=7, seconds=1)
    got = fetcher.fetch(ask(server))
    assert got.way is Way.CONFIRMED
    assert server.headers()["If-None-Match"] == '"v1"'
    assert server.headers()["If-Modified-Since"] == "Sat, 20 Jun 2026 10:00:00 GMT"
    assert got.cached.record.fetched == START, "its bytes are still the first ones"
    timer.present += timedelta(days=6)
    assert fetcher.fetch(ask(server)).way is Way.CACHED
    assert len(server.asked) == 2


def test_a_new_version_replaces_the_old(server, fetcher, timer):
    newer = BODY + b" "
    server.answers["/a"] = [versioned(BODY, '"v1"'), versioned(newer, '"v2"')]
    fetcher.fetch(ask(server))
    got = replace(fetcher, refresh=True).fetch(ask(server))
    assert got.way is Way.FETCHED
    assert got.path.read_bytes() == newer
    assert got.cached.record.etag == '"v2"'


def test_a_copy_from_the_future_is_asked_for(server, fetcher, timer):
    server.answers["/a"] = [versioned(BODY, '"v1"')]
    fetcher.fetch(ask(server))
    timer.present -= timedelta(days=30)
    assert fetcher.fetch(ask(server)).way is Way.CONFIRMED


def test_a_damaged_copy_counts_as_absent(server, fetcher):
    server.answers["/a"] = [versioned(BODY, '"v1"')]
    path = fetcher.fetch(ask(server)).path
    path.write_bytes(BODY[:-2] + b"9}")
    got = fetcher.fetch(ask(server))
    assert got.way is Way.FETCHED
    assert "If-None-Match" not in server.headers(), "what we have is not what it was"
    assert got.path.read_bytes() == BODY


def test_different_questions_do_not_share_a_copy(server, fetcher):
    server.answers["/a"] = [lambda h: send(json.dumps([h.path]).encode())(h)]
    one, other = (fetcher.fetch(ask(server, f"/a?n={n}")).path for n in (1, 2))
    assert one != other
    assert json.loads(one.read_text()) == ["/a?n=1"]


@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_server_is_left_alone_as_long_as_it_asks(server, fetcher, timer, code):
    server.answers["/a"] = [status(code, Retry_After="17"), send()]
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY
    assert timer.slept == [17.0]


def test_a_busy_server_may_name_a_date(server, fetcher, timer):
    later = format_datetime(START + timedelta(seconds=40), usegmt=True)
    server.answers["/a"] = [status(503, Retry_After=later), send()]
    fetcher.fetch(ask(server))
    assert timer.slept == [40.0]


def test_some_hosts_want_a_longer_pause_than_they_say(server, fetcher, timer):
    server.answers["/a"] = [status(429, Retry_After="2"), send()]
    fetcher.fetch(ask(server, least_wait=30.0))
    assert timer.slept == [30.0]


def test_a_server_that_wants_an_hour_is_told(server, fetcher, timer):
    server.answers["/a"] = [status(429, Retry_After="3600")]
    line = refusal(fetcher, ask(server))
    assert "asks to wait 60 min" in line
    assert not timer.slept
    assert len(server.asked) == 1


def test_an_error_of_the_server_is_tried_again(server, fetcher, timer):
    server.answers["/a"] = [status(500), status(502), send()]
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY
    assert timer.slept == [1.0, 2.0], "the pause doubles"


def test_attempts_end(server, fetcher, timer):
    server.answers["/a"] = [status(500)]
    line = refusal(fetcher, ask(server))
    assert "out of order (500)" in line
    assert "holds no copy" in line
    assert len(server.asked) == QUICK.attempts
    assert timer.slept == [1.0, 2.0, 4.0]


def test_pauses_grow_to_a_limit_and_scatter():
    full = [growing_pause(n, 1.0) for n in range(1, 12)]
    assert all(a <= b for a, b in itertools.pairwise(full))
    assert full[-1] == 30.0
    assert all(growing_pause(n, 0.0) == full[n - 1] / 2 for n in range(1, 12))


@pytest.mark.parametrize("text", ["", "soon", "-5", "1e9", "9" * 12, "Mon, 99 Foo"])
def test_a_pause_that_cannot_be_read_is_none(text):
    assert asked_pause(text, START) is None


def test_a_date_in_the_past_asks_for_no_pause():
    assert asked_pause("Sun, 21 Jun 2020 12:00:00 GMT", START) == 0.0


def test_requests_to_a_host_keep_their_distance(server, fetcher, timer):
    server.answers["/a"] = [send()]
    for n in range(3):
        fetcher.fetch(ask(server, f"/a?n={n}", spacing=5.0))
    assert timer.slept == [5.0, 5.0]


CUT = 70_000


def test_a_cut_transfer_goes_on_where_it_broke(server, fetcher):
    cut = send(BODY[:CUT], length=len(BODY), ETag='"v1"')
    server.answers["/a"] = [cut, in_part(BODY, '"v1"')]
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY
    assert server.headers()["Range"] == f"bytes={CUT}-"


def test_a_cut_transfer_that_changed_meanwhile_begins_again(server, fetcher):
    newer = BODY.replace(b"39999", b"12345")
    cut = send(BODY[:CUT], length=len(BODY), ETag='"v1"')
    server.answers["/a"] = [cut, send(newer, ETag='"v2"')]
    got = fetcher.fetch(ask(server))
    assert "Range" in server.headers(), "it was asked to go on"
    assert got.path.read_bytes() == newer


@pytest.mark.parametrize("etag", ["", 'W/"weak"'], ids=["no ETag", "weak ETag"])
def test_without_a_sure_version_a_cut_transfer_begins_again(server, fetcher, etag):
    cut = send(BODY[:CUT], length=len(BODY), **({"ETag": etag} if etag else {}))
    server.answers["/a"] = [cut, send()]
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY
    assert "Range" not in server.headers()


def test_a_wrong_piece_is_not_sewn_on(server, fetcher):
    cut = send(BODY[:CUT], length=len(BODY), ETag='"v1"')
    told = f"bytes {CUT + 5}-{len(BODY) - 1}/{len(BODY)}"
    wrong = send(BODY[CUT + 5 :], 206, ETag='"v1"', Content_Range=told)
    server.answers["/a"] = [cut, wrong, send()]
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY


def test_a_transfer_that_is_always_cut_leaves_nothing(server, fetcher):
    server.answers["/a"] = [send(BODY[:CUT], length=len(BODY))]
    assert "broke off" in refusal(fetcher, ask(server))
    assert not list(fetcher.cache.folder.rglob("*.json"))


def test_a_cut_transfer_without_length_is_seen(server, fetcher):
    server.answers["/a"] = [chunked([BODY[:CUT]], whole=False)]
    assert "broke off" in refusal(fetcher, ask(server))


def test_a_reply_in_chunks_is_whole(server, fetcher):
    pieces = [BODY[k : k + 9999] for k in range(0, len(BODY), 9999)]
    server.answers["/a"] = [chunked(pieces)]
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY


def test_a_silent_server_is_not_waited_for(server, fetcher):
    server.answers["/a"] = [lambda _: time.sleep(0.8)]
    quick = replace(fetcher, limits=replace(QUICK, read=0.1, attempts=2))
    assert "sent nothing for 0.1 s" in refusal(quick, ask(server))
    assert len(server.asked) == 2


def test_a_body_that_drips_ends_at_the_time_of_the_whole(server, cache):
    server.answers["/a"] = [chunked([b"[1"] + [b",1"] * 100, pause=0.03)]
    slow = Fetcher(cache, limits=Limits(read=1.0, whole=0.2))
    begin = time.monotonic()
    assert "not done within 0.2 s" in refusal(slow, ask(server))
    assert time.monotonic() - begin < 2.0
    slow.close()


def test_circles_end(server, fetcher):
    server.answers["/a"] = [status(302, Location="/b")]
    server.answers["/b"] = [status(301, Location="/a")]
    assert "in circles" in refusal(fetcher, ask(server))
    assert len(server.asked) == QUICK.redirects + 1


def test_a_server_may_send_us_elsewhere(server, fetcher):
    server.answers["/a"] = [status(307, Location="/b?x=1")]
    server.answers["/b"] = [send()]
    got = fetcher.fetch(ask(server))
    assert got.path.read_bytes() == BODY
    assert got.cached.record.url.endswith("/a"), "the address that lasts"


def test_the_body_of_a_detour_is_not_read(server, fetcher):
    endless = chunked([b"x" * 1000] * 10_000, pause=0.05)

    def answer(handler: Handler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/b")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        endless(handler)

    server.answers["/a"] = [answer]
    server.answers["/b"] = [send()]
    begin = time.monotonic()
    assert fetcher.fetch(ask(server)).path.read_bytes() == BODY
    assert time.monotonic() - begin < 2.0


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.org/a", "http://[::1", "http://u:p@h/"]
)
def test_a_server_may_not_send_us_anywhere(server, fetcher, target):
    server.answers["/a"] = [status(302, Location=target)]
    line = refusal(fetcher, ask(server))
    assert "no web address" in line
    assert "passwd" not in line


def test_encryption_is_not_given_up():
    target = "http://example.org/a"
    with pytest.raises(transfer.TransferError, match="without encryption"):
        transfer._target("https://example.org/a", target, "example.org")


BAD_REPLIES = {
    "a page with status 200": (
        send(b"<html>sign in</html>", kind="text/html"),
        "text/html",
    ),
    "a page called JSON": (send(b"<!DOCTYPE html><html>"), "a web page"),
    "a picture": (send(b"\x89PNG", kind="image/png"), "image/png"),
    "text for JSON": (send(b"OK"), "something else"),
    "nothing": (send(b""), "it is empty"),
    "half a document, said to be whole": (send(BODY[:CUT]), "breaks off"),
    "no such file": (status(404), "no such file (404)"),
    "gone": (status(410), "no longer has"),
    "forbidden": (status(403), "forbids"),
    "an unknown status": (status(418), "status 418"),
    "no content": (status(299), "status 299"),
}


@pytest.mark.parametrize("case", BAD_REPLIES)
def test_a_wrong_reply_is_one_line_and_is_not_kept(server, fetcher, case):
    answer, words = BAD_REPLIES[case]
    server.answers["/a"] = [answer]
    assert words in refusal(fetcher, ask(server))
    assert fetcher.cache.find(ask(server)) is None
    assert len(server.asked) == 1, "asking again would not help"


def test_a_bad_reply_does_not_harm_the_copy(server, fetcher, timer):
    server.answers["/a"] = [send(), send(b"<html>", kind="text/html")]
    fetcher.fetch(ask(server))
    timer.present += timedelta(days=9)
    line = refusal(fetcher, ask(server))
    assert "a copy of 9 days ago, --offline uses it" in line
    again = replace(fetcher, offline=True).fetch(ask(server))
    assert again.way is Way.OLD
    assert again.path.read_bytes() == BODY


def test_what_a_server_says_is_told_in_plain_letters(server, fetcher):
    body = b'{"message": "Location over the sea.\x1b[31m"}'
    server.answers["/a"] = [send(body, 400)]
    line = refusal(fetcher, ask(server))
    assert "Location over the sea" in line
    assert "\x1b" not in line


def test_a_reply_may_be_whole_and_still_not_do(server, fetcher):
    server.answers["/a"] = [send()]
    line = refusal(fetcher, ask(server, complaint=lambda _: "ran out of memory"))
    assert "127.0.0.1 ran out of memory" in line


@pytest.mark.parametrize("told", [True, False], ids=["length told", "length untold"])
def test_too_much_is_refused(server, fetcher, told):
    server.answers["/a"] = [send() if told else chunked([BODY])]
    line = refusal(fetcher, ask(server, most_bytes=len(BODY) - 1))
    assert "more than" in line
    assert fetcher.fetch(ask(server, most_bytes=len(BODY))).path.read_bytes() == BODY


def test_nobody_listens(fetcher, monkeypatch, server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        line = refusal(fetcher, ask(Server(f"http://127.0.0.1:{port}")))
    assert "refuses connections" in line


def test_no_such_host_means_no_network(fetcher, timer, server):
    line = refusal(fetcher, ask(Server("http://nowhere.invalid")))
    assert "no network, or no host named nowhere.invalid" in line
    assert not timer.slept, "waiting does not help"


def test_offline_never_asks(server, fetcher):
    server.answers["/a"] = [send()]
    quiet = replace(fetcher, offline=True)
    line = refusal(quiet, ask(server))
    assert "no network is to be used" in line
    assert str(fetcher.cache.folder) in line
    fetcher.fetch(ask(server))
    assert quiet.fetch(ask(server)).way is Way.CACHED
    assert len(server.asked) == 1


SECRETS = {"HEIDI_USER": "anna", "HEIDI_PASSWORD": "very:secret"}


def basic(*hosts: str) -> Credential:
    """Return a credential of user and password."""
    return Credential(tuple(SECRETS), "Authorization", hosts, "ask the owner for one")


def test_a_secret_goes_to_its_host_and_nowhere_else(server, fetcher):
    server.answers["/a"] = [send()]
    mine = replace(fetcher, environment=SECRETS)
    got = mine.fetch(ask(server, credential=basic("127.0.0.1")))
    sent = server.headers()["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"anna:very:secret"
    kept = f"{sidecar_path(got.path).read_text()} {got.path.name}"
    assert "secret" not in kept
    assert sent not in kept
    mine.fetch(ask(server, "/a?2", credential=basic("dl1.example.org")))
    assert "Authorization" not in server.headers()


def test_a_secret_does_not_follow_to_another_host(server, fetcher):
    port = server.url.rpartition(":")[2]
    server.answers["/a"] = [status(302, Location=f"http://localhost:{port}/b")]
    server.answers["/b"] = [send()]
    mine = replace(fetcher, environment=SECRETS)
    mine.fetch(ask(server, credential=basic("127.0.0.1")))
    assert "Authorization" in server.headers(0)
    assert "Authorization" not in server.headers(1)


def test_a_secret_needs_encryption():
    secret = basic("example.org")
    assert not secret.headers("http://example.org/", SECRETS)
    assert secret.headers("https://example.org/", SECRETS)


def test_a_missing_secret_is_told_by_the_names_of_its_variables(server, fetcher):
    mine = replace(fetcher, environment={"HEIDI_USER": "anna"})
    line = refusal(mine, ask(server, credential=basic("127.0.0.1")))
    assert "HEIDI_USER and HEIDI_PASSWORD" in line
    assert "anna" not in line
    assert not server.asked


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "å"])
def test_a_secret_that_cannot_be_sent_is_not_shown(server, fetcher, value):
    key = Credential(("HEIDI_KEY",), "Api-Key", ("127.0.0.1",), "ask for one")
    mine = replace(fetcher, environment={"HEIDI_KEY": value})
    line = refusal(mine, ask(server, credential=key))
    assert "HEIDI_KEY" in line
    assert value not in line
    assert not server.asked


def test_a_refused_secret_is_not_shown(server, fetcher):
    server.answers["/a"] = [send(b'{"key": "k123456"}', 401)]
    key = Credential(("HEIDI_KEY",), "Api-Key", ("127.0.0.1",), "ask for one")
    mine = replace(fetcher, environment={"HEIDI_KEY": "k123456"})
    line = refusal(mine, ask(server, credential=key))
    assert "does not accept the credential" in line
    assert "HEIDI_KEY" in line
    assert "k123456" not in line


def test_a_netrc_is_not_read(server, fetcher, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.answers["/a"] = [send(Set_Cookie="id=1")]
    fetcher.fetch(ask(server))
    fetcher.fetch(ask(server, "/a?2"))
    assert not {"Authorization", "Cookie"} & set(server.headers())


def test_secrets_in_an_address_are_not_kept(server, fetcher):
    server.answers["/a"] = [send()]
    got = fetcher.fetch(ask(server, "/a?lat=56&api_key=k123&X-Amz-Signature=s456"))
    text = sidecar_path(got.path).read_text()
    assert "k123" not in text
    assert "s456" not in text
    assert "lat=56" in text
    assert "k123" not in str(got.path)
    assert plain_url("https://a:b@h.se:8443/x?q=1#f") == "https://h.se:8443/x?q=1"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "example.org/a",
        "https://",
        "https://user:pass@example.org/",
        "https://example.org/a b",
        "https://example.org/\n",
        "http://[::1",
        "http://example.org:99999/",
    ],
)
def test_only_plain_web_addresses_are_asked(url):
    with pytest.raises(SourceError, match="web address") as refused:
        Request(url, "osm", OSM, "a.json", Form.JSON)
    assert "pass@" not in str(refused.value)


@pytest.mark.parametrize(
    "name", ["../a", "/etc/passwd", "a/b", ".hidden", "a\0b", "", ".."]
)
def test_names_stay_in_their_folder(name, tmp_path):
    clean = safe_name(name)
    assert (tmp_path / clean).resolve().parent == tmp_path.resolve()
    assert not clean.startswith(".")
    assert safe_name(clean) == clean
    with pytest.raises(SourceError, match="plain name"):
        Request("https://example.org/", "osm", OSM, name, Form.JSON)


def test_an_interrupted_transfer_leaves_nothing(server, fetcher):
    server.answers["/a"] = [send()]

    def stop(text: str, share: float) -> None:
        if text.startswith("fetching"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(fetcher, told=stop).fetch(ask(server))
    assert not [p for p in fetcher.cache.folder.rglob("*") if p.is_file()]


def test_parts_of_killed_processes_are_swept(server, fetcher):
    server.answers["/a"] = [send()]
    folder = fetcher.cache.folder / "osm"
    folder.mkdir(parents=True)
    old, young = folder / ".x.1.part", folder / ".y.2.part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    fetcher.fetch(ask(server))
    assert not old.exists()
    assert young.exists(), "another process may be at it"


def test_a_cache_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "file").write_text("")
    server.answers["/a"] = [send()]
    with pytest.raises(OutputError, match="cannot write into the cache"):
        Fetcher(Cache(tmp_path / "file")).fetch(ask(server))


def test_the_cache_lies_where_xdg_says(tmp_path, monkeypatch):
    assert default_folder({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "heidi"
    monkeypatch.setenv("HOME", str(tmp_path))
    for told in ({}, {"XDG_CACHE_HOME": "relative/is/ignored"}, {"XDG_CACHE_HOME": ""}):
        assert default_folder(told) == tmp_path / ".cache" / "heidi"


def test_progress_is_told(server, fetcher):
    server.answers["/a"] = [send()]
    told: list[tuple[str, float]] = []
    replace(fetcher, told=lambda *row: told.append(row)).fetch(ask(server))
    shares = [share for text, share in told if text == "fetching buildings.json"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_delivered_file_carries_its_record_and_its_credit(server, fetcher, tmp_path):
    server.answers["/a"] = [send()]
    got = fetcher.fetch(ask(server))
    target = deliver(got, tmp_path / "deep" / "data")
    assert target.name == "buildings.json"
    assert target.read_bytes() == BODY
    assert read_record(target) == got.cached.record
    plain = tmp_path / "mine.json"
    plain.write_text("{}")
    line = "© OpenStreetMap contributors, ODbL 1.0"
    assert credits_of([target, plain, target]) == (line,)
    assert {p.name for p in target.parent.iterdir()} == {
        "buildings.json",
        "buildings.json.origin.toml",
    }


def test_records_come_back_as_they_were(tmp_path):
    odd = 'a "quoted" \\ Ångström – 日本'
    record = Record(
        *("osm", odd, odd, START, START + timedelta(days=1), '"e"', "", "t"),
        *(7, "0" * 64, odd, odd, odd, odd, 0),
    )
    path = tmp_path / "a.json"
    write_record(path, record)
    assert read_record(path) == record


@pytest.mark.parametrize(
    "text",
    [
        "",
        "source = 1",
        "not toml",
        "x = 1\n" * 9000,
        "\xff",
    ],
    ids=["empty", "wrong kind", "no TOML", "huge", "no UTF-8"],
)
def test_a_record_that_cannot_be_used_is_none(tmp_path, text):
    path = tmp_path / "a.json"
    sidecar_path(path).write_text(text, encoding="latin-1")
    assert read_record(path) is None


def test_a_record_cannot_smuggle_headers(tmp_path, server, fetcher):
    server.answers["/a"] = [versioned(BODY, '"v1"')]
    got = fetcher.fetch(ask(server))
    evil = replace(got.cached.record, etag='"v1"\r\nX-Evil: 1')
    write_record(got.path, evil)
    assert read_record(got.path) is None


def test_checksums_of_missing_files_are_one_line(tmp_path):
    with pytest.raises(SourceError, match="cannot read"):
        checksum(tmp_path / "none")


HEADS = {
    Form.JSON: b"\xef\xbb\xbf [1]\n",
    Form.CSV: b"Stationsnamn;Stationsnummer\n",
    Form.XML: b"<?xml version='1.0'?><a/>",
    Form.ZIP: b"PK\x03\x04....",
    Form.TIFF: b"II*\0....",
    Form.LAS: b"LASF\0\0..",
}


@pytest.mark.parametrize("form", Form)
def test_forms_are_told_apart(tmp_path, form):
    path = tmp_path / "file"
    for of, head in HEADS.items():
        path.write_bytes(head)
        assert bool(form.fault(path)) == (of is not form)
