"""Read messages of the RealEstateCore Edge form, version 3."""

from collections.abc import Callable

from twin.ingest.payloads.collector import Collector
from twin.ingest.payloads.document import read_document
from twin.ingest.payloads.fields import (
    FieldError,
    instant,
    name,
    number,
    short,
    truth,
    unit_text,
)
from twin.ingest.readings import Decoded, Event, Fault, Reading

FORM = "rec"

RESPONSES = ("actuationResponses", "actuationCommandResponses")
"""Two names for one thing: the form's description has the second, its example the first."""

COMMANDS = "actuationCommands"
"""What somebody asked of the device: nothing that it measured."""

PARTS = ("observations", *RESPONSES, "exceptions", COMMANDS)

VALUES = ("value", "valueString", "valueBoolean")

RESPONSE_CODES = ("success", "rejected", "none")

TEXT_LENGTH = 500
"""Characters kept of an exception's words."""


def decode(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return readings and events of an Edge message.

    An observation is named by its sensor, on the device that sends the message.
    """
    collector = Collector(FORM, body)
    try:
        document = read_document(body)
    except FieldError as fault:
        collector.refuse_all(fault)
    else:
        collect(collector, document, topic=topic, arrival=arrival)
    return collector.done()


def collect(
    collector: Collector,
    document: object,
    *,
    topic: str = "",  # noqa: ARG001 - every family is called alike
    arrival: int | None = None,  # noqa: ARG001
) -> None:
    """Add what a document says to a collector."""
    messages = document if isinstance(document, list) else [document]
    position = 0
    for message in messages:
        position = _collect_one(collector, message, position)


def _collect_one(collector: Collector, message: object, position: int) -> int:
    """Add one message; return the number of the row after its last."""
    try:
        device, parts = _opened(message)
    except FieldError as fault:
        collector.refuse(position, fault, message)
        return position + 1
    readings = collector.readings
    for part, rows in parts:
        if part == COMMANDS:
            collector.note("commands to the device passed over")
            position += len(rows)
            continue
        for row in rows:
            try:
                if part == "observations":
                    readings.append(_reading(row, device))
                elif part == "exceptions":
                    collector.tell(_exception(row, device))
                else:
                    collector.tell(_response(row, device))
            except FieldError as fault:
                collector.refuse(position, fault, row, wrap=_wrapper(device, part))
            position += 1
    return position


def _wrapper(device: str, part: str) -> Callable[[object], object]:
    """Return what makes a message of one row."""
    return lambda row: {"format": "rec3.3", "deviceId": device, part: [row]}


def _opened(message: object) -> tuple[str, list[tuple[str, list[object]]]]:
    """Return the device and the parts of a message."""
    if not isinstance(message, dict):
        text = f"an Edge message must be an object, got {short(message)}"
        raise FieldError(Fault.SHAPE, text)
    device = name(message.get("deviceId", ""), "deviceId", empty=True)
    parts = []
    for part in PARTS:
        rows = message.get(part)
        if rows is None:
            continue
        if not isinstance(rows, list):
            raise FieldError(Fault.SHAPE, f"{part} must be a list, got {short(rows)}")
        parts.append((part, rows))
    if not parts:
        text = f"an Edge message must hold one of {', '.join(PARTS)}; all are missing"
        raise FieldError(Fault.SHAPE, text)
    return device, parts


def _reading(row: object, device: str) -> Reading:
    """Return an observation."""
    if type(row) is not dict:
        text = f"an observation must be an object, got {short(row)}"
        raise FieldError(Fault.SHAPE, text)
    sensor = name(row.get("sensorId"), "sensorId")
    when = row.get("observationTime")
    time = None if when is None else instant(when)
    told = [key for key in VALUES if key in row]
    if len(told) != 1:
        text = f"an observation must have one of {', '.join(VALUES)}, got {len(told)}"
        raise FieldError(Fault.SHAPE, text)
    if told[0] == "value":
        value = number(row["value"])
    elif told[0] == "valueBoolean":
        value = truth(row["valueBoolean"])
    else:
        text = f"a value must be a number, got the text {short(row['valueString'])}"
        raise FieldError(Fault.VALUE, text)
    return Reading(device, sensor, time, value, unit_text(row.get("unit")))


def _response(row: object, device: str) -> Event:
    """Return the answer to a command."""
    if not isinstance(row, dict):
        text = f"a response must be an object, got {short(row)}"
        raise FieldError(Fault.SHAPE, text)
    code = row.get("responseCode")
    if code not in RESPONSE_CODES:
        text = f"responseCode must be of {', '.join(RESPONSE_CODES)}, got {short(code)}"
        raise FieldError(Fault.SHAPE, text)
    when = row.get("actuationResponseTime")
    return Event(
        device,
        name(row.get("actuatorId", ""), "actuatorId", empty=True),
        None if when is None else instant(when),
        "response",
        str(code),
        name(row.get("actuationCommandId"), "actuationCommandId"),
    )


def _exception(row: object, device: str) -> Event:
    """Return a fault that the device reports."""
    if not isinstance(row, dict):
        text = f"an exception must be an object, got {short(row)}"
        raise FieldError(Fault.SHAPE, text)
    words = row.get("exception", "")
    if not isinstance(words, str):
        text = f"exception must be text, got {short(words)}"
        raise FieldError(Fault.SHAPE, text)
    when = row.get("exceptionTime")
    return Event(
        device,
        name(row.get("id", ""), "id", empty=True),
        None if when is None else instant(when),
        "exception",
        "".join(letter for letter in words[:TEXT_LENGTH] if letter.isprintable()),
    )
