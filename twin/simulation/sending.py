"""Send simulated values into a store, or over the ways that real devices take."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from gis.errors import TableError
from twin.ingest.intake import Intake, Message
from twin.ingest.mqtt_address import read_broker
from twin.ingest.publish import Parcel, Sent, pack, publish_http, publish_mqtt
from twin.simulation.demand import SOURCE
from twin.simulation.run import Run
from twin.simulation.transport import Delivery, deliver, units_of
from twin.store.protocol import Store
from twin.store.records import Observation, Quality, Receipt

BATCH = 5000
"""Values that are stored at once."""

INGEST = "/api/ingest"
"""Where our interface takes messages."""

TOGETHER = 100
"""Values of one system that share a message to a broker."""

BUNDLE = 1000
"""Values that share a request."""

Told = Callable[[float], None]


def feed_run(
    run: Run,
    store: Store,
    *,
    pace: float = 0.0,
    progress: Told | None = None,
) -> Receipt:
    """Feed a run through the intake, as messages of our own form.

    Parameters
    ----------
    run : Run
    store : Store
    pace : float
        Seconds that an hour of the run takes; 0: at once.
    progress : callable, optional
        Told the share that is on the disk.

    Returns
    -------
    Receipt
        Sums of all batches.

    Raises
    ------
    OutputError, SourceError
        If the store cannot be written.
    TableError
        If it holds measured values.
    """
    check_kind(store)
    intake = Intake(run.model, store, simulated=True)
    units = units_of(run.model)
    counts = [0, 0, 0, 0]
    sequence = store.sequence
    for delivery in _gathered(_paced(run, pace), BATCH if pace == 0 else 1):
        message = Message(encode(delivery.rows, units), "heidi simulate")
        receipt = intake.take([message]).receipt
        own = (receipt.new, receipt.repeated, receipt.revised, receipt.refused)
        counts = [a + b for a, b in zip(counts, own, strict=True)]
        sequence = receipt.sequence
        if progress:
            progress((delivery.moment - run.start) / max(run.end - run.start, 1))
    return Receipt(counts[0], counts[1], counts[2], counts[3], sequence)


def encode(rows: Iterable[Observation], units: Mapping[str, str]) -> bytes:
    """Return observations as one message of our own form, a table by columns."""
    listed = list(rows)
    return msgspec.json.encode(
        {
            "point": [row.point for row in listed],
            "time_us": [row.time for row in listed],
            "value": [row.value for row in listed],
            "unit": [units[row.point] for row in listed],
            "quality": Quality.SIMULATED.value,
            "source": SOURCE,
        }
    )


def publish_run(
    run: Run,
    address: str,
    *,
    token: str | None = None,
    pace: float = 0.0,
    progress: Told | None = None,
) -> Sent:
    """Publish a run to a broker or to our interface; it returns once all is acknowledged.

    Parameters
    ----------
    run : Run
    address : str
        ``mqtt://host:port``, ``mqtts://host:port`` or ``http://host:port``.
    token : str, optional
        Bearer token, for HTTP.
    pace : float
        Seconds that an hour of the run takes; 0: at once.
    progress : callable, optional
        Told the share that is on its way.

    Raises
    ------
    TableError
        If the address is none of these.
    SourceError, OutputError
        If nobody is there, or messages are refused.

    Notes
    -----
    Topics are ``hid/v1/simulated/...``, and every row says source and quality besides.
    A broker gets a message for each system and moment, our interface one for each moment.
    """
    scheme = address.strip().partition("://")[0].lower()
    if scheme in ("mqtt", "mqtts"):
        return publish_mqtt(_parcels(run, pace, progress), read_broker(address))
    if scheme in ("http", "https"):
        place = address.strip().rstrip("/")
        if not place.endswith(INGEST):
            place += INGEST
        return publish_http(_bundles(run, pace, progress), place, token=token)
    message = (
        "values can be sent to mqtt://host:1883, mqtts://host:8883 or http://host:8000, "
        f"got {address[:80]!r}"
    )
    raise TableError(message)


def check_kind(store: Store) -> None:
    """Refuse a store that holds values that were measured.

    Raises
    ------
    TableError
        If it holds any.
    """
    real = [source for source in store.sources() if source != SOURCE]
    if real:
        message = (
            "simulated values must not mix with measured ones, but the store holds values "
            f"of {', '.join(real[:3])}; simulate in a copy of the folder without them"
        )
        raise TableError(message)


def _parcels(run: Run, pace: float, progress: Told | None) -> Iterator[Parcel]:
    """Yield messages as they are to be sent."""
    units = units_of(run.model)
    for delivery in _paced(run, pace):
        yield from pack(delivery.rows, units=units, owner=SOURCE, most=TOGETHER)
        if progress:
            progress((delivery.moment - run.start) / max(run.end - run.start, 1))


def _bundles(run: Run, pace: float, progress: Told | None) -> Iterator[Parcel]:
    """Yield requests: what arrives together is sent together, as collectors do."""
    units = units_of(run.model)
    for delivery in _paced(run, pace):
        for first in range(0, len(delivery.rows), BUNDLE):
            rows = delivery.rows[first : first + BUNDLE]
            yield Parcel("", encode(rows, units), len(rows))
        if progress:
            progress((delivery.moment - run.start) / max(run.end - run.start, 1))


def _paced(run: Run, pace: float) -> Iterator[Delivery]:
    """Yield deliveries, each as long after the one before as the pace wants."""
    before: int | None = None
    for delivery in deliver(run.tracks, run.model, run.plan, seed=run.seed):
        if pace and before is not None:
            time.sleep(pace * (delivery.moment - before) / 3.6e9)
        before = delivery.moment
        yield delivery


def _gathered(deliveries: Iterable[Delivery], size: int) -> Iterator[Delivery]:
    """Join deliveries until they have so many values."""
    rows: list[Observation] = []
    moment = 0
    for delivery in deliveries:
        rows += delivery.rows
        moment = delivery.moment
        if len(rows) >= size:
            yield Delivery(moment, rows)
            rows = []
    if rows:
        yield Delivery(moment, rows)
