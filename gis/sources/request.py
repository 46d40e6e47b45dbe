"""Describe what to ask of a server."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from gis.errors import SourceError
from gis.sources.origin import Origin

SCHEMES = ("http", "https")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that are this machine: secrets may go to them without encryption."""

HIDDEN = "hidden"
"""Stands in a shown URL for the value of a parameter that may be a secret."""

LONGEST_NAME = 120

_SECRET = re.compile(r"key|token|secret|passw|signature|credential|^sig$", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_SPACE = b" \t\r\n"
_TAIL = 64  # bytes at the end of a text that tell whether it is whole


class Form(StrEnum):
    """What a file must be, judged by its bytes: servers name types carelessly."""

    JSON = "JSON"
    CSV = "CSV"
    XML = "XML"
    ZIP = "a zip archive"
    TIFF = "a TIFF image"
    LAS = "a point cloud"

    def fault(self, path: Path) -> str:
        """Say what is wrong with a file.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        str
            "" if it begins (and, for JSON, ends) as the form does.
        """
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_TAIL).removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
            file.seek(max(size - _TAIL, 0))
            tail = file.read(_TAIL).rstrip(_SPACE)
        if not head:
            return "it is empty"
        good = {
            Form.JSON: head[:1] in (b"{", b"[") and tail[-1:] in (b"}", b"]"),
            Form.CSV: head[:1] not in (b"<", b"{", b"[") and not _CONTROL.search(head),
            Form.XML: head[:1] == b"<" and not _is_page(head),
            Form.ZIP: head[:4] == b"PK\x03\x04",
            Form.TIFF: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
            Form.LAS: head[:4] == b"LASF",
        }
        if good[self]:
            return ""
        if _is_page(head):
            return "it is a web page, perhaps a sign-in"
        if self is Form.JSON and head[:1] in (b"{", b"["):
            return "it breaks off"
        return "it is something else"


def _is_page(head: bytes) -> bool:
    """Whether a text begins like a web page."""
    return head[:14].lower().startswith((b"<!doctype html", b"<html"))


@dataclass(frozen=True)
class Credential:
    """Where a secret comes from, where it goes, never what it is.

    Attributes
    ----------
    variables : tuple of str
        Environment variables: user and password (sent as Basic), or one key.
    header : str
        Header that carries it.
    hosts : tuple of str
        The only hosts that may see it.
    get : str
        How to get one, for messages.
    """

    variables: tuple[str, ...]
    header: str
    hosts: tuple[str, ...]
    get: str

    def is_set(self, environment: Mapping[str, str]) -> bool:
        """Whether all its variables are there."""
        return all(environment.get(name) for name in self.variables)

    def require(self, environment: Mapping[str, str]) -> None:
        """Refuse an environment in which it is not set.

        Raises
        ------
        SourceError
            Names the variables.
        """
        if not self.is_set(environment):
            message = (
                f"{', '.join(self.hosts)} needs a credential, set "
                f"{' and '.join(self.variables)} in the environment; {self.get}"
            )
            raise SourceError(message)

    def headers(self, url: str, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the header for a URL, none for a host that must not see it.

        Parameters
        ----------
        url : str
            Where the request goes.
        environment : mapping
            Of the process.

        Returns
        -------
        dict
            Not to be shown or kept.

        Raises
        ------
        SourceError
            If a variable is missing or cannot be sent; its value is not told.
        """
        host = urlsplit(url).hostname or ""
        safe = urlsplit(url).scheme == "https" or host in LOOPBACK
        if host not in self.hosts or not safe:
            return {}
        self.require(environment)
        words = [environment[name].strip() for name in self.variables]
        if not all(word.isprintable() and word for word in words):
            message = (
                f"{' and '.join(self.variables)} must be one line of plain letters, got "
                "something else; set them again"
            )
            raise SourceError(message)
        if len(words) == 1:
            value = words[0]
        else:
            joined = ":".join(words).encode()
            value = f"Basic {base64.b64encode(joined).decode('ascii')}"
        if not value.isascii():
            message = f"{self.variables[0]} must be plain letters and digits; set it again"
            raise SourceError(message)
        return {self.header: value}


@dataclass(frozen=True)
class Request:
    """One file to get.

    Attributes
    ----------
    url : str
        What to ask, http or https, without user and password.
    source : str
        Key of the source in `gis.sources.catalogue`.
    origin : Origin
        Whose data it is.
    name : str
        File name that tells people what it is.
    form : Form
        What the file must be.
    max_age : timedelta
        Age up to which a copy in the cache serves without asking.
    most_bytes : int
        Bytes accepted.
    credential : Credential or None
        Secret that the server wants.
    spacing : float
        Least time between two requests to the host [s].
    least_wait : float
        Least pause after the server says that it is asked too often [s].
    complaint : callable or None
        Tells of a whole file why it is not what was asked for, "" if it is.

    Raises
    ------
    SourceError
        If the URL cannot be asked.
    """

    url: str
    source: str
    origin: Origin
    name: str
    form: Form
    max_age: timedelta = timedelta(days=7)
    most_bytes: int = 200_000_000
    credential: Credential | None = None
    spacing: float = 0.0
    least_wait: float = 0.0
    complaint: Callable[[Path], str] | None = None

    def __post_init__(self) -> None:
        """Check the URL and the name."""
        check_url(self.url)
        if self.name != safe_name(self.name):
            message = f"a file must have a plain name, got {self.name!r}; use safe_name"
            raise SourceError(message)

    @property
    def host(self) -> str:
        """Who is asked."""
        return urlsplit(self.url).hostname or ""


def check_url(url: str) -> None:
    """Refuse what is not a plain web address.

    Parameters
    ----------
    url : str
        Any text.

    Raises
    ------
    SourceError
        If it is not http or https, names no host, or carries user and password.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        message = f"a web address must be readable, got {url[:80]!r}; check it"
        raise SourceError(message) from error
    if parts.scheme not in SCHEMES or not host or port == 0:
        message = (
            f"a web address must begin with http:// or https:// and name a host, got "
            f"{plain_url(url)[:80]!r}; check it"
        )
        raise SourceError(message)
    if parts.username is not None or parts.password is not None:
        message = (
            f"a web address must not hold user and password, that of {host} does; set "
            "environment variables"
        )
        raise SourceError(message)
    if not url.isprintable() or " " in url:
        message = f"a web address must be one word, that of {host} is not; check it"
        raise SourceError(message)


def plain_url(url: str) -> str:
    """Return a URL that can be shown and kept.

    Parameters
    ----------
    url : str
        Any URL.

    Returns
    -------
    str
        Without user, password and fragment; values of parameters named like a key, token,
        password or signature are hidden.

    Examples
    --------
    >>> plain_url("https://me:pw@example.org/a?lat=56&api_key=abc")
    'https://example.org/a?lat=56&api_key=hidden'
    """
    parts = urlsplit(url)
    query = parts.query
    if _SECRET.search(query):
        pairs = parse_qsl(query, keep_blank_values=True)
        query = urlencode([(k, HIDDEN if _SECRET.search(k) else v) for k, v in pairs])
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def safe_name(text: str) -> str:
    """Turn any text into a file name that stays in its folder.

    Parameters
    ----------
    text : str
        Such as the end of a URL.

    Returns
    -------
    str
        Letters without accents, digits, ``._-``; never empty, hidden or too long.

    Examples
    --------
    >>> safe_name("../../etc/pass wd"), safe_name("m663_63.tif"), safe_name("..")
    ('etc_pass_wd', 'm663_63.tif', 'file')
    """
    clean = _UNSAFE.sub("_", text).replace("..", "_")
    return clean.lstrip("._-")[-LONGEST_NAME:].lstrip("._-") or "file"


def check_one_of(value: object, known: Sequence[object], what: str) -> None:
    """Refuse a word or number that is not on a list.

    Parameters
    ----------
    value : object
        The word.
    known : sequence
        The list.
    what : str
        What to call it in the message.

    Raises
    ------
    SourceError
        If it is not.
    """
    if value not in known:
        names = ", ".join(str(name) for name in known)
        message = f"{what} must be one of {names}, got {str(value)[:40]!r}"
        raise SourceError(message)
