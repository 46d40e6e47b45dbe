"""Collect what becomes of the rows of a message."""

from collections.abc import Callable

import msgspec

from twin.ingest.payloads.fields import FieldError
from twin.ingest.readings import Decoded, Event, Fault, Reading
from twin.store.records import Refused

MOST_REFUSED = 1_000
"""Refused rows of one message that are told singly; the rest is one row with all of it."""

ROW_LENGTH = 500
"""Characters kept of a refused row's text; its payload is whole."""

ENCODER = msgspec.json.Encoder()


class Collector:
    """Rows of one message as they are taken or refused.

    Parameters
    ----------
    form : str
        Name of the message's form.
    body : bytes
        The message.
    """

    __slots__ = (
        "_body",
        "_events",
        "_form",
        "_kept_whole",
        "_more",
        "_notes",
        "_refused",
        "readings",
    )

    def __init__(self, form: str, body: bytes) -> None:
        self._form = form
        self._body = body
        self._refused: list[Refused] = []
        self._events: list[Event] = []
        self._notes: list[str] = []
        self._more = 0
        self._kept_whole = False
        self.readings: list[Reading] = []

    def refuse(
        self,
        number: int,
        fault: FieldError,
        row: object,
        *,
        wrap: Callable[[object], object] | None = None,
    ) -> None:
        """Put a row aside; ``wrap`` makes the least message of the form that holds it."""
        if len(self._refused) >= MOST_REFUSED:
            self._more += 1
            return
        text = _encoded(row)
        again = text if wrap is None else _encoded(wrap(row))
        if again is None:
            # What cannot be written as a row is kept as the message it came in, once.
            again = b"" if self._kept_whole else self._body
            self._kept_whole = True
        shown = "" if text is None else text[: 4 * ROW_LENGTH].decode(errors="replace")
        self._refused.append(
            Refused(
                number,
                fault.fault.value,
                str(fault),
                _cut(shown) if text is not None else "a row that cannot be shown",
                form=self._form,
                payload=again,
            )
        )

    def refuse_text(self, number: int, fault: FieldError, text: bytes) -> None:
        """Put bytes aside that are no row, a broken line or many."""
        self._refused.append(whole(text, fault, number=number, form=self._form))

    def refuse_all(self, fault: FieldError, *, number: int = 0) -> None:
        """Put the whole message aside."""
        self._refused.append(whole(self._body, fault, number=number, form=self._form))

    def tell(self, event: Event) -> None:
        """Keep what is no measured value."""
        self._events.append(event)

    def note(self, sentence: str) -> None:
        """Say what was passed over."""
        self._notes.append(sentence)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found so far, good or bad."""
        return not (self.readings or self._refused or self._events)

    def done(self) -> Decoded:
        """Return what became of the message."""
        if self._more:
            message = (
                f"{self._more} more rows of this message were refused; it is kept whole"
            )
            self.refuse_all(FieldError(Fault.SHAPE, message), number=MOST_REFUSED)
        if self.is_empty and not self._notes:
            message = "a message must hold at least one value, got none"
            self.refuse_all(FieldError(Fault.SHAPE, message))
        return Decoded(
            self._form,
            self.readings,
            tuple(self._refused),
            tuple(self._events),
            tuple(self._notes),
        )


def whole(body: bytes, fault: FieldError, *, number: int = 0, form: str = "") -> Refused:
    """Return a message as one refused row."""
    shown = _cut(body[: 4 * ROW_LENGTH].decode(errors="replace"))
    return Refused(
        number, fault.fault.value, str(fault), shown, form=form, payload=bytes(body)
    )


def _encoded(row: object) -> bytes | None:
    """Return a row as JSON, None if it is none."""
    try:
        return ENCODER.encode(row)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        # Whole numbers beyond 64 bits, halves of surrogate pairs, nests without end.
        return None


def _cut(text: str) -> str:
    """Return the beginning of a text."""
    if len(text) <= ROW_LENGTH:
        return text
    return f"{text[:ROW_LENGTH]}..."
