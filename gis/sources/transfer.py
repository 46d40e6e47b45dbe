"""Carry one file over HTTP, in one attempt."""

import errno
import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3.exceptions

from gis.errors import SourceError
from gis.sources.pace import Clock, asked_pause
from gis.sources.request import Request, check_url
from gis.sources.sidecar import Record

AGENT = f"heidi-twin/{version('heidi-twin')} (open digital twin of a city district)"
"""Who asks; Overpass and others refuse clients that do not say."""

CHUNK = 1 << 16
MOVED = (301, 302, 303, 307, 308)
BUSY = (429, 503)
BROKEN = (408, 500, 502, 504, 520, 522, 524, 529)
"""Answers after which a second attempt makes sense; from 520 on those of
proxies and of PVGIS."""

_WORDS = {
    401: "it does not accept the credential (401)",
    403: "it forbids this (403): the credential may lack the right or its quota be used up",
    404: "it has no such file (404)",
    406: "it does not serve such clients (406)",
    410: "it no longer has this file (410)",
}
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
_MOST_TOLD = 160


@dataclass(frozen=True)
class Limits:
    """How long and how much is accepted.

    Attributes
    ----------
    connect, read : float
        Time to the connection and between two pieces of the reply [s]; Overpass computes
        for up to two minutes before its first byte.
    whole : float
        Time of a whole transfer [s].
    redirects : int
        Times that a server may send us elsewhere.
    attempts : int
        Times that a file is asked for.
    longest_wait : float
        Longest pause that a server may ask for [s]; beyond it, the user is told.
    """

    connect: float = 10.0
    read: float = 150.0
    whole: float = 1800.0
    redirects: int = 5
    attempts: int = 4
    longest_wait: float = 120.0


@dataclass(frozen=True)
class Resume:
    """Where a cut transfer can go on: bytes that are there, and of which version."""

    size: int
    etag: str


class TransferError(Exception):
    """An attempt failed.

    Attributes
    ----------
    reason : str
        What happened, without secrets.
    remedy : str
        What the user can do.
    again : bool
        Whether another attempt makes sense.
    pause : float or None
        Time that the server asks to wait first [s].
    resume : Resume or None
        Where to go on.
    """

    def __init__(
        self,
        reason: str,
        remedy: str,
        *,
        again: bool = False,
        pause: float | None = None,
        resume: Resume | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.again = again
        self.pause = pause
        self.resume = resume


@dataclass(frozen=True)
class Reply:
    """What a server told of a file.

    Attributes
    ----------
    changed : bool
        False if the copy in the cache is up to date; else the part file holds the new one.
    etag, last_modified, content_type : str
        Its headers, "" where absent.
    """

    changed: bool
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""


@dataclass(frozen=True)
class _Deadline:
    """When a transfer must be done, and the time it has [s]."""

    end: float
    whole: float
    clock: Clock

    def check(self, request: Request) -> None:
        """Break a transfer off that takes too long."""
        if self.clock.tick() > self.end:
            reason = f"{request.host} was not done within {self.whole:g} s"
            raise TransferError(reason, "try again later")


class _Session(requests.Session):
    """A session that leaves redirects to us: else it reads their bodies, however long."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Know of no place to go to."""


def open_session() -> requests.Session:
    """Return a session that sends no secrets of its own and keeps no cookies.

    Proxies of the environment are used; ``~/.netrc`` is not.
    """
    session = _Session()
    # With this, requests asks nobody else for user and password.
    session.auth = lambda prepared: prepared
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def transfer(
    session: requests.Session,
    request: Request,
    part: Path,
    *,
    known: Record | None,
    resume: Resume | None,
    limits: Limits,
    clock: Clock,
    environment: Mapping[str, str],
    told: Callable[[float], None],
) -> Reply:
    """Ask once and write the reply to a part file.

    Parameters
    ----------
    session : Session
        From `open_session`.
    request : Request
        What to ask.
    part : Path
        Gets the bytes; with ``resume`` it holds those that came before.
    known : Record or None
        Of the copy in the cache; the server is asked whether it is up to date.
    resume : Resume or None
        Where to go on after a cut.
    limits : Limits
        How long and how much.
    clock : Clock
        Tells time.
    environment : mapping
        Holds the secrets.
    told : callable
        Gets the share of the bytes that are there, where their number is known.

    Returns
    -------
    Reply

    Raises
    ------
    TransferError
        If the reply is not the whole file.
    SourceError
        If a secret is missing.
    OSError
        If the part file cannot be written.
    """
    headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
    if resume is not None:
        headers |= {"Range": f"bytes={resume.size}-", "If-Range": resume.etag}
    elif known is not None:
        headers |= {"If-None-Match": known.etag} if known.etag else {}
        if known.last_modified:
            headers["If-Modified-Since"] = known.last_modified
    end = clock.tick() + limits.whole
    with _network(request.host, limits):
        response = _follow(session, request, headers, limits, environment)
    with response:
        status = response.status_code
        if status == 304 and known is not None and resume is None:
            return Reply(changed=False)
        start = _first_byte(response, resume, request, clock, limits)
        reply = Reply(
            changed=True,
            etag=_plain(response.headers.get("ETag", "")),
            last_modified=_plain(response.headers.get("Last-Modified", "")),
            content_type=_plain(response.headers.get("Content-Type", "")),
        )
        _check_type(reply.content_type, request)
        deadline = _Deadline(end, limits.whole, clock)
        _save(response, request, part, start, limits=limits, deadline=deadline, told=told)
    return reply


@contextmanager
def _network(host: str, limits: Limits) -> Iterator[None]:
    """Say in plain words what failed between here and the server."""
    online = "connect this machine to the network and try again"
    try:
        yield
    except (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        reason = f"{host} was not reached within {limits.connect:g} s"
        raise TransferError(reason, online, again=True) from None
    except (requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        reason = f"{host} sent nothing for {limits.read:g} s"
        raise TransferError(reason, "try again later", again=True) from None
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        reason = f"the certificate of {host} is not trusted"
        remedy = "check the clock, the address and the proxy of this machine"
        raise TransferError(reason, remedy) from None
    except requests.exceptions.ProxyError:
        remedy = "check HTTPS_PROXY and HTTP_PROXY"
        reason = "the proxy does not let us through"
        raise TransferError(reason, remedy) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        # Messages of these may hold addresses with secrets: only their kinds are told.
        causes = list(_causes(error))
        if any(isinstance(cause, socket.gaierror) for cause in causes):
            reason = f"no network, or no host named {host}"
            raise TransferError(reason, online) from None
        numbers = {c.errno for c in causes if isinstance(c, OSError)}
        if errno.ECONNREFUSED in numbers:
            reason = f"{host} refuses connections"
            raise TransferError(reason, "check the address or try again later") from None
        if numbers & {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}:
            reason = f"no network, {host} cannot be reached"
            raise TransferError(reason, online) from None
        reason = f"the connection to {host} broke off"
        raise TransferError(reason, "try again", again=True) from None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it wraps in one way or another."""
    waiting, seen = [error], set()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        inner = [cause.__cause__, cause.__context__, getattr(cause, "reason", None)]
        waiting += [e for e in (*inner, *cause.args) if isinstance(e, BaseException)]


def _follow(
    session: requests.Session,
    request: Request,
    headers: Mapping[str, str],
    limits: Limits,
    environment: Mapping[str, str],
) -> requests.Response:
    """Ask, and ask elsewhere while told so; secrets go to their own hosts only."""
    url = request.url
    for _ in range(limits.redirects + 1):
        secret = {} if request.credential is None else _secret(request, url, environment)
        response = session.get(
            url,
            headers={**headers, **secret},
            stream=True,
            timeout=(limits.connect, limits.read),
            allow_redirects=False,
        )
        target = response.headers.get("Location", "")
        if response.status_code not in MOVED or not target:
            return response
        response.close()
        url = _target(url, target, request.host)
    reason = f"{request.host} sends us in circles, more than {limits.redirects} times"
    raise TransferError(reason, "check the address")


def _secret(
    request: Request, url: str, environment: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the header with the secret, if this URL may have it."""
    return request.credential.headers(url, environment) if request.credential else {}


def _target(url: str, target: str, host: str) -> str:
    """Return where a server sends us, if that is a fit place."""
    remedy = "check the address"
    try:
        moved = urljoin(url, target)
        check_url(moved)
    except (SourceError, ValueError) as error:
        reason = f"{host} sends us to something that is no web address"
        raise TransferError(reason, remedy) from error
    if urlsplit(url).scheme == "https" and urlsplit(moved).scheme != "https":
        reason = f"{host} sends us to an address without encryption"
        raise TransferError(reason, remedy)
    return moved


def _first_byte(
    response: requests.Response,
    resume: Resume | None,
    request: Request,
    clock: Clock,
    limits: Limits,
) -> int:
    """Return where in the file the body begins; refuse answers that are not the file."""
    status = response.status_code
    if status == 200:
        return 0
    if status == 206 and resume is not None:
        told = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
        if told is not None and int(told.group(1)) == resume.size:
            return resume.size
    if status in (206, 416):
        # It answers for another piece than asked: from the beginning.
        reason = f"{request.host} lost the thread of a cut transfer"
        raise TransferError(reason, "try again", again=True)
    if status in BUSY:
        raise _busy(response, request, clock, limits)
    if status in BROKEN:
        reason = f"{request.host} is out of order ({status})"
        raise TransferError(reason, "try again later", again=True)
    reason = _WORDS.get(status, f"it answers with status {status}")
    remedy = "check place, year and address"
    if status in (401, 403):
        secret = request.credential
        remedy = (
            f"check {' and '.join(secret.variables)}; {secret.get}"
            if secret
            else "this source may need an account now"
        )
    reason = f"{request.host}: {reason}{_said(response, request, limits)}"
    raise TransferError(reason, remedy)


def _busy(
    response: requests.Response, request: Request, clock: Clock, limits: Limits
) -> TransferError:
    """Say how long the server wants to be left alone."""
    asked = asked_pause(response.headers.get("Retry-After", ""), clock.now())
    pause = None if asked is None else max(asked, request.least_wait)
    if pause is None and request.least_wait:
        pause = request.least_wait
    reason = f"{request.host} is asked too often or too busy ({response.status_code})"
    if pause is not None and pause > limits.longest_wait:
        minutes = f"{pause / 60:.0f} min"
        return TransferError(reason, f"it asks to wait {minutes}: try again then")
    return TransferError(reason, "try again later", again=True, pause=pause)


def _said(response: requests.Response, request: Request, limits: Limits) -> str:
    """Return the beginning of what a server says in plain text or JSON."""
    kind = _media_type(response.headers.get("Content-Type", ""))
    if kind not in ("text/plain", "application/json", "application/problem+json"):
        return ""
    try:
        with _network(request.host, limits):
            body = response.raw.read1(1024, decode_content=True) or b""
    except TransferError:
        return ""
    words = " ".join(body.decode("utf-8", "replace").split())
    words = "".join(letter for letter in words if letter.isprintable())[:_MOST_TOLD]
    if request.credential is not None:
        sent = str(response.request.headers.get(request.credential.header, ""))
        if sent and sent.split()[-1] in words:
            return ""  # it repeats our secret
    return f", it says: {words}" if words else ""


def _media_type(header: str) -> str:
    """Return the type without its parameters, in lower case."""
    message = Message()
    message["Content-Type"] = header or "application/octet-stream"
    return message.get_content_type()


def _check_type(header: str, request: Request) -> None:
    """Refuse what says of itself that it is a page or a picture."""
    kind = _media_type(header)
    page = kind in ("text/html", "application/xhtml+xml")
    other = kind.startswith(("image/", "audio/", "video/", "font/"))
    if page or (other and kind != "image/tiff"):
        reason = f"{request.host} sent {kind} instead of {request.form.value}"
        raise TransferError(reason, "check the address, the server may want a sign-in")


def _plain(header: str) -> str:
    """Return a header of one printable line, "" for any other."""
    return header if header.isprintable() and len(header) <= 500 else ""


def _save(
    response: requests.Response,
    request: Request,
    part: Path,
    start: int,
    *,
    limits: Limits,
    deadline: "_Deadline",
    told: Callable[[float], None],
) -> None:
    """Write the body behind the bytes that are there."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdigit() and len(length) < 19 else 0
    _check_size(total, request)
    etag = _plain(response.headers.get("ETag", ""))
    coded = response.headers.get("Content-Encoding", "identity") != "identity"
    size = start
    with part.open("ab" if start else "wb") as file:
        try:
            while True:
                with _network(request.host, limits):
                    # Whatever has come, however little: a server that drips must not
                    # hold us beyond the time of the whole.
                    chunk = response.raw.read1(CHUNK, decode_content=True)
                if not chunk:
                    break
                size += len(chunk)
                _check_size(size, request)
                file.write(chunk)
                if total:
                    told(min(size / total, 1.0))
                deadline.check(request)
        except TransferError as error:
            # A weak ETag (W/...) does not promise the same bytes.
            if error.again and size and etag.startswith('"') and not coded:
                error.resume = Resume(size, etag)
            raise


def _check_size(size: int, request: Request) -> None:
    """Refuse more bytes than are wanted."""
    if size > request.most_bytes:
        most = request.most_bytes / 1e6
        reason = f"{request.host} sends more than the {most:,.0f} MB that are accepted"
        raise TransferError(reason, "ask for a smaller place or a shorter time")
