"""Let messages of any form in: all that they say is kept, or put aside with the reason."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from twin.ingest import mapping as names
from twin.ingest.admission import Admission, Content, admit_batch, row_text
from twin.ingest.checks import (
    EARLY,
    Reason,
    Refusal,
    Way,
    check_known,
    check_range,
    source_of,
    time_text,
    way_to,
)
from twin.ingest.mapping import Mapping, Target
from twin.ingest.payloads import native, senml
from twin.ingest.payloads.collector import ENCODER
from twin.ingest.payloads.forms import FORMS, decode
from twin.ingest.predecessors import Predecessors
from twin.ingest.readings import Decoded, Reading
from twin.live import SIMULATED
from twin.model import Model
from twin.store.log import now
from twin.store.protocol import Store
from twin.store.records import Observation, Quality, Receipt, Refused

__all__ = ["Admission", "Intake", "Message", "Reason"]

MEASURED = "measured"
"""Source of values whose message tells none. It is one for all ways in: the same value by
another way is the same statement."""

TOPIC = " topic "
"""Stands between the address and the topic in the origin of a refused row."""

MOST_WAYS = 200_000
"""Names whose way is remembered; those of whoever makes up names are forgotten."""

MOST_PASSED = 100
"""Kinds of other things in messages that are counted."""

_CLOCK = Quality.CLOCK.value
_SIMULATED = Quality.SIMULATED.value


@dataclass(frozen=True, slots=True)
class Message:
    """Something that was sent.

    Attributes
    ----------
    body : bytes
        As it came.
    origin : str
        Where it came from: an address, a file.
    topic : str
        Topic or address that it was sent to.
    content_type : str
        As told with it.
    arrived : int
        When it came [microseconds since 1970, UTC]; 0 is now.
    form : str
        Name of its form where that is known (`twin.ingest.payloads.forms.FORMS`).
    """

    body: bytes
    origin: str
    topic: str = ""
    content_type: str = ""
    arrived: int = 0
    form: str = ""


class Intake:
    """The one way by which messages come into a store, whoever sends them.

    Parameters
    ----------
    model : Model
        Its points are known; their quantities give unit, range and rate.
    store : Store
        Where values are kept.
    mapping : Mapping, optional
        Points of the names that devices use. Rows of our own form name points.
    clock : callable
        Returns the time [microseconds since 1970, UTC].
    source : str
        Source of values whose message tells none.
    simulated : bool
        Whether everything that comes is made up, whatever it says. Rows that say so
        themselves, by their source or a flag, are made up anyway.

    Attributes
    ----------
    unwanted : int
        Values so far that the mapping knows and does not want.
    passed : Counter of str
        What was no measured value: sentences of decoders, and answers and faults that
        devices told, with how many messages had them; the first `MOST_PASSED` kinds.
    """

    def __init__(
        self,
        model: Model,
        store: Store,
        mapping: Mapping | None = None,
        *,
        clock: Callable[[], int] = now,
        source: str = MEASURED,
        simulated: bool = False,
    ) -> None:
        self._points = {point.id: point for point in model.points}
        self._store = store
        self._mapping = Mapping([]) if mapping is None else mapping
        self._clock = clock
        self._source = source_of(source, simulated=simulated)
        self._simulated = simulated
        self._predecessors = Predecessors(store)
        self._ways: dict[tuple[str, str, str], Way] = {}
        self._only: dict[Target, str] = {}
        self.unwanted = 0
        self.passed: Counter[str] = Counter()

    def take(self, messages: Sequence[Message]) -> Admission:
        """Keep what messages say, as one batch; when this returns, it is on the disk.

        Parameters
        ----------
        messages : sequence of Message
            Of any form; a thousand values together are a good size.

        Returns
        -------
        Admission
            ``number`` of a refused row is its place among the rows of all messages.

        Raises
        ------
        OutputError, SourceError
            If the store cannot be written; then nothing of the batch is kept.
        """
        return self.take_each(messages)[0]

    def take_each(
        self, messages: Sequence[Message], *, waiting: Collection[Content] = ()
    ) -> tuple[Admission, list[list[Refused]]]:
        """Do as `take` does, and tell the refused rows of each message.

        Parameters
        ----------
        messages : sequence of Message
        waiting : collection of Content
            Refused rows that wait in the quarantine already, and are not put there again.
        """
        batch = self._checked(messages, self._clock())
        admission = admit_batch(
            self._store,
            self._predecessors,
            batch.rows,
            batch.ways,
            refused=batch.refused,
            put_aside=batch.put_aside,
            waiting=waiting,
        )
        self.unwanted += batch.unwanted
        by_message: list[list[Refused]] = [[] for _ in messages]
        for row in admission.refused:
            by_message[bisect_right(batch.starts, row.number) - 1].append(row)
        return admission, by_message

    def judge(self, messages: Sequence[Message]) -> Admission:
        """Say what `take` would do with rows by themselves, and keep nothing.

        What depends on values before, and what is known already, is not looked at.
        """
        batch = self._checked(messages, self._clock())
        counts = Receipt(len(batch.rows), 0, 0, len(batch.refused), self._store.sequence)
        return Admission(counts, tuple(batch.refused))

    def _checked(self, messages: Sequence[Message], moment: int) -> "_Batch":
        """Return what holds by itself and what does not."""
        batch = _Batch([], [], [], [], [])
        for message in messages:
            arrived = message.arrived or moment
            decoded = _decoded(message, arrived)
            for note in (*decoded.notes, *(f"{one.kind} told" for one in decoded.events)):
                if note in self.passed or len(self.passed) < MOST_PASSED:
                    self.passed[note] += 1
            letter = _Letter(message, decoded, batch.count, _origin(message))
            batch.starts.append(batch.count)
            batch.count += letter.rows
            batch.refused += [
                replace(row, number=letter.start + row.number, origin=letter.origin)
                for row in decoded.refused
            ]
            self._check(batch, letter, arrived, moment)
        return batch

    def _check(self, batch: "_Batch", letter: "_Letter", arrived: int, moment: int) -> None:
        """Add the readings of a message to a batch."""
        ways, rows, taken, latest = self._ways, batch.rows, batch.ways, moment + EARLY
        envelope = _by_arrival(letter)
        bare = envelope and letter.is_bare
        for place, reading in enumerate(letter.decoded.readings):
            time, value, unit = reading.time, reading.value, reading.unit
            quality = reading.quality
            try:
                key = (reading.device, reading.name, unit)
                way = ways.get(key)
                when = arrived if time is None else time
                if way is None or not way.valid_from <= when < way.valid_to:
                    way = self._way(reading, when, bare=bare)
                if not way.point:
                    batch.unwanted += 1
                    continue
                if time is None:
                    if not (envelope or way.by_arrival):
                        raise _timeless(reading)
                    time = arrived
                    quality |= _CLOCK
                source = reading.source
                simulated = (
                    self._simulated or bool(quality & _SIMULATED) or source == SIMULATED
                )
                source = (
                    source_of(source, simulated=simulated)
                    if source or simulated
                    else self._source
                )
                if source == SIMULATED:
                    quality |= _SIMULATED
                elif time + way.length > latest:
                    check_known(way, time, moment)
                if value is not None:
                    # Adding zero turns -0 into 0.
                    value = value * way.factor + way.offset + 0.0
                    if not way.low <= value <= way.high:
                        check_range(way, value)
            except Refusal as refusal:
                batch.refused.append(letter.put_aside(place, refusal, arrived))
                continue
            rows.append(_observation(way.point, time, value, source, quality, reading))
            taken.append(way)
            batch.origins.append((letter, place, arrived))

    def _way(self, reading: Reading, when: int, *, bare: bool) -> Way:
        """Return the way of a reading, and remember it."""
        way = self._found(reading, when, bare=bare)
        if not bare:
            if len(self._ways) >= MOST_WAYS:
                self._ways.clear()
            self._ways[reading.device, reading.name, reading.unit] = way
        return way

    def _found(self, reading: Reading, when: int, *, bare: bool) -> Way:
        """Return the way of a reading."""
        if not reading.device:
            point = self._points.get(reading.name)
            if point is None:
                text = f"point must be one of the twin's, got {reading.name[:80]!r}"
                raise Refusal(Reason.POINT, text)
            # A bare number on the topic of a point is in that point's unit.
            return way_to(point, point.quantity.unit if bare else reading.unit)
        target = self._mapping.find(reading.device, reading.name, when)
        if target is None:
            text = (
                f"the mapping must name {reading.name[:80]!r} of device "
                f"{reading.device[:80]!r} at {time_text(when)}; add it, and feed the "
                "quarantine again"
            )
            raise Refusal(Reason.POINT, text)
        if not target.point:
            return Way("", None, valid_from=target.valid_from, valid_to=target.valid_to)
        point = self._points.get(target.point)
        if point is None:
            text = f"the mapping leads to {target.point!r}, which the twin does not have"
            raise Refusal(Reason.POINT, text)
        self._check_only(target, reading)
        return way_to(
            point,
            target.unit or reading.unit,
            factor=target.factor,
            offset=target.offset,
            valid_from=target.valid_from,
            valid_to=target.valid_to,
            by_arrival=target.by_arrival,
        )

    def _check_only(self, target: Target, reading: Reading) -> None:
        """Refuse a second name of a device whose names all lead to one point."""
        if not target.any_name:
            return
        first = self._only.setdefault(target, reading.name)
        if first != reading.name:
            text = (
                f"device {reading.device[:80]!r} must have one name where the mapping has "
                f"{names.ANY}, got {first[:80]!r} and {reading.name[:80]!r}; map each"
            )
            raise Refusal(Reason.POINT, text)


@dataclass(slots=True)
class _Letter:
    """A message that was opened."""

    message: Message
    decoded: Decoded
    start: int
    origin: str
    _numbers: list[int] | None = None

    @property
    def rows(self) -> int:
        """How many rows the message has; decoders may leave numbers out."""
        refused = self.decoded.refused
        last = max((row.number for row in refused), default=0)
        return max(len(self.decoded.readings) + len(refused), last + 1)

    @property
    def is_bare(self) -> bool:
        """Whether the message is a number and nothing else."""
        return self.message.body.lstrip()[:1] not in (b"{", b"[")

    def put_aside(self, place: int, refusal: Refusal, arrived: int) -> Refused:
        """Return a reading as refused row that can be fed again by itself."""
        if self._numbers is None:
            gone = {row.number for row in self.decoded.refused}
            self._numbers = [number for number in range(self.rows) if number not in gone]
        reading = self.decoded.readings[place]
        row = native.encode(reading)
        shown = row
        if reading.time is None and _by_arrival(self):
            # Fed again it must be of the same time, or it would be another statement.
            row |= {"time_us": arrived, "quality": reading.quality | _CLOCK}
        elif reading.time is None:
            # Two that came one after the other are two, though they say the same.
            shown = {**row, "arrived_us": arrived}
        return Refused(
            self.start + self._numbers[place],
            refusal.reason.value,
            str(refusal),
            row_text(shown),
            origin=self.origin,
            form=native.FORM,
            payload=ENCODER.encode(row),
        )


@dataclass(slots=True)
class _Batch:
    """Rows of several messages."""

    rows: list[Observation]
    ways: list[Way]
    origins: list[tuple[_Letter, int, int]]
    refused: list[Refused]
    starts: list[int]
    count: int = 0
    unwanted: int = 0

    def put_aside(self, place: int, refusal: Refusal) -> Refused:
        """Return a row that held by itself as refused row."""
        letter, spot, arrived = self.origins[place]
        return letter.put_aside(spot, refusal, arrived)


def _decoded(message: Message, arrived: int) -> Decoded:
    """Return the readings of a message."""
    if message.form in FORMS:
        return FORMS[message.form](message.body, topic=message.topic, arrival=arrived)
    return decode(
        message.body,
        topic=message.topic,
        content_type=message.content_type,
        arrival=arrived,
    )


def _by_arrival(letter: _Letter) -> bool:
    """Return whether a message says that values without a time are of its arrival.

    SenML does (RFC 8428: no time is now), and so does who publishes on our own topics.
    """
    form = letter.decoded.form
    return form == senml.FORM or bool(
        form in (native.FORM, native.LINES) and native.point_of_topic(letter.message.topic)
    )


def _timeless(reading: Reading) -> Refusal:
    """Say that a reading has no time."""
    text = (
        f"a value must have a time, {reading.name[:80]!r} of "
        f"{reading.device[:80] or 'no device'!r} has none; if its arrival counts, say so "
        "in the mapping"
    )
    return Refusal(Reason.TIME, text)


def _origin(message: Message) -> str:
    """Return where a message came from, with its topic."""
    if not message.topic:
        return message.origin
    return f"{message.origin}{TOPIC}{message.topic}"


_new = object.__new__
_point, _time, _value, _source, _quality, _version = (
    getattr(Observation, name).__set__
    for name in ("point", "time", "value", "source", "quality", "version")
)


# The constructor of a frozen class takes twice as long as setting its slots.
def _observation(
    point: str, time: int, value: float | None, source: str, quality: int, reading: Reading
) -> Observation:
    """Return a statement."""
    row = _new(Observation)
    _point(row, point)
    _time(row, time)
    _value(row, value)
    _source(row, source)
    _quality(row, quality)
    _version(row, reading.version)
    return row
