"""Read SenML packs in JSON: RFC 8428."""

from dataclasses import dataclass, replace
from functools import lru_cache

from twin.ingest.payloads.collector import Collector
from twin.ingest.payloads.document import read_document
from twin.ingest.payloads.fields import (
    EARLIEST,
    LATEST,
    NAME_LENGTH,
    SECOND,
    FieldError,
    name,
    number,
    of_our_era,
    of_seconds,
    short,
    truth,
    unit_text,
)
from twin.ingest.readings import Decoded, Fault, Reading
from twin.store.records import Quality

FORM = "senml"

ABSOLUTE = 2**28
"""Times below are relative to now [s]; RFC 8428, section 4.5.3."""

VERSION = 10
"""Newest version of the form that is understood; RFC 8428, section 4.4."""

SUM = ".s"
"""Ends the name of a sum over time, and its unit: a record may tell both."""


def decode(body: bytes, *, topic: str = "", arrival: int | None = None) -> Decoded:
    """Return the readings of a SenML pack.

    Parameters
    ----------
    body : bytes
        The pack. A resolved name is cut at its last ``:`` or ``/`` into device and name,
        whichever part of it came as base name.
    topic : str
        Not needed.
    arrival : int, optional
        What relative times are relative to [microseconds since 1970, UTC].
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
    arrival: int | None = None,
) -> None:
    """Add what a document says to a collector."""
    if not isinstance(document, list):
        text = f"a SenML pack must be a list of records, got {short(document)}"
        collector.refuse_all(FieldError(Fault.SHAPE, text))
        return
    base = _Base()
    readings = collector.readings
    for position, record in enumerate(document):
        try:
            # Base fields hold for all records that follow.
            fields = _fields(record)
            based = not _BASES.isdisjoint(fields)
            if based:
                base = _based(base, fields)
        except FieldError as fault:
            # What follows rests on a base that is not known: nothing of it is certain.
            text = f"{fault}; the records after it rest on that"
            collector.refuse_all(FieldError(fault.fault, text), number=position)
            return
        try:
            # A record of base fields alone says what holds for the others.
            if not based or not _BASES.issuperset(fields):
                readings += _read(fields, base, arrival)
        except FieldError as fault:
            collector.refuse(position, fault, record, wrap=base.wrap)


@dataclass(frozen=True, slots=True)
class _Base:
    """What holds for the records that follow."""

    name: str = ""
    time: float = 0.0
    unit: str = ""
    value: float | None = None
    sum: float | None = None

    def wrap(self, record: object) -> object:
        """Return a pack of one record."""
        base: dict[str, object] = {"bn": self.name, "bt": self.time, "bu": self.unit}
        for key, number_ in (("bv", self.value), ("bs", self.sum)):
            if number_ is not None:
                base[key] = number_
        return [{**record, **base}] if isinstance(record, dict) else [base, record]


_BASES = frozenset(("bn", "bt", "bu", "bv", "bs", "bver"))

_FIRST, _LAST = EARLIEST / SECOND, LATEST / SECOND

_ODD = frozenset(("vb", "vs", "vd", "s"))

_NOTHING = "a record must have a value or a sum, both are missing"

_KNOWN = _BASES | frozenset(("n", "u", "v", "vs", "vb", "vd", "s", "t", "ut"))


def _fields(record: object) -> dict[str, object]:
    """Return a record's fields."""
    if isinstance(record, dict):
        return record
    text = f"a SenML record must be an object, got {short(record)}"
    raise FieldError(Fault.SHAPE, text)


def _based(base: _Base, record: dict[str, object]) -> _Base:
    """Return a base with the base fields of a record."""
    version = record.get("bver", VERSION)
    if not isinstance(version, int) or not 1 <= version <= VERSION:
        text = f"bver must be 1 to {VERSION}, got {short(version)}"
        raise FieldError(Fault.SHAPE, text)
    changes: dict[str, object] = {}
    if "bn" in record:
        if not isinstance(record["bn"], str):
            text = f"bn must be text, got {short(record['bn'])}"
            raise FieldError(Fault.SHAPE, text)
        changes["name"] = name(record["bn"], "bn", empty=True)
    if "bu" in record:
        changes["unit"] = unit_text(record["bu"])
    for key, field in (("bt", "time"), ("bv", "value"), ("bs", "sum")):
        if key in record:
            changes[field] = _finite(record[key], key)
    return replace(base, **changes)  # type: ignore[arg-type]


def _finite(value: object, key: str) -> float:
    """Return a number that must be there."""
    found = number(value)
    if found is None:
        raise FieldError(Fault.VALUE, f"{key} must be a number, got {short(value)}")
    return found


def _read(record: dict[str, object], base: _Base, arrival: int | None) -> list[Reading]:
    """Return what a record measures: a value, a sum over time, or both."""
    if not _KNOWN.issuperset(record):
        for key in record:
            if key.endswith("_") and key not in _KNOWN:
                text = f"fields that end with _ must be understood, got {short(key)}"
                raise FieldError(Fault.SHAPE, text)
    device, what = _named(base.name, record.get("n", ""))
    time, quality = _timed(base.time, record.get("t", 0), arrival)
    unit = unit_text(record["u"]) if "u" in record else base.unit
    if base.value is None and base.sum is None and _ODD.isdisjoint(record):
        # By far the most are so.
        if "v" not in record:
            raise FieldError(Fault.SHAPE, _NOTHING)
        return [Reading(device, what, time, number(record["v"]), unit, 0, quality)]
    read = []
    told = [key for key in ("v", "vb", "vs", "vd") if key in record]
    if len(told) > 1:
        text = f"a record must have one value, got {' and '.join(told)}"
        raise FieldError(Fault.SHAPE, text)
    if told == ["vs"] or told == ["vd"]:
        text = f"a value must be a number, got {short(record[told[0]])}"
        raise FieldError(Fault.VALUE, text)
    if told == ["vb"]:
        read.append(Reading(device, what, time, truth(record["vb"]), unit, quality=quality))
    elif told or (base.value is not None and "s" not in record):
        value = number(record.get("v", 0.0))
        if value is not None and base.value is not None:
            value = number(value + base.value)
        read.append(Reading(device, what, time, value, unit, 0, quality))
    if "s" in record or (base.sum is not None and not told):
        total = _finite(record.get("s", 0.0), "s") + (base.sum or 0.0)
        sum_unit = f"{unit}{SUM}" if unit else ""
        read.append(
            Reading(device, what + SUM, time, number(total), sum_unit, quality=quality)
        )
    if not read:
        raise FieldError(Fault.SHAPE, _NOTHING)
    return read


def _named(base: str, own: object) -> tuple[str, str]:
    """Return device and name of a resolved name."""
    if isinstance(own, str):
        return _split(base + own)
    raise FieldError(Fault.SHAPE, f"n must be text, got {short(own)}")


# The same names come with every pack.
@lru_cache(maxsize=4096)
def _split(full: str) -> tuple[str, str]:
    """Return the two parts of a resolved name."""
    if not full or len(full) > NAME_LENGTH or not full.isprintable():
        text = f"a name must be 1 to {NAME_LENGTH} printable characters, got {short(full)}"
        raise FieldError(Fault.SHAPE, text)
    cut = max(full.rfind(":"), full.rfind("/"))
    if cut <= 0:
        return full, ""
    return full[:cut], full[cut + 1 :]


def _timed(base: float, own: object, arrival: int | None) -> tuple[int | None, int]:
    """Return time and quality of a record."""
    seconds = base + (own if type(own) is int else _finite(own, "t"))
    if _FIRST <= seconds < _LAST:
        return round(seconds * SECOND), 0
    if seconds >= ABSOLUTE:
        return of_seconds(seconds), 0
    if seconds == 0:
        # Now: the record does not know when that is.
        return None, 0
    if arrival is None:
        text = f"a time relative to now needs the time of arrival, got {seconds:g} s"
        raise FieldError(Fault.TIME, text)
    if abs(seconds) > ABSOLUTE:
        raise FieldError(Fault.TIME, f"a time must be of our era, got {seconds:g} s")
    return of_our_era(arrival + round(seconds * SECOND)), Quality.CLOCK.value
