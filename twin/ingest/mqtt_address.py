"""Say which broker is meant, and who asks it."""

import hashlib
import os
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gis.errors import SourceError, TableError

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Schemes of addresses, without and with TLS, and where brokers listen for them."""

PASSWORD = "HEIDI_MQTT_PASSWORD"
"""Environment variable that holds the password, where no file does."""

LONGEST_TOPIC = 65_535
"""Bytes of the longest text that MQTT can carry."""

LONGEST_PASSWORD = 4096
"""Bytes; a larger file is not meant."""


@dataclass(frozen=True)
class Broker:
    """A broker and what it asks of those who come.

    Attributes
    ----------
    host : str
    port : int
    tls : bool
    user : str
        "" where the broker asks for none.
    password : str
        Never shown.
    ca : Path or None
        Certificates of those who may vouch for the broker; None: the system's.
    cert, key : Path or None
        Our own certificate and its key, where the broker asks for one.
    mqtt5 : bool
        Whether to speak MQTT 5 instead of 3.1.1.
    """

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    mqtt5: bool = False

    @property
    def address(self) -> str:
        """How the broker is named in messages: without user and password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    @property
    def exposed(self) -> bool:
        """Whether the password crosses a network that others can read."""
        near = self.host in {"localhost", "::1"} or self.host.startswith("127.")
        return bool(self.password) and not self.tls and not near


def read_broker(
    address: str,
    *,
    user: str = "",
    password_file: Path | None = None,
    ca: Path | None = None,
    cert: Path | None = None,
    key: Path | None = None,
    mqtt5: bool = False,
) -> Broker:
    """Return the broker of an address.

    Parameters
    ----------
    address : str
        ``mqtt://host:port`` or, with TLS, ``mqtts://host:port``; a user may stand before
        the host, a password must not.
    user : str
        User name.
    password_file : Path, optional
        Holds the password in its first line; default is the variable `PASSWORD`.
    ca, cert, key : Path, optional
        PEM files: who may vouch for the broker, our certificate, its key.
    mqtt5 : bool
        Whether to speak MQTT 5.

    Raises
    ------
    TableError
        If the address is none, or options do not go together.
    SourceError
        If a file cannot be read.

    Examples
    --------
    >>> read_broker("mqtt://broker.example").address
    'mqtt://broker.example:1883'
    """
    wanted = "a broker must be like mqtt://host:1883 or mqtts://host:8883"
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        # Not shown: it may hold a password.
        message = f"{wanted}, got what is no address"
        raise TableError(message) from error
    if parts.password is not None:
        message = (
            f"{wanted}, got one with a password, which others could read; put it into a "
            f"file (--password-file) or into the environment variable {PASSWORD}"
        )
        raise TableError(message)
    if parts.scheme not in PORTS or not host or parts.path.strip("/") or parts.query:
        message = f"{wanted}, got {address!r}"
        raise TableError(message)
    if port == 0:
        message = f"{wanted}, got port 0"
        raise TableError(message)
    tls = parts.scheme == "mqtts"
    if (ca or cert or key) and not tls:
        message = f"certificates need TLS: write mqtts:// instead of {parts.scheme}://"
        raise TableError(message)
    if key and not cert:
        message = "a key must come with its certificate, got --key without --cert"
        raise TableError(message)
    named = unquote(parts.username) if parts.username else ""
    if named and user and named != user:
        message = f"the user must be one, got {named!r} in the address and {user!r}"
        raise TableError(message)
    user = user or named
    password = _password(password_file)
    if password_file is not None and not user:
        message = "a password must come with a user, got --password-file without --user"
        raise TableError(message)
    broker = Broker(
        host, port or PORTS[parts.scheme], tls, user, password if user else "",
        ca, cert, key, mqtt5,
    )  # fmt: skip
    if tls:
        trust(broker)
    return broker


class _Socket(ssl.SSLSocket):
    """A socket that is closed where no connection comes about: the library forgets it."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
        """Shake hands or close."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def trust(broker: Broker) -> ssl.SSLContext:
    """Return whom to trust as a broker, and how to prove who we are.

    Raises
    ------
    SourceError
        If a certificate or key cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=broker.ca)
    except OSError as error:  # also what ssl raises
        message = (
            f"--ca must be a file of certificates in PEM, {broker.ca} is not: "
            f"{error.strerror or error}"
        )
        raise SourceError(message) from error
    context.sslsocket_class = _Socket
    if broker.cert is not None:
        try:
            # Without a word of ours it would ask for one on the terminal, and wait.
            context.load_cert_chain(broker.cert, broker.key, password=lambda: "")
        except OSError as error:
            message = (
                f"--cert and --key must be a certificate and its key in PEM, without a "
                f"passphrase, {broker.cert} and {broker.key or broker.cert} are not: "
                f"{error.strerror or error}"
            )
            raise SourceError(message) from error
    return context


def check_topics(topics: Sequence[str], share: str = "") -> tuple[str, ...]:
    """Return what to subscribe to.

    Parameters
    ----------
    topics : sequence of str
        Filters, ``+`` for one level and ``#`` for all below.
    share : str
        Name of a group that shares the messages, "" for none.

    Raises
    ------
    TableError
        If one is no filter, or none is given.

    Examples
    --------
    >>> check_topics(["hid/v1/#"], "keepers")
    ('$share/keepers/hid/v1/#',)
    """
    if not topics:
        message = "at least one topic must be given, such as --topic 'hid/v1/#'"
        raise TableError(message)
    for topic in topics:
        levels = topic.split("/")
        whole = all(level in {"+", "#"} or not set(level) & {"+", "#"} for level in levels)
        if (
            not topic
            or "\0" in topic
            or len(topic.encode()) > LONGEST_TOPIC
            or not whole
            or "#" in levels[:-1]
        ):
            message = (
                "a topic must be like hid/v1/# or hid/+/b12/#, with + for a level and # "
                f"for all below, got {topic[:80]!r}"
            )
            raise TableError(message)
    if not share:
        return tuple(dict.fromkeys(topics))
    if set(share) & set("/+#\0"):
        message = f"a group's name must be without / + and #, got {share[:80]!r}"
        raise TableError(message)
    return tuple(f"$share/{share}/{topic}" for topic in dict.fromkeys(topics))


def client_of(folder: Path, kind: str = "heidi") -> str:
    """Return the name under which a broker remembers the listener of a folder.

    The same on every start, another one for another folder or machine; of letters and
    digits and at most 23 of them, which every broker takes.
    """
    place = f"{socket.gethostname()}:{folder.resolve()}"
    return kind + hashlib.sha256(os.fsencode(place)).hexdigest()[:16]


def _password(path: Path | None) -> str:
    """Return the password of a file or the environment."""
    if path is None:
        return os.environ.get(PASSWORD, "")
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST_PASSWORD + 1)
        password = text.decode("utf-8-sig").split("\n", 1)[0].rstrip("\r")
    except UnicodeDecodeError as error:
        message = f"a password must be in UTF-8, {path} is not"
        raise SourceError(message) from error
    except OSError as error:
        message = f"the password file {path} must be readable: {error.strerror or error}"
        raise SourceError(message) from error
    if len(text) > LONGEST_PASSWORD:
        message = f"a password must be short, {path} is larger than that"
        raise SourceError(message)
    if not password:
        message = f"the password must stand in the first line of {path}, which is empty"
        raise SourceError(message)
    return password
