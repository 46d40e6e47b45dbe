"""Hold the connection to a broker: messages in, acknowledgements out.

All of it happens in one thread, the acknowledgements too: a packet number means one message
on one connection only, and a number that is acknowledged on the next one could be that of
a message which is not on the disk.
"""

import select
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from gis.errors import HeidiError, SourceError
from twin.ingest.mqtt_address import Broker, trust
from twin.ingest.mqtt_counts import told_topics

if TYPE_CHECKING:
    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage

KEEPALIVE = 30
"""Seconds after which a silent connection is asked whether it still is one."""

PATIENCE = 10.0
"""Seconds that a broker may take to answer."""

SESSION = 30 * 24 * 3600
"""Seconds that a broker shall keep messages for us while we are away (MQTT 5)."""

RECEIVE_MAXIMUM = 1000
"""Messages without an acknowledgement that a broker may send (MQTT 5)."""

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
"""Seconds before a lost connection is made again; each wait doubles."""

STEADY = 10.0
"""Seconds after which a connection counts as good and waits start anew."""

FEW = 3
"""Connections that break in less than that, one after the other, have a cause."""

TWINS = "does another program use our --client-id?"

PARTING = 3.0
"""Seconds that the last acknowledgements may take."""

READS = 64
"""Packets that are read before anything else is looked at."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as a broker handed it over.

    Attributes
    ----------
    body : bytes
    topic, content_type : str
    arrived : int
        When it came, the first time it was handed over to this process [microseconds
        since 1970, UTC].
    mid : int
        Number to acknowledge it by on its connection; 0 needs none.
    connection : int
        Which connection that was, from 1.
    retained : bool
        Whether the broker kept it from earlier: how much earlier, nobody knows.
    """

    body: bytes
    topic: str
    content_type: str
    arrived: int
    mid: int
    connection: int
    retained: bool


class Link:
    """A connection that is made again whenever it breaks.

    Parameters
    ----------
    broker : Broker
        Where to.
    topics : sequence of str
        What to subscribe to.
    client : str
        Name that the broker knows us by.
    deliver : callable
        Takes a `Delivery`.
    dropped : sequence of str
        What an earlier listener of this name subscribed to, and we do not want.
    room : callable
        Says whether there is room for another one. Nothing is read while there is none:
        the broker waits.
    tell : callable
        Told in one line of what happens.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        *,
        client: str,
        dropped: Sequence[str] = (),
        deliver: Callable[[Delivery], None],
        room: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        self.broker = broker
        self.topics = tuple(topics)
        self._dropped = [topic for topic in dropped if topic not in topics]
        self.connected = False
        self.received = self.acknowledged = 0
        self.reconnects = self.forgotten = 0
        self.heard = 0
        self.error = ""
        self.failure: HeidiError | None = None
        """Why the first connection was not made."""
        self.settled = threading.Event()
        """Set once the first connection stands, or will not."""
        self._patient = False
        self._deliver, self._room, self._tell = deliver, room, tell
        self._closing = threading.Event()
        self._connection = 0
        self._refused = ""
        self._answers: deque[Sequence[Delivery]] = deque()
        # What is handed over again keeps the time at which it came first.
        self._open: dict[int, Delivery] = {}
        self._before: dict[int, Delivery] = {}
        self._waking, self._woken = socket.socketpair()
        self._waking.settimeout(0)
        self._woken.settimeout(0)
        self._client = self._make(client)

    # -- asked by other threads ------------------------------------------------------

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker, in this order, that messages are on the disk."""
        self._answers.append(deliveries)
        self._wake()

    def close(self) -> None:
        """End the connection after the acknowledgements that wait; the session stays."""
        self._closing.set()
        self._wake()

    def release(self) -> None:
        """Let go of what the system lent, once `run` has returned."""
        self._waking.close()
        self._woken.close()

    def run(self, *, patient: bool = False) -> None:
        """Connect, serve and connect again until `close`.

        Parameters
        ----------
        patient : bool
            Whether to go on trying where the first connection fails; otherwise it ends
            with `failure` set.
        """
        self._patient = patient
        wait, brief = FIRST_WAIT, 0
        try:
            while not self._closing.is_set():
                if not self._room():
                    self._closing.wait(0.1)
                    continue
                began = time.monotonic()
                fault, stood = self._attempt()
                if self._closing.is_set() or self.failure is not None:
                    return
                if time.monotonic() - began > STEADY:
                    wait, brief = FIRST_WAIT, 0
                brief += stood
                if brief >= FEW:
                    fault += f" {brief} times soon after it was made; {TWINS}"
                self._say(f"{fault}; trying again in {wait:g} s")
                self._closing.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)
        finally:
            self.connected = False
            self.settled.set()

    # -- in the thread of `run` ------------------------------------------------------

    def _make(self, name: str) -> paho.Client:
        """Return the client of the library."""
        broker = self.broker
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if broker.mqtt5 else False,
            protocol=paho.MQTTv5 if broker.mqtt5 else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = PATIENCE
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        if broker.tls:
            client.tls_set_context(trust(broker))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        # With this, packets wait until they are written below, many at a time.
        client.on_socket_register_write = lambda *_: None
        return client

    def _attempt(self) -> tuple[str, bool]:
        """Hold one connection until it ends; return why it did and whether it stood."""
        self._connection += 1
        self._refused = ""
        self._before, self._open = self._open | self._before, {}
        try:
            self._connect()
        except OSError as error:
            fault = connection_fault(error, self.broker)
        else:
            fault = self._serve()
        stood, self.connected = self.connected, False
        if not self.settled.is_set() and not self._patient:
            self.failure = SourceError(fault)
        return fault, stood

    def _connect(self) -> None:
        """Reach the broker and ask to be let in."""
        if not self.broker.mqtt5:
            self._client.connect(self.broker.host, self.broker.port, KEEPALIVE)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = SESSION
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        self._client.connect(
            self.broker.host,
            self.broker.port,
            KEEPALIVE,
            clean_start=False,
            properties=properties,
        )

    def _serve(self) -> str:
        """Read and write until the connection ends; return why it did."""
        client, began = self._client, time.monotonic()
        poll = select.poll()
        poll.register(self._waking, select.POLLIN)
        connection = client.socket()
        if connection is not None:
            poll.register(connection.fileno())
        while (sock := client.socket()) is not None:
            if self._closing.is_set():
                self._answer()
                self._part()
                break
            if not self.connected and time.monotonic() - began > PATIENCE:
                self._refused = f"{self.broker.address} must answer within {PATIENCE:g} s"
                client.disconnect()
                break
            reading = self._room()
            poll.modify(
                sock.fileno(),
                select.POLLIN * reading | select.POLLOUT * client.want_write(),
            )
            # What TLS has read ahead makes no socket readable.
            ahead = reading and _read_ahead(sock)
            ready = dict(poll.poll(0 if ahead else 500))
            if self._waking.fileno() in ready:
                self._drain()
            self._answer()
            if ahead or ready.get(sock.fileno(), 0) & ~select.POLLOUT:
                self._read()
            if client.socket() is not None and client.want_write():
                client.loop_write()
            client.loop_misc()
        return self._refused or f"the connection to {self.broker.address} was lost"

    def _read(self) -> None:
        """Read the packets that are there."""
        for _ in range(READS):
            before = self.received
            # The library itself reads one packet at a time.
            if self._client.loop_read() or self._client.socket() is None:
                return
            if self.received == before or not self._room():
                return

    def _answer(self) -> None:
        """Send the acknowledgements that wait, those of this connection."""
        while self._answers:
            for delivery in self._answers.popleft():
                self.acknowledged += 1
                # Over an earlier connection: the broker hands it over again.
                if delivery.mid and delivery.connection == self._connection:
                    self._client.ack(delivery.mid, 1)
                    self._open.pop(delivery.mid, None)

    def _part(self) -> None:
        """Write what waits to be written, last that we go."""
        self._client.disconnect()
        last = time.monotonic() + PARTING
        while (sock := self._client.socket()) is not None and time.monotonic() < last:
            poll = select.poll()
            poll.register(sock.fileno(), select.POLLOUT)
            poll.poll(100)
            self._client.loop_write()

    def _wake(self) -> None:
        """Make the thread of `run` look up."""
        # Where it is full there is reason enough to look up already; where it is closed
        # nobody looks any more.
        with suppress(OSError):
            self._woken.send(b"1")

    def _drain(self) -> None:
        """Forget that we were woken."""
        with suppress(BlockingIOError):
            self._waking.recv(65_536)

    def _say(self, text: str) -> None:
        """Keep and tell a fault."""
        self.error = text
        self._tell(text)

    # -- called by the library -------------------------------------------------------

    def _on_connect(
        self,
        client: paho.Client,
        _data: object,
        flags: "ConnectFlags",
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refused = _refusal(str(reason), self.broker)
            return
        again = self.settled.is_set()
        if again and not flags.session_present:
            self.forgotten += 1
            self._say(
                f"{self.broker.address} knows nothing of our session: what was sent while "
                "we were away is lost; let the broker keep sessions (persistence true)"
            )
        if not flags.session_present:
            self._before = {}
        elif self._dropped:
            client.unsubscribe(self._dropped)
        if self.broker.mqtt5:
            # Retained messages once, not at every start.
            options = SubscribeOptions(
                qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB
            )
            client.subscribe([(topic, options) for topic in self.topics])
        else:
            client.subscribe([(topic, 1) for topic in self.topics])

    def _on_subscribe(
        self,
        client: paho.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        denied = [
            f"{topic} ({reason})"
            for topic, reason in zip(self.topics, reasons, strict=True)
            if reason.is_failure
        ]
        if denied:
            self._refused = (
                f"{self.broker.address} must let us subscribe, but refused "
                f"{told_topics(denied)}; give this user the right to read there"
            )
            client.disconnect()
            return
        unsafe = [
            topic
            for topic, reason in zip(self.topics, reasons, strict=True)
            if reason.value == 0
        ]
        if unsafe:
            self._say(
                f"{self.broker.address} grants no more than QoS 0 on "
                f"{told_topics(unsafe)}: messages may be lost on the way to us"
            )
        self.connected = True
        if self.settled.is_set():
            self.reconnects += 1
            self._tell(f"connected again to {self.broker.address}")
        self.settled.set()

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: object,
        flags: "DisconnectFlags",
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server and not self._refused:
            self._refused = f"{self.broker.address} ended the connection: {reason}"
            if "taken over" in str(reason).lower():
                self._refused += f"; {TWINS}"
        elif not self.connected and not self._refused:
            self._refused = (
                f"{self.broker.address} closed the connection instead of answering; "
                "look whether it wants mqtts://, a certificate of ours (--cert, --key), "
                "or another version of MQTT"
            )

    def _on_message(
        self, _client: paho.Client, _data: object, message: "MQTTMessage"
    ) -> None:
        self.received += 1
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self.heard = time.time_ns() // 1000
        mid = message.mid if message.qos else 0
        body = bytes(message.payload)
        arrived = self.heard
        if message.dup and mid in self._before:
            before = self._before.pop(mid)
            if (before.topic, before.body) == (topic, body):
                arrived = before.arrived
        kind = getattr(message.properties, "ContentType", "") or ""
        delivery = Delivery(
            body, topic, kind, arrived, mid, self._connection, message.retain
        )
        self._deliver(delivery)
        if mid:
            self._open[mid] = delivery


def connection_fault(error: OSError, broker: Broker) -> str:
    """Return why a broker was not reached, and what to do."""
    address = broker.address
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{address} must show a certificate that can be trusted: "
            f"{error.verify_message or error}; give the file of who vouches for it with "
            "--ca, and the host as the certificate names it"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"{address} must speak TLS: {error.reason or error}; look at the port, and at "
            "our certificate (--cert, --key) if it wants one"
        )
    if isinstance(error, socket.gaierror):
        return f"{address} must be a host that is known: {error.strerror or error}"
    if isinstance(error, ConnectionResetError):
        return (
            f"{address} must greet us, but broke off; is the port one "
            f"{'with' if broker.tls else 'without'} TLS?"
        )
    if isinstance(error, TimeoutError):
        return f"{address} must answer within {PATIENCE:g} s; is the broker running?"
    return f"{address} must be reachable: {error.strerror or error}; is the broker running?"


def _refusal(reason: str, broker: Broker) -> str:
    """Return why a broker lets nobody in, and what to do."""
    remedy = {
        "Bad user name or password": "look at --user and at the password",
        "Not authorized": "look at --user and at the password",
        "Client identifier not valid": "choose another --client-id",
        "Unsupported protocol version": "try with or without --mqtt5",
    }.get(reason, "look at the broker's log")
    return f"{broker.address} must let us in, but refused: {reason}; {remedy}"


def _read_ahead(sock: object) -> bool:
    """Return whether TLS holds bytes that no socket will announce."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
