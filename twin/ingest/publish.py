"""Send observations as devices do: through a broker or to our own interface.

What was not acknowledged is sent again, and only so much is under way at a time. Values
that arrive twice are one statement in the store: to send them again does no harm.
"""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
import paho.mqtt.client as paho
import requests
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from gis.errors import OutputError, SourceError, TableError
from twin.ingest.mqtt_address import Broker, trust
from twin.ingest.mqtt_link import connection_fault
from twin.store.records import Observation

UNDERWAY = 200
"""Messages without an acknowledgement at most."""

PATIENCE = 60.0
"""Seconds without any acknowledgement after which it is given up."""

KEEPALIVE = 30
"""Seconds after which a silent connection is asked whether it still is one."""

WILD = frozenset("+#\0")
"""Letters that no topic holds."""

ENOUGH = 0x80
"""Reason codes of MQTT 5 from which on something has failed."""

NOBODY = 0x10
"""Reason code of MQTT 5 that says that nobody is subscribed: the message is gone."""

FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
"""Seconds before a request is sent again; each wait doubles."""

AGAIN = frozenset((408, 429, 500, 502, 503, 504))
"""Answers after which a request may be sent again."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message to be sent.

    Attributes
    ----------
    topic : str
    body : bytes
    rows : int
        Observations in it.
    """

    topic: str
    body: bytes
    rows: int


@dataclass(frozen=True)
class Sent:
    """What was sent and acknowledged.

    Attributes
    ----------
    messages, rows : int
    unheard : int
        Messages that the broker took though nobody was subscribed; they are gone. Only
        told by MQTT 5.
    repeats : int
        How often a connection or request was made again.
    """

    messages: int
    rows: int
    unheard: int = 0
    repeats: int = 0


def pack(
    rows: Iterable[Observation],
    *,
    units: Mapping[str, str],
    owner: str = "twin",
    most: int = 1,
) -> Iterator[Parcel]:
    """Pack observations into messages of our own form, in their order.

    Parameters
    ----------
    rows : iterable of Observation
    units : mapping
        Unit of each point.
    owner : str
        Who sends, the third level of the topic.
    most : int
        Observations in a message; consecutive ones of one system share messages. 1 is what
        most meters do.

    Yields
    ------
    Parcel
        One row on ``hid/v1/{owner}/{point}/obs``, several on
        ``hid/v1/{owner}/{system}/rows``.

    Raises
    ------
    TableError
        If a point has no unit, ``most`` is none, or ``owner`` no level of a topic.

    Examples
    --------
    >>> (parcel,) = pack([Observation("b1/heat/power", 0, 2.5, "me")],
    ...                  units={"b1/heat/power": "kW"})
    >>> parcel.topic
    'hid/v1/twin/b1/heat/power/obs'
    """
    if most < 1:
        message = f"a message must have 1 observation or more, got most={most}"
        raise TableError(message)
    if not owner or set(owner) & WILD or "/" in owner:
        message = f"an owner must be a name without / + and #, got {owner!r}"
        raise TableError(message)
    held: list[dict[str, object]] = []
    place = ""
    for row in rows:
        system = row.point.rpartition("/")[0]
        if held and (len(held) >= most or system != place):
            yield _parcel(held, owner, place)
            held = []
        place = system
        held.append(_row(row, units))
    if held:
        yield _parcel(held, owner, place)


def publish_mqtt(
    parcels: Iterable[Parcel],
    broker: Broker,
    *,
    client: str = "",
    underway: int = UNDERWAY,
    patience: float = PATIENCE,
) -> Sent:
    """Publish messages at QoS 1; when this returns, the broker has acknowledged them all.

    Parameters
    ----------
    parcels : iterable of Parcel
        Taken as they are sent: whoever wants a pace waits between them.
    broker : Broker
        With `Broker.mqtt5` refusals and missing subscribers are told; brokers of 3.1.1
        acknowledge what they refuse.
    client : str
        Name that the broker knows us by; "" lets it choose.
    underway : int
        Messages without an acknowledgement at most.
    patience : float
        Seconds without any acknowledgement after which it is given up.

    Raises
    ------
    SourceError
        If the broker is not reached at first, or does not let us in.
    OutputError
        If it refuses messages, or answers no more.
    """
    post = _Post(broker, client, underway)
    post.open(patience)
    try:
        for parcel in parcels:
            post.send(parcel, patience)
        post.finish(patience)
    finally:
        post.close()
    return post.sent()


def publish_http(
    parcels: Iterable[Parcel],
    address: str,
    *,
    token: str | None = None,
    patience: float = PATIENCE,
) -> Sent:
    """Post messages one by one; when this returns, all of them were answered with 2xx.

    Parameters
    ----------
    parcels : iterable of Parcel
    address : str
        Where our interface takes messages, such as ``http://127.0.0.1:8000/ingest``.
    token : str, optional
        Bearer token.
    patience : float
        Seconds without any 2xx after which it is given up.

    Raises
    ------
    OutputError
        If a message is refused, or nobody answers.
    """
    headers = {"Content-Type": "application/vnd.heidi+json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    messages = rows = repeats = 0
    with requests.Session() as session:
        for parcel in parcels:
            last, wait = time.monotonic() + patience, FIRST_WAIT
            while True:
                fault, pause = _post(session, address, parcel.body, headers)
                if not fault:
                    break
                repeats += 1
                wait = max(wait, pause)
                if time.monotonic() + wait > last:
                    message = (
                        f"{address} must take messages, but {fault}; {messages:,} were "
                        "taken, send the rest again"
                    )
                    raise OutputError(message)
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            messages += 1
            rows += parcel.rows
    return Sent(messages, rows, repeats=repeats)


class _Post:
    """A connection that messages are sent over."""

    def __init__(self, broker: Broker, client: str, underway: int) -> None:
        self._broker = broker
        self._messages = self._rows = self._unheard = self._acknowledged = 0
        self._connections = 0
        self._refused = self._kept_out = ""
        self._news = threading.Condition()
        self._underway = underway
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client,
            # The library itself sends again what was not acknowledged.
            clean_session=None if broker.mqtt5 else True,
            protocol=paho.MQTTv5 if broker.mqtt5 else paho.MQTTv311,
        )
        self._client.max_inflight_messages_set(underway)
        self._client.reconnect_delay_set(1, 10)
        if broker.user:
            self._client.username_pw_set(broker.user, broker.password or None)
        if broker.tls:
            self._client.tls_set_context(trust(broker))
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish

    def open(self, patience: float) -> None:
        """Connect."""
        try:
            self._client.connect(self._broker.host, self._broker.port, KEEPALIVE)
        except OSError as error:
            raise SourceError(connection_fault(error, self._broker)) from error
        self._client.loop_start()
        with self._news:
            done = self._news.wait_for(
                lambda: self._connections or self._kept_out, patience
            )
        if not done or self._kept_out:
            self.close()
            why = self._kept_out or f"it did not answer within {patience:g} s"
            message = f"{self._broker.address} must let us in, but: {why}"
            raise SourceError(message)

    def send(self, parcel: Parcel, patience: float) -> None:
        """Send a message once there is room under way."""
        self._wait(self._underway - 1, patience)
        told = self._client.publish(parcel.topic, parcel.body, qos=1)
        # Without a connection the library keeps it and sends it over the next one.
        if told.rc not in (paho.MQTT_ERR_SUCCESS, paho.MQTT_ERR_NO_CONN):
            message = (
                f"{self._broker.address} must take {parcel.topic}: "
                f"{paho.error_string(told.rc)}"
            )
            raise OutputError(message)
        self._messages += 1
        self._rows += parcel.rows

    def finish(self, patience: float) -> None:
        """Wait for the last acknowledgement."""
        self._wait(0, patience)

    def close(self) -> None:
        """End the connection."""
        self._client.disconnect()
        self._client.loop_stop()

    def sent(self) -> Sent:
        """Return what was sent."""
        repeats = max(0, self._connections - 1)
        return Sent(self._messages, self._rows, self._unheard, repeats)

    def _wait(self, most: int, patience: float) -> None:
        """Wait until at most so many messages are under way."""
        with self._news:
            while self._messages - self._acknowledged > most and not self._refused:
                before = self._acknowledged
                self._news.wait_for(
                    lambda: self._acknowledged > before or self._refused,  # noqa: B023
                    patience,
                )
                if self._acknowledged == before and not self._refused:
                    message = (
                        f"{self._broker.address} must acknowledge, but did not for "
                        f"{patience:g} s; {self._acknowledged:,} messages were "
                        "acknowledged, send the rest again"
                    )
                    raise OutputError(message)
        if self._refused:
            message = (
                f"{self._broker.address} must take messages, but refused one: "
                f"{self._refused}; give this user the right to write there"
            )
            raise OutputError(message)

    def _on_connect(
        self,
        _client: paho.Client,
        _data: object,
        _flags: object,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._news:
            if reason.is_failure:
                self._kept_out = str(reason)
            else:
                self._connections += 1
            self._news.notify_all()

    def _on_publish(
        self,
        _client: paho.Client,
        _data: object,
        _mid: int,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        with self._news:
            self._acknowledged += 1
            if reason.value >= ENOUGH:
                self._refused = str(reason)
            self._unheard += reason.value == NOBODY
            self._news.notify_all()


def _post(
    session: requests.Session, address: str, body: bytes, headers: Mapping[str, str]
) -> tuple[str, float]:
    """Post once; return why it may be posted again, "" if it was taken, and after when."""
    try:
        answer = session.post(address, data=body, headers=headers, timeout=30)
    except requests.ConnectionError:
        return "nobody answers there", 0.0
    except requests.Timeout:
        return "there was no answer within 30 s", 0.0
    except requests.RequestException as error:
        message = f"{address} must be an address like http://127.0.0.1:8000/ingest: {error}"
        raise OutputError(message) from error
    if answer.ok:
        return "", 0.0
    if answer.status_code in AGAIN:
        later = answer.headers.get("Retry-After", "")
        pause = float(later) if later.isdecimal() else 0.0
        return f"it answers {answer.status_code}", min(pause, LONGEST_WAIT)
    text = " ".join(answer.text.split())[:200]
    message = f"{address} must take messages, got {answer.status_code}: {text}"
    raise OutputError(message)


def _row(row: Observation, units: Mapping[str, str]) -> dict[str, object]:
    """Return an observation as row of our own form."""
    unit = units.get(row.point)
    if unit is None:
        message = f"a point must have a unit, {row.point!r} has none"
        raise TableError(message)
    told: dict[str, object] = {
        "point": row.point,
        "time_us": row.time,
        "value": row.value,
        "unit": unit,
        "source": row.source,
    }
    if row.version:
        told["version"] = row.version
    if row.quality:
        told["quality"] = row.quality
    return told


def _parcel(held: list[dict[str, object]], owner: str, system: str) -> Parcel:
    """Return rows as message."""
    if len(held) == 1:
        place = f"{held[0]['point']}/obs"
        body = msgspec.json.encode(held[0])
    else:
        place = f"{system}/rows"
        body = msgspec.json.encode(held)
    # Ids may hold what topics must not; rows name their points themselves.
    topic = f"hid/v1/{owner}/{'rows' if set(place) & WILD else place}"
    return Parcel(topic, body, len(held))
