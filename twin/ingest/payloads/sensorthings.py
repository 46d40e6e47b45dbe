"""Read observations of OGC SensorThings 1.0 and 1.1: single, in arrays, in batches."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from twin.ingest.payloads.collector import Collector
from twin.ingest.payloads.document import read_document
from twin.ingest.payloads.fields import (
    NAME_LENGTH,
    FieldError,
    instant,
    number,
    short,
    truth,
    unit_text,
)
from twin.ingest.readings import Decoded, Fault, Reading
from twin.store.records import Quality

FORM = "sensorthings"

RESULT = "result"
"""Name of what a data stream measures; of several, ``result[0]``, ``result[1]`` ..."""

STREAM = re.compile(r"((?:Multi)?Datastreams)\(([^()]{1,200})\)/Observations$")
"""A topic or address that observations are sent to."""

LINK = "@iot.navigationLink"
"""Ends the names of links, here of that from an observation to its stream."""

GOOD = ("", "good", "ok", "valid", "passed", "approved")
BAD = {
    "bad": Quality.DOUBTFUL,
    "doubtful": Quality.DOUBTFUL,
    "erroneous": Quality.DOUBTFUL,
    "invalid": Quality.DOUBTFUL,
    "missing": Quality.DOUBTFUL,
    "suspect": Quality.DOUBTFUL,
    "suspicious": Quality.DOUBTFUL,
    "uncertain": Quality.DOUBTFUL,
    "estimated": Quality.ESTIMATED,
    "manual": Quality.MANUAL,
    "simulated": Quality.SIMULATED,
}
"""Words for the quality of a result and what they mean here; the form has no list."""

STREAMS = ("Datastream", "MultiDatastream")

MOST_NOTED = 8

MOST_RESULTS = 1_000
"""Results of one observation of a multi data stream."""


def decode(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of observations.

    Parameters
    ----------
    body : bytes
        An observation, a list of them, an answer with ``value``, data arrays, or a batch
        of requests. The device is the data stream, as in ``Datastreams(12)``.
    topic : str
        Topic or address it was sent to; names the stream where the body does not.
    arrival : int, optional
        Not needed.
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
    topic: str = "",
    arrival: int | None = None,  # noqa: ARG001 - every family is called alike
) -> None:
    """Add what a document says to a collector."""
    passed: Counter[str] = Counter()
    position = 0
    for row, address in _rows(document, topic, passed):
        try:
            if isinstance(row, dict) and "dataArray" in row:
                position = _collect_array(collector, row, position)
                continue
            collector.readings += _observed(row, address)
        except FieldError as fault:
            # The address is part of what is told: it goes back into the row.
            collector.refuse(position, fault, row, wrap=_addressed(address))
        position += 1
    if passed:
        told = ", ".join(
            f"{count} {what}" for what, count in passed.most_common(MOST_NOTED)
        )
        collector.note(f"requests that make no observation passed over: {told}")
        if collector.is_empty:
            text = f"a batch must hold observations to be kept, got {told}"
            collector.refuse_all(FieldError(Fault.SHAPE, text))


def stream_of_topic(topic: str) -> str:
    """Return the data stream that a topic or address names, "" for none.

    Examples
    --------
    >>> stream_of_topic("v1.1/Datastreams(12)/Observations")
    'Datastreams(12)'
    """
    found = STREAM.search(topic[-2 * NAME_LENGTH :])
    return f"{found[1]}({found[2]})" if found and topic.isprintable() else ""


def _addressed(address: str) -> Callable[[object], object]:
    """Return what puts the address of a row into it."""

    def wrap(row: object) -> object:
        stream = stream_of_topic(address)
        if not stream or not isinstance(row, dict):
            return row
        return {"requests": [{"method": "post", "url": address, "body": row}]}

    return wrap


def _rows(
    document: object, topic: str, passed: Counter[str]
) -> Iterator[tuple[object, str]]:
    """Yield observations and arrays with the address they were sent to."""
    if isinstance(document, dict) and isinstance(document.get("requests"), list):
        for request in document["requests"]:
            yield from _requested(request, passed)
    elif isinstance(document, dict) and isinstance(document.get("value"), list):
        yield from ((row, topic) for row in document["value"])
    elif isinstance(document, list):
        yield from ((row, topic) for row in document)
    else:
        yield document, topic


def _requested(request: object, passed: Counter[str]) -> Iterator[tuple[object, str]]:
    """Yield what a request of a batch adds, count what it makes instead."""
    if not isinstance(request, dict):
        yield request, ""
        return
    method, url = request.get("method"), request.get("url")
    if not isinstance(method, str) or not isinstance(url, str):
        yield request, ""
        return
    path = url[:NAME_LENGTH].split("?")[0].strip("/")
    body = request.get("body")
    last = path.rpartition("/")[2]
    if method.lower() == "post" and last in ("Observations", "CreateObservations"):
        for row in body if isinstance(body, list) else [body]:
            yield row, path
        return
    shown = "".join(letter for letter in last[:40] if letter.isprintable())
    passed[shown if method.lower() == "post" else f"{method[:10].lower()} {shown}"] += 1


def _collect_array(collector: Collector, array: dict[str, object], position: int) -> int:
    """Add a data array; return the number of the row after its last."""
    components, rows = array.get("components"), array["dataArray"]
    if not isinstance(rows, list):
        text = f"dataArray must be a list of rows, got {short(rows)}"
        raise FieldError(Fault.SHAPE, text)
    if not isinstance(components, list) or "result" not in components:
        text = f"components must be a list with result, got {short(components)}"
        raise FieldError(Fault.SHAPE, text)
    if not all(isinstance(part, str) for part in components):
        raise FieldError(Fault.SHAPE, "components must be names, got something else")
    streams = (*STREAMS, *(f"{kind}{LINK}" for kind in STREAMS))
    head: dict[str, object] = {key: array[key] for key in streams if key in array}
    stream, units = _stream(head, "")
    for cells in rows:
        try:
            row = _row_of(components, cells)
            collector.readings += _readings(row, stream, units)
        except FieldError as fault:
            collector.refuse(
                position,
                fault,
                cells,
                wrap=lambda bad: [{**head, "components": components, "dataArray": [bad]}],
            )
        position += 1
    return position


def _row_of(components: list[str], cells: object) -> dict[str, object]:
    """Return a row of a data array under the names of its cells."""
    if not isinstance(cells, list) or len(cells) != len(components):
        text = f"a row must have {len(components)} cells, got {short(cells)}"
        raise FieldError(Fault.SHAPE, text)
    return dict(zip(components, cells, strict=True))


def _observed(row: object, address: str) -> list[Reading]:
    """Return what an observation says that names its stream or was sent to it."""
    if not isinstance(row, dict):
        text = f"an observation must be an object, got {short(row)}"
        raise FieldError(Fault.SHAPE, text)
    if "result" not in row:
        raise FieldError(Fault.SHAPE, "an observation must have a result")
    return _readings(row, *_stream(row, address))


def _readings(row: dict[str, object], stream: str, units: list[str]) -> list[Reading]:
    """Return what an observation of a stream says."""
    told = row.get("phenomenonTime")
    time = None if told is None else _start(told)
    again = row.get("resultTime")
    # The result of one time may be worked out again; without one there is no such rank.
    version = _start(again) if again is not None and time is not None else 0
    quality = _quality(row["resultQuality"]) if "resultQuality" in row else 0
    result = row["result"]
    if type(result) is float and len(units) < 2:
        # By far the most are so.
        unit = units[0] if units else ""
        return [Reading(stream, RESULT, time, number(result), unit, version, quality)]
    if isinstance(result, list):
        if len(result) > MOST_RESULTS:
            text = f"an observation must have at most {MOST_RESULTS} results"
            raise FieldError(Fault.SHAPE, f"{text}, got {len(result)}")
        named = [(f"{RESULT}[{place}]", value) for place, value in enumerate(result)]
    else:
        named = [(RESULT, result)]
    if len(units) != len(named):
        units = [""] * len(named)
    return [
        Reading(
            stream,
            what,
            time,
            truth(value) if isinstance(value, bool) else number(value),
            unit,
            version,
            quality,
        )
        for (what, value), unit in zip(named, units, strict=True)
    ]


def _stream(row: dict[str, object], address: str) -> tuple[str, list[str]]:
    """Return the data stream of an observation and the units it tells."""
    for kind in STREAMS:
        stream = row.get(kind)
        if stream is None:
            continue
        if not isinstance(stream, dict):
            text = f"{kind} must be an object with @iot.id, got {short(stream)}"
            raise FieldError(Fault.SHAPE, text)
        return f"{kind}s({_id(stream.get('@iot.id'))})", _units(stream)
    links = [row.get(f"{kind}{LINK}") for kind in STREAMS]
    for place in (address, *(f"{link}/Observations" for link in links if link)):
        found = stream_of_topic(place)
        if "($" in found:
            # The batch makes the stream, so that nobody knows its id yet.
            return _id(found.partition("(")[2]), []
        if found:
            return found, []
    text = "an observation must name its Datastream, in its body or by its address"
    raise FieldError(Fault.SHAPE, text)


def _id(value: object) -> str:
    """Return an id as it stands between brackets in an address."""
    if type(value) is int and abs(value) < 2**63:
        return str(value)
    if isinstance(value, str) and 0 < len(value) <= NAME_LENGTH and value.isprintable():
        if value.startswith("$"):
            text = (
                f"a data stream must have its id, got {short(value)}, which the batch "
                "makes; send observations after it"
            )
            raise FieldError(Fault.SHAPE, text)
        quoted = value.replace("'", "''")
        return f"'{quoted}'"
    text = f"@iot.id must be a whole number or text, got {short(value)}"
    raise FieldError(Fault.SHAPE, text)


def _units(stream: dict[str, object]) -> list[str]:
    """Return the units that a data stream tells, if it comes along."""
    told = stream.get("unitOfMeasurement", stream.get("unitOfMeasurements"))
    units = []
    for unit in told if isinstance(told, list) else [told]:
        if isinstance(unit, dict):
            units.append(unit_text(unit.get("symbol") or unit.get("name")))
    return units


def _start(value: object) -> int:
    """Return a time, or the start of an interval."""
    if isinstance(value, str) and "/" in value:
        first, _, last = value.partition("/")
        if instant(last) < instant(first):
            text = f"an interval must not end before it starts, got {short(value)}"
            raise FieldError(Fault.TIME, text)
        value = first
    return instant(value)


def _quality(told: object) -> int:
    """Return flags for what is told of the quality of a result."""
    words = [told] if isinstance(told, (str, dict)) else told
    flags = 0
    for word in words[:MOST_NOTED] if isinstance(words, list) else []:
        if isinstance(word, dict):
            word = word.get("nameOfMeasure", word.get("result"))
        if isinstance(word, str) and word.casefold() not in GOOD:
            # A word that is not known is no praise.
            flags |= BAD.get(word.casefold(), Quality.DOUBTFUL).value
    return flags
