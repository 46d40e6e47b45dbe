"""Let messages of any form in: all that they say is kept, or put aside with the reason."""

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence

from twin.ingest import admission, scrutiny
from twin.ingest.admission import Admission, admit_statements
from twin.ingest.checks import Reason, source_of
from twin.ingest.letters import TOPIC, Batch, Message
from twin.ingest.mapping import Mapping
from twin.ingest.payloads.forms import FORMS, decode
from twin.ingest.predecessors import Predecessors
from twin.ingest.readings import Decoded
from twin.ingest.scrutiny import Scrutiny
from twin.ingest.ways import Ways
from twin.model import Model
from twin.store.log import now
from twin.store.protocol import Store
from twin.store.records import Receipt, Refused

__all__ = ["TOPIC", "Admission", "Intake", "Message", "Reason"]

MEASURED = "measured"
"""Source of values whose message tells none. It is one for all ways in: the same value by
another way is the same statement."""

MOST_PASSED = 100
"""Kinds of other things in messages that are counted."""


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
    singly : bool
        Whether every row is looked at by itself: slower, to the same effect.

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
        singly: bool = False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ways = Ways(model, Mapping([]) if mapping is None else mapping)
        self._scrutiny = Scrutiny(
            self._ways,
            source=source_of(source, simulated=simulated),
            simulated=simulated,
            many=sys.maxsize if singly else scrutiny.MANY,
        )
        self._many = sys.maxsize if singly else admission.MANY
        self._predecessors = Predecessors(store)
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
        self, messages: Sequence[Message], *, wait: bool = False
    ) -> tuple[Admission, list[list[Refused]]]:
        """Do as `take` does, and tell the refused rows of each message.

        Parameters
        ----------
        messages : sequence of Message
        wait : bool
            Whether the messages wait in the quarantine already: what is refused of them is
            told, and not put there again.
        """
        batch = self._checked(messages, self._clock())
        told = admit_statements(
            self._store,
            self._predecessors,
            batch,
            self._ways.all,
            wait=wait,
            many=self._many,
        )
        self.unwanted += batch.unwanted
        starts = [letter.start for letter in batch.opened]
        by_message: list[list[Refused]] = [[] for _ in messages]
        for row in told.refused:
            by_message[bisect_right(starts, row.number) - 1].append(row)
        return told, by_message

    def judge(self, messages: Sequence[Message]) -> Admission:
        """Say what `take` would do with rows by themselves, and keep nothing.

        What depends on values before, and what is known already, is not looked at.
        """
        batch = self._checked(messages, self._clock())
        counts = Receipt(len(batch.way), 0, 0, len(batch.refused), self._store.sequence)
        return Admission(counts, tuple(batch.refused))

    def _checked(self, messages: Sequence[Message], moment: int) -> Batch:
        """Return what holds by itself and what does not."""
        batch = Batch()
        for message in messages:
            arrived = message.arrived or moment
            decoded = _decoded(message, arrived)
            for note in (*decoded.notes, *(f"{one.kind} told" for one in decoded.events)):
                if note in self.passed or len(self.passed) < MOST_PASSED:
                    self.passed[note] += 1
            letter = batch.open(message, decoded, arrived)
            self._scrutiny.judge(batch, letter, moment)
        return batch


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
