"""Recognise the form of a message by what stands in it."""

from collections.abc import Callable, Mapping
from types import ModuleType

from twin.ingest.payloads import lorawan, native, ngsi, rec, senml, sensorthings
from twin.ingest.payloads.collector import Collector, whole
from twin.ingest.payloads.document import read_document, read_lines
from twin.ingest.payloads.fields import FieldError
from twin.ingest.readings import Decoded, Fault

FORMS: Mapping[str, Callable[..., Decoded]] = {
    native.FORM: native.decode,
    native.LINES: native.decode_lines,
    rec.FORM: rec.decode,
    ngsi.FORM: ngsi.decode,
    ngsi.LINES: ngsi.decode_lines,
    senml.FORM: senml.decode,
    sensorthings.FORM: sensorthings.decode,
    lorawan.FORM: lorawan.decode,
}
"""Decoders by the name of the form, for who knows it; `decode` finds it out."""

MODULES: Mapping[str, ModuleType] = {
    module.FORM: module for module in (native, rec, ngsi, senml, sensorthings, lorawan)
}

BY_LINES = {native.FORM: native.LINES, ngsi.FORM: ngsi.LINES}
"""Forms that may come one document on each line."""

TYPES = {
    "application/senml+json": senml.FORM,
    "application/ld+json": ngsi.FORM,
    "application/vnd.heidi+json": native.FORM,
}
"""Content types that settle the form."""

SENML_WORDS = frozenset(("bn", "bt", "bu", "bv", "bs", "bver", "n", "v", "vb", "vs", "vd"))


def recognise(body: bytes, topic: str = "", content_type: str = "") -> str:
    """Return the name of a message's form, "" if it is none or several.

    Parameters
    ----------
    body : bytes
        The message.
    topic : str
        Topic or address that it was sent to.
    content_type : str
        As told with the message; parameters are left out.

    Examples
    --------
    >>> recognise(b'[{"n": "temperature", "u": "Cel", "v": 21.5}]')
    'senml'
    >>> recognise(b'{"temperature": 21.5}')
    ''
    """
    try:
        document, lines = _read(body)
        form = _form(document, topic, content_type)
        return _by_lines(form) if lines else form
    except FieldError:
        return ""


def decode(
    body: bytes,
    *,
    topic: str = "",
    content_type: str = "",
    arrival: int | None = None,
) -> Decoded:
    """Return the readings of a message of any form.

    Parameters
    ----------
    body : bytes
        The message.
    topic : str
        Topic or address that it was sent to.
    content_type : str
        As told with the message.
    arrival : int, optional
        When it came [microseconds since 1970, UTC], for forms with relative times.

    Returns
    -------
    Decoded
        Of a message of no known form one refused row that holds it whole. Whatever the
        bytes are, nothing is raised.
    """
    try:
        document, lines = _read(body)
        form = _form(document, topic, content_type)
        if lines:
            return FORMS[_by_lines(form)](body, topic=topic, arrival=arrival)
    except FieldError as fault:
        return Decoded("", [], (whole(body, fault),))
    collector = Collector(form, body)
    MODULES[form].collect(collector, document, topic=topic, arrival=arrival)
    return collector.done()


def _read(body: bytes) -> tuple[object, bool]:
    """Return the document of a message and whether it has one on each line."""
    try:
        return read_document(body), False
    except FieldError as fault:
        if fault.fault is Fault.SIZE or b"\n" not in body.strip():
            raise
        # The first line tells the form; the decoder reads the others.
        head = body.lstrip().split(b"\n", 1)[0]
        documents, bad = read_lines(head)
        if bad or not documents or not isinstance(documents[0], dict):
            raise
        return documents[0], True


def _by_lines(form: str) -> str:
    """Return the name of a form whose documents stand on a line each."""
    if form not in BY_LINES:
        text = f"a message of form {form} must be one document, got several lines"
        raise FieldError(Fault.FORM, text)
    return BY_LINES[form]


def _form(document: object, topic: str, content_type: str) -> str:
    """Return the one form of a document."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in TYPES:
        return TYPES[kind]
    head = document
    if isinstance(document, list):
        # The first that is an object speaks for all; the others are judged by its form.
        head = next((row for row in document if isinstance(row, dict)), None)
    found = _forms(head, topic, listed=isinstance(document, list))
    if len(found) == 1:
        return found[0]
    if found:
        text = f"a message must be of one form, got {' and '.join(found)} at once"
        raise FieldError(Fault.FORM, text)
    text = f"a message must be of a known form: {', '.join(MODULES)}; got none of them"
    raise FieldError(Fault.FORM, text)


def _forms(head: object, topic: str, *, listed: bool) -> list[str]:
    """Return all forms that a document may be of."""
    if not isinstance(head, dict):
        bare = isinstance(head, (int, float)) and not isinstance(head, bool)
        return [native.FORM] if bare and native.point_of_topic(topic) else []
    tests = {
        native.FORM: _is_native(head, topic),
        rec.FORM: any(isinstance(head.get(part), list) for part in rec.PARTS),
        ngsi.FORM: _is_entity(head),
        senml.FORM: listed and not SENML_WORDS.isdisjoint(head),
        sensorthings.FORM: _is_observation(head, topic, listed=listed),
        lorawan.FORM: _is_uplink(head),
    }
    return [form for form, holds in tests.items() if holds]


def _is_native(head: dict[str, object], topic: str) -> bool:
    """Return whether an object is a row of our own, or a table of them."""
    if "value" not in head:
        return False
    named = "point" in head or "device" in head
    return named or bool(native.point_of_topic(topic))


def _is_entity(head: dict[str, object]) -> bool:
    """Return whether an object is an entity, or holds some."""
    if ngsi.wrapped(head) is not None:
        return True
    if not isinstance(head.get("id"), str):
        return False
    if isinstance(head.get("type"), (str, list)):
        return True
    # NGSIv2 lets the type of an entity away, but not that of its attributes.
    return any(
        isinstance(part, dict) and "value" in part and "type" in part
        for part in head.values()
    )


def _is_observation(head: dict[str, object], topic: str, *, listed: bool) -> bool:
    """Return whether an object is an observation, an array or a batch of them."""
    if not listed and isinstance(head.get("requests"), list):
        return True
    if "dataArray" in head:
        return True
    rows = head.get("value")
    if not listed and isinstance(rows, list) and rows and isinstance(rows[0], dict):
        return _is_observation(rows[0], topic, listed=True)
    if "result" not in head:
        return False
    signs = ("phenomenonTime", "Datastream", "MultiDatastream", "@iot.id")
    return any(sign in head for sign in signs) or bool(sensorthings.stream_of_topic(topic))


def _is_uplink(head: dict[str, object]) -> bool:
    """Return whether an object is a message of a LoRaWAN network."""
    head = lorawan.unwrapped(head)
    if "end_device_ids" in head or "uplink_message" in head:
        return True
    device = "devEUI" in head or isinstance(head.get("deviceInfo"), dict)
    return device and any(key in head for key in ("data", "object", "fPort", "fCnt"))
