"""Feed what waits in the quarantine again, once its cause is mended."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from twin.ingest.checks import Reason
from twin.ingest.intake import TOPIC, Intake, Message
from twin.ingest.letters import ARRIVED
from twin.ingest.mapping import Mapping, suggest
from twin.ingest.payloads import native
from twin.ingest.payloads.fields import EARLIEST, LATEST
from twin.ingest.payloads.forms import FORMS, decode
from twin.ingest.readings import Reading
from twin.model import Model
from twin.store.log import now
from twin.store.protocol import Store
from twin.store.records import Quarantined, Refused

BATCH = 1_000
"""Rows that are fed as one batch."""

MOST = 1_000_000
"""Rows of the quarantine that are looked at."""


@dataclass(frozen=True)
class Replay:
    """What became of the rows that waited.

    Attributes
    ----------
    waited : int
        Rows that waited.
    released : int
        Those of them that hold now; the others wait on as the rows that they are.
    new, repeated, revised : int
        Values they brought (`twin.store.records.Receipt`).
    without_payload : int
        Those that only their file can feed again.
    reasons : dict of str to int
        Why rows are still refused, each counted once.
    changed : dict of int to Refused
        By their numbers, rows that are now refused for another reason than they were.
    """

    waited: int
    released: int
    new: int
    repeated: int
    revised: int
    without_payload: int
    reasons: dict[str, int]
    changed: dict[int, Refused]


def replay(
    store: Store,
    model: Model,
    mapping: Mapping | None = None,
    *,
    reason: str | None = None,
    clock: Callable[[], int] = now,
    tell: Callable[[float], None] = lambda _: None,
) -> Replay:
    """Feed all rows that wait through the intake; those that hold are released.

    Parameters
    ----------
    store : Store
    model : Model
    mapping : Mapping, optional
        As it is now.
    reason : str, optional
        Only rows that were refused for it.
    clock : callable
        Returns the time [microseconds since 1970, UTC].
    tell : callable
        Told the share that is done.

    Raises
    ------
    OutputError, SourceError
        If the store cannot be written; batches before are kept.
    """
    intake = Intake(model, store, mapping, clock=clock)
    rows = store.quarantine(count=MOST, reason=reason, waiting=True)
    # In the order in which they came: the value before a value must be there first.
    fed = sorted(
        (row for row in rows if row.payload), key=lambda row: (row.first_known, row.number)
    )
    new = repeated = revised = released = 0
    reasons: Counter[str] = Counter()
    changed: dict[int, Refused] = {}
    for start in range(0, len(fed), BATCH):
        some = fed[start : start + BATCH]
        admission, refused = intake.take_each([message_of(row) for row in some], wait=True)
        done = []
        for row, still in zip(some, refused, strict=True):
            if not still:
                done.append(row.number)
                continue
            # Of a message of several rows those that hold are in, and it waits for the
            # others: fed once more, the first are known.
            reasons[still[0].reason] += 1
            if all(one.reason != row.reason for one in still):
                changed[row.number] = still[0]
        released += store.release(done)
        receipt = admission.receipt
        new += receipt.new
        repeated += receipt.repeated
        revised += receipt.revised
        tell((start + len(some)) / len(fed))
    left = len(rows) - len(fed)
    return Replay(len(rows), released, new, repeated, revised, left, dict(reasons), changed)


def message_of(row: Quarantined) -> Message:
    """Return a refused row as the message that it is, of when it came."""
    origin, _, topic = row.origin.partition(TOPIC)
    return Message(row.payload, origin, topic, arrived=_arrived(row), form=row.form)


def _arrived(row: Quarantined) -> int:
    """Return when a refused row came: of files that is when they were written."""
    # Stores of before have it only in the text.
    for text in (row.payload, row.row) if row.form == native.FORM else ():
        try:
            told = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            continue
        when = told.get(ARRIVED) if isinstance(told, dict) else None
        if type(when) is int and EARLIEST <= when < LATEST:
            return when
    return row.first_known


def stub(rows: list[Quarantined]) -> str:
    """Return a mapping to fill in, with the names that refused rows use.

    Parameters
    ----------
    rows : list of Quarantined
        Of those that were refused because nobody mapped them.
    """
    return suggest(reading for row in rows for reading in _readings(row))


def _readings(row: Quarantined) -> Iterator[Reading]:
    """Yield readings of devices that a refused row holds."""
    if row.reason != Reason.POINT:
        return
    if not row.payload:
        # A series of a file: the row says whose.
        try:
            told = msgspec.json.decode(row.row)
        except msgspec.DecodeError:
            return
        if isinstance(told, dict) and told.get("device"):
            names = [str(told.get(key, "")) for key in ("device", "name", "unit")]
            yield Reading(names[0], names[1], None, None, names[2])
        return
    message = message_of(row)
    if message.form in FORMS:
        decoded = FORMS[message.form](message.body, topic=message.topic)
    else:
        decoded = decode(message.body, topic=message.topic)
    yield from (reading for reading in decoded.readings if reading.device)


def release_file(store: Store, origin: str, before: int) -> int:
    """Release rows of a file that only the file could feed again, as it just was.

    Parameters
    ----------
    store : Store
    origin : str
        Name of the file.
    before : int
        When it began to be fed: what was refused since then waits on [microseconds since
        1970, UTC].
    """
    rows = store.quarantine(count=MOST, waiting=True)
    return store.release(
        row.number
        for row in rows
        if not row.payload and row.origin == origin and row.last_known < before
    )
