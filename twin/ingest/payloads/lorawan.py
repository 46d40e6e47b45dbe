"""Read uplinks of LoRaWAN networks: The Things Stack 3, ChirpStack 3 and 4."""

import base64
import binascii
from dataclasses import dataclass

from twin.ingest.payloads.collector import Collector
from twin.ingest.payloads.document import read_document
from twin.ingest.payloads.fields import FieldError, instant, name, number, short
from twin.ingest.payloads.mbus import (
    Record,
    TelegramError,
    check_balance,
    read_records,
)
from twin.ingest.readings import Decoded, Fault, Reading
from twin.store.records import Quality

FORM = "lorawan"

LONGEST_FRAME = 256
"""Bytes of the longest payload that the radio carries, rounded up."""

EUI_LENGTH = 8
"""Bytes of a device's id."""

TELEGRAM_TYPES = range(6)
"""First byte of the telegrams of an Elvaco module in a heat meter; records follow."""

ENERGY_HEADERS = ("0c", "04", "3c", "06", "07", "0e")
"""First bytes of the record of energy, with which these telegrams begin."""

HEAT_WORDS = frozenset(("energy", "power", "flow", "volume", "meterid", "fwd_temp"))
"""Names in payloads that a heat meter's upstream decoder made."""

DEEPEST = 4
MOST_VALUES = 1_000
"""Nesting and count of values that are taken from what the network decoded."""


@dataclass(frozen=True, slots=True)
class _Uplink:
    """What every network says of an uplink."""

    device: str
    time: int | None
    frame: bytes
    decoded: object


def decode(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of an uplink.

    The device is its EUI in lower case. Telegrams of heat meters are read from the bytes,
    whatever the network made of them: the decoder in common use reads flow in base 16 and
    negative power wrongly. Other devices' values are taken as the network decoded them,
    without units: the mapping file has those. No telegram tells when its values were
    measured: the network's time counts, flagged `Quality.CLOCK`.
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
    for position, message in enumerate(
        document if isinstance(document, list) else [document]
    ):
        try:
            uplink = _uplink(message)
            if is_telegram(uplink.frame):
                _telegram(collector, uplink, position, message)
            else:
                _decoded_upstream(collector, uplink)
        except FieldError as fault:
            collector.refuse(position, fault, message)


def is_telegram(frame: bytes) -> bool:
    """Return whether a frame begins like the telegram of a heat meter."""
    if len(frame) < 7 or frame[0] not in TELEGRAM_TYPES:
        return False
    if frame[1:2].hex() not in ENERGY_HEADERS:
        return False
    # Energy in Wh or J, or in MWh and GJ after FB.
    vif = frame[2]
    return vif <= 0x0F or (vif == 0xFB and frame[3] in (0x00, 0x01, 0x08, 0x09))


def _telegram(
    collector: Collector, uplink: _Uplink, position: int, message: object
) -> None:
    """Add the records of a heat meter's telegram."""
    try:
        records = read_records(uplink.frame[1:])
    except TelegramError as error:
        text = f"a telegram must be a chain of M-Bus records, got {uplink.frame.hex()}: "
        raise FieldError(Fault.SHAPE, f"{text}{error}") from error
    warning, flags = check_balance(records)
    if warning:
        collector.note(f"{uplink.device}: {warning}")
    unnamed = [record.header for record in records if not record.name]
    if unnamed:
        collector.note(
            f"{uplink.device}: records without a name here passed over: "
            f"{', '.join(unnamed)}"
        )
    seen: set[str] = set()
    for record in records:
        if not record.name:
            continue
        if record.value is None:
            text = f"{record.name} must be a number, got none under {record.header}"
            collector.refuse(position, FieldError(Fault.VALUE, text), message)
            continue
        if record.name in seen:
            text = f"{record.name} must come once in a telegram, got it again"
            collector.refuse(position, FieldError(Fault.SHAPE, text), message)
            continue
        seen.add(record.name)
        collector.readings.append(_reading(uplink, record, record.value, flags))


def _reading(uplink: _Uplink, record: Record, value: float, flags: int) -> Reading:
    """Return a record as reading; ``flags`` are those of power and flow."""
    quality = record.quality | Quality.CLOCK.value
    if record.name in ("power", "flow"):
        quality |= flags
    return Reading(uplink.device, record.name, uplink.time, value, record.unit, 0, quality)


def _decoded_upstream(collector: Collector, uplink: _Uplink) -> None:
    """Add what the network decoded."""
    decoded = uplink.decoded
    if not isinstance(decoded, dict) or not decoded:
        if not uplink.frame:
            collector.note(f"{uplink.device}: an uplink without a payload passed over")
            return
        text = (
            "a payload must be a heat meter's telegram or be decoded by the network, got "
            f"{uplink.frame.hex()}"
        )
        raise FieldError(Fault.SHAPE, text)
    words = {str(word).casefold() for word in list(decoded)[:MOST_VALUES]}
    if uplink.frame and len(words & HEAT_WORDS) > 2:
        text = (
            "a heat meter's telegram must be read from its bytes, got no such telegram in "
            f"{uplink.frame.hex()}; upstream decoders read flow wrongly"
        )
        raise FieldError(Fault.SHAPE, text)
    found: dict[str, float | None] = {}
    passed: list[str] = []
    _flatten(decoded, "", found, passed, 0)
    if passed:
        shown = ", ".join(passed[:8])
        collector.note(f"{uplink.device}: values without a number passed over: {shown}")
    for what, value in found.items():
        collector.readings.append(
            Reading(uplink.device, what, uplink.time, value, "", 0, Quality.CLOCK.value)
        )


def _flatten(
    thing: dict[str, object],
    before: str,
    found: dict[str, float | None],
    passed: list[str],
    depth: int,
) -> None:
    """Collect the numbers of nested objects under names joined by dots."""
    for key, value in thing.items():
        if len(found) >= MOST_VALUES or len(passed) >= MOST_VALUES:
            text = f"an uplink must decode to at most {MOST_VALUES} values, got more"
            raise FieldError(Fault.SHAPE, text)
        what = name(f"{before}{key}", "a name")
        if isinstance(value, dict) and depth < DEEPEST:
            _flatten(value, f"{what}.", found, passed, depth + 1)
        elif isinstance(value, bool):
            found[what] = float(value)
        elif isinstance(value, (int, float)):
            found[what] = number(value)
        else:
            passed.append(what)


def unwrapped(message: dict[str, object]) -> dict[str, object]:
    """Return the uplink in an event or a stored answer of The Things Stack."""
    for key in ("result", "data"):
        inner = message.get(key)
        if isinstance(inner, dict) and "end_device_ids" in inner:
            return inner
    return message


def _uplink(message: object) -> _Uplink:
    """Return what every network says of an uplink."""
    if isinstance(message, dict):
        message = unwrapped(message)
    if not isinstance(message, dict):
        text = f"an uplink must be an object, got {short(message)}"
        raise FieldError(Fault.SHAPE, text)
    if "end_device_ids" in message or "uplink_message" in message:
        return _things_stack(message)
    return _chirpstack(message)


def _things_stack(message: dict[str, object]) -> _Uplink:
    """Return an uplink of The Things Stack."""
    ids, uplink = message.get("end_device_ids"), message.get("uplink_message")
    if not isinstance(ids, dict) or not isinstance(uplink, dict):
        text = "an uplink must have end_device_ids and uplink_message; no other event is"
        raise FieldError(Fault.SHAPE, f"{text} a measurement")
    when = uplink.get("received_at", message.get("received_at"))
    return _Uplink(
        _eui(ids.get("dev_eui", ids.get("device_id"))),
        None if when is None else instant(when),
        _frame(uplink.get("frm_payload")),
        uplink.get("decoded_payload"),
    )


def _chirpstack(message: dict[str, object]) -> _Uplink:
    """Return an uplink of ChirpStack; version 4 has deviceInfo, version 3 devEUI."""
    info = message.get("deviceInfo")
    eui = info.get("devEui") if isinstance(info, dict) else message.get("devEUI")
    if "data" not in message and "object" not in message and "objectJSON" not in message:
        text = "an uplink must have data; no other event is a measurement"
        raise FieldError(Fault.SHAPE, text)
    when = message.get("time", message.get("publishedAt"))
    received = message.get("rxInfo")
    if when is None and isinstance(received, list):
        when = next(
            (one["time"] for one in received if isinstance(one, dict) and one.get("time")),
            None,
        )
    decoded = message.get("object")
    text_of_it = message.get("objectJSON")
    if decoded is None and isinstance(text_of_it, str) and text_of_it:
        decoded = read_document(text_of_it.encode(errors="replace"))
    return _Uplink(
        _eui(eui),
        None if when is None else instant(when),
        _frame(message.get("data")),
        decoded,
    )


def _eui(value: object) -> str:
    """Return a device's id in lower case, also where it comes in base 64."""
    eui = name(value, "the device's EUI")
    if len(eui) == 12 and eui.endswith("="):
        try:
            return base64.b64decode(eui, validate=True).hex()
        except (binascii.Error, ValueError):
            return eui
    return eui.lower()


def _frame(value: object) -> bytes:
    """Return the bytes of a payload."""
    if value is None:
        return b""
    if not isinstance(value, str) or len(value) > 2 * LONGEST_FRAME:
        text = (
            f"a payload must be base 64 of at most {LONGEST_FRAME} bytes, got "
            f"{short(value)}"
        )
        raise FieldError(Fault.SHAPE, text)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        text = f"a payload must be base 64, got {short(value)}"
        raise FieldError(Fault.SHAPE, text) from error
