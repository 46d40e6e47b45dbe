"""Feed what waits in the quarantine again, once its cause is mended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from twin.ingest.admission import content
from twin.ingest.checks import Reason
from twin.ingest.intake import TOPIC, Intake, Message
from twin.ingest.mapping import Mapping, suggest
from twin.ingest.payloads.forms import FORMS, decode
from twin.ingest.readings import Reading
from twin.model import Model
from twin.store.log import now
from twin.store.protocol import Store
from twin.store.records import Quarantined

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
        Those of them that hold now, or wait anew for another reason.
    new, repeated, revised : int
        Values they brought (`twin.store.records.Receipt`).
    without_payload : int
        Those that only their file can feed again.
    reasons : dict of str to int
        Why rows are still refused.
    """

    waited: int
    released: int
    new: int
    repeated: int
    revised: int
    without_payload: int
    reasons: dict[str, int]


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
    reasons: dict[str, int] = {}
    for start in range(0, len(fed), BATCH):
        some = fed[start : start + BATCH]
        before = {content(row) for row in some}
        admission, refused = intake.take_each(
            [message_of(row) for row in some], waiting=before
        )
        done = []
        for row, still in zip(some, refused, strict=True):
            if not any(content(one) == content(row) for one in still):
                done.append(row.number)
            for one in still:
                reasons[one.reason] = reasons.get(one.reason, 0) + 1
        released += store.release(done)
        receipt = admission.receipt
        new += receipt.new
        repeated += receipt.repeated
        revised += receipt.revised
        tell((start + len(some)) / len(fed))
    left = len(rows) - len(fed)
    return Replay(len(rows), released, new, repeated, revised, left, reasons)


def message_of(row: Quarantined) -> Message:
    """Return a refused row as the message that it is."""
    origin, _, topic = row.origin.partition(TOPIC)
    return Message(row.payload, origin, topic, arrived=row.first_known, form=row.form)


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
